"""Tables with known content."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

sys.path.insert(0, str(Path(__file__).parent))  # the tests share vendor_folder.py


@pytest.fixture
def make_adata() -> Callable[..., anndata.AnnData]:
    """Make a small table of counts; keyword arguments replace its parts."""

    def make(n_cells: int = 30, n_genes: int = 8, *, seed: int = 0, **parts: Any) -> anndata.AnnData:
        rng = np.random.default_rng(seed)
        counts = rng.poisson(2.0, (n_cells, n_genes)).astype(np.float32)
        counts[:, 0] += 1  # no empty cell by accident
        given: dict[str, Any] = {
            "X": sp.csr_matrix(counts),
            "obs": pd.DataFrame(index=[f"cell{i}" for i in range(n_cells)]),
            "var": pd.DataFrame(index=[f"G{i}" for i in range(n_genes)]),
            **parts,
        }
        return anndata.AnnData(**given)

    return make
