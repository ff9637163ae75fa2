"""``glasscell open-scvi``: says what it runs, asks, and leaves a bundle of safetensors and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.scvi_warnings import SCVI_WARNINGS
from typer.testing import CliRunner

from glasscell.cli.app import app
from glasscell.models.scvi.network import import_scvi
from glasscell.testing.planted import planted_adata

pytest.importorskip("scvi", reason="needs scvi-tools: pip install 'glasscell[scvi]'")
pytestmark = SCVI_WARNINGS


def test_it_asks_and_writes_a_bundle(tmp_path: Path) -> None:
    adata = planted_adata(n_cells=100, n_genes=30, seed=3)
    adata.write_h5ad(tmp_path / "cells.h5ad")
    scvi = import_scvi()
    scvi.model.LinearSCVI.setup_anndata(adata)
    theirs = scvi.model.LinearSCVI(adata, n_hidden=8, n_latent=3)
    theirs.train(max_epochs=1, accelerator="cpu", enable_progress_bar=False)
    theirs.save(str(tmp_path / "saved"))
    command = ["open-scvi", str(tmp_path / "cells.h5ad"), "--model", str(tmp_path / "saved"), "--out"]
    refused = CliRunner().invoke(app, [*command, str(tmp_path / "no")], input="n\n")
    assert refused.exit_code == 1
    assert "nothing in the file is run" in " ".join(refused.stderr.split())
    assert not (tmp_path / "no").exists()
    done = CliRunner().invoke(app, [*command, str(tmp_path / "yes"), "--yes", "--json"])
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    assert (said["family"], said["n_cells"], said["n_latent"]) == ("linear_scvi", 100, 3)
    assert said["metrics"] == {}
    assert {"weights.safetensors", "model.json"} <= {one.name for one in (tmp_path / "yes").iterdir()}
