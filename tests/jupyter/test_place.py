"""Running a cell again, closing, and who keeps a session alive."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import IPython
import pytest

from glasscell.data.dataset import Dataset
from glasscell.errors import DataError
from glasscell.jobs.dispatcher import InlineDispatcher
from glasscell.jupyter.explorer import LEFT, Explorer, explore
from glasscell.session import Session
from glasscell.session.core import ENDED
from glasscell.testing.planted import tiny_adata


class Cell:
    """What a notebook's shell knows of the cell that runs."""

    def __init__(self) -> None:
        self.name, self.run = "cell", 0

    def get_parent(self) -> dict[str, Any]:
        return {"metadata": {"cellId": self.name}, "header": {"msg_id": str(self.run)}}


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cell]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    shell = Cell()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    yield shell
    asyncio.set_event_loop(None)
    loop.close()


def data() -> Dataset:
    return Dataset(tiny_adata(n_cells=40, n_genes=12))


def test_a_cell_frees_what_it_showed_before_it_reads_again(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, beside = explore(data()), explore(data())
    assert not first.session.jobs.closed, "several of one run stand beside each other"
    old = weakref.ref(first.dataset)
    cell.name = "another"
    elsewhere = explore(data())
    cell.name, cell.run = "cell", 1
    seen: list[bool] = []
    usual = Explorer._open

    def opening(self: Explorer, what: Any, wish: Any) -> None:
        seen.append(old() is None)
        usual(self, what, wish)

    monkeypatch.setattr(Explorer, "_open", opening)
    again = explore(data())
    assert seen == [True], "the former data are still there when the new ones are read"
    assert first.session.jobs.closed
    assert beside.session.jobs.closed
    assert not elsewhere.session.jobs.closed
    for each in (again, elsewhere):
        each.close()


def test_a_cell_that_takes_over_its_own_session_keeps_it(cell: Cell) -> None:
    first = explore(data())
    cell.run = 1
    again = explore(first.session)
    assert not again.session.jobs.closed
    assert again.dataset.n_cells == 40
    again.close()
    assert again.session.jobs.closed
    with pytest.raises(DataError, match="was closed"):
        explore(again.session)


def test_closing_waits_for_no_job(cell: Cell) -> None:
    explorer = explore(data())
    held = threading.Event()
    begun = threading.Event()

    def stubborn(job: Any) -> None:
        begun.set()
        held.wait(20)

    explorer.session.jobs.submit(stubborn, title="Deaf to cancel")
    assert begun.wait(10)
    started = time.monotonic()
    explorer.close()
    assert time.monotonic() - started < 1.0, "the kernel stood still until the job ended"
    held.set()


def test_who_leaves_last_closes(cell: Cell) -> None:
    explorer = explore(data())
    session = explorer.session
    other = explore(session)
    explorer.close()
    assert session.messages[-1].text == LEFT
    assert other.dataset.n_cells == 40
    other.select([0, 1])
    assert other.mask.sum() == 2
    other.close()
    assert session.jobs.closed


def test_a_session_closed_for_all_says_so(cell: Cell) -> None:
    session = Session(InlineDispatcher())
    explorer = explore(session)
    assert session.close()
    assert session.messages[-1].text == ENDED
    explorer.close()


def test_what_fails_to_open_leaves_nothing_behind(cell: Cell) -> None:
    lent = Session(InlineDispatcher())
    with pytest.raises(TypeError):
        explore([3.5])  # type: ignore[list-item]
    assert lent.users.count == 1
    assert lent.close()


def test_the_result_is_that_of_a_session_opened_again(tmp_path: Path) -> None:
    session = Session(InlineDispatcher())
    session.open_dataset(data())
    explorer = explore(session)
    assert explorer.result is None
    session.contrast("label=K1", "label=K2")
    assert session.jobs.wait_idle(60)
    compared = explorer.result
    session.save_session(tmp_path / "compared.glasscell")
    assert session.jobs.wait_idle(60)
    explorer.close()
    assert session.close()

    later = Session(InlineDispatcher())
    again = explore(later)
    assert again.result is None
    later.open_session(tmp_path / "compared.glasscell")
    assert later.jobs.wait_idle(60)
    assert again.result.id == compared.id
    again.close()
    assert later.close()
