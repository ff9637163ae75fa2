"""``glasscell spatial-genes``: domains of a model or of a column, all or one, as text, JSON and CSV."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from glasscell.cli.app import run
from glasscell.testing.wavy_layer import wavy_layers


def call(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    code = run([*map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture(scope="module")
def layered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "layers.h5ad"
    made = wavy_layers(2, side=20, n_layers=3, n_genes=60, markers=5, fold=2.5, faint=1.0)
    made.adata.uns["glasscell"] = {"observation": "spot"}
    made.adata.write_h5ad(path)
    return path


def test_genes_of_the_domains_of_a_model_and_of_a_column(
    layered: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model"
    settings = ("--set", "n_domains=3", "--set", "k=18", "--set", "starts=3", "--device", "cpu")
    code, _, err = call(capsys, "fit", layered, "--model", "spagcn", "--out", model, *settings)
    assert code == 0, err
    assert "was chosen without labels" in err
    few = ("--shifts", 39)
    code, out, err = call(capsys, "spatial-genes", layered, "--model", model, *few, "--json")
    assert code == 0, err
    found = json.loads(out)["domains"]
    assert [one["domain"] for one in found] == ["domain 0", "domain 1", "domain 2"]
    assert any(one["called"] for one in found)
    assert all(gene["q"] is None for one in found for gene in one["genes"])
    table = tmp_path / "genes.csv"
    code, out, _ = call(
        capsys, "spatial-genes", layered, "--by", "layer", "--domain", "layer 1", *few, "--out", table
    )
    assert code == 0
    assert "layer 1 (" in out
    assert "against layer 0, layer 2" in out or "against layer 2, layer 0" in out
    written = pd.read_csv(table)
    assert len(written) == 60
    assert written["q"].dtype == float  # a column of layers was not made from counts
    assert written["called"].sum() > 0


def test_refusals_have_their_exit_codes(layered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "spatial-genes", layered)
    assert code == 2
    assert "--model DIR, or --by COLUMN" in err
    code, _, err = call(capsys, "spatial-genes", layered, "--by", "layer", "--domain", "cortex")
    assert code == 2
    assert "there are layer 0" in err
    code, _, err = call(capsys, "spatial-genes", layered, "--by", "nothing")
    assert code == 3


@pytest.mark.real_data
def test_the_fibre_tract_of_starmap(
    real_data: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    file = real_data("starmap_v1_BY3_1207x1020.h5ad")
    code, out, err = call(capsys, "spatial-genes", file, "--by", "layer_spagcn", "--domain", "CC", "--top", 9)
    assert code == 0
    assert {"Mbp", "Mobp", "Plp1", "Plekhb1"} <= set(out.split())  # the four that SpaGCN published
    assert "no p-value" in err
