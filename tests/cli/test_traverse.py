"""``glasscell traverse``: on the model that ``glasscell fit`` wrote, to JSON, CSV and AnnData."""

import json
from pathlib import Path
from typing import Any

import anndata as ad
import pytest

from glasscell.cli.app import run
from glasscell.data.dataset import Dataset
from glasscell.explain.traversal.store import read_traversals
from glasscell.models.bundle_file import save_bundle
from glasscell.models.fit import FitRequest, fit
from glasscell.models.vae.family import VaeParams
from glasscell.testing.planted import planted_adata


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("traverse")
    file, model = folder / "cells.h5ad", folder / "model"
    adata = planted_adata(n_cells=150, n_genes=30)
    adata.write_h5ad(file)
    params = VaeParams(n_latent=3, hidden=16, max_epochs=6, batch_size=32)
    save_bundle(fit(Dataset(adata), FitRequest(family="vae", params=params)), model)
    return file, model


def call(capsys: pytest.CaptureFixture[str], *words: Any) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run(["traverse", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


def test_from_the_shell_to_files(
    trained: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file, model = trained
    code, out, _ = call(
        capsys, file, "--model", model, "--start", "label=K1", "--factor", 1, "--top", 4, "--json",
        "--table", tmp_path / "t.csv", "--out", tmp_path / "out.h5ad",
    )  # fmt: skip
    assert code == 0
    found = json.loads(out)
    assert found["start"] == "label=K1"
    assert "decoded" in found["unit"]
    (factor,) = found["factors"]
    assert factor["factor"] == "1"
    assert len(factor["at_99_percent"]["up"]) <= 4
    assert all(row["change"] > 0 for row in factor["at_99_percent"]["up"])
    assert (tmp_path / "t.csv").read_text().count("\n") == 31
    (kept,) = read_traversals(ad.read_h5ad(tmp_path / "out.h5ad"))
    assert kept.words["start_name"] == "label=K1"
    assert kept.factors == (1,)


def test_people_read_a_table(
    trained: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file, model = trained
    sets = tmp_path / "s.gmt"
    sets.write_text("[b]SET[/b]\tx\t" + "\t".join(f"GENE{i:04}" for i in range(8)) + "\n")
    code, out, err = call(capsys, file, "--model", model, "--gene-sets", sets)
    assert code == 0
    shown = out + err
    assert "factor 0" in shown
    assert "decoded" in shown
    assert "[b]SET[/b]" in shown
    assert "Goes along with" in shown


def test_refusals(trained: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    file, model = trained
    code, _, err = call(capsys, file, "--model", model, "--factor", "IFN")
    assert code == 3
    assert "no factor 'IFN'" in err
    code, _, err = call(capsys, file, "--model", model, "--start", "label=nobody")
    assert code == 3
    assert "Traceback" not in err
