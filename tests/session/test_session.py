"""The session: one state, ordered changes, channels by job, selections that keep their cells."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.channel import CellValues, ChannelRef, register_channel
from glasscell.data.dataset import Dataset
from glasscell.data.selection import Category, Cells, Everything, Lasso
from glasscell.errors import DataError, GlasscellError, ModelError
from glasscell.jobs import Outcome
from glasscell.session import Failed, Pending, Ready, Session
from glasscell.session import resolve as resolving
from glasscell.session.state import Colouring, State
from glasscell.testing.planted import planted_dataset, tiny_adata, tiny_dataset

GENE = ChannelRef.make("gene", "GENE0003")
CORNER = Lasso("tissue", ((-1, -1), (4.5, -1), (4.5, 4.5), (-1, 4.5)))


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    assert made.close()


def test_opening_shows_something_at_once(session: Session) -> None:
    seen: list[tuple[State, State]] = []
    session.changed.connect(lambda new, old: seen.append((new, old)))
    session.open_dataset(tiny_dataset())
    assert len(seen) == 1
    assert session.state.colouring.channel == ChannelRef.make("obs", "label")
    assert session.state.views.embedding == "X_umap"
    assert session.dataset is not None
    assert not session.can_undo


def test_changes_come_in_order_also_when_a_listener_changes_the_state(session: Session) -> None:
    session.open_dataset(tiny_dataset())
    seen: list[Any] = []

    def first(new: State, old: State) -> None:
        if new.colouring.channel == GENE and new.colouring.limits is None:
            session.update(limits=(0, 1))

    session.changed.connect(first)
    session.changed.connect(lambda new, old: seen.append((new.colouring.limits, old.colouring.limits)))
    session.update(channel=GENE)
    assert seen == [(None, None), ((0, 1), None)]


def test_an_update_that_changes_nothing_is_silent(session: Session) -> None:
    session.open_dataset(tiny_dataset())
    seen: list[State] = []
    session.changed.connect(lambda new, old: seen.append(new))
    session.update(channel=session.state.colouring.channel, selection=Everything())
    assert not seen
    assert not session.can_undo


def test_a_slider_is_shown_at_every_place_and_undone_in_one_step(session: Session) -> None:
    session.open_dataset(tiny_dataset())
    session.update(channel=GENE)
    seen: list[Any] = []
    session.changed.connect(lambda new, old: seen.append(new.colouring.limits))
    for high in (1, 2, 3):
        session.update(limits=(0, high), transient=True)
    session.update(limits=(0, 3))
    assert seen == [(0, 1), (0, 2), (0, 3)]
    session.undo()
    assert session.state.colouring == Colouring(GENE)
    session.redo()
    assert session.state.colouring.limits == (0, 3)


def test_hovering_is_light(session: Session) -> None:
    session.open_dataset(tiny_dataset())
    cells: list[int | None] = []
    session.hovered.connect(cells.append)
    for cell in (3, 3, None, None, 4):
        session.hover(cell)
    session.open_dataset(tiny_dataset())
    assert cells == [3, None, 4, None]
    assert not session.can_undo or session.state.selection == Everything()


def test_masks_and_what_to_do_without_data(session: Session) -> None:
    with pytest.raises(DataError, match="Open a file"):
        session.mask()
    assert isinstance(session.resolve(GENE), Failed)
    session.open_dataset(tiny_dataset())
    session.update(selection=CORNER)
    assert session.mask().sum() == 25
    assert session.mask() is session.mask()
    assert session.mask(Everything()).all()


def test_light_channels_come_at_once_and_heavy_ones_by_the_view_lane(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.open_dataset(tiny_dataset())
    assert isinstance(session.resolve(GENE), Ready)
    monkeypatch.setattr(resolving, "SMALL_TABLE", 0)
    assert isinstance(session.resolve(ChannelRef.make("obs", "label")), Ready)
    other = ChannelRef.make("gene", "GENE0004")
    first, again = session.resolve(other), session.resolve(other)
    assert isinstance(first, Pending)
    assert isinstance(again, Pending)
    assert first.job is again.job
    assert first.job.lane == "view"
    first.job.wait(10)
    ready = session.resolve(other)
    assert isinstance(ready, Ready)
    assert session.dataset is not None
    np.testing.assert_array_equal(ready.values.values, session.dataset.gene_column("GENE0004"))
    bad = session.resolve(ChannelRef.make("gene", "GENE00044"))
    assert isinstance(bad, Pending)
    bad.job.wait(10)
    failed = session.resolve(ChannelRef.make("gene", "GENE00044"))
    assert isinstance(failed, Failed)
    assert "GENE0004" in failed.reason


def test_an_unexpected_fault_in_a_resolver_is_told_in_a_friendly_sentence(session: Session) -> None:
    def broken(context: Any, ref: ChannelRef) -> CellValues:
        raise ZeroDivisionError("inside")

    register_channel("broken", broken)
    session.open_dataset(tiny_dataset())
    failed = session.resolve(ChannelRef.make("broken", "x"))
    assert isinstance(failed, Failed)
    assert "unexpectedly" in failed.reason


def test_groups_from_selections(session: Session) -> None:
    with pytest.raises(DataError, match="Open a file"):
        session.grouping.add("a")
    session.open_dataset(tiny_dataset())
    with pytest.raises(DataError, match="Draw round"):
        session.grouping.add("a")
    session.update(selection=CORNER)
    with pytest.raises(DataError, match="name"):
        session.grouping.add("  ")
    session.grouping.add("corner")
    session.update(selection=~CORNER)
    session.grouping.add("rest")
    session.grouping.add("corner")
    names = {group.name: group for group in session.state.groups}
    assert len(names["corner"].cells) == 95
    assert len({group.colour for group in session.state.groups}) == 2
    ready = session.resolve(ChannelRef.make("group", "corner"))
    assert isinstance(ready, Ready)
    session.undo()
    assert [len(group.cells) for group in session.state.groups] == [25, 95]
    ready = session.resolve(ChannelRef.make("group", "corner"))
    assert isinstance(ready, Ready)
    assert ready.values.codes is not None
    assert (ready.values.codes == 0).sum() == 25
    session.update(selection=Cells(np.zeros(0, np.int32)))
    with pytest.raises(DataError, match="no cells"):
        session.grouping.add("none")


def test_a_new_version_of_the_data_keeps_selection_groups_and_colour(session: Session) -> None:
    adata = tiny_adata()
    session.open_dataset(Dataset(adata))
    session.update(selection=Category(ChannelRef.make("obs", "label"), ("K1",)), channel=GENE)
    session.grouping.add("first")
    before = session.mask().copy()
    changed = adata.copy()
    changed.obs["label"] = np.where(before, "K9", "K8")
    messages: list[str] = []
    session.message.connect(lambda level, text: messages.append(text))
    session.adopt(Dataset(changed), fresh=False)
    assert isinstance(session.state.selection, Cells)
    np.testing.assert_array_equal(session.mask(), before)
    assert "changed" in messages[0]
    assert session.state.groups[0].name == "first"
    assert session.state.colouring.channel == GENE
    session.undo()
    assert isinstance(session.state.selection, Category)
    np.testing.assert_array_equal(session.mask(), before)
    session.redo()
    np.testing.assert_array_equal(session.mask(), before)


def test_a_version_with_fewer_cells_follows_them_by_name(session: Session) -> None:
    adata = tiny_adata()
    session.open_dataset(Dataset(adata))
    session.update(selection=CORNER)
    session.grouping.add("corner")
    kept = np.arange(len(adata)) % 2 == 1
    expected = session.mask()[kept]
    session.adopt(Dataset(adata[kept].copy()), fresh=False)
    np.testing.assert_array_equal(session.mask(), expected)
    np.testing.assert_array_equal(session.state.groups[0].cells.mask(session.context), expected)
    session.undo()
    assert session.mask().sum() == 25


def test_an_embedding_that_appears_is_shown(session: Session) -> None:
    adata = tiny_adata()
    bare = adata.copy()
    del bare.obsm["X_umap"], bare.obsm["X_pca"]
    session.open_dataset(Dataset(bare))
    assert session.state.views.embedding is None
    session.adopt(Dataset(adata), fresh=False)
    assert session.state.views.embedding == "X_umap"


def test_opening_by_job_reports_and_a_bad_file_loses_nothing(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "tiny.h5ad"
    tiny_adata().write_h5ad(path)
    job = session.open(path)
    assert session.dataset is None
    job.wait(60)
    assert job.outcome is Outcome.DONE
    assert session.dataset is not None
    state = session.state
    empty = tmp_path / "empty.h5ad"
    empty.touch()
    for bad in (empty, tmp_path / "missing.h5ad"):
        job = session.open(bad).wait(60)
        assert job.outcome is Outcome.FAILED
        assert session.messages[-1].level == "error"
        assert "\n" not in session.messages[-1].text
        assert session.state == state


def test_a_later_opening_wins(session: Session, tmp_path: Path) -> None:
    paths = [tmp_path / "one.h5ad", tmp_path / "two.h5ad"]
    tiny_adata(100).write_h5ad(paths[0])
    tiny_adata(120).write_h5ad(paths[1])
    jobs = [session.open(path) for path in paths]
    assert session.jobs.wait_idle(60)
    assert jobs[0].outcome is Outcome.CANCELLED
    assert session.dataset is not None
    assert session.dataset.n_cells == 120


def test_unexpected_errors_are_said_friendly_with_details_kept(session: Session) -> None:
    session.report(ZeroDivisionError("secret inner words"), "Painting")
    message = session.messages[-1]
    assert "secret" not in message.text
    assert "ZeroDivisionError" in message.details
    session.report(OSError(28, "No space left on device", "/data/x"), "Saving")
    assert "disk is full" in session.messages[-1].text
    session.report(MemoryError(), "Painting")
    assert "not enough memory" in session.messages[-1].text
    for error, word in (
        (FileNotFoundError(2, "no", "/x"), "no such file"),
        (PermissionError(13, "no"), "permission"),
    ):
        session.report(error, "Opening")
        assert word in session.messages[-1].text


def test_commands_without_what_they_need_say_so_at_once(session: Session) -> None:
    for command in (session.prepare, lambda: session.fit("label"), lambda: session.save_data("x.h5ad")):
        with pytest.raises(DataError, match="Open a file"):
            command()
    with pytest.raises(ModelError, match="Train or load"):
        session.save_model("x")
    session.open_dataset(tiny_dataset())
    with pytest.raises(ModelError, match="Train or load"):
        session.explain("class:K1")
    job = session.fit("nope").wait(60)
    assert job.outcome is Outcome.FAILED
    assert "nope" in session.messages[-1].text
    job = session.load_model("/nowhere/at/all").wait(60)
    assert job.outcome is Outcome.FAILED


def test_a_result_on_data_that_were_replaced_does_not_reach_the_state(session: Session) -> None:
    from glasscell.session.work import set_aside, submit

    session.open_dataset(tiny_dataset())
    name = session.state.dataset
    gate = threading.Event()

    def commit(job: Any, result: int) -> None:
        if session.state.dataset != name:
            set_aside(session, job, "the data changed.")
        else:
            session.update(channel=GENE)

    job = submit(session, lambda job: gate.wait(10), commit, title="Look", lane="compute")
    session.open_dataset(planted_dataset())
    gate.set()
    job.wait(10)
    assert session.state.colouring.channel != GENE
    assert job.note == "the data changed."
    assert session.jobs.jobs[-1].note == "the data changed."
    assert session.messages[-1].level == "warning"


def test_a_commit_that_fails_is_reported_and_finished_still_fires(session: Session) -> None:
    from glasscell.session.work import submit

    def commit(job: Any, result: int) -> None:
        raise RuntimeError("broken")

    fired: list[Any] = []
    job = submit(session, lambda job: 1, commit, title="Look", lane="compute")
    job.finished.connect(fired.append)
    job.wait(10)
    assert fired == [job]
    assert session.messages[-1].level == "error"


def test_old_datasets_go_when_nothing_can_come_back_to_them() -> None:
    session = Session(limit_bytes=1)
    session.open_dataset(tiny_dataset())
    session.open_dataset(tiny_dataset(seed=1))
    assert not session.can_undo
    session.undo()
    session.redo()
    assert len(session.store.names("dataset")) == 1
    assert session.close()


def test_closing_ends_the_jobs_and_refuses_more() -> None:
    session = Session()
    entered, closed = threading.Event(), []
    session.closed.connect(lambda: closed.append(True))

    def forever(job: Any) -> None:
        entered.set()
        while True:
            job.report(None)

    job = session.jobs.submit(forever, title="x", lane="train")
    assert entered.wait(10)
    assert session.close()
    assert job.outcome is Outcome.CANCELLED
    assert closed == [True]
    with pytest.raises(GlasscellError, match="closed"):
        session.open("x.h5ad")
