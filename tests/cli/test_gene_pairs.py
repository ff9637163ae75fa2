"""``glasscell gene-pairs`` and ``glasscell label-efficiency`` on a model that ``glasscell fit`` wrote."""

import json
from pathlib import Path

import pytest

from glasscell.cli.app import run
from glasscell.testing.planted import planted_adata

FAST = ("n_tokens=10", "width=8", "heads=2", "pretrain_epochs=1", "max_epochs=1")
SETTINGS = [word for pair in FAST for word in ("--set", pair)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cells.h5ad"
    made = planted_adata(120, 20, seed=1)
    del made.obsm["spatial"]
    made.write_h5ad(path)
    return path


def test_pairs_from_training_to_table(file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    model = tmp_path / "model"
    words = ["--model", "gene_transformer", "--labels", "label", "--split", "random", "--folds", "2"]
    assert run(["fit", str(file), *words, "--out", str(model), *SETTINGS]) == 0
    assert "the error of hidden genes" in capsys.readouterr().err
    words = ["gene-pairs", str(file), "--model", str(model), "--by", "label", "--top", "3"]
    assert run([*words, "--json", "--table", str(tmp_path / "p.csv")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["groups"]) == ["K1", "K2", "K3"]
    assert all(len(pairs) == 3 for pairs in found["groups"].values())
    first = found["groups"]["K2"][0]
    assert {"gene", "attends_to", "relative", "removed", "correlation"} <= set(first)
    assert set(found["agreement"]) == {"K1", "K2", "K3"}
    header = (tmp_path / "p.csv").read_text().splitlines()[0]
    assert "removed" in header
    assert "correlation" in header
    assert run(words) == 0
    said = capsys.readouterr()
    assert "K1: genes that attend to genes" in said.out
    assert first["gene"] in said.out
    assert "shows no regulation" in said.err


def test_label_efficiency_in_a_table(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["label-efficiency", str(file), "--labels", "label", "--share", "0.2", *SETTINGS]
    assert run([*words, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert 15 <= row["n_labelled"] <= 20
    assert row["shuffled"] is None
    assert run(words) == 0
    assert f"{row['pretrained']:.3f}" in capsys.readouterr().out
    assert run([*words, "--share", "2"]) != 0
    assert "at most 1" in capsys.readouterr().err
