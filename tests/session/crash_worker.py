"""A program that works in a session until it is killed; the parent reads what it had done, line by line.

Run as ``python crash_worker.py JOURNAL_ROOT FILE``. Each line it prints is the time and a digest of the state
that was reached then; the line ``ready`` says that a model and an explanation have been made.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from glasscell.data.channel import ChannelRef
from glasscell.data.selection import Category, Cells, Lasso
from glasscell.models.classifier.family import ClassifierParams
from glasscell.session import Session, State
from glasscell.session.journal import Journal
from glasscell.session.state import Annotation
from glasscell.session.state_json import state_to_json

FAST = ClassifierParams(hidden=16, max_epochs=6, patience=3, batch_size=64, learning_rate=1e-2)


def digest(state: State) -> str:
    """Short text that is equal for equal states of the same data."""
    words = json.dumps(state_to_json(replace(state, dataset=None)), sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def say(session: Session) -> None:
    """Tell the parent where we are."""
    sys.stdout.write(f"{time.time():.3f} {digest(session.state)}\n")
    sys.stdout.flush()


def work(root: Path, file: Path) -> None:
    """Open, train, explain, and then change something for ever, with the real clock driving the journal."""
    session = Session()
    journal = Journal(session, root)
    dispatcher = session.jobs.dispatcher
    session.open(file).wait()
    session.fit("label", params=FAST, split="random").wait()
    session.jobs.wait_idle(60)
    session.explain("class:K1").wait()
    session.jobs.wait_idle(60)
    for _ in range(3):
        dispatcher.advance(1500)  # type: ignore[attr-defined]
        session.jobs.wait_idle(60)
    sys.stdout.write(f"ready {journal.folder}\n")
    say(session)
    rng = np.random.default_rng(0)
    n_cells = session.dataset.n_cells if session.dataset is not None else 0
    then = time.monotonic()
    for number in range(100_000):
        session.update(selection=Cells(rng.choice(n_cells, 50, replace=False)))
        if number % 3 == 0:
            session.grouping.add(f"group {number % 7}")
        if number % 3 == 1:
            note = Annotation(f"seen at step {number}", Cells(rng.choice(n_cells, 5, replace=False)))
            session.update(annotations=(*session.state.annotations[-4:], note))
        if number % 4 == 0:
            session.update(selection=Lasso("tissue", ((-1, -1), (3 + number % 15, -1), (3, 16))))
        if number % 5 == 0:
            session.update(channel=ChannelRef("gene", f"GENE{number % 20:04d}"), limits=(0, 1 + number % 3))
        if number % 6 == 0:
            session.update(selection=Category(ChannelRef("obs", "label"), ("K1",)))
        if number % 11 == 0:
            session.undo()
        say(session)
        time.sleep(0.05)
        now = time.monotonic()
        dispatcher.advance(1000 * (now - then))  # type: ignore[attr-defined]
        then = now


if __name__ == "__main__":
    work(Path(sys.argv[1]), Path(sys.argv[2]))
