"""``glasscell edges``: on the model that ``glasscell fit --model grn`` wrote."""

import json
from pathlib import Path

import pytest
from anndata import read_h5ad

from glasscell.cli.app import run
from glasscell.testing.gene_network import make_gene_network

FAST = ("hidden=8", "max_epochs=6", "batch_size=32", "learning_rate=1e-2", "regulators=g00 g01 g02")


def test_from_training_to_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file, model = tmp_path / "cells.h5ad", tmp_path / "model"
    make_gene_network(10, n_genes=8, n_cells=160, n_knocked=12).dataset.adata.write_h5ad(file)
    settings = [word for pair in FAST for word in ("--set", pair)]
    assert run(["fit", str(file), "--model", "grn", "--out", str(model), *settings]) == 0
    said = capsys.readouterr()
    assert "3 of 3 named regulators among them" in said.err
    assert "straight lines" in said.out
    words = ["edges", str(file), "--model", str(model), "--nulls", "3", "--trees", "2"]
    files = ["--csv", str(tmp_path / "e.csv"), "--out", str(tmp_path / "out.h5ad")]
    assert run([*words, "--json", "--by", "state", "--top", "2", *files]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["edges"]) == ["resting", "driven"]
    assert [len(rows) for rows in found["edges"].values()] == [2, 2]
    head = "regulator,target,weight,z,spearman,forest,state"
    lines = (tmp_path / "e.csv").read_text().splitlines()
    assert lines[0] == head
    assert len(lines) == 1 + 2 * 3 * 7
    assert "glasscell.grn" in read_h5ad(tmp_path / "out.h5ad").uns
    assert run([*words, "--cells", "state=driven"]) == 0
    said = capsys.readouterr()
    assert "selected cells" in said.out
    assert "Spearman" in said.out
    assert "not that one regulates the other" in " ".join(said.err.split())
    arms = ["edges", str(file), "--model", str(model), "--knock-outs", "action", "--trees", "2"]
    assert run([*arms, "--csv", str(tmp_path / "k.csv")]) == 0
    said = capsys.readouterr()
    assert "KO_g02" in said.out
    assert "Rank correlation of foretold and measured shifts" in " ".join(said.err.split())
    assert (tmp_path / "k.csv").read_text().startswith("arm,regulator,cells,step,changed,genes,auprc network")
    assert run([*arms, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["arms"]) == 3
    assert run([*words, "--by", "state", "--cells", "state=driven"]) == 2
    assert run([*arms, "--by", "state"]) == 2
    assert run([*words, "--by", "absent"]) == 3
