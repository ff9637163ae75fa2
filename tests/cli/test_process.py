"""The installed command as a script meets it: its own process, pipes, signals, and real data."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from glasscell.data.sample import sample_path

RealData = Callable[[str], Path]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "glasscell", *map(str, arguments)]


def shell(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False)


def answer(*arguments: object) -> dict[str, object]:
    """Run a command that must work and read its stdout, which must be one JSON object and nothing else."""
    done = shell(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def check_folds(table: pd.DataFrame) -> None:
    """Every labelled cell once, and folds made of whole blocks."""
    assert list(table.columns) == ["cell", "fold", "block", "truth", "prediction", "probability"]
    assert table["cell"].is_unique
    assert table.groupby("block")["fold"].nunique().max() == 1
    assert set(table["fold"]) == {0, 1, 2, 3}
    assert table["probability"].between(0, 1).all()


def test_help_names_every_command() -> None:
    done = shell("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("info", "prepare", "fit", "explain", "view", "demo"))


def test_the_sample_says_what_it_is() -> None:
    found = answer("info", sample_path())
    assert found["n_genes"] == 400
    assert len(found["sections"]) == 3


def test_interrupting_ends_with_its_own_code_and_leaves_no_model(tmp_path: Path) -> None:
    out = tmp_path / "model"
    fit = command("fit", sample_path(), "--labels", "layer", "--out", out, "--set", "max_epochs=500")
    with subprocess.Popen(fit, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        seen = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    assert "%" in seen, seen + stderr
    assert process.returncode == 130, stderr
    assert "Stopped" in stderr
    assert "Traceback" not in stderr
    assert not stdout
    assert not out.exists()


@pytest.mark.real_data
@pytest.mark.slow
def test_the_main_job_on_brain_spots(real_data: RealData, tmp_path: Path) -> None:
    """A short training: files and words are judged here, accuracy in the acceptance tests."""
    path, model, result = real_data("dlpfc_151673.h5ad"), tmp_path / "model", tmp_path / "result.h5ad"
    before = path.stat().st_mtime_ns
    quick = ("--set", "max_epochs=3", "--set", "hidden=16")
    found = answer("fit", path, "--labels", "layer", "--split", "blocks", "--seed", 0, "--out", model, *quick)
    assert found["n_cells"] == 3611
    assert found["n_genes"] == 5000
    assert set(found["baselines"]) == {"majority", "logistic", "coordinates"}
    table = pd.read_csv(model / "predictions.csv")
    assert len(table) == 3611
    check_folds(table)
    assert (table["truth"] == table["prediction"]).mean() == pytest.approx(found["metrics"]["accuracy"])

    asked = ("--method", "integrated_gradients", "--target", "class:L5", "--cells", "layer=L5", "--top", 20)
    found = answer("explain", path, "--model", model, *asked, "--out", result)
    assert len(found["top"]) == 20
    assert set(found["top"][0]) >= {"gene", "value", "mean_difference_rank", "twin_rank", "rank_spread"}
    assert found["completeness_gap"] < 0.01
    assert found["checks"]
    written = anndata.read_h5ad(result)
    assert any(key.startswith("glasscell.integrated_gradients") for key in written.uns)
    assert np.array_equal(written.obs_names, anndata.read_h5ad(path, backed="r").obs_names)
    assert path.stat().st_mtime_ns == before


@pytest.mark.real_data
@pytest.mark.slow
def test_blood_cells_are_prepared_and_split_at_random(real_data: RealData, tmp_path: Path) -> None:
    prepared = tmp_path / "prepared.zarr"
    found = answer("prepare", real_data("pbmc3k.h5ad"), "--out", prepared)
    assert "X_umap" in found["embeddings"]
    quick = ("--set", "max_epochs=3", "--set", "hidden=16")
    found = answer(
        "fit", prepared, "--labels", "leiden", "--split", "random", "--out", tmp_path / "m", *quick
    )
    assert set(found["baselines"]) == {"majority", "logistic"}
    check_folds(pd.read_csv(tmp_path / "m" / "predictions.csv", dtype={"block": str}))
