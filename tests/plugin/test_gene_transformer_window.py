"""A gene transformer in the real window on real cells: stopped, trained, attention asked, kept, explained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.read import read

from .conftest import settled, spin, wait
from .test_attention_dock import press

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(900)]
TINY = {"n_tokens": 12, "width": 8, "heads": 2, "pretrain_epochs": 1, "max_epochs": 1}


@pytest.fixture
def blood_file(real_data: Callable[[str], Path], tmp_path: Path) -> Path:
    """Two hundred cells of blood and their 30 most variable genes."""
    whole = read(real_data("pbmc3k.h5ad"))
    counts = np.asarray(whole.expression_cg("counts").todense())
    mean_g = counts.mean(axis=0)
    genes = np.sort(np.argsort(-counts.var(axis=0) / (mean_g + 0.05))[:30])
    cells = np.sort(np.random.default_rng(0).permutation(whole.n_cells)[:200])
    path = tmp_path / "blood.h5ad"
    whole.adata[cells][:, genes].copy().write_h5ad(path)
    return path


def train(made: Any, **params: Any) -> Any:
    """Choose family, labels and settings in the Model dock, and press."""
    made.raise_dock("Model")
    spin(0.05)
    view = made.docks["Model"].view
    view.family.setCurrentIndex(view.family.findData("gene_transformer"))
    view.labels.setCurrentText("louvain")
    view.form.set_values({**TINY, **params})
    assert view.train.isEnabled(), view.reason.text()
    press(view.train)
    return view


def test_a_gene_transformer_by_its_buttons(
    window: Callable[..., Any], blood_file: Path, tmp_path: Path
) -> None:
    made = window(blood_file)
    settled(made.desk)
    session = made.desk.session
    view = train(made, pretrain_epochs=4000, patience=1000)
    job = next(job for job in session.jobs.active if job.lane == "train")
    wait(lambda: job.progress.fraction or job.is_finished, 120, "the first epoch without labels")
    press(view.cancel)
    wait(lambda: job.is_finished, 60, "the cancel")
    assert job.outcome.value == "cancelled"
    settled(made.desk)
    assert session.bundle is None, "a run that was stopped leaves nothing"

    train(made)
    wait(lambda: not session.jobs.active, 300, "training and the twin")
    settled(made.desk)
    bundle = session.bundle
    assert bundle.family == "gene_transformer"
    assert view.metrics.item(0, 0).text().startswith("gene_transformer")
    assert any("error of hidden genes" in note for note in bundle.notes)
    session.save_model(tmp_path / "kept")
    settled(made.desk)
    assert (tmp_path / "kept" / "weights.safetensors").exists()
    session.load_model(tmp_path / "kept")
    settled(made.desk)
    assert session.bundle.fingerprint == bundle.fingerprint

    made.raise_dock("Attention")
    spin(0.1)
    panel = made.docks["Attention"].view
    panel.by.setCurrentText("louvain")
    press(panel.ask)
    wait(lambda: not session.jobs.active, 300, "attention, with every gene removed")
    settled(made.desk)
    heat = panel.heatmap.picture
    assert [one.key for one in heat.panels] == ["relative", "removed"]
    assert set(heat.rows) <= set(bundle.folds[0].tokens)

    made.raise_dock("Attribution")
    spin(0.1)
    attribution = made.docks["Attribution"].view
    attribution.cells.setCurrentIndex(attribution.cells.findData("all"))
    target = f"class:{bundle.classes[0]}"
    attribution.target.setCurrentText(target)
    press(attribution.explain)
    wait(lambda: not session.jobs.active, 300, "the attribution")
    settled(made.desk)
    assert str(session.explanation.target) == target
    wait(lambda: attribution.ranking.genes.rowCount() > 0, 30, "the ranking, shown with its evidence")
