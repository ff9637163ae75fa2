"""Killed in the middle of work: everything is back, and at most five seconds are gone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from glasscell.session import Session
from glasscell.session.journal import Journal, find_lost, restore_lost
from glasscell.session.persist import SESSION
from glasscell.testing.planted import planted_dataset

from .crash_worker import digest

pytestmark = pytest.mark.slow


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process at work in a session, with a model and an explanation made."""
    file = tmp_path / "cells.h5ad"
    planted_dataset(n_cells=300, n_genes=30, n_sections=1, seed=1).adata.write_h5ad(file)
    program = Path(__file__).with_name("crash_worker.py")
    command = [sys.executable, str(program), str(tmp_path / "journal"), str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def kill_after(process: subprocess.Popen[str], seconds: float) -> tuple[float, list[tuple[float, str]]]:
    """Let it work for a while, kill it; return when, and the states it had reached by then."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("ready"):
            break
    else:
        assert process.stderr is not None
        pytest.fail(process.stderr.read())
    time.sleep(seconds)
    killed = time.time()
    os.kill(process.pid, signal.SIGKILL)
    said = [line.split() for line in process.stdout if line.endswith("\n")]
    return killed, [(float(when), what) for when, what in said]


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_work_is_back_after_kill_9(worker: subprocess.Popen[str], tmp_path: Path) -> None:
    root = tmp_path / "journal"
    assert not find_lost(root)  # nobody has crashed yet
    killed, reached = kill_after(worker, 6.3)
    assert worker.wait(10) == -signal.SIGKILL
    (lost,) = find_lost(root)
    session = Session()
    journal = Journal(session, root)
    job = restore_lost(session, lost, journal)
    job.wait(60)
    assert job.error is None
    state = session.state
    when = {what: at for at, what in reached}
    assert digest(state) in when, "what came back was never there"
    gone = killed - when[digest(state)]
    print(f"kill -9 after {len(reached)} steps: {gone:.2f} s of work gone, {len(state.groups)} groups back")
    assert gone <= 5
    assert state.groups
    assert state.annotations
    assert state.colouring.channel is not None
    assert state.model is not None
    assert session.bundle is not None
    assert session.explanation is not None
    assert np.isfinite(session.explanation.mean()).all()
    assert session.resolve(state.colouring.channel)
    for _ in range(4):
        session.jobs.wait_idle(30)
        session.jobs.dispatcher.advance(1100)  # type: ignore[attr-defined]
    assert not lost.folder.exists(), "the old journal outlived its content"
    assert (journal.folder / SESSION).is_file()
    assert not find_lost(root)
    assert session.close()
    assert not list(root.iterdir())


def test_a_living_process_has_lost_nothing(tmp_path: Path) -> None:
    session = Session()
    session.open_dataset(planted_dataset(n_cells=100, n_genes=20, n_sections=1, seed=1))
    journal = Journal(session, tmp_path)
    journal.write()
    assert (journal.folder / SESSION).is_file()
    assert not find_lost(tmp_path)
    session.close()
    assert not list(tmp_path.iterdir())
