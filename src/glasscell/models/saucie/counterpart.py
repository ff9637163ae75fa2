"""Which cells of a batch have their like in another: only those should lie where the others' do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from glasscell.jobs import JobHandle

Floats = Any
#: Neighbours that are looked at, rounds of alignment, and how much further off than a cell of the same batch
#: a counterpart may be.
N_NEIGHBOURS, ROUNDS, AS_FAR = 20, 4, 1.5
_SMALLEST = 1e-12


def counterparts(
    place_cz: NDArray[np.floating[Any]], batch: NDArray[np.integer[Any]], job: JobHandle
) -> NDArray[np.bool_]:
    """Say which cells have their like in every other batch.

    Two batches are laid over each other by the median step between cells that are among each other's nearest
    (mutual nearest neighbours), a few times over, for the first such pairs are found across the whole effect
    of the batch. A cell then has its like where, on the mean over its neighbours, the nearest in the other
    batch are hardly further off than those in its own. A step that differs between kinds of cells is followed
    only as far as its mean.

    Parameters
    ----------
    place_cz
        Components of expression, ``(n, n_components)``.
    batch
        Codes, ``(n,)``, -1 for none; such cells have no counterpart.

    Returns
    -------
    ``(n,)``; all True where only one batch has cells.

    References
    ----------
    Haghverdi et al. 2018, doi:10.1038/nbt.4091, for mutual nearest neighbours.
    """
    from sklearn.neighbors import NearestNeighbors

    codes = [code for code in np.unique(batch) if code >= 0]
    shared = np.ones(len(batch), np.bool_)
    if len(codes) < 2:
        return shared
    shared[batch < 0] = False
    place_cz = np.asarray(place_cz, np.float64)
    for at, one in enumerate(codes):
        for other in codes[at + 1 :]:
            job.report(None, "looking for cells of the same kind in both batches")
            left, right = np.flatnonzero(batch == one), np.flatnonzero(batch == other)
            k = min(N_NEIGHBOURS, len(left) - 1, len(right) - 1)
            if k < 1:
                continue
            a_cz, b_cz = place_cz[left], place_cz[right]
            b_cz = b_cz + aligning_step(a_cz, b_cz, k)
            for own, mine, theirs in ((left, a_cz, b_cz), (right, b_cz, a_cz)):
                near = NearestNeighbors(n_neighbors=k).fit(mine)
                inside, around = near.kneighbors()
                across = NearestNeighbors(n_neighbors=k).fit(theirs).kneighbors(mine)[0]
                ratio = across.mean(axis=1) / np.maximum(inside.mean(axis=1), _SMALLEST)
                shared[own] &= ratio[around].mean(axis=1) <= AS_FAR
    return shared


def aligning_step(a_cz: Floats, b_cz: Floats, k: int) -> Floats:
    """Return what is added to the second batch to lay its cells over their like in the first, ``(n_z,)``."""
    step = np.zeros(a_cz.shape[1])
    for _ in range(ROUNDS):
        left, right = mutual_pairs(a_cz, b_cz + step, k)
        if not len(left):
            break
        step = np.median(a_cz[left] - b_cz[right], axis=0)
    return step


def mutual_pairs(a_cz: Floats, b_cz: Floats, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows of either table that are among each other's ``k`` nearest."""
    from sklearn.neighbors import NearestNeighbors

    def table(one: Floats, other: Floats) -> sparse.csr_matrix:
        return NearestNeighbors(n_neighbors=k).fit(other).kneighbors_graph(one)

    both = table(a_cz, b_cz).multiply(table(b_cz, a_cz).T).tocoo()
    return np.asarray(both.row, np.int64), np.asarray(both.col, np.int64)
