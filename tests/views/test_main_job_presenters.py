"""The main job through presenters and fake views: open, prepare, train, explain, click a gene, undo, redo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.data.read import read
from glasscell.data.selection import Category, Cells, Everything
from glasscell.jobs import Outcome
from glasscell.testing.planted import planted_adata, tiny_dataset
from glasscell.views.evidence import baseline_names, cell_genes
from glasscell.views.model_presenter import metric_rows

SIZE = {"n_cells": 400, "n_genes": 40, "seed": 3}
FIT = {
    "labels": "label",
    "split": "blocks",
    "family": "classifier",
    "params": {"max_epochs": 60, "learning_rate": 0.01},
}
EXPLAIN = {
    "target": "class:K2",
    "method": "integrated_gradients",
    "baseline": "other_classes",
    "cells": "all",
    "params": {},
}


@pytest.fixture(scope="module")
def trained(window_maker_once: Any) -> Iterator[Any]:
    window = window_maker_once()
    window.session.open_dataset(Dataset(planted_adata(**SIZE)))
    window.model.fit_requested.emit(dict(FIT))
    assert window.model.shown["busy"] is True
    window.settle()
    yield window
    assert window.session.close()


@pytest.fixture
def explained(trained: Any) -> Any:
    trained.session.update(selection=Everything())
    trained.attribution.explain_requested.emit(dict(EXPLAIN))
    trained.settle()
    return trained


def test_from_a_file_on_disk_to_reasons_on_the_tissue(window: Any, tmp_path: Path) -> None:
    path = tmp_path / "tissue.h5ad"
    planted_adata(**SIZE).write_h5ad(path)
    window.prepare.open_requested.emit(path)
    window.settle()
    session = window.session
    assert "400" in window.prepare.shown["report"]
    assert "Prepare" in window.embedding.shown["message"]
    assert window.prepare.shown["enabled"] == (True, "")

    window.prepare.run_requested.emit({"n_components": 10})
    assert window.prepare.shown["enabled"][0] is False
    window.settle()
    assert "X_umap" in window.embedding.shown["choices"][0]
    assert window.embedding.shown["positions"][0].shape == (400, 2)
    assert "leiden" in window.model.shown["labels"]

    assert window.model.shown["labels"][0] == "label"
    assert window.model.shown["schemes"] == (("blocks", "random"), "blocks")
    window.model.fit_requested.emit(dict(FIT))
    window.settle()
    assert session.bundle is not None
    assert session.bundle.twin is not None
    assert session.bundle.metrics.accuracy > 0.6
    assert window.attribution.shown["enabled"] == (True, "")
    assert "class:K2" in window.attribution.shown["targets"]

    window.attribution.explain_requested.emit(dict(EXPLAIN))
    assert window.attribution.shown["busy"] is True
    window.settle()
    assert window.attribution.shown["busy"] is False
    rows, caption = window.attribution.shown["ranking"]
    truth = set(np.flatnonzero(planted_adata(**SIZE).varm["truth"][:, 1]))
    assert len({int(row.gene[4:]) for row in rows[:4]} & truth) >= 3
    assert "held out" in caption

    before = window.tissue.shown["colours"].copy()
    window.attribution.gene_clicked.emit(rows[0].gene)
    window.settle()
    assert window.colour.shown["colour_bar"].centre == 0
    np.testing.assert_array_equal(window.tissue.shown["colours"], window.embedding.shown["colours"])
    assert (window.tissue.shown["colours"] != before).any()

    session.undo()
    np.testing.assert_array_equal(window.tissue.shown["colours"], before)
    assert session.explanation is not None
    session.redo()
    assert window.colour.shown["title"].startswith(rows[0].gene)
    while session.can_undo:
        session.undo()
    assert session.state.views.embedding is None
    assert session.bundle is not None
    while session.can_redo:
        session.redo()
    assert session.state.views.embedding == "X_umap"
    assert session.explanation is not None
    titles = [row.title for row in window.job.shown["jobs"]]
    assert titles[-1].startswith("Open")
    assert all(row.outcome == "done" for row in window.job.shown["jobs"])
    assert not any(
        level == "error" for level, _ in (call[1] for call in window.job.calls if call[0] == "message")
    )


def test_figures_never_stand_without_their_baselines(trained: Any) -> None:
    rows = trained.model.shown["metrics"]
    assert rows[0].name == "classifier"
    assert not rows[0].is_baseline
    assert {row.name for row in rows if row.is_baseline} >= {"majority", "logistic", "coordinates"}
    assert {row.scheme for row in rows} == {"blocks"}
    assert metric_rows(replace(trained.session.bundle, baselines={})) == ()
    assert len(trained.model.shown["curve"]) == 4
    assert trained.model.shown["busy"] is False


def test_a_ranking_without_its_evidence_is_not_shown(explained: Any) -> None:
    session = explained.session
    whole = session.explanation
    rows, _ = explained.attribution.shown["ranking"]
    assert all(row.twin_rank is not None for row in rows)
    assert all(row.mean_difference_rank is not None for row in rows)
    assert explained.attribution.shown["checks"]
    for bare in (replace(whole, twin=None), replace(whole, diagnostics={})):
        session.hold("explanation", bare)
        explained.settle()
        rows, message = explained.attribution.shown["ranking"]
        assert rows is None
        assert "twin" in message
        assert explained.attribution.shown["checks"] == ()
    session.hold("explanation", whole)
    explained.settle()
    assert explained.attribution.shown["ranking"][0] is not None


def test_the_ranking_follows_the_selection(explained: Any) -> None:
    session = explained.session
    whole, caption = explained.attribution.shown["ranking"]
    assert "of K2" in caption
    session.update(selection=Category(ChannelRef.make("obs", "label"), ("K1",)))
    explained.settle()
    other, caption = explained.attribution.shown["ranking"]
    assert "selection" in caption
    assert [row.gene for row in other] != [row.gene for row in whole]
    session.update(selection=Everything())
    explained.settle()
    assert explained.attribution.shown["ranking"][0] == whole


def test_cells_that_were_not_explained_have_no_ranking(trained: Any) -> None:
    session = trained.session
    session.update(selection=Cells(np.arange(50, dtype=np.int32)))
    trained.attribution.explain_requested.emit({**EXPLAIN, "cells": "selection"})
    trained.settle()
    assert len(session.explanation.cells) == 50
    session.update(selection=Cells(np.arange(60, 80, dtype=np.int32)))
    trained.settle()
    rows, message = trained.attribution.shown["ranking"]
    assert rows is None
    assert "explain" in message
    session.hover(70)
    assert trained.attribution.shown["cell_genes"] == ("cell00070 was not explained", ())
    session.update(selection=Cells(np.zeros(0, np.int32)))
    trained.attribution.explain_requested.emit({**EXPLAIN, "cells": "selection"})
    assert "No cells" in trained.job.shown["message"][1]


def test_a_hovered_cell_shows_its_own_genes_and_whether_it_was_seen_in_training(explained: Any) -> None:
    explained.tissue.cell_hovered.emit(11)
    title, rows = explained.attribution.shown["cell_genes"]
    assert title == "cell00011 (held out)"
    assert len(rows) == 10
    gene = rows[0]
    assert gene.value == pytest.approx(explained.session.explanation.gene(gene.gene)[11], rel=1e-4)
    assert gene.expression == pytest.approx(explained.session.dataset.gene_column(gene.gene)[11])
    explained.tissue.cell_hovered.emit(None)
    assert explained.attribution.shown["cell_genes"] == ("", ())
    seen = replace(explained.session.explanation, in_training=np.ones(400, bool))
    assert cell_genes(seen, explained.session.dataset, 11)[0] == "cell00011 (seen in training)"


def test_attributions_of_training_cells_are_marked_wherever_they_are_shown(trained: Any) -> None:
    trained.session.explain("class:K2", nets="fold:0")
    trained.settle()
    explanation = trained.session.explanation
    assert explanation.in_training.any()
    rows, caption = trained.attribution.shown["ranking"]
    assert "seen in training" in caption
    trained.attribution.gene_clicked.emit(rows[0].gene)
    trained.settle()
    assert "seen in training" in trained.colour.shown["message"]
    assert "seen in training" in trained.colour.shown["colour_bar"].note


def test_attribution_colours_are_centred_at_zero_whatever_the_limits(explained: Any) -> None:
    explained.attribution.gene_clicked.emit("GENE0004")
    explained.settle()
    for limits in (None, (-0.1, 5.0), (1.0, 2.0)):
        explained.colour.limits_requested.emit(limits)
        bar = explained.colour.shown["colour_bar"]
        assert bar.centre == 0
        assert bar.low == -bar.high
    assert bar.unit == "logit"


def test_attributions_are_found_by_searching(explained: Any) -> None:
    explained.colour.query_typed.emit("GENE0004")
    hits = {hit.subtitle: hit.ref for hit in explained.colour.shown["hits"]}
    ref = hits["attribution to class:K2"]
    assert ref.param("explanation") == explained.session.explanation.id


@pytest.mark.parametrize(
    ("key", "categories"), [("label", ("K1", "K2", "K3")), ("correct", ("right", "wrong"))]
)
def test_predictions_can_be_coloured_by(trained: Any, key: str, categories: tuple[str, ...]) -> None:
    bundle = trained.session.bundle
    trained.colour.channel_requested.emit(ChannelRef.make("prediction", key, model=bundle.id))
    legend = trained.colour.shown["legend"]
    assert tuple(item.name for item in legend.items) == categories
    assert "held out" in legend.note
    if key == "correct":
        right = legend.items[0].total / sum(item.total for item in legend.items)
        assert right == pytest.approx(bundle.metrics.accuracy)
    trained.colour.channel_requested.emit(ChannelRef.make("prediction", "probability", model=bundle.id))
    assert (
        0.3 < trained.colour.shown["colour_bar"].data_low <= trained.colour.shown["colour_bar"].data_high <= 1
    )


def test_training_on_lassoed_groups(window: Any) -> None:
    window.session.open_dataset(Dataset(planted_adata(**SIZE)))
    assert "groups" not in window.model.shown["labels"]
    for name in ("K1", "K3"):
        window.session.update(selection=Category(ChannelRef.make("obs", "label"), (name,)))
        window.model.group_requested.emit(f"my {name}")
    assert window.model.shown["labels"][0] == "groups"
    window.model.fit_requested.emit({**FIT, "labels": "groups"})
    window.settle()
    assert window.session.bundle.classes == ("my K1", "my K3")
    assert window.attribution.shown["targets"][:2] == ("class:my K1", "class:my K3")


def test_cancel_then_train_again(window: Any) -> None:
    window.session.open_dataset(Dataset(planted_adata(**SIZE)))
    window.model.fit_requested.emit({**FIT, "params": {"max_epochs": 10000, "patience": 1000}})
    (job,) = window.session.jobs.active
    window.model.cancel_requested.emit()
    job.wait(60)
    assert job.outcome is Outcome.CANCELLED
    assert window.model.shown["busy"] is False
    assert window.session.bundle is None
    assert window.job.shown["jobs"][0].outcome == "cancelled"
    window.model.fit_requested.emit(dict(FIT))
    window.settle()
    assert window.session.bundle is not None
    assert "stopped" not in window.session.messages[-1].text


def test_a_job_can_be_cancelled_from_the_strip(window: Any) -> None:
    window.session.open_dataset(Dataset(planted_adata(**SIZE)))
    window.model.fit_requested.emit({**FIT, "params": {"max_epochs": 10000, "patience": 1000}})
    row = window.job.shown["jobs"][0]
    assert row.can_cancel
    window.job.cancel_requested.emit(row.id)
    window.settle()
    row = window.job.shown["jobs"][0]
    assert (row.state, row.outcome, row.can_cancel) == ("finished", "cancelled", False)


def test_bad_settings_are_told_in_one_sentence(window: Any) -> None:
    window.session.open_dataset(Dataset(planted_adata(**SIZE)))
    window.model.fit_requested.emit({**FIT, "params": {"hidden": -1}})
    window.settle()
    assert "hidden" in window.job.shown["message"][1]
    assert window.model.shown["busy"] is False
    assert "hidden" in window.model.shown["message"]
    window.prepare.run_requested.emit({"n_components": "many"})
    window.settle()
    assert "n_components" in window.job.shown["message"][1]
    assert window.prepare.shown["enabled"] == (True, "")


def test_saving_and_loading_model_and_data(explained: Any, tmp_path: Path) -> None:
    session = explained.session
    explained.model.save_requested.emit(tmp_path / "model")
    session.update(selection=Cells(np.arange(5, dtype=np.int32)))
    session.grouping.add("first five")
    explained.prepare.save_requested.emit(tmp_path / "saved.h5ad")
    explained.settle()
    assert session.messages[-1].level == "info", session.messages[-1]
    saved = read(tmp_path / "saved.h5ad")
    assert saved.obs["glasscell.group.first_five"].to_numpy().astype(bool).sum() == 5
    assert any(key.startswith("glasscell.integrated_gradients") for key in saved.adata.uns)
    model = session.state.model
    session.update(model=None)
    assert explained.attribution.shown["enabled"] == (False, "Train or load a model first.")
    assert explained.model.shown["metrics"] == ()
    explained.model.load_requested.emit(tmp_path / "model")
    explained.settle()
    assert session.state.model == model
    assert session.bundle.twin is not None


def test_a_model_of_other_genes_is_refused_with_the_reason(trained: Any) -> None:
    dataset = trained.session.dataset
    try:
        trained.session.open_dataset(tiny_dataset(n_genes=30))
        enabled, reason = trained.attribution.shown["enabled"]
        assert not enabled
        assert "lack 10 of the model's genes" in reason
        assert trained.session.explanation is None
    finally:
        trained.session.open_dataset(dataset)


def test_methods_baselines_and_forms_are_offered(trained: Any) -> None:
    rows = {row.id: row for row in trained.attribution.shown["methods"]}
    assert rows.keys() >= {"integrated_gradients", "saliency", "input_x_gradient"}
    assert not any(row.why_not for row in rows.values())
    assert trained.attribution.shown["baselines"][0] == "other_classes"
    assert "class:K1" in trained.attribution.shown["baselines"]
    nameless = replace(trained.session.bundle, classes=())
    assert baseline_names(nameless) == ("mean", "zero", "depth_matched"), "it has no other classes"
    trained.attribution.method_chosen.emit("saliency")
    saliency = trained.attribution.shown["form"]
    trained.attribution.method_chosen.emit("integrated_gradients")
    assert "steps" in {field.name for field in trained.attribution.shown["form"]}
    assert "steps" not in {field.name for field in saliency}


def test_a_dock_opened_while_training_follows_it(window: Any, window_maker: Any) -> None:
    from glasscell.testing.fake_views import FakeModelView
    from glasscell.views.model_presenter import ModelPresenter

    window.session.open_dataset(Dataset(planted_adata(**SIZE)))
    job = window.session.fit("label", params={"max_epochs": 10000, "patience": 1000})
    assert window.model.shown["busy"] is True
    late = FakeModelView()
    presenter = ModelPresenter(window.session, late)
    assert late.shown["busy"] is True
    late.cancel_requested.emit()
    job.wait(60)
    assert late.shown["busy"] is False
    presenter.close()


def test_opening_other_data_while_training_keeps_the_state_clean(window: Any) -> None:
    window.session.open_dataset(Dataset(planted_adata(**SIZE)))
    job = window.session.fit("label", params={"max_epochs": 5})
    adata = planted_adata(**SIZE)
    adata.obs_names = [f"other{k}" for k in range(400)]
    window.session.open_dataset(Dataset(adata))
    window.settle()
    assert job.outcome is Outcome.DONE
    assert window.session.bundle is None
    assert "other data" in window.session.jobs.jobs[-1].note
    assert "other data" in window.job.shown["jobs"][0].text


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "cells", "gene", "placed"),
    [
        ("dlpfc_151673.h5ad", 3639, "PCP4", True),
        ("pbmc3k.h5ad", 2638, "CD3E", False),
        ("mibitof_crc_3309x36.h5ad", 3309, "CD45", True),
    ],
)
def test_real_files_open_search_and_colour(
    window: Any, real_data: Any, name: str, cells: int, gene: str, placed: bool
) -> None:
    window.prepare.open_requested.emit(real_data(name))
    window.settle()
    assert window.session.dataset.n_cells == cells
    assert (window.tissue.shown["picture"] is not None) == placed
    window.colour.query_typed.emit(gene.lower())
    hit = next(hit for hit in window.colour.shown["hits"] if hit.subtitle == "gene")
    assert hit.title == gene
    window.colour.channel_requested.emit(hit.ref)
    window.settle()
    assert window.colour.shown["colour_bar"].title == gene
    assert len(window.tissue.shown["colours"]) == cells + 1
