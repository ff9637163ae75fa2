"""How well a latent space mixes batches and keeps kinds of cells apart: either alone is worth little."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]

N_NEIGHBOURS = 15


def nearest(latent_cz: Floats, n_neighbours: int = N_NEIGHBOURS) -> NDArray[np.int64]:
    """Return each cell's nearest other cells by Euclidean distance, ``(n, n_neighbours)``."""
    from sklearn.neighbors import NearestNeighbors

    tree = NearestNeighbors(n_neighbors=min(n_neighbours, len(latent_cz) - 1)).fit(latent_cz)
    return np.asarray(tree.kneighbors(return_distance=False), np.int64)


def mixing(neighbours_ck: Ints, batch: Ints) -> float:
    """Return the share of neighbours from another batch; a map that lost the cells' kinds has it too."""
    return float(np.mean(batch[neighbours_ck] != batch[:, None]))


def purity(neighbours_ck: Ints, kind: Ints) -> float:
    """Return the share of neighbours of the same kind; a map that keeps the batches apart has it too."""
    return float(np.mean(kind[neighbours_ck] == kind[:, None]))


def principal_components(rows_cg: sparse.csr_matrix, n_components: int, seed: int = 0) -> Floats:
    """Return principal components of centred rows, ``(n, n_components)``: the plain map to compare with."""
    from sklearn.decomposition import PCA

    n_components = max(1, min(n_components, min(rows_cg.shape) - 1))
    table = sparse.csr_matrix(rows_cg, dtype=np.float64)
    return np.asarray(PCA(n_components, svd_solver="arpack", random_state=seed).fit_transform(table))


def neighbour_share(counts_cg: sparse.csr_matrix, neighbours_ck: Ints, weight: float) -> Floats:
    """Foretell each cell's share of genes from its neighbours' counts and the gene mean, ``(n, n_genes)``.

    Parameters
    ----------
    weight
        Of the neighbours' part, 0 to 1; the gene mean has the rest.
    """
    n, k = neighbours_ck.shape
    graph = sparse.csr_matrix(
        (np.ones(n * k), (np.repeat(np.arange(n), k), np.asarray(neighbours_ck).ravel())), (n, n)
    )
    pooled_cg = np.asarray((graph @ counts_cg).toarray(), np.float64)
    pooled_cg /= np.maximum(pooled_cg.sum(axis=1, keepdims=True), 1.0)
    mean_g = np.asarray(counts_cg.sum(axis=0), np.float64).ravel()
    return np.asarray(weight * pooled_cg + (1 - weight) * (mean_g / mean_g.sum()))
