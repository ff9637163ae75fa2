"""What the journal of recovery lets pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from glasscell.session import Session
from glasscell.session.journal import Journal


@pytest.fixture
def session() -> Iterator[Session]:
    """An empty session."""
    made = Session()
    yield made
    made.close()


def test_results_that_are_not_kept_are_passed_over(session: Session, tmp_path: Path) -> None:
    """What a model says of other data is stored too; the journal refused it, so applying looked failed."""
    journal = Journal(session, tmp_path)
    session.stored.emit("applied", "classifier-0@0")
    assert journal.folder.exists()
    journal.close()
