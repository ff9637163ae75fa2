"""``glasscell robustness``: on the model that ``glasscell fit`` wrote, into its card."""

import json
from pathlib import Path

import pytest

from glasscell.cli.app import run
from glasscell.models.bundle_file import load_bundle
from glasscell.testing.planted import planted_adata

FAST = ("max_epochs=3", "hidden=8", "batch_size=32")


def test_from_training_to_the_card(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file, other, model = tmp_path / "cells.h5ad", tmp_path / "other.h5ad", tmp_path / "model"
    made = planted_adata(n_cells=120, n_genes=24, seed=2)
    made.write_h5ad(file)
    made[::2].copy().write_h5ad(other)
    settings = [word for pair in FAST for word in ("--set", pair)]
    words = ["fit", str(file), "--labels", "label", "--split", "random", "--folds", "2", *settings]
    assert run([*words, "--out", str(model), "--robustness"]) == 0
    assert "Robustness, cells the net was not trained on" in capsys.readouterr().out
    card = load_bundle(model).robustness
    assert card is not None
    assert [row.kind for row in card.rows] == ["as measured", *["thinned"] * 3]
    words = ["robustness", str(file), "--model", str(model), "--protocol", "none", "--shares", "0.5"]
    table = tmp_path / "r.csv"
    assert run([*words, "--other", str(other), "--table", str(table), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["condition"] for row in found["rows"]] == [
        "as measured",
        "counts thinned to 50 %",
        "file other.h5ad",
    ]
    (tmp_path / "more").mkdir()
    namesake = tmp_path / "more" / "other.h5ad"
    made[1::2].copy().write_h5ad(namesake)
    assert run([*words, "--other", str(other), "--other", str(namesake), "--json"]) == 0
    both = json.loads(capsys.readouterr().out)["rows"][2:]
    assert [row["condition"] for row in both] == [f"file {other}", f"file {namesake}"]
    assert run([*words, "--other", str(other), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found
    again = load_bundle(model)
    assert again.robustness is not None
    assert again.robustness.to_json() == found
    assert again.twin is not None, "all else in the folder stays"
    assert table.read_text().count("\n") == 4
    assert run([*words, "--shares", "half"]) == 2
    assert run([*words, "--protocol", "chip"]) == 3
    assert "chip" in capsys.readouterr().err
