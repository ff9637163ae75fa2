"""Counts, names of genes and vendor folders through the shell; stdout stays one JSON object."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from glasscell.cli.app import run


@pytest.fixture
def two_counts(tmp_path: Path) -> Path:
    counts = sp.csr_matrix(np.random.default_rng(0).poisson(2.0, (20, 5)) + 1).astype(np.float32)
    var = pd.DataFrame({"gene_ids": [f"ENSG{i:011d}" for i in range(5)]}, index=[f"G{i}" for i in range(5)])
    layers = {"spliced": counts * 2, "scaled": counts * 0.3}
    anndata.AnnData(counts, var=var, layers=layers).write_h5ad(tmp_path / "cells.h5ad")
    return tmp_path / "cells.h5ad"


def test_counts_and_genes_are_chosen(two_counts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["info", str(two_counts), "--counts", "layers/spliced", "--genes", "ids", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"] == "layers/spliced"
    assert run(["info", str(two_counts), "--counts", "layers/scaled"]) == 3
    assert "does not hold counts" in capsys.readouterr().err
    assert run(["info", str(two_counts), "--genes", "nonsense"]) == 3
    assert "choose symbols, ids" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore")
def test_a_talkative_reader_leaves_stdout_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("spatialdata_io")
    place = Path(__file__).parents[1] / "data" / "vendor_folder.py"
    spec = importlib.util.spec_from_file_location("vendor_folder", place)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = module.cosmx(tmp_path / "run1")
    assert run(["info", str(folder), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["report"].startswith("8 CosMx cells, 2 sections with masks")
