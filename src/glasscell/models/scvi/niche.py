"""What surrounds a cell: how much of each type, and what the neighbours of each type are like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.neighbour import Neighbours


@dataclass(frozen=True, eq=False)
class Niches:
    """The niches of some cells.

    Parameters
    ----------
    size_c
        Neighbours that count, ``(n,)``.
    composition_ct
        Share of each type among them, ``(n, n_types)``; zeros for a cell without any.
    mean_ctd
        Mean embedding of those of each type, ``(n, n_types, n_components)``; zeros where there is none.
    """

    size_c: NDArray[np.int64]
    composition_ct: NDArray[np.float64]
    mean_ctd: NDArray[np.float64]


def niches_of(
    neighbours: Neighbours,
    rows: NDArray[np.integer[Any]],
    type_c: NDArray[np.integer[Any]],
    embedding_cd: NDArray[np.floating[Any]],
) -> Niches:
    """Sum up the neighbours of some cells by type; only neighbours among these cells count.

    Parameters
    ----------
    rows
        The cells, as row numbers of ``neighbours``, ``(n,)``.
    type_c
        Type of each of them, from 0, ``(n,)``.
    embedding_cd
        Expression of each of them in few numbers, ``(n, n_components)``.

    References
    ----------
    Levy et al. 2025, doi:10.1101/2025.06.01.657182: niche composition and niche activation.
    """
    n, n_types = len(rows), int(type_c.max()) + 1
    place = np.full(len(neighbours), -1, np.int64)
    place[rows] = np.arange(n)
    sender, receiver = place[neighbours.edges()]
    inside = (sender >= 0) & (receiver >= 0)
    sender, receiver = sender[inside], receiver[inside]
    slot = receiver * n_types + type_c[sender]
    takes = sparse.csr_matrix((np.ones(len(slot)), (slot, sender)), (n * n_types, n))
    count_s = np.asarray(takes.sum(axis=1)).ravel()
    mean_sd = (takes @ embedding_cd) / np.maximum(count_s, 1)[:, None]
    count_ct = count_s.reshape(n, n_types)
    size_c = count_ct.sum(axis=1)
    return Niches(
        size_c=size_c.astype(np.int64),
        composition_ct=count_ct / np.maximum(size_c, 1)[:, None],
        mean_ctd=mean_sd.reshape(n, n_types, -1),
    )
