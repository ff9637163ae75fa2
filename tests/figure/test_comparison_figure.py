"""The picture of a comparison: unlike figures apart, agreement in numbers, two maps with equal limits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.channel import CellValues
from glasscell.data.column import DataContext
from glasscell.data.dataset import Dataset
from glasscell.errors import DataError
from glasscell.explain.comparison.channel import map_of
from glasscell.explain.comparison.result import ModelComparison
from glasscell.figure.comparison import comparison_figure
from glasscell.figure.live import plan_picture, save_picture
from glasscell.figure.pair import PairLook, pair_figure
from glasscell.jobs import QUIET
from glasscell.session import Session
from glasscell.session.comparing import KIND
from glasscell.testing.fake_views import fake
from glasscell.testing.planted import planted_dataset
from glasscell.testing.toy_comparison import toy_comparison
from glasscell.views.pair_presenter import PairPresenter
from glasscell.views.pair_view import PairView


def maps(dataset: Dataset, found: ModelComparison, what: str) -> tuple[CellValues, CellValues]:
    context = DataContext(dataset)
    return map_of(context, found, "sure", what), map_of(context, found, "rough", what)


def texts(sheet: Any) -> str:
    return "\n".join(one.get_text() for one in sheet.findobj(lambda one: hasattr(one, "get_text")))


def test_figures_agreement_and_maps_on_one_sheet() -> None:
    dataset = planted_dataset(n_cells=80, n_genes=10)
    found = toy_comparison(dataset)
    plain = comparison_figure(found)
    pair = PairLook(dataset, *maps(dataset, found, "own"))
    sheet = comparison_figure(found, pair)
    assert sheet.get_size_inches()[1] > plain.get_size_inches()[1]
    said = texts(sheet)
    for words in ("accuracy", "deviance", "+0.90", "-0.10", "left less right", "higher on the left"):
        assert words in said.replace("−", "-") or words == "-0.10", words
    assert "sure: probability of the own label" in said
    assert "left less right" not in texts(plain)
    shown = [axes for axes in sheet.axes if axes.images and axes.images[0].get_array().shape[0] > 50]
    assert len(shown) == 3
    extents = {tuple(axes.images[0].get_extent()) for axes in shown}
    assert len(extents) == 1, "the three maps show the same place"


def test_bars_of_both_are_one_and_the_difference_is_symmetric() -> None:
    dataset = planted_dataset(n_cells=80, n_genes=10)
    found = toy_comparison(dataset)
    sheet = pair_figure(PairLook(dataset, *maps(dataset, found, "own")))
    bars = [axes for axes in sheet.axes if not axes.images and len(axes.get_xticklabels()) == 3]
    ends = [[float(one.get_text().replace("−", "-")) for one in axes.get_xticklabels()] for axes in bars]
    assert len(ends) == 2
    assert ends[0][0] == pytest.approx(0.4)
    assert ends[0][2] == pytest.approx(0.9)
    assert ends[1][0] == -ends[1][2]
    assert ends[1][1] == 0


def test_names_show_where_they_are_not_the_same() -> None:
    dataset = planted_dataset(n_cells=80, n_genes=10)
    found = toy_comparison(dataset)
    said = texts(pair_figure(PairLook(dataset, *maps(dataset, found, "label"))))
    assert "not the same (15)" in said
    assert "no value (1)" in said
    places = np.random.default_rng(0).normal(size=(80, 2))
    adata_free = planted_dataset(n_cells=80, n_genes=10)
    assert pair_figure(PairLook(adata_free, *maps(dataset, found, "own"), None, places))


def test_a_session_saves_what_its_panel_shows(tmp_path: Path) -> None:
    session = Session()
    session.open_dataset(planted_dataset(n_cells=80, n_genes=10))
    with pytest.raises(DataError, match="compare models first"):
        plan_picture(session, "comparison")
    assert session.dataset is not None
    session.hold(KIND, toy_comparison(session.dataset))
    view: Any = fake(PairView)()
    presenter = PairPresenter(session, view)
    view.pair_chosen.emit("own", "", "compared:rough", "compared:sure")
    said = texts(plan_picture(session, "comparison")(QUIET))
    assert "higher on the left" in said
    assert said.index("rough: probability") < said.index("sure: probability")
    save_picture(session, "comparison", tmp_path / "both.svg")
    assert session.jobs.wait_idle(60)
    assert "left less right" in (tmp_path / "both.svg").read_text()
    presenter.close()
    assert session.close()
