"""``glasscell attend``: lists, JSON, tables and files; what it refuses, with exit codes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anndata as ad
import pytest

from glasscell.cli.app import run
from glasscell.data.read import read
from glasscell.models.bundle_file import save_bundle
from glasscell.models.registry import FAMILIES
from glasscell.testing.attending_family import TOKEN_FAMILY, attending_bundle
from glasscell.testing.planted import tiny_adata

FEW = ("--set", "removal_cells=4", "--set", "random_nets=2")


@pytest.fixture
def files(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    FAMILIES.register(TOKEN_FAMILY)
    data, model = tmp_path / "data.h5ad", tmp_path / "model"
    tiny_adata(n_cells=60, seed=4).write_h5ad(data)
    save_bundle(attending_bundle(read(data), "label", "tokens"), model)
    yield data, model
    FAMILIES.unregister(TOKEN_FAMILY.info.key)


def call(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    code = run(["attend", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_lists_and_files(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from glasscell.explain.attention.store import read_attention

    data, model = files
    places = ("--out", tmp_path / "o.h5ad", "--table", tmp_path / "t.csv")
    code, out, _ = call(capsys, data, "--model", model, "--by", "label", *FEW, *places, "--json")
    assert code == 0
    found = json.loads(out)
    assert (found["by"], found["target"], found["n_cells"]) == ("label", "predicted", 60)
    assert set(found["groups"]) == {"K1", "K2", "K3"}
    row = found["groups"]["K1"][0]
    assert {"weight", "relative", "removed", "n_removed", "z_twin", "z_random"} <= set(row)
    assert "change_when_removed" in (tmp_path / "t.csv").read_text().splitlines()[0]
    (kept,) = read_attention(ad.read_h5ad(tmp_path / "o.h5ad"))
    assert kept.provenance.by == "label"
    code, out, err = call(capsys, data, "--model", model, "--map", "rollout", *FEW)
    assert code == 0
    assert "removed: change of predicted" in " ".join(out.split())
    assert "not what matters" in err


def test_refusals_have_their_exit_codes(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data, model = files
    code, _, err = call(capsys, data, "--model", model, "--by", "nobody")
    assert code == 3
    assert "nobody" in err
    code, _, err = call(capsys, data, "--model", model, "--target", "class:K9")
    assert code == 5
    assert "K9" in err
    code, _, err = call(capsys, data, "--model", tmp_path / "none")
    assert code == 4
    code, _, err = call(capsys, data, "--model", model, "--set", "removal_cells=x")
    assert code == 2
    code, _, err = call(capsys, data, "--model", model, "--map", "head:9.9", *FEW)
    assert code == 3
    assert "head:9.9" in err
