"""check, apply and one's own network through the shell."""

import json
from pathlib import Path

import anndata as ad
import pytest

from glasscell.cli.app import run
from glasscell.models import network
from glasscell.testing.planted import planted_dataset

NETWORK = """
from torch import nn
def small(n_genes, n_classes):
    return nn.Sequential(nn.Linear(n_genes, 8), nn.ReLU(), nn.Linear(8, n_classes))
"""


def test_own_network_is_checked_trained_applied_and_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(network, "_REGISTERED", {})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shell_networks.py").write_text(NETWORK)
    dataset = planted_dataset(n_cells=200, n_genes=30, seed=1)
    adata = ad.AnnData(dataset.expression_cg("counts"), obs=dataset.obs[["label"]])
    adata.var_names = dataset.genes.names
    adata.write_h5ad(tmp_path / "a.h5ad")
    adata[:, :24].copy().write_h5ad(tmp_path / "b.h5ad")
    own = ["--network", "shell_networks:small"]

    assert run(["check", "a.h5ad", "--labels", "label", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] in ("yes", "warning")
    assert run(["check", "a.h5ad", "--labels", "nothing"]) == 5
    train = ["--model", "torch_module", "--split", "random", "--folds", "2", "--set", "max_epochs=6"]
    assert run(["fit", "a.h5ad", "--labels", "label", "--out", "m", *train, *own, "--json"]) == 0
    capsys.readouterr()
    assert run(["apply", "b.h5ad", "--model", "m", *own, "--json", "--out", "said.csv"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["genes"]["present"] == 24
    assert len(said["genes"]["missing"]) == 6
    assert len((tmp_path / "said.csv").read_text().splitlines()) == 201
    assert run(["apply", "b.h5ad", "--model", "m", "--min-overlap", "0.9", *own]) == 5
    assert "At least 90% are asked for" in capsys.readouterr().err.replace("\n", " ")
    explained = ["explain", "a.h5ad", "--model", "m", "--target", "class:" + said_class(said), *own, "--json"]
    assert run(explained) == 0
    capsys.readouterr()
    monkeypatch.setattr(network, "_REGISTERED", {})
    assert run(["apply", "b.h5ad", "--model", "m"]) == 5
    assert "--network" in capsys.readouterr().err


def said_class(said: dict[str, dict[str, object]]) -> str:
    return next(iter(said["predicted"]))
