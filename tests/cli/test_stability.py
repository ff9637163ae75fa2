"""``glasscell stability``: on the model that ``glasscell fit`` wrote."""

import json
from pathlib import Path

import pytest
from anndata import read_h5ad

from glasscell.cli.app import run
from glasscell.explain.traversal.stability import read_stability
from glasscell.testing.planted import planted_adata

FAST = ("n_latent=3", "hidden=16", "decoder_hidden=8", "max_epochs=4", "batch_size=32")


def test_from_training_to_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file, model = tmp_path / "cells.h5ad", tmp_path / "model"
    planted_adata(n_cells=120, n_genes=30).write_h5ad(file)
    settings = [word for pair in FAST for word in ("--set", pair)]
    fitted = run(["fit", str(file), "--model", "additive_vae", "--out", str(model), *settings, "--seed", "3"])
    assert fitted == 0
    capsys.readouterr()
    words = ["stability", str(file), "--model", str(model), "--seeds", "2"]
    files = ["--table", str(tmp_path / "s.csv"), "--out", str(tmp_path / "out.h5ad")]
    assert run([*words, "--json", *files]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["seeds"] == [3, 4]
    assert [row["factor"] for row in found["factors"]] == ["0", "1", "2"]
    assert all(0 <= row["lowest"] <= row["mean"] <= 1 for row in found["factors"])
    assert (tmp_path / "s.csv").read_text().count("\n") == 4
    (kept,) = read_stability(read_h5ad(tmp_path / "out.h5ad"))
    assert kept.seeds == (3, 4)
    assert run(words) == 0
    assert "untrained" in capsys.readouterr().out
