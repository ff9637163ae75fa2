"""A model saved by scvi-tools becomes the current one: latents shown, cells explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.scvi_warnings import SCVI_WARNINGS

from glasscell.data.dataset import Dataset
from glasscell.jobs import Outcome
from glasscell.models.scvi.network import import_scvi
from glasscell.session import Session
from glasscell.testing.planted import planted_adata

pytest.importorskip("scvi", reason="needs scvi-tools: pip install 'glasscell[scvi]'")
pytestmark = SCVI_WARNINGS


def test_it_is_opened_shown_and_explained(tmp_path: Path) -> None:
    adata = planted_adata(n_cells=120, n_genes=30, seed=3)
    scvi, own = import_scvi(), adata.copy()
    scvi.model.SCVI.setup_anndata(own, labels_key="label")
    first = scvi.model.SCVI(own, n_hidden=8, n_latent=3)
    how = {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False}
    first.train(**how)
    theirs = scvi.model.SCANVI.from_scvi_model(first, "unknown")
    theirs.train(**how)
    theirs.save(str(tmp_path / "saved"))
    session = Session()
    try:
        session.open_dataset(Dataset(adata))
        job = session.open_scvi(tmp_path / "saved")
        assert session.jobs.wait_idle(120)
        assert job.outcome is Outcome.DONE
        bundle, dataset = session.bundle, session.dataset
        assert bundle is not None
        assert dataset is not None
        assert bundle.family == "scanvi"
        latent_cz = theirs.get_latent_representation()
        np.testing.assert_allclose(dataset.embeddings["X_scanvi"], latent_cz, atol=1e-5)
        session.explain(f"class:{bundle.classes[0]}", baseline="depth_matched")
        assert session.jobs.wait_idle(120)
        assert session.explanation is not None
        assert session.explanation.provenance.route == "factored"
        failed = session.open_scvi(tmp_path)
        assert session.jobs.wait_idle(60)
        assert failed.outcome is Outcome.FAILED
        assert session.bundle is bundle, "a failed opening leaves the model as it was"
    finally:
        assert session.close()
