"""The panel of models side by side with a fake view: offers, refusals, tables, agreement, progress."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.labels import GROUPS
from glasscell.data.selection import Cells
from glasscell.explain.comparison.agreement import MEAN_DIFFERENCE
from glasscell.session import Session
from glasscell.session.comparing import KIND
from glasscell.testing.fake_views import fake
from glasscell.testing.planted import planted_adata
from glasscell.testing.toy_comparison import toy_comparison
from glasscell.views.compare_picture import STAR, comparison_picture
from glasscell.views.compare_presenter import IN_THE_SHELL, ComparePresenter
from glasscell.views.compare_view import CompareView, wish_of


@pytest.fixture
def shown() -> Iterator[tuple[Session, Any]]:
    session, view = Session(), fake(CompareView)()
    presenter = ComparePresenter(session, view)
    assert view.shown["enabled"] == (False, "Open data first.")
    session.open_dataset(Dataset(planted_adata(n_cells=120, n_genes=15, seed=4)))
    yield session, view
    presenter.close()
    assert session.close()


def why_not(view: Any) -> dict[str, str]:
    return {row.key: row.why_not for row in view.shown["models"][0]}


def test_offers(shown: tuple[Session, Any]) -> None:
    _, view = shown
    assert view.shown["enabled"] == (True, "")
    assert view.shown["models"][1] == ("classifier", "vae")
    assert why_not(view)["svae"] == IN_THE_SHELL
    assert not why_not(view)["spagcn"]
    assert view.shown["labels"][0] == "label"
    assert view.shown["targets"][0] == "K1"
    view.labels_chosen.emit("nothing")
    assert view.shown["targets"] == ()


def test_other_groups_take_no_choice_back(shown: tuple[Session, Any]) -> None:
    session, view = shown
    listed, offered = view.shown["targets"], view.count("schemes")
    for name, low in (("one", 0), ("two", 20)):
        session.update(selection=Cells(np.arange(low, low + 20, dtype=np.int32)))
        session.grouping.add(name)
    assert view.shown["labels"] == (GROUPS, "label")
    assert view.shown["targets"] == listed, "the view keeps label chosen"
    assert view.count("schemes") == offered, "the chosen split is offered anew, so it falls back"
    view.labels_chosen.emit(GROUPS)
    assert view.shown["targets"] == ("one", "two")


def test_without_labels_models_of_classes_are_grey_with_the_reason() -> None:
    adata = planted_adata(n_cells=60, n_genes=10, seed=4)
    adata.obs = adata.obs[[]].copy()
    del adata.obsm["spatial"]
    session, view = Session(), fake(CompareView)()
    session.open_dataset(Dataset(adata))
    presenter = ComparePresenter(session, view)
    enabled, reason = view.shown["enabled"]
    assert enabled
    assert "No column sorts these cells into classes" in reason
    assert "lasso and name two groups" in why_not(view)["classifier"]
    assert "no coordinates" in why_not(view)["spagcn"]
    assert view.shown["models"][1] == ("vae",)
    presenter.close()
    assert session.close()


def test_wrong_wishes_are_told(shown: tuple[Session, Any]) -> None:
    session, view = shown
    for models, seeds, said in (
        ((), "0", "Tick one model"),
        (("vae",), "one", "whole numbers"),
        (("vae",), "1, 1", "once"),
    ):
        view.compare_requested.emit(wish_of(models, seeds, labels="label", split="random"))
        assert said in session.messages[-1].text
    assert not session.jobs.active


def test_run_and_cancel(shown: tuple[Session, Any]) -> None:
    session, view = shown
    view.compare_requested.emit(wish_of(("classifier", "vae"), "0,1,2,3", labels="label", split="random"))
    assert view.shown["busy"] is True
    assert view.shown["result"] == (None, "")
    view.cancel_requested.emit()
    assert session.jobs.wait_idle(60)
    assert view.shown["busy"] is False
    assert view.shown["result"] == (None, "Nothing is compared yet.")
    assert session.latest(KIND) is None


def test_the_table_is_written(shown: tuple[Session, Any], tmp_path: Path) -> None:
    session, view = shown
    view.table_requested.emit(tmp_path / "none.csv")
    assert "nothing to write" in session.messages[-1].text
    assert session.dataset is not None
    session.hold(KIND, toy_comparison(session.dataset))
    view.table_requested.emit(tmp_path / "figures.csv")
    assert session.jobs.wait_idle(60)
    table = pd.read_csv(tmp_path / "figures.csv")
    assert table["seed 1"][0] == 0.98
    assert "explanations of class:K1" in set(table["section"])


def test_each_figure_has_a_table_of_its_own(shown: tuple[Session, Any]) -> None:
    session, view = shown
    assert session.dataset is not None
    found = toy_comparison(session.dataset)
    session.hold(KIND, found)
    picture = view.shown["result"][0]
    assert [words for _, words in picture.figures] == [
        "accuracy, label of held-out cells",
        "deviance",
    ]
    names = [[line.texts[0] for line in picture.table.lines]]
    view.figure_chosen.emit(picture.figures[1][0])
    names.append([line.texts[0] for line in view.shown["result"][0].table.lines])
    assert names == [["sure", "rough", "majority"], ["voting", "gene mean"]]
    assert not set(names[0]) & set(names[1]), "unlike figures share a table"


def test_mean_spread_and_every_seed(shown: tuple[Session, Any]) -> None:
    session, _ = shown
    assert session.dataset is not None
    found = toy_comparison(session.dataset)
    table = comparison_picture(found).table
    assert table.heads == ("", "mean", "spread", "0", "1")
    assert table.lines[0].texts == ("sure", f"{STAR} 0.990", "0.020", "1.000", "0.980")
    assert table.lines[2].texts == ("majority", "0.300", "-", "-", "-")
    assert table.lines[2].is_baseline
    worse = comparison_picture(found, "deviance, cells not trained on\ndeviance").table
    assert worse.lines[1].texts[1].startswith(STAR), "less is better, so the baseline is the best"


def test_agreement_is_a_matrix_with_seeds_on_the_diagonal(shown: tuple[Session, Any]) -> None:
    session, _ = shown
    assert session.dataset is not None
    reasons = comparison_picture(toy_comparison(session.dataset)).reasons
    assert reasons is not None
    assert reasons.heat.rows == ("sure", "rough", MEAN_DIFFERENCE)
    (panel,) = reasons.heat.panels
    np.testing.assert_allclose(
        panel.values_rc, [[0.9, 0.4, 0.3], [0.4, 0.6, 0.0], [0.3, 0.0, 1.0]], atol=1e-12
    )
    assert panel.limits == (-1.0, 1.0)
    assert panel.text(0, 1) == "+0.40"
    assert reasons.tips[0][1] == "sure with rough: +0.40 (+0.30 to +0.50)"
    assert "other seeds" in reasons.tips[1][1]
