"""Spliced and unspliced RNA of the same genes as columns of one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from glasscell.data.column import missing_name
from glasscell.data.modality import COLUMNS, RNA, UNSPLICED
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData
    from numpy.typing import NDArray

#: What stands behind a gene's name in the name of its unspliced column.
SUFFIX = " unspliced"
N_NEIGHBOURS = 30
_N_COMPONENTS = 30
_FEWEST, _NO_VARIANCE = 2, 1e-12


def join_splicing(
    adata: AnnData,
    spliced: str = "spliced",
    unspliced: str = "unspliced",
    *,
    neighbours: int = N_NEIGHBOURS,
    seed: int = 0,
) -> AnnData:
    """Return a table in which unspliced RNA of each gene stands beside its spliced RNA as columns of X.

    Counts of unspliced RNA are few, so kinetics are fitted to moments: counts divided by the cell's total
    of both kinds, averaged over cells with like spliced RNA. A moment is no longer of one cell alone.

    Parameters
    ----------
    adata
        Never changed.
    spliced, unspliced
        Its layers: counts, or moments made elsewhere (scVelo calls them ``Ms`` and ``Mu``).
    neighbours
        Cells averaged over, the cell itself included; 0 takes the layers as they are.
    seed
        Of the principal components in which neighbours are found.

    Returns
    -------
    Twice as many columns; those of unspliced RNA are called ``GENE unspliced``, and var ``feature_types``
    says which is which. Moments have the scale of the median cell's counts.

    Raises
    ------
    DataError
        A layer is not there, or holds negative values or gaps; there are fewer cells than neighbours; or all
        cells are alike.
    """
    import anndata as ad

    for key in (spliced, unspliced):
        if key not in adata.layers:
            raise DataError(missing_name("layer", key, adata.layers.keys()))
    parts = [sparse.csr_matrix(adata.layers[key], dtype=np.float64) for key in (spliced, unspliced)]
    if any(part.nnz and not (np.isfinite(part.data).all() and part.data.min() >= 0) for part in parts):
        raise DataError(
            f"The layers {spliced} and {unspliced} hold negative values or gaps: choose those of counts or "
            "moments."
        )
    if neighbours < 0:
        raise DataError(f"{neighbours} neighbours cannot be averaged over: take some, or 0 for none.")
    if neighbours:
        if neighbours > adata.n_obs:
            raise DataError(
                f"There are {adata.n_obs} cells: average over fewer neighbours than {neighbours}."
            )
        parts = _moments(parts, neighbours, seed)
    names = pd.Index([f"{name}{SUFFIX}" for name in adata.var_names])
    var = pd.concat(
        [
            adata.var.assign(**{COLUMNS[0]: RNA}),
            pd.DataFrame({COLUMNS[0]: UNSPLICED}, index=names),
        ]
    )
    return ad.AnnData(
        sparse.hstack([part.astype(np.float32) for part in parts], format="csr"),
        obs=adata.obs.copy(),
        var=var,
        uns=dict(adata.uns),
        obsm={name: adata.obsm[name] for name in adata.obsm},
    )


def splicing_pairs(
    names: Sequence[str], modalities: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the columns of spliced and of unspliced RNA of every gene that has both, in order.

    Parameters
    ----------
    names, modalities
        Of all columns; a gene's unspliced column is called ``GENE unspliced``.
    """
    own = {name: column for column, name in enumerate(names) if modalities[column] == RNA}
    found = [
        (own[name.removesuffix(SUFFIX)], column)
        for column, name in enumerate(names)
        if modalities[column] == UNSPLICED and name.removesuffix(SUFFIX) in own
    ]
    pairs = np.asarray(sorted(found), np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _moments(parts: list[Any], neighbours: int, seed: int) -> list[Any]:
    """Average size-normalised counts over cells near in principal components of spliced RNA."""
    from sklearn.decomposition import PCA
    from sklearn.neighbors import NearestNeighbors

    size_c = np.asarray(sum(part.sum(axis=1) for part in parts), np.float64).ravel()
    median = float(np.median(size_c[size_c > 0])) if (size_c > 0).any() else 1.0
    factor_c = np.divide(median, size_c, out=np.zeros_like(size_c), where=size_c > 0)
    scaled = [sparse.diags(factor_c).tocsr() @ part for part in parts]
    logs_cg = scaled[0].log1p()
    mean_g, square_g = (np.asarray(each.mean(axis=0)).ravel() for each in (logs_cg, logs_cg.power(2)))
    if min(logs_cg.shape) < _FEWEST or (square_g - mean_g**2).max() < _NO_VARIANCE:
        raise DataError(
            "Cells are all alike in their spliced RNA, so no neighbours can be found: take 0 neighbours."
        )
    n_components = max(1, min(_N_COMPONENTS, min(logs_cg.shape) - 1))
    place_cd = PCA(n_components, svd_solver="arpack", random_state=seed).fit_transform(logs_cg)
    near = NearestNeighbors(n_neighbors=neighbours).fit(place_cd).kneighbors_graph(place_cd)
    return [(near @ part) / neighbours for part in scaled]
