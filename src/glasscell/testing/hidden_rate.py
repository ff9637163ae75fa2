"""Simulator S8: counts drawn thinly from known rates: imputed values can be held against the truth."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd

#: Layer with each gene's true share of a cell's counts.
SHARE = "share"


def hidden_rate_adata(
    n_cells: int = 600,
    n_genes: int = 120,
    n_types: int = 4,
    *,
    n_markers: int = 12,
    fold: float = 5.0,
    depth: float = 150.0,
    seed: int = 0,
) -> ad.AnnData:
    """Draw cells of a few types whose markers are raised, at few counts each.

    Genes after the markers are null: they differ in no type, so that a difference found in their imputed
    values was made by the imputation.

    Parameters
    ----------
    n_markers
        Genes of each type that are ``fold`` times as frequent in it.
    depth
        Mean counts of a cell; about four in five entries are zero at the defaults.

    Returns
    -------
    Counts with ``obs["type"]``, ``layers["share"]`` (rows sum to one) and ``var["marker_of"]`` (empty
    for null genes).
    """
    rng = np.random.default_rng([seed, 0x58])
    base_g = rng.gamma(1.0, 1.0, n_genes) + 0.05
    rate_kg = np.tile(base_g, (n_types, 1))
    marker_of = np.full(n_genes, "", object)
    for kind in range(n_types):
        span = slice(kind * n_markers, (kind + 1) * n_markers)
        rate_kg[kind, span] *= fold
        marker_of[span] = f"type {kind}"
    marked = slice(0, n_types * n_markers)
    rate_kg[:, marked] *= base_g[marked].sum() / rate_kg[:, marked].sum(axis=1, keepdims=True)
    share_kg = rate_kg / rate_kg.sum(axis=1, keepdims=True)  # all types have one total: null genes stay null
    kind_c = rng.integers(0, n_types, n_cells)
    size_c = depth * rng.lognormal(0.0, 0.3, n_cells)
    counts_cg = rng.poisson(size_c[:, None] * share_kg[kind_c]).astype(np.float32)
    counts_cg[counts_cg.sum(axis=1) == 0, 0] = 1
    names = pd.Index([f"type {kind}" for kind in range(n_types)])
    made = ad.AnnData(
        counts_cg,
        obs=pd.DataFrame(
            {"type": pd.Categorical.from_codes(kind_c, names)}, index=[f"cell {i}" for i in range(n_cells)]
        ),
        var=pd.DataFrame({"marker_of": marker_of}, index=[f"GENE{g}" for g in range(n_genes)]),
    )
    made.layers[SHARE] = share_kg[kind_c].astype(np.float32)
    return made
