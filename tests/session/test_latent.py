"""Latents of a model become embeddings: after training, after loading, never of other cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.errors import GlasscellError
from glasscell.jobs import QUIET, Outcome
from glasscell.session import Session
from glasscell.session.latent import with_latents
from glasscell.testing.planted import planted_adata, planted_dataset

FAST = {"n_latent": 4, "hidden": 16, "max_epochs": 3, "batch_size": 32}


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    assert made.close()


@pytest.fixture
def trained(session: Session) -> Session:
    session.open_dataset(planted_dataset(n_cells=120, n_genes=30, n_sections=2))
    session.fit(family="vae", params=FAST, batch="section")
    assert session.jobs.wait_idle(120)
    return session


def test_training_without_labels_shows_its_latents(trained: Session) -> None:
    bundle, dataset = trained.bundle, trained.dataset
    assert bundle is not None
    assert dataset is not None
    assert trained.state.model == bundle.id
    assert trained.state.views.embedding == "X_umap_vae"
    np.testing.assert_array_equal(dataset.embeddings["X_vae"], bundle.cells.latent_cz)
    assert dataset.embeddings["X_umap_vae"].shape == (120, 2)
    assert bundle.provenance["batch"] == "section"
    assert bundle.twin is not None, "its twin learns from redrawn counts"
    trained.undo()
    trained.undo()
    assert trained.state.views.embedding != "X_umap_vae"
    assert trained.state.model == bundle.id, "an undo does not lose a training run"


def test_a_second_training_replaces_them_and_the_files_own_are_kept() -> None:
    adata = planted_adata(n_cells=120, n_genes=30)
    own = np.arange(240, dtype=np.float32).reshape(120, 2)
    adata.obsm["X_vae"] = own
    session = Session()
    session.open_dataset(Dataset(adata))
    for seed in (0, 1):
        session.fit(family="vae", params=FAST, seed=seed)
        assert session.jobs.wait_idle(120)
    dataset, bundle = session.dataset, session.bundle
    assert dataset is not None
    assert bundle is not None
    np.testing.assert_array_equal(dataset.embeddings["X_vae_stored"], own)
    np.testing.assert_array_equal(dataset.embeddings["X_vae"], bundle.cells.latent_cz)
    assert set(dataset.embeddings) == {"X_vae", "X_vae_stored", "X_umap_vae"}
    np.testing.assert_array_equal(adata.obsm["X_vae"], own)
    assert session.close()


def test_a_loaded_model_shows_them_again(trained: Session, tmp_path: Path) -> None:
    trained.save_model(tmp_path / "vae")
    assert trained.jobs.wait_idle(60)
    trained.open_dataset(planted_dataset(n_cells=120, n_genes=30, n_sections=2))
    assert "X_vae" not in trained.dataset.embeddings  # type: ignore[union-attr]
    trained.load_model(tmp_path / "vae")
    assert trained.jobs.wait_idle(60)
    assert trained.state.views.embedding == "X_umap_vae"
    assert "without labels" in trained.messages[-1].text


def test_other_cells_get_none(trained: Session) -> None:
    bundle = trained.bundle
    assert bundle is not None
    assert with_latents(planted_dataset(n_cells=150, n_genes=30), bundle, QUIET) is None


def test_data_without_counts_get_a_sentence(session: Session) -> None:
    adata = planted_adata(n_cells=120, n_genes=30)
    adata.X = adata.X.toarray() / 3.3
    session.open_dataset(Dataset(adata))
    job = session.fit(family="vae", params=FAST)
    assert session.jobs.wait_idle(60)
    assert job.outcome is Outcome.FAILED
    assert isinstance(job.error, GlasscellError)
    assert "choose the layer that holds counts" in session.messages[-1].text
