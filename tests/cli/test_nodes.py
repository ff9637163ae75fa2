"""``glasscell nodes``: on the model that ``glasscell fit --model pathway_net`` wrote."""

import json
from pathlib import Path

import pytest
from anndata import read_h5ad

from glasscell.cli.app import run
from glasscell.data.gene_set import write_gmt
from glasscell.explain.node_importance.result import read_nodes
from glasscell.testing.favoured_node import make_favoured_node

FAST = ("n_free=2", "max_epochs=3", "batch_size=32", "learning_rate=1e-2")


def test_from_training_to_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file, model = tmp_path / "cells.h5ad", tmp_path / "model"
    made = make_favoured_node(n_cells=120, n_decoys=2, n_markers=6)
    made.dataset.adata.write_h5ad(file)
    write_gmt(made.sets, tmp_path / "sets.gmt")
    write_gmt(made.groups, tmp_path / "groups.gmt")
    given = (*FAST, f"gene_sets={tmp_path / 'sets.gmt'}", f"hierarchy={tmp_path / 'groups.gmt'}")
    settings = [word for pair in given for word in ("--set", pair)]
    words = ["--model", "pathway_net", "--labels", "label", "--split", "random", "--folds", "2"]
    assert run(["fit", str(file), *words, "--out", str(model), *settings, "--seed", "3"]) == 0
    assert "The second layer has 3 groups of groups.gmt." in capsys.readouterr().err
    (tmp_path / "sets.gmt").unlink()  # the bundle holds the connections
    words = ["nodes", str(file), "--model", str(model), "--seeds", "3"]
    files = ["--table", str(tmp_path / "n.csv"), "--out", str(tmp_path / "out.h5ad")]
    assert run([*words, "--json", "--class", "K2", "--layer", "2", "--top", "2", *files]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["seeds"] == [3, 4, 5]
    assert list(found["classes"]) == ["K2"]
    assert [row["layer"] for row in found["classes"]["K2"]] == [2, 2]
    assert set(found["macro_f1"]) == {"real", "shuffled", "deterministic"}
    (kept,) = read_nodes(read_h5ad(tmp_path / "out.h5ad"))
    assert (tmp_path / "n.csv").read_text().count("\n") == 1 + len(kept.nodes) * 3
    assert run(words) == 0
    said = capsys.readouterr()
    assert "K1: nodes that stand out" in said.out
    assert "macro-F1 on held-out cells" in said.err
    assert run([*words, "--class", "K9"]) == 3
    assert "There is no class 'K9'" in capsys.readouterr().err
