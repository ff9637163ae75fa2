"""Clusters of cells: as many as the graph has communities, found in the graph embedding by a mixture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.models.mixture import TiedMixture, fit_mixture

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from glasscell.jobs import JobHandle

_FEWEST, _CELLS_EACH = 2, 20
_RIDGE = 1e-3


def communities(adjacency: sparse.csr_matrix, resolution: float, seed: int) -> NDArray[np.int64]:
    """Return the community of each cell, largest first, ``(n,)``.

    References
    ----------
    Traag, Waltman & van Eck 2019, doi:10.1038/s41598-019-41695-z (Leiden).
    """
    import igraph
    import leidenalg

    upper = adjacency.tocoo()
    ahead = upper.row < upper.col
    graph = igraph.Graph(
        n=adjacency.shape[0],
        edges=np.stack([upper.row[ahead], upper.col[ahead]], axis=1).tolist(),
        directed=False,
    )
    found = leidenalg.find_partition(
        graph,
        leidenalg.RBConfigurationVertexPartition,
        resolution_parameter=resolution,
        n_iterations=4,
        seed=seed % (2**31),
    )
    return np.asarray(found.membership, np.int64)


def number_of_clusters(adjacency: sparse.csr_matrix, resolution: float, seed: int) -> int:
    """Return how many communities of at least twenty cells a graph has, two at least."""
    sizes = np.bincount(communities(adjacency, resolution, seed))
    n_cells = adjacency.shape[0]
    return int(np.clip((sizes >= min(_CELLS_EACH, n_cells // 4)).sum(), _FEWEST, max(_FEWEST, n_cells // 10)))


def find_clusters(
    embedding_cz: NDArray[np.floating[Any]], n_clusters: int, seed: int, starts: int, job: JobHandle
) -> TiedMixture:
    """Divide cells by their graph embedding; groups are numbered by size."""
    return fit_mixture(embedding_cz, n_clusters, seed, starts, job)


def discriminant(
    latent_cz: NDArray[np.floating[Any]], cluster_c: NDArray[np.integer[Any]], n_clusters: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``W`` ``(k, n_latent)`` and ``b`` ``(k,)`` that tell clusters by a cell's own latents.

    Linear discriminant analysis: a mean per cluster, one covariance for all. A cluster without cells gets
    the mean of all and the weight of half a cell.
    """
    values = np.asarray(latent_cz, np.float64)
    size_k = np.bincount(cluster_c, minlength=n_clusters)[:n_clusters].astype(np.float64)
    mean_kz = np.tile(values.mean(axis=0), (n_clusters, 1))
    for number in np.flatnonzero(size_k):
        mean_kz[number] = values[cluster_c == number].mean(axis=0)
    rest = values - mean_kz[cluster_c]
    within_zz = rest.T @ rest / len(values)
    within_zz.flat[:: len(within_zz) + 1] += _RIDGE * max(float(np.trace(within_zz)) / len(within_zz), 1e-12)
    weight_k = np.log(np.maximum(size_k, 0.5) / len(values))
    mixture = TiedMixture(weight_k, mean_kz, np.linalg.cholesky(within_zz), 0.0)
    return mixture.discriminant()
