"""``glasscell compare``: one table, one CSV, one picture, and sentences for what is wrong."""

import json
from pathlib import Path

import pandas as pd
import pytest

from glasscell.cli.app import run
from glasscell.testing.planted import planted_adata

FAST = ("classifier.max_epochs=3", "vae.max_epochs=2", "vae.hidden=8", "vae.n_latent=3")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    planted_adata(160, 20, n_sections=2, seed=5).write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad"


def test_from_file_to_table_and_picture(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, picture = tmp_path / "t.csv", tmp_path / "t.svg"
    words = ["compare", str(file), "--models", "classifier,vae", "--labels", "label", "--split", "random"]
    words += ["--folds", "2", "--seeds", "0,1", "--table", str(table), "--figure", str(picture)]
    words += [word for pair in FAST for word in ("--set", pair)]
    assert run([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["seeds"] == [0, 1]
    assert found["target"].startswith("class:")
    rows = pd.read_csv(table)
    accuracy = rows[(rows.metric == "accuracy") & (rows.model == "classifier")].iloc[0]
    told = next(
        score for score in found["scores"] if score["metric"] == "accuracy" and score["model"] == "classifier"
    )
    assert told["values"] == pytest.approx([accuracy["seed 0"], accuracy["seed 1"]])
    assert "logistic" in picture.read_text()
    assert run(words) == 0
    said = capsys.readouterr()
    assert "best mean" in said.out
    assert "itself over seeds" in said.out
    assert "no label was shown to them" in said.err.replace("\n", " ")


def test_wrong_words_are_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", str(file), "--models", "classifier,vae", "--labels", "label"]
    assert run([*words, "--set", "scvi.max_epochs=2"]) == 2
    assert "--set takes model.name=value" in capsys.readouterr().err
    assert run([*words, "--seeds", "one"]) == 2
    assert "whole numbers" in capsys.readouterr().err
    assert run(["compare", str(file), "--models", "classifier"]) == 5
    assert "name the column of labels" in capsys.readouterr().err.replace("\n", " ")


def test_two_maps_in_the_picture(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "t.svg"
    words = ["compare", str(file), "--models", "classifier,vae", "--labels", "label", "--split", "random"]
    words += ["--folds", "2", "--seeds", "0", "--figure", str(picture)]
    words += [word for pair in FAST for word in ("--set", pair)]
    assert run([*words, "--maps", "classifier,vae", "--show", "label"]) == 0
    drawn = picture.read_text()
    assert "where they differ" in drawn
    assert "vae: label" in drawn
    capsys.readouterr()
    assert run([*words, "--maps", "classifier,vae,scvi"]) == 2
    assert "--maps takes two models" in capsys.readouterr().err
