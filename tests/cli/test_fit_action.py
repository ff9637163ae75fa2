"""Models of perturbations in the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glasscell.cli.app import run
from glasscell.models.bundle_file import load_bundle
from glasscell.models.svae.family import ShiftModel
from glasscell.testing.sparse_shift import ShiftSizes, sparse_shift_adata


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("screen") / "screen.h5ad"
    sparse_shift_adata(ShiftSizes(4, 30, 2, 20, 300.0)).write_h5ad(path)
    return path


def test_fit_learns_shifts(screen: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ("n_latent=2", "hidden=16", "n_layers=1", "mask_epochs=3", "max_epochs=2", "batch_size=32")
    words = ["fit", str(screen), "--model", "svae", "--action", "action", "--control", "P001"]
    for setting in settings:
        words += ["--set", setting]
    assert run([*words, "--out", str(tmp_path / "m"), "--json"]) == 0
    assert "svae" in json.loads(capsys.readouterr().out)["figures"]
    model = load_bundle(tmp_path / "m").folds[0]
    assert isinstance(model, ShiftModel)
    assert model.control == "P001"
    assert len(model.actions) == 5
    learn = ["learn-action", str(screen), "--model", str(tmp_path / "m"), "--out", str(tmp_path / "more")]
    assert run([*learn, "--name", "again", "--cells", "action=P002", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["n_cells"] == 30
    more = load_bundle(tmp_path / "more")
    assert more.folds[0].actions == (*model.actions, "again")  # type: ignore[attr-defined]
    assert said["model"] == more.id
    give = ["perturb", str(screen), "--model", str(tmp_path / "more"), "--give", "again", "--json"]
    assert run(give) == 0
    assert json.loads(capsys.readouterr().out)["effect"] > 0
    assert run([*learn, "--name", "another", "--cells", "action=P002"]) == 4, "there is a model already"
    capsys.readouterr()
    assert run([*learn, "--name", "P002", "--cells", "action=P002", "--force"]) == 5
    assert "already" in capsys.readouterr().err


def test_the_column_of_actions_is_asked_for(
    screen: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fit", str(screen), "--model", "svae", "--out", str(tmp_path / "m")]) != 0
    assert "name their column" in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert run(["check", str(screen), "--model", "svae", "--json"]) != 0
    assert "name the column of actions" in capsys.readouterr().out
    assert run(["check", str(screen), "--model", "svae", "--action", "action", "--json"]) == 0
