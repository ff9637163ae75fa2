"""A model without labels in the real window: chosen, trained, its latents drawn and explained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.testing.planted import planted_adata

from .conftest import settled, spin, wait

pytestmark = [pytest.mark.gui, pytest.mark.timeout(300)]


@pytest.fixture
def planted_file(tmp_path: Path) -> Path:
    """A small file with counts, sections and a plain embedding."""
    adata = planted_adata(n_cells=200, n_genes=40, n_sections=2)
    adata.obsm["X_umap"] = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    path = tmp_path / "planted.h5ad"
    adata.write_h5ad(path)
    return path


def train_vae(window: Any, batch: str, **params: Any) -> Any:
    """Choose the family, a batch and settings, and press the button."""
    settled(window.desk)
    window.raise_dock("Model")
    spin(0.05)
    view = window.docks["Model"].view
    view.family.setCurrentIndex(view.family.findData("vae"))
    assert not view.labels.isVisible()
    view.batch.setCurrentIndex(view.batch.findData(batch))
    view.form.set_values(params)
    assert view.train.isEnabled()
    view.train.click()
    settled(window.desk)
    return view


def test_train_without_labels_by_its_buttons(window: Callable[..., Any], planted_file: Path) -> None:
    made = window(planted_file)
    view = train_vae(made, "section", hidden=16, max_epochs=4, n_latent=4)
    session = made.desk.session
    assert session.bundle.family == "vae"
    assert session.bundle.twin is not None
    assert view.metrics.item(0, 0).text() == "vae"
    assert view.metrics.item(1, 0).text() == "gene mean x size"
    assert view.save.isEnabled()
    assert session.state.views.embedding == "X_umap_vae"
    made.raise_dock("Embedding")
    spin(0.1)
    explain = made.docks["Attribution"].view
    made.raise_dock("Attribution")
    spin(0.05)
    explain.cells.setCurrentIndex(explain.cells.findData("all"))
    explain.target.setCurrentText("latent:2")
    explain.explain.click()
    settled(made.desk)
    assert session.explanation.target == "latent:2"
    assert session.explanation.twin is not None
    wait(lambda: explain.ranking.genes.rowCount() > 0, 20, "the ranking, shown with its evidence")


@pytest.mark.real_data
@pytest.mark.slow
def test_train_without_labels_on_pbmc3k(window: Callable[..., Any], real_data: Callable[[str], Path]) -> None:
    made = window(real_data("pbmc3k.h5ad"))
    view = train_vae(made, "", hidden=32, max_epochs=3)
    session = made.desk.session
    assert session.dataset.embeddings["X_vae"].shape == (2638, 10)
    assert session.state.views.embedding == "X_umap_vae"
    own, mean = (float(view.metrics.item(row, 1).text()) for row in (0, 1))
    assert own < mean
