"""``glasscell pathways``: on the model that ``glasscell fit --model pathway_vae`` wrote."""

import json
from pathlib import Path

import pytest
from anndata import read_h5ad

from glasscell.cli.app import run
from glasscell.explain.worth.result import read_set_worth
from glasscell.testing.pathway_activity import make_pathway_activity

FAST = ("n_free=1", "hidden=16", "max_epochs=8", "warm_up=2", "batch_size=64", "group_lasso=0.3")


def test_from_training_to_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    planted = make_pathway_activity(
        10, n_cells=200, n_genes=60, n_true=3, n_decoys=2, genes_per_set=10, depth=1500
    )
    file, model, gmt = tmp_path / "cells.h5ad", tmp_path / "model", tmp_path / "sets.gmt"
    planted.dataset.adata.write_h5ad(file)
    gmt.write_text("\n".join("\t".join((one.name, "", *sorted(one.genes))) for one in planted.sets))
    settings = [word for pair in (*FAST, f"gene_sets={gmt}") for word in ("--set", pair)]
    assert run(["fit", str(file), "--model", "pathway_vae", "--out", str(model), *settings]) == 0
    capsys.readouterr()
    words = ["pathways", str(file), "--model", str(model)]
    files = ["--table", str(tmp_path / "w.csv"), "--out", str(tmp_path / "out.h5ad")]
    assert run([*words, "--strength", "5", "--json", *files]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["strengths"] == [0.3, 5.0]
    assert found["held_out"] is True
    worths = [row["worth_nats_per_cell"] for row in found["gene_sets"]]
    assert worths == sorted(worths, reverse=True)
    assert {row["gene_set"] for row in found["gene_sets"]} == {one.name for one in planted.sets}
    assert (tmp_path / "w.csv").read_text().count("\n") == 6
    (kept,) = read_set_worth(read_h5ad(tmp_path / "out.h5ad"))
    assert kept.strengths == (0.3, 5.0)
    assert run([*words, "--top", "2"]) == 0
    said = capsys.readouterr()
    assert "worth" in said.out
    assert "held-out cells" in said.out + said.err
    assert run(["pathways", str(file), "--model", str(tmp_path / "nowhere")]) != 0
