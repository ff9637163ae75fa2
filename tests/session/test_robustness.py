"""A session checks what its model stands; the panel offers, shows and keeps it with the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from glasscell.errors import NotCompatible
from glasscell.figure.report import Report, add_robustness
from glasscell.models import fit as fitting
from glasscell.models.bundle_file import load_bundle
from glasscell.models.robustness import Robustness, RobustnessRow
from glasscell.session import Session
from glasscell.testing.fake_views import fake
from glasscell.testing.planted import planted_dataset
from glasscell.views.robustness_presenter import RobustnessPresenter
from glasscell.views.robustness_view import (
    NOT_CHECKED,
    RobustnessView,
    robustness_table,
    robustness_words,
)

FAST = {"max_epochs": 3, "hidden": 8, "batch_size": 32}


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setattr(fitting, "baseline_rows", lambda *args: {})
    session = Session()
    session.open_dataset(planted_dataset(n_cells=120, n_genes=24, seed=2))
    session.fit("label", split="random", params=FAST)
    assert session.jobs.wait_idle(120)
    yield session
    assert session.close()


def test_checked_shown_and_kept_with_the_model(trained: Session, tmp_path: Path) -> None:
    view: Any = fake(RobustnessView)()
    presenter = RobustnessPresenter(trained, view)
    assert view.shown["offer"] == (True, "")
    assert view.shown["robustness"] == (None, NOT_CHECKED)
    assert trained.bundle is not None
    assert trained.bundle.twin is not None
    view.robustness_requested.emit()
    assert view.shown["offer"][0] is False
    assert "being checked" in view.shown["offer"][1]
    assert trained.jobs.wait_idle(120)
    assert view.shown["offer"] == (True, "")
    found = trained.bundle.robustness
    assert found is not None
    assert trained.bundle.twin is not None, "the twin stays"
    table, words = view.shown["robustness"]
    assert [line.texts[0] for line in table.lines] == [row.condition for row in found.rows]
    assert table.heads == ("", "accuracy", "macro F1", "ECE", "top-6", "logistic")
    assert [line.is_baseline for line in table.lines] == [False, True, True, True]
    assert "not trained on" in words
    trained.save_model(tmp_path / "model").wait(60)
    assert load_bundle(tmp_path / "model").robustness is not None
    trained.save_table("robustness", tmp_path / "r.csv").wait(60)
    assert (tmp_path / "r.csv").read_text().count("\n") == 1 + len(found.rows)
    presenter.close()


def test_a_twin_that_comes_later_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "baseline_rows", lambda *args: {})
    session = Session()
    session.open_dataset(planted_dataset(n_cells=120, n_genes=24, seed=2))
    session.fit("label", split="random", params=FAST).wait(60)
    found = Robustness((), "m", "d", 0)
    bundle = session.bundle
    assert bundle is not None
    session.hold("bundle", replace(bundle, robustness=found))
    assert session.jobs.wait_idle(120)
    assert session.bundle is not None
    assert session.bundle.twin is not None
    assert session.bundle.robustness == found
    assert session.close()


def test_it_can_be_stopped_and_says_why_not(trained: Session) -> None:
    job = trained.check_robustness(shares=(0.5,))
    job.cancel()
    assert trained.jobs.wait_idle(60)
    assert trained.bundle is not None
    assert trained.bundle.robustness is None
    trained.open_dataset(planted_dataset(n_cells=60, n_genes=24, seed=9))
    other = Session()
    other.open_dataset(planted_dataset(n_cells=60, n_genes=24, seed=9))
    with pytest.raises(NotCompatible, match="Train or load a model"):
        other.check_robustness()
    assert other.close()


def test_the_words_of_the_card() -> None:
    rows = (
        RobustnessRow("as measured", "as measured", 9, {"neighbours kept": 1.0, "Poisson deviance": 0.2}),
        RobustnessRow(
            "counts thinned to 10 %",
            "thinned",
            9,
            {"neighbours kept": 0.5, "Poisson deviance": 0.25, "Poisson deviance, best baseline": 0.3},
        ),
        RobustnessRow("<b>new</b>, not trained on", "protocol", 4, {"neighbours kept": float("nan")}),
    )
    found = Robustness(rows, "m", "d", 0, ("Something was not measured.",))
    table = robustness_table(found)
    assert table.heads == ("", "neighbours", "Poisson deviance")
    assert table.lines[1].texts == ("counts thinned to 10 %", "0.500", "0.250 (0.300)")
    assert table.lines[2].texts == ("<b>new</b>, not trained on", "-", "-")
    assert robustness_words(found).endswith("Something was not measured.")
    report = Report("x")
    add_robustness(report, found)
    assert "<b>new" not in report.html()
    assert "&lt;b&gt;new" in report.html()
