"""What a command writes over is kept, what it cannot write is told first, and no model is lost unasked."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import anndata
import pytest

from glasscell.cli.app import run
from glasscell.errors import JobCancelled
from glasscell.models import fit as fitting
from glasscell.models.bundle_file import load_bundle
from glasscell.testing.planted import tiny_adata


@pytest.fixture
def tissue(tmp_path: Path) -> Path:
    path = tmp_path / "tissue.h5ad"
    adata = tiny_adata(n_cells=200, n_genes=40, seed=0)
    del adata.obs["section"], adata.obs["donor"]
    adata.write_h5ad(path)
    return path


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


def fit(tissue: Path, out: Path, *more: str) -> int:
    words = ["fit", str(tissue), "--labels", "label", "--split", "random", "--folds", "2"]
    return run([*words, "--set", "max_epochs=2", "--out", str(out), *more])


def test_prepare_over_its_own_file_keeps_the_file(
    tissue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tissue.read_bytes()
    assert run(["prepare", str(tissue), "--out", str(tissue)]) == 0
    kept = tmp_path / "tissue.previous.h5ad"
    assert kept.read_bytes() == before
    assert "X_umap" in anndata.read_h5ad(tissue).obsm
    said = told(capsys)
    assert f"previous version is kept as {kept}." in said
    assert f". Written to {tissue}." in said
    again = tissue.read_bytes()
    assert run(["prepare", str(tissue), "--out", str(tissue), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["previous"] == str(kept)
    assert kept.read_bytes() == again


def test_explain_over_its_own_file_keeps_the_file(
    tissue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(tissue, tmp_path / "m") == 0
    before, kept = tissue.read_bytes(), tmp_path / "tissue.previous.h5ad"
    words = ["explain", str(tissue), "--model", str(tmp_path / "m"), "--target", "class:K1"]
    assert run([*words, "--out", str(tissue), "--set", "steps=8"]) == 0
    assert kept.read_bytes() == before
    assert str(kept) in told(capsys)
    table, old = tmp_path / "t.csv", tmp_path / "t.previous.csv"
    table.write_text("mine")
    assert run(["apply", str(tissue), "--model", str(tmp_path / "m"), "--out", str(table)]) == 0
    assert old.read_text() == "mine"
    assert str(old) in told(capsys)


@pytest.mark.parametrize("name", ["s.csv", "s", "s.h5"])
@pytest.mark.parametrize("command", ["prepare", "explain", "attend", "traverse", "perturb", "stability"])
def test_data_are_written_as_h5ad_or_zarr_only(
    tissue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, name: str
) -> None:
    more = [] if command == "prepare" else ["--model", str(tmp_path / "no_model")]
    more += ["--target", "class:K1"] if command == "explain" else []
    option = "--write" if command == "perturb" else "--out"
    assert run([command, str(tissue), *more, option, str(tmp_path / name)]) == 3
    assert ".h5ad or .zarr" in told(capsys)
    assert not (tmp_path / name).exists()


def no_fit(*_: object, **__: object) -> Any:
    raise AssertionError("trained before the place was checked")


def test_the_place_of_a_model_is_checked_before_training(
    tissue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "fit", no_fit)
    assert fit(tissue, tissue) == 4
    assert "is a file" in told(capsys)
    assert fit(tissue, tissue / "below") == 4
    assert "is a file" in told(capsys)
    real = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode, **more: not Path(path).is_dir() and real(path, mode, **more)
    )
    assert fit(tissue, tmp_path / "m") == 4
    assert "may not be written" in told(capsys)


def test_stopping_the_twin_keeps_the_folds(
    tissue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> Any:
        raise JobCancelled("Stopped: nothing was changed.")

    monkeypatch.setattr(fitting, "fit_twin", stopped)
    assert fit(tissue, tmp_path / "m") == 130
    kept = load_bundle(tmp_path / "m")
    assert kept.twin is None
    assert len(kept.folds) == 2
    said = told(capsys)
    assert "without a twin" in said
    assert "nothing was changed" not in said


def test_another_model_is_replaced_only_by_force(
    tissue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(tissue, tmp_path / "m") == 0
    before = (tmp_path / "m" / "model.json").read_bytes()
    assert fit(tissue, tmp_path / "m", "--seed", "3") == 4
    assert "--force" in told(capsys)
    assert (tmp_path / "m" / "model.json").read_bytes() == before
    assert fit(tissue, tmp_path / "m", "--seed", "3", "--force") == 0
    assert (tmp_path / "m" / "model.json").read_bytes() != before
    assert load_bundle(tmp_path / "m").twin is not None
