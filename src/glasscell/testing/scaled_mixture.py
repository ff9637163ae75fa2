"""A mixture of kinds of cells, each gene scaled to 0 to 1: which cell is of which kind is known."""

from __future__ import annotations

from dataclasses import dataclass

import anndata as ad
import numpy as np
import numpy.typing as npt
import pandas as pd

from glasscell.data.dataset import Dataset
from glasscell.testing.planted import planted_adata


@dataclass(frozen=True, eq=False)
class ScaledMixture:
    """Scaled values and the truth about them.

    Parameters
    ----------
    dataset
        Values between 0 and 1, no counts; obs ``component``.
    component
        Kind of each cell, ``(n_cells,)`` int32.
    marker_gk
        Which gene is a marker of which kind, ``(n_genes, n_components)``.
    """

    dataset: Dataset
    component: npt.NDArray[np.int32]
    marker_gk: npt.NDArray[np.bool_]


def make_scaled_mixture(
    seed: int = 0,
    *,
    n_cells: int = 3000,
    n_genes: int = 60,
    n_components: int = 6,
    n_markers: int = 8,
    fold_change: float = 4.0,
    depth: float = 1000.0,
) -> ScaledMixture:
    """Draw the counts of ``planted_adata``, log-normalise them and scale each gene to 0 to 1.

    Parameters
    ----------
    n_markers, fold_change
        Markers of each kind, and how much higher they are in it.
    depth
        Counts of a cell, in the median.
    """
    made = planted_adata(
        n_cells,
        n_genes,
        n_components,
        n_markers=n_markers,
        fold_change=fold_change,
        depth=depth,
        seed=seed,
    )
    counts_cg = np.asarray(made.X.toarray(), np.float64)
    size_c = counts_cg.sum(axis=1, keepdims=True)
    value_cg = np.log1p(counts_cg / np.maximum(size_c, 1.0) * np.median(size_c))
    low_g, high_g = value_cg.min(axis=0), value_cg.max(axis=0)
    value_cg = (value_cg - low_g) / np.where(high_g > low_g, high_g - low_g, 1.0)
    component = made.obs["label"].cat.codes.to_numpy().astype(np.int32)
    names = pd.Index([f"component {number}" for number in range(n_components)])
    adata = ad.AnnData(
        value_cg.astype(np.float32),
        obs=pd.DataFrame(
            {"component": pd.Categorical.from_codes(component, names)}, index=list(made.obs_names)
        ),
        var=pd.DataFrame(index=list(made.var_names)),
    )
    return ScaledMixture(Dataset(adata), component, np.asarray(made.varm["truth"]))
