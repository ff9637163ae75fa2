"""The graph of like cells: nearest neighbours among latents, outlying edges cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from glasscell.jobs import QUIET

if TYPE_CHECKING:
    from glasscell.jobs import JobHandle

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_BLOCK = 2048


@dataclass(frozen=True, eq=False)
class CellGraph:
    """The nearest cells of each cell, and which edges were kept.

    Parameters
    ----------
    neighbour_ck
        Row of each neighbour among the cells that were searched, nearest first, ``(n, k)`` int64.
    distance_ck
        Euclidean distance of latents, ``(n, k)`` float32.
    kept_ck
        Whether the edge survived the pruning, ``(n, k)`` bool.
    """

    neighbour_ck: NDArray[np.int64]
    distance_ck: NDArray[np.float32]
    kept_ck: NDArray[np.bool_]

    def averaging(self, n_others: int) -> sparse.csr_matrix:
        """Return the mean over kept neighbours as a matrix, ``(n, n_others)``; each row sums to one.

        Parameters
        ----------
        n_others
            Number of cells that were searched.
        """
        count_c = np.maximum(self.kept_ck.sum(axis=1), 1)
        row, place = np.nonzero(self.kept_ck)
        column = self.neighbour_ck[row, place]
        return sparse.csr_matrix((1.0 / count_c[row], (row, column)), (len(self.kept_ck), n_others))

    def adjacency(self) -> sparse.csr_matrix:
        """Return who is joined with whom, either way, ones without a diagonal, ``(n, n)``."""
        n = len(self.kept_ck)
        row, place = np.nonzero(self.kept_ck)
        one_way = sparse.csr_matrix(
            (np.ones(len(row), np.float32), (row, self.neighbour_ck[row, place])), (n, n)
        )
        return sparse.csr_matrix(one_way.maximum(one_way.T))


def find_graph(
    latent_cz: Floats,
    k: int,
    prune: float,
    *,
    among_cz: Floats | None = None,
    own_c: Ints | None = None,
    job: JobHandle = QUIET,
) -> CellGraph:
    """Join each cell with its nearest and cut the edges that are long for that cell.

    An edge is cut where its distance exceeds mean + ``prune`` x standard deviation of the distances of that
    cell's ``k`` edges. The nearest is always kept.

    Parameters
    ----------
    latent_cz
        Of the cells, ``(n, n_latent)``.
    k
        Neighbours of each cell; fewer where there are fewer cells.
    prune
        Standard deviations; a large number keeps every edge.
    among_cz
        Latents of the cells that may be neighbours, ``(m, n_latent)``; None: the cells themselves.
    own_c
        Row of each cell among these, -1 for none, so that it is not its own neighbour, ``(n,)``.

    References
    ----------
    Wang et al. 2021, doi:10.1038/s41467-021-22197-x (cell graph and its pruning).
    """
    from sklearn.neighbors import NearestNeighbors

    if among_cz is None:
        among_cz, own_c = latent_cz, np.arange(len(latent_cz))
    assert own_c is not None
    k = max(1, min(k, len(among_cz) - 1))
    tree = NearestNeighbors(n_neighbors=min(k + 1, len(among_cz))).fit(among_cz)
    parts = []
    for start in range(0, len(latent_cz), _BLOCK):
        job.report(start / max(1, len(latent_cz)), "cell graph")
        rows = slice(start, start + _BLOCK)
        far_ck, near_ck = tree.kneighbors(latent_cz[rows])
        parts.append(_without_own(far_ck, near_ck, own_c[rows], k))
    neighbour_ck = np.concatenate([part[0] for part in parts])
    distance_ck = np.concatenate([part[1] for part in parts]).astype(np.float32)
    return CellGraph(neighbour_ck, distance_ck, pruned(distance_ck, prune))


def pruned(distance_ck: Floats, prune: float) -> NDArray[np.bool_]:
    """Tell which edges are kept: those not longer than mean + ``prune`` sd of the cell's own, ``(n, k)``."""
    distance_ck = np.asarray(distance_ck, np.float64)
    limit_c = distance_ck.mean(axis=1) + prune * distance_ck.std(axis=1)
    kept_ck = distance_ck <= limit_c[:, None] * (1 + 1e-6)  # cells at one distance stay, rounding or not
    kept_ck[np.arange(len(kept_ck)), distance_ck.argmin(axis=1)] = True
    return np.asarray(kept_ck)


def smoothed(latent_cz: Floats, graph: CellGraph, among_cz: Floats, own: float) -> NDArray[np.float32]:
    """Return ``own`` x a cell's latents + the rest x the mean of its kept neighbours', ``(n, n_latent)``."""
    mean_cz = graph.averaging(len(among_cz)) @ np.asarray(among_cz, np.float64)
    return np.asarray(own * np.asarray(latent_cz, np.float64) + (1 - own) * mean_cz, np.float32)


def changed_share(one: CellGraph, other: CellGraph) -> float:
    """Return the share of kept edges (either way) that only one of two graphs of the same cells has."""
    first, second = one.adjacency(), other.adjacency()
    both = first.multiply(second).nnz
    return float(1.0 - both / max(1, first.nnz + second.nnz - both))


def _without_own(
    distance_ck: Floats, neighbour_ck: Ints, own_c: Ints, k: int
) -> tuple[NDArray[np.int64], Floats]:
    """Take a cell itself out of its neighbours, or the farthest where it is not among them."""
    drop_ck = neighbour_ck == own_c[:, None]
    if neighbour_ck.shape[1] > k:
        absent_c = ~drop_ck.any(axis=1)
        drop_ck[absent_c, -1] = True
        shape = (len(drop_ck), k)
        return neighbour_ck[~drop_ck].reshape(shape).astype(np.int64), distance_ck[~drop_ck].reshape(shape)
    return neighbour_ck.astype(np.int64), distance_ck
