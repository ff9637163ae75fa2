"""What is done, written down as it is done, so that a crash takes no more than a few seconds of it."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasscell.errors import GlasscellError
from glasscell.session.kept import KINDS, place_of, results_of
from glasscell.session.lock import LOCK, FolderLock
from glasscell.session.persist import (
    SESSION,
    keep_data,
    keep_result,
    make_record,
    open_session,
    without_results,
)
from glasscell.session.record import Record, is_id, read_record
from glasscell.session.store import size_of
from glasscell.session.work import submit
from glasscell.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from glasscell.jobs import Job, JobHandle, Timer
    from glasscell.session.core import Core
    from glasscell.session.kept import Named
    from glasscell.session.persist import Pictures
    from glasscell.session.state import State

#: A change is on the disk this long after it was made, at the latest.
DELAY_MS = 1000
#: Larger results than this are kept when the session is saved, not with every change.
MOST_BYTES = 256 << 20
#: An empty journal of this age is nobody's.
OLD_S = 24 * 3600
#: How the titles of the jobs begin that copy results; closing a window need not wait for them.
KEEPING = "Keep for recovery: "


@dataclass(frozen=True)
class Lost:
    """Work of a process that did not end as it should: where it is, and what it was on."""

    folder: Path
    record: Record

    def text(self) -> str:
        """Say in a few words what it is."""
        data, state = self.record.data, self.record.state
        name = Path(data.paths[0]).name if data is not None and data.paths else "data from memory"
        parts = [f"{len(state.groups)} group{'' if len(state.groups) == 1 else 's'}" if state.groups else ""]
        parts += [f"model {state.model}" if state.model else "", "reasons" if state.explanation else ""]
        said = ", ".join(part for part in parts if part)
        return f"{name}, {self.record.saved.replace('T', ' ')[:19]} UTC{': ' if said else ''}{said}"


class Journal:
    """Follow a session into a folder of its own until the session is closed.

    Parameters
    ----------
    session
        Whose changes are followed.
    root
        Where the folder is made; what the settings say when left out.
    pictures
        Gives camera and point size per picture.
    """

    def __init__(
        self, session: Core, root: Path | None = None, *, pictures: Callable[[], Pictures] = dict
    ) -> None:
        self._session, self._pictures = session, pictures
        root = journal_root() if root is None else root
        self.folder = root / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"
        self.folder.mkdir(parents=True, mode=0o700)
        self._lock = FolderLock(self.folder)
        self._lock.take()
        self._timer: Timer | None = None
        self._written: set[Named] = set()
        self._too_large: set[Named] = set()
        self._busy: set[tuple[str, str]] = set()
        self._tables_of = ""
        self._superseded: list[Path] = []
        self._warned = False
        session.changed.connect(self._on_changed)
        session.stored.connect(self._on_stored)
        session.made.connect(self._on_made)
        session.closed.connect(self.close)
        if session.state.dataset is not None:
            self._on_changed(session.state, session.state)

    def supersede(self, folder: Path) -> None:
        """Remove the journal of a crashed process as soon as all of it is in this one."""
        self._superseded.append(folder)
        self._soon()

    def write(self) -> None:
        """Write down now what is shown."""
        self._timer = None
        record = make_record(self._session, self._pictures())
        record = without_results(record, self._written)
        data = record.data
        if data is not None and data.kept and self._tables_of != self._session.state.dataset:
            record = replace(record, data=replace(data, kept=""))
        fresh = self.folder / f"{SESSION}.part"
        try:
            fresh.write_text(record.to_text(), encoding="utf-8")
            fresh.replace(self.folder / SESSION)
        except OSError as error:
            self._warn(f"Work is not being kept for recovery ({error.strerror or error}): save the session.")
        if not self._busy:
            self._let_go(record.results)
            for folder in self._superseded:
                discard(folder)
            self._superseded.clear()

    def close(self) -> None:
        """Stop following and remove the folder: the session ended as it should."""
        if not self.folder.exists() and self._timer is None:
            return
        self._session.changed.disconnect(self._on_changed, missing_ok=True)
        self._session.stored.disconnect(self._on_stored, missing_ok=True)
        self._session.made.disconnect(self._on_made, missing_ok=True)
        self._session.closed.disconnect(self.close, missing_ok=True)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._lock.give_back()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = self._session.jobs.dispatcher.call_later(DELAY_MS, self.write)

    def _on_changed(self, new: State, old: State) -> None:
        self._keep_results()
        self._keep_tables()
        self._soon()

    def _on_stored(self, kind: str, name: str) -> None:
        self._written.discard((kind, name))
        self._keep_results()
        self._soon()

    def _on_made(self, kind: str) -> None:
        self._keep_results()
        self._soon()

    def _keep_results(self) -> None:
        names = self._session.store.names
        wanted = [(kind, name) for kind in ("bundle", "explanation") for name in names(kind)]
        for kind, name in (*wanted, *results_of(self._session)):
            if is_id(name) and (kind, name) not in self._written | self._too_large:
                self._copy(kind, name)

    def _copy(self, kind: str, name: str) -> None:
        store = self._session.store
        if kind in KINDS and size_of(store.get((kind, name))) > MOST_BYTES:
            self._too_large.add((kind, name))
            return

        def write() -> None:
            keep_result(store.get((kind, name)), kind, name, self.folder)

        self._submit((kind, name), name, write, lambda: self._written.add((kind, name)))

    def _let_go(self, kept: Collection[Named]) -> None:
        """Remove results that no record names any longer: the latest has taken their place."""
        for kind, name in [one for one in self._written if one[0] in KINDS and one not in kept]:
            self._written.discard((kind, name))
            discard(place_of(self.folder, kind, name))

    def _keep_tables(self) -> None:
        session, name, dataset = self._session, self._session.state.dataset, self._session.dataset
        if name is None or dataset is None or name in session.as_read or name == self._tables_of:
            return
        kept = "tables" if dataset.path is not None else "copy"

        def done() -> None:
            self._tables_of = name

        self._submit(("data", name), "columns", lambda: keep_data(dataset, kept, self.folder), done)

    def _submit(
        self, key: tuple[str, str], title: str, write: Callable[[], None], done: Callable[[], None]
    ) -> None:
        if key in self._busy or self._session.jobs.closed:
            return
        self._busy.add(key)

        def work(job: JobHandle) -> None:
            job.report(None, title)
            write()

        def commit(job: Job[Any], _: Any) -> None:
            done()

        def after() -> None:
            self._busy.discard(key)
            if not self._session.jobs.closed:
                self._soon()

        submit(self._session, work, commit, title=f"{KEEPING}{title}", lane="io", priority=1, after=after)

    def _warn(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            self._session.say("warning", text)


def journal_root() -> Path:
    """Return the folder that journals are kept in."""
    chosen = settings().state_folder
    if chosen:
        return Path(chosen).expanduser() / "journal"
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", "~\\AppData\\Local"))
    elif sys.platform == "darwin":
        base = Path("~/Library/Application Support")
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state")
    return base.expanduser() / "glasscell" / "journal"


def find_lost(root: Path | None = None) -> tuple[Lost, ...]:
    """List what crashed processes left, newest first; journals of living ones are passed over."""
    root = journal_root() if root is None else root
    found: list[Lost] = []
    for folder in sorted(root.iterdir(), reverse=True) if root.is_dir() else ():
        if not (folder / LOCK).is_file():
            continue
        lock = FolderLock(folder)
        with contextlib.suppress(OSError):
            if not lock.take():
                continue
        try:
            record = read_record((folder / SESSION).read_bytes(), folder.name)
        except FileNotFoundError:
            if time.time() - folder.stat().st_mtime > OLD_S:
                discard(folder)
            continue
        except (OSError, GlasscellError):
            continue
        finally:
            lock.give_back()
        if record.data is not None:
            found.append(Lost(folder, record))
    return tuple(found)


def restore_lost(session: Core, lost: Lost, journal: Journal | None = None) -> Job[Any]:
    """Bring back what a crashed process left; its journal goes once this session's own has it all."""
    job = open_session(session, lost.folder)

    def ended(finished: Job[Any]) -> None:
        if journal is not None and finished.outcome is not None and finished.outcome.value == "done":
            journal.supersede(lost.folder)

    job.finished.connect(ended)
    return job


def discard(folder: Path) -> None:
    """Remove a journal, or a result from one."""
    shutil.rmtree(folder, ignore_errors=True)
