"""A session saved as a folder and opened again: what was shown, and the results it stood on.

``session.json`` says what was shown; ``models/``, ``explanations/`` and ``results/`` hold what was made, each
in its own format; ``tables.h5ad`` or ``data.h5ad`` what the data files do not say. No part of it runs code.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasscell.errors import DataError, GlasscellError
from glasscell.session.kept import (
    APPLIED,
    Named,
    place_of,
    read_kept,
    results_of,
    why_not_of,
    write_kept,
)
from glasscell.session.record import DataRecord, Record, is_id, read_record
from glasscell.session.work import submit

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.explain.result import Explanation
    from glasscell.jobs import Job, JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.session.core import Core

SUFFIX = ".glasscell"
SESSION, TABLES, COPY = "session.json", "tables.h5ad", "data.h5ad"

Pictures = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class Opened:
    """A session read from its folder; ``said`` are sentences on what could not be brought back.

    ``results`` are those beside models and explanations, with their kinds.
    """

    record: Record
    dataset: Dataset | None
    models: tuple[Bundle, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    results: tuple[tuple[str, Any], ...] = ()
    said: tuple[str, ...] = field(default=())


def save_session(session: Core, path: Path, pictures: Pictures | None = None) -> Job[Any]:
    """Write what is shown and every result of this session to a folder, all or nothing."""
    target = path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)
    record, dataset, store = make_record(session, pictures or {}), session.dataset, session.store

    def work(job: JobHandle) -> Path:
        from glasscell.data.atomic import write_atomically

        if target.is_file() or (target.is_dir() and any(target.iterdir()) and not holds_session(target)):
            raise DataError(f"{target.name} is something else than a session; choose another name.")

        def write(fresh: Path) -> None:
            fresh.mkdir()
            if dataset is not None and record.data is not None:
                job.report(0.1, "Writing what the data files do not say")
                keep_data(dataset, record.data.kept, fresh)
            for number, (kind, name) in enumerate(record.made):
                job.report(0.2 + 0.7 * number / len(record.made), name)
                keep_result(store.get((kind, name)), kind, name, fresh)
            (fresh / SESSION).write_text(record.to_text(), encoding="utf-8")

        write_atomically(target, write)
        return target

    def commit(job: Job[Path], written: Path) -> None:
        session.say("info", f"Session saved to {written}.")

    return submit(session, work, commit, title=f"Save session {target.name}", lane="io")


def open_session(session: Core, path: Path) -> Job[Any]:
    """Read a session in the background and show it."""

    def commit(job: Job[Opened], opened: Opened) -> None:
        show(session, opened)

    return submit(
        session, lambda job: read_session(path, job), commit, title=f"Open session {path.name}", lane="io"
    )


def make_record(session: Core, pictures: Pictures) -> Record:
    """Describe a session as it is now."""
    state = session.state
    return Record(
        data=describe_data(session),
        state=state,
        models=tuple(name for name in session.store.names("bundle") if is_id(name)),
        explanations=tuple(name for name in session.store.names("explanation") if is_id(name)),
        results=tuple(one for one in results_of(session) if is_id(one[1])),
        pictures=pictures,
        saved=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def describe_data(session: Core) -> DataRecord | None:
    """Say which data are open and what of them is in no file; None when nothing is open."""
    dataset = session.dataset
    if dataset is None:
        return None
    from glasscell.data.table_file import choices

    paths = paths_of(dataset)
    kept = "" if session.state.dataset in session.as_read else "tables"
    return DataRecord(
        paths=paths,
        fingerprint=dataset.fingerprint,
        n_cells=dataset.n_cells,
        n_genes=dataset.n_genes,
        given=tuple(sorted(choices(dataset).items())),
        kept=kept if paths else "copy",
    )


def paths_of(dataset: Dataset) -> tuple[str, ...]:
    """Return the files a dataset was read from, none when it never was in one."""
    many = getattr(dataset, "paths", None) or ((dataset.path,) if dataset.path is not None else ())
    return tuple(str(Path(path).expanduser().absolute()) for path in many)


def keep_data(dataset: Dataset, kept: str, folder: Path) -> None:
    """Write what the files of a dataset do not say."""
    if kept == "tables":
        from glasscell.data.table_file import write_tables

        write_tables(dataset, folder / TABLES)
    elif kept == "copy":
        from glasscell.data.write import write_h5ad

        write_h5ad(dataset, folder / COPY)


def keep_result(result: Any, kind: str, name: str, folder: Path) -> None:
    """Write what was made into the folder of a session, replacing what had its name."""
    if result is not None:
        write_kept(result, kind, place_of(folder, kind, name))


def holds_session(folder: Path) -> bool:
    """Whether a folder is a saved session."""
    return (folder / SESSION).is_file()


def read_session(path: Path, job: JobHandle) -> Opened:
    """Read a session's folder (or the ``session.json`` in it) with its data and results.

    Raises
    ------
    DataError
        It is no session, is damaged, was saved by a newer version, or its data are gone or have changed.
    """
    folder = path.parent if path.name == SESSION else path
    try:
        record = read_record((folder / SESSION).read_bytes(), folder.name)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(
            f"{folder.name} is not a saved session: choose a folder that ends in {SUFFIX}."
        ) from error
    except OSError as error:
        raise DataError(f"{folder.name} cannot be read ({error.strerror or error}).") from error
    job.report(0.1, "Reading the data")
    dataset = None if record.data is None else _read_data(record.data, folder)
    said: list[str] = []
    models = tuple(
        found for name in record.models if (found := _result("bundle", name, folder, said)) is not None
    )
    job.report(0.7, "Reading the results")
    explanations = tuple(
        found
        for name in record.explanations
        if (found := _result("explanation", name, folder, said)) is not None
    )
    results = tuple(_others(record, folder, models, said))
    return Opened(record, dataset, models, explanations, results, tuple(said))


def show(session: Core, opened: Opened) -> None:
    """Put an opened session in the place of what is shown, as one step that can be undone."""
    for bundle in opened.models:
        session.hold("bundle", bundle)
    for explanation in opened.explanations:
        session.hold("explanation", explanation)
    with session.made.blocked():  # views look for results when the data change; none may recolour now
        for kind, result in opened.results:
            if kind == APPLIED:
                session.store.put((kind, result.id), result)
            else:
                session.hold(kind, result)
    if opened.dataset is not None:
        kept = opened.record.data.kept if opened.record.data is not None else ""
        session.adopt(opened.dataset, fresh=True, as_read=not kept)
    session.restore(opened.record.state)
    for text in opened.said:
        session.say("warning", text)
    session.say("info", "The session is back as it was saved.")
    session.restored.emit(dict(opened.record.pictures))


def _read_data(data: DataRecord, folder: Path) -> Dataset:
    from glasscell.data.read import read
    from glasscell.data.table_file import add_tables
    from glasscell.session.file import look_through

    if data.kept == "copy":
        dataset = read(folder / COPY)
    else:
        places = [_find(Path(path), folder) for path in data.paths]
        if not places:
            raise DataError(f"The session {folder.name} names no data; open the file and start again.")
        known = inspect.signature(read).parameters
        given: dict[str, Any] = {name: value for name, value in data.given if name in known}
        dataset = read(places[0] if len(places) == 1 else places, **given)  # type: ignore[arg-type,unused-ignore]
        if data.kept == "tables" and (folder / TABLES).is_file():
            dataset = add_tables(dataset, folder / TABLES)
    if dataset.fingerprint != data.fingerprint:
        name = Path(data.paths[0]).name if data.paths else COPY
        raise DataError(
            f"{name} has changed since the session was saved (other cells, genes or counts): "
            "put the old file back, or open the new one without the session."
        )
    look_through(dataset)
    return dataset


def _find(path: Path, folder: Path) -> Path:
    """Find a data file where it was, or beside the session when both were moved."""
    for place in (path, folder.parent / path.name):
        if place.exists():
            return place
    raise DataError(
        f"The data of this session, {path}, are not there: put them back, or beside the session's folder."
    )


def _result(kind: str, name: str, folder: Path, said: list[str]) -> Any:
    try:
        return read_kept(kind, place_of(folder, kind, name))
    except GlasscellError as error:
        said.append(f"{name} could not be brought back: {error}")
        return None


def _others(
    record: Record, folder: Path, models: tuple[Bundle, ...], said: list[str]
) -> Iterator[tuple[str, Any]]:
    """Read the results that belong to the session's data and models."""
    data = "" if record.data is None else record.data.fingerprint
    for kind, name in record.results:
        found = _result(kind, name, folder, said)
        reason = "" if found is None else why_not_of(found, name, data, models)
        if reason:
            said.append(f"{name} was left out: {reason}")
        elif found is not None:
            yield kind, found


def without_results(record: Record, made: Collection[Named]) -> Record:
    """Leave out of a record what is not on the disk."""
    return replace(
        record,
        models=tuple(name for name in record.models if ("bundle", name) in made),
        explanations=tuple(name for name in record.explanations if ("explanation", name) in made),
        results=tuple(one for one in record.results if one in made),
    )
