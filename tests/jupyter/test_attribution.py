"""The attribution panel of a notebook pressed: explain, read the evidence, click a gene."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.explain.check import Check
from glasscell.jupyter.attribution import JupyterAttributionView
from glasscell.session import Session
from glasscell.testing.planted import planted_adata
from glasscell.testing.toy_latent import ToyLatent, latent_bundle
from glasscell.views.attribution_presenter import AttributionPresenter
from glasscell.views.gene_table import CANNOT_TELL, HOVER
from glasscell.views.row import CellGeneRow, MethodRow, RankingRow

MARKUP = "<img src=x onerror=alert(1)>$x^2$"
RANKED = (
    RankingRow(1, MARKUP, 0.9, 0.7, 0.2, 1, 800, 0.0),
    RankingRow(2, "PCP4", 0.3, 0.5, -0.2, 12, 2, 4.0),
    RankingRow(3, "NEFM", -0.2, -0.1, -0.1, None, None, None),
)
INTENTS = ("explain_requested", "cancel_requested", "method_chosen", "gene_clicked")


def told(view: Any) -> list[tuple[Any, ...]]:
    heard: list[tuple[Any, ...]] = []
    for name in INTENTS:
        getattr(view, name).connect(lambda *values, name=name: heard.append((name, *values)))
    return heard


def click(sheet: Any, row: int, column: int = 0) -> None:
    sheet._on_message(sheet, {"type": "clicked", "row": row, "column": column}, [])


@pytest.fixture(scope="module")
def parts() -> Iterator[tuple[Session, JupyterAttributionView]]:
    session, view = Session(), JupyterAttributionView()
    presenter = AttributionPresenter(session, view)
    assert view.asking.ask.disabled
    session.open_dataset(Dataset(planted_adata(n_cells=240, n_genes=30, seed=3)))
    assert "Train or load" in view.reason.text
    session.fit("label", family="classifier", params={"max_epochs": 30})
    assert session.jobs.wait_idle(240)
    yield session, view
    presenter.close()
    assert session.close()


def test_explain_rank_and_click(parts: tuple[Session, Any]) -> None:
    session, view = parts
    assert not view.asking.ask.disabled
    assert view.target.key.startswith("class:")
    assert view.method.key == "integrated_gradients"
    assert "steps" in view.form.fields
    view.target.value, view.cells.value = "class:K2", "all"
    view.asking.ask.click()
    assert view.asking.ask.layout.display == "none"
    assert view.asking.cancel.layout.display is None
    assert session.jobs.wait_idle(240)
    assert view.asking.cancel.layout.display == "none"
    assert view._ranked.layout.display is None
    assert "class:K2 over" in view.message.text
    assert [column.head for column in view.ranking.columns] == ["gene", "value", "", "diff", "twin", "folds"]
    assert view.checks.rows
    click(view.ranking, 1, 3)
    channel = session.state.colouring.channel
    assert channel is not None
    assert channel.kind == "attribution"
    assert channel.key == view.ranking.rows[1][0]
    session.hover(5)
    assert len(view.cell_genes.rows) == 10
    assert view.cell_title.text.startswith(str(session.dataset.cell_names[5]))
    session.hover(None)
    assert view.cell_genes.rows == []
    assert view.cell_title.text == HOVER


def test_a_click_that_comes_late_means_the_gene_that_was_clicked(parts: tuple[Session, Any]) -> None:
    view = JupyterAttributionView()
    heard = told(view)
    view.set_ranking(RANKED, "")
    view.ranking._on_message(view.ranking, {"type": "clicked", "row": 0, "column": 0, "key": "PCP4"}, [])
    assert heard == [("gene_clicked", "PCP4")]


def test_cancelling_ends_it(parts: tuple[Session, Any]) -> None:
    session, view = parts
    view.form.fields["steps"].control.value = 1024
    view.asking.ask.click()
    view.asking.cancel.click()
    assert session.jobs.wait_idle(240)
    assert view.asking.ask.layout.display is None
    view.form.fields["steps"].control.value = 64


def test_another_method_brings_its_form_and_a_bad_one_is_refused(parts: tuple[Session, Any]) -> None:
    session, view = parts
    before = set(view.form.fields)
    other = next(key for _, key in view.method.options if key != view.method.key)
    view.method.value = other
    assert set(view.form.fields) != before or other == view.method.key
    dataset = session.dataset
    weights_zg = np.random.default_rng(1).normal(size=(3, 30))
    kept = session.state.model
    names = [str(name) for name in dataset.genes.names]
    session.update(model=session.hold("bundle", latent_bundle(dataset, ToyLatent(weights_zg, names))))
    offered = [key for _, key in view.method.options]
    assert view.method.key in offered
    from glasscell.explain.method import method_info
    from glasscell.views.form import fields

    shown = {spec.name for spec in fields(method_info(view.method.key).params)}
    assert set(view.form.fields) == shown, "the form is that of the method that is chosen"
    session.update(model=kept)


def test_every_evidence_column_and_one_scale(parts: tuple[Session, Any]) -> None:
    view = JupyterAttributionView()
    heard = told(view)
    view.set_ranking(RANKED, "over 12 cells")
    rows = view.ranking.rows
    assert rows[2][3:] == (CANNOT_TELL,) * 3
    assert rows[0][0] == MARKUP
    assert view.ranking._body["warned"] == [[1, 4]], "a gene the twin ranks high is marked"
    bars = [row[2] for row in rows]
    assert len({(bar.low, bar.high) for bar in bars}) == 1
    assert (bars[1].solid, bars[1].hatched) == (0.5, -0.2)
    view.set_cell_genes(MARKUP, (CellGeneRow("PCP4", -0.5, 2.0),))
    assert view.cell_genes.rows[0][3] == "2"
    assert "<img" not in view.cell_title.value
    view.set_ranking(None, "Nothing is explained yet.")
    assert view._ranked.layout.display == "none"
    assert heard == []


def test_setters_are_silent_and_refused_methods_say_why() -> None:
    view = JupyterAttributionView()
    heard = told(view)
    view.set_targets(("class:L5", "class:WM"))
    view.set_methods(
        (
            MethodRow("a", "First", "needs gradients"),
            MethodRow("b", "Second", ""),
            MethodRow("c", "Third", "Third does not fit this model: why."),
        )
    )
    view.set_baselines(("other_classes", "zero"))
    view.set_enabled(True, "")
    view.set_busy(True)
    view.set_busy(False)
    assert heard == []
    assert [key for _, key in view.method.options] == ["b"]
    assert view.refused.text == "First: needs gradients\nThird does not fit this model: why."
    assert view.baseline.options[0] == ("other classes", "other_classes")
    view.asking.ask.click()
    assert heard[0][1] == {
        "target": "class:L5",
        "method": "b",
        "baseline": "other_classes",
        "cells": "class",
        "params": {},
    }


def test_checks_speak_in_words_and_only_ok_is_green() -> None:
    view = JupyterAttributionView()
    verdicts = ("ok", "warn", "bad", "cannot tell")
    view.set_checks([Check(MARKUP, 0.5, v, f"sentence {v}") for v in verdicts])  # type: ignore[arg-type]
    words = [row[0].text for row in view.checks.rows]
    assert words == ["ok", "careful", "failed", "cannot tell"]
    assert len({row[0].back for row in view.checks.rows}) == 4
    assert "sentence ok" not in view.sentences.text
    assert "sentence cannot tell" in view.sentences.text
    assert "<img" not in view.sentences.value
    view.set_checks(())
    assert view._checks.layout.display == "none"
