"""Two maps beside each other: equal limits, equal colours, a symmetric difference; one pointer in all."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from glasscell.data.channel import CellValues
from glasscell.data.dataset import Dataset
from glasscell.data.selection import Cells
from glasscell.errors import DataError
from glasscell.session import Session
from glasscell.session.comparing import KIND, PAIR
from glasscell.testing.fake_views import fake
from glasscell.testing.planted import planted_adata
from glasscell.testing.toy_comparison import toy_comparison
from glasscell.views.pair_choice import PairChoice
from glasscell.views.pair_picture import pair_picture
from glasscell.views.pair_presenter import PairPresenter
from glasscell.views.pair_view import PairView

N_CELLS = 90


@pytest.fixture
def shown() -> Iterator[tuple[Session, Any]]:
    session, view = Session(), fake(PairView)()
    presenter = PairPresenter(session, view)
    assert view.shown["pair"] == (None, "")
    session.open_dataset(Dataset(planted_adata(n_cells=N_CELLS, n_genes=12, seed=1)))
    assert session.jobs.wait_idle(60)
    assert "run a comparison" in view.shown["pair"][1]
    assert session.dataset is not None
    session.hold(KIND, toy_comparison(session.dataset))
    yield session, view
    presenter.close()
    assert session.close()


def numbers(values: np.ndarray, **more: Any) -> CellValues:
    return CellValues("n", "u", values.astype(np.float32), **more)


def test_numbers_have_equal_limits_and_a_symmetric_difference() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(0, 1, 500), rng.normal(5, 3, 500)
    found = pair_picture(numbers(left), numbers(right))
    bars = [table.bar for table in (found.left, found.right, found.difference)]
    assert all(bar is not None for bar in bars)
    assert (bars[0].low, bars[0].high) == (bars[1].low, bars[1].high)  # type: ignore[union-attr]
    assert bars[0].low < left.mean() < right.mean() < bars[0].high  # type: ignore[union-attr]
    assert bars[2].low == -bars[2].high  # type: ignore[union-attr]
    assert bars[2].centre == 0  # type: ignore[union-attr]
    swapped = pair_picture(numbers(right), numbers(left))
    same = pair_picture(numbers(left), numbers(left))
    assert (swapped.left.table_u32 == found.right.table_u32).all()
    assert (swapped.difference.table_u32 != found.difference.table_u32).any()
    assert len(set(same.difference.table_u32[1:].tolist())) == 1
    assert "mean size 0" in same.summary


def test_one_centred_side_centres_both() -> None:
    left = numbers(np.array([-1.0, 0.5]), centre=0.0)
    found = pair_picture(left, numbers(np.array([0.0, 3.0])))
    assert found.left.bar is not None
    assert found.right.bar is not None
    assert found.left.bar.low == -found.left.bar.high == found.right.bar.low


def test_names_have_equal_colours_whatever_their_order() -> None:
    left = CellValues("l", codes=np.array([0, 1, 1], np.int32), categories=("a", "b"))
    right = CellValues("r", codes=np.array([1, 0, 2], np.int32), categories=("b", "a", "c"))
    found = pair_picture(left, right)
    assert found.left.legend is not None
    assert found.right.legend is not None
    colours = [
        {one.name: one.colour for one in each.items} for each in (found.left.legend, found.right.legend)
    ]
    assert colours[0] == colours[1]
    assert (found.left.table_u32[1:3] == found.right.table_u32[1:3]).all()
    assert found.left.table_u32[3] != found.right.table_u32[3]
    assert found.summary == "Not the same in 1 of 3 cells (33%)."
    only = pair_picture(left, right, np.array([True, True, False]))
    assert only.summary == "Not the same in 0 of 2 cells (0%)."
    with pytest.raises(DataError, match="same kind"):
        pair_picture(left, numbers(np.zeros(3)))


def test_what_is_offered_and_what_is_shown(shown: tuple[Session, Any]) -> None:
    _, view = shown
    offer = view.shown["offer"]
    assert [key for key, _ in offer.whats] == ["label", "own", "gene"]
    assert [key for key, _ in offer.sides] == ["compared:sure", "compared:rough", "compared:voting"]
    assert view.shown["ground"].tissue is not None
    wrong = len(range(5, N_CELLS, 5))
    assert f"{wrong} of {N_CELLS - 1}" in view.shown["pair"][0].summary
    view.pair_chosen.emit("own", "", "compared:sure", "compared:rough")
    picture = view.shown["pair"][0]
    assert picture.left.bar.low == picture.right.bar.low == pytest.approx(0.4)
    assert "89 cells 89 are higher on the left" in picture.summary
    view.pair_chosen.emit("gene", "", "compared:sure", "compared:rough")
    offer = view.shown["offer"]
    assert offer.gene == offer.genes[0]
    assert [key for key, _ in offer.sides] == ["compared:sure", "compared:rough"]
    assert "mean difference +1" in view.shown["pair"][0].summary
    only_sure = offer.genes[2]
    view.pair_chosen.emit("gene", only_sure, "compared:sure", "compared:rough")
    assert [key for key, _ in view.shown["offer"].sides] == ["compared:sure"], "nothing is made up"


def test_the_pair_is_the_sessions_for_every_front_end(shown: tuple[Session, Any]) -> None:
    session, view = shown
    other: Any = fake(PairView)()
    beside = PairPresenter(session, other)
    view.pair_chosen.emit("own", "", "compared:rough", "compared:sure")
    offers = [one.shown["offer"] for one in (view, other)]
    assert offers[0] == offers[1]
    assert offers[0].left == "compared:rough"
    assert session.latest(PAIR).left.param("model") == "rough"
    beside.close()


def test_pointing_and_drawing_reach_all_views(shown: tuple[Session, Any]) -> None:
    session, view = shown
    view.cell_hovered.emit(5)
    assert session.hovered_cell == 5
    cell, words = view.shown["hovered"]
    assert cell == 5
    assert "left K" in words
    assert session.dataset is not None
    positions_cd = session.dataset.positions_cd
    assert positions_cd is not None
    low, high = positions_cd.min(axis=0) - 1, positions_cd.max(axis=0) + 1
    middle = (low[0] + high[0]) / 2
    half = np.array([low, (middle, low[1]), (middle, high[1]), (low[0], high[1])])
    view.selection_drawn.emit(half, "replace")
    inside = positions_cd[:, 0] < middle
    np.testing.assert_array_equal(session.mask(), inside)
    assert f"{(inside[1:]).sum()} cells" in view.shown["pair"][0].summary.replace(",", "")
    view.selection_cleared.emit()
    assert session.mask().all()


def test_the_difference_colours_every_view(shown: tuple[Session, Any]) -> None:
    session, view = shown
    view.pair_chosen.emit("own", "", "compared:sure", "compared:rough")
    view.difference_painted.emit()
    channel = session.state.colouring.channel
    assert channel is not None
    values = session.resolve(channel).values  # type: ignore[union-attr]
    np.testing.assert_allclose(values.values[1:3], [0.5, 0.1], atol=1e-6)
    assert np.isnan(values.values[0])
    session.undo()
    assert session.state.colouring.channel != channel


def test_cells_without_places_lie_on_the_embedding() -> None:
    adata = planted_adata(n_cells=40, n_genes=12, seed=1)
    del adata.obsm["spatial"]
    adata.obsm["X_toy"] = np.random.default_rng(0).normal(size=(40, 3))
    session, view = Session(), fake(PairView)()
    session.open_dataset(Dataset(adata))
    presenter = PairPresenter(session, view)
    ground = view.shown["ground"]
    assert ground.tissue is None
    assert ground.words == ("toy 1", "toy 2")
    session.hold(KIND, toy_comparison(session.dataset))  # type: ignore[arg-type]
    view.selection_drawn.emit(np.array([(-9.0, -9.0), (0, -9), (0, 9), (-9, 9)]), "replace")
    np.testing.assert_array_equal(session.mask(), adata.obsm["X_toy"][:, 0] < 0)
    session.update(selection=Cells(np.arange(3, dtype=np.int32)))
    assert PairChoice(session).offer("own", "", "gone", "gone").left == "compared:sure"
    presenter.close()
    assert session.close()
