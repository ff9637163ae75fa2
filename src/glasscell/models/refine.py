"""Domains without lone cells: a cell takes the domain that most of those touching it have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from glasscell.data.neighbour import GraphSpec, neighbour_graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.data.neighbour import Neighbours

#: Neighbours of a cell off any grid.
NEAREST = 6


def touching(dataset: Dataset) -> Neighbours:
    """Return which cells touch: those of a grid of spots or bins (6 or 4), else the six nearest."""
    spec = GraphSpec("knn", NEAREST) if dataset.observation == "cell" else GraphSpec("grid")
    return neighbour_graph(dataset, spec)


def refine_domains(codes: NDArray[np.integer[Any]], neighbours: Neighbours) -> NDArray[np.int32]:
    """Give a cell another domain when fewer than half of those around it share its own and more have that.

    The cell itself counts with its neighbours, half is half of the neighbours; all cells change at once.

    Parameters
    ----------
    codes
        Domain of each cell, -1 for none, which stays so, ``(n_cells,)``.
    neighbours
        Which cells touch, see ``touching``.

    References
    ----------
    Hu et al. 2021, doi:10.1038/s41592-021-01255-8, methods.
    """
    own_c: NDArray[np.int32] = np.asarray(codes, np.int32).copy()
    n, n_domains = len(own_c), int(own_c.max(initial=-1)) + 1
    if n_domains == 0:
        return own_c
    known = np.flatnonzero(own_c >= 0)
    own = sparse.csr_matrix((np.ones(len(known)), (known, own_c[known])), (n, n_domains))
    ones = np.ones(neighbours.n_edges)
    near = sparse.csr_matrix((ones, neighbours.indices, neighbours.indptr), (n, n))
    votes_ck = (near @ own + own).toarray()
    half_c = neighbours.degree / 2
    winner_c = votes_ck.argmax(axis=1)
    mine_c = votes_ck[np.arange(n), np.maximum(own_c, 0)]
    moved = (own_c >= 0) & (mine_c < half_c) & (votes_ck[np.arange(n), winner_c] > half_c)
    own_c[moved] = winner_c[moved]
    return own_c
