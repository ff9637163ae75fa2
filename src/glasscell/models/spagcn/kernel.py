"""How much neighbours count: a Gaussian kernel whose length is found from their share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from glasscell.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.neighbour import Neighbours

_ROUNDS = 200
_NEAR = 1e-9


def neighbour_share(neighbours: Neighbours, length: float) -> float:
    """Return p: what a cell's neighbours weigh together, where the cell itself weighs one.

    The mean over cells that have neighbours of the sum of ``exp(-d^2 / (2 l^2))``.

    References
    ----------
    Hu et al. 2021, doi:10.1038/s41592-021-01255-8, methods.
    """
    some = max(int((neighbours.degree > 0).sum()), 1)
    return float(weights(neighbours.distances, length).sum() / some)


def weights(distances: NDArray[np.float64], length: float) -> NDArray[np.float64]:
    """Return the kernel at some distances; a cell itself, at 0, weighs one."""
    return np.asarray(np.exp(-0.5 * (distances / length) ** 2))


def find_length(neighbours: Neighbours, share: float) -> float:
    """Find the length l of the kernel at which neighbours have the share p, by bisection.

    Parameters
    ----------
    share
        p, above 0 and below the number of neighbours.

    Returns
    -------
    In the unit of the distances; 1 where no cell has a neighbour.

    Raises
    ------
    ModelError
        So many neighbours cannot have such a share, or cells lie on one spot.
    """
    if not neighbours.n_edges:
        return 1.0
    most = neighbours.n_edges / int((neighbours.degree > 0).sum())
    if share >= 0.95 * most:
        raise ModelError(
            f"{most:.0f} neighbours cannot weigh {share:g} times as much as the cell itself: "
            "ask for more neighbours or a smaller p."
        )
    middle = float(np.median(neighbours.distances)) or 1.0
    low, high = 1e-4 * middle, 1e4 * middle
    if neighbour_share(neighbours, low) > share:
        raise ModelError(f"Too many cells lie on one spot for a p of {share:g}: ask for a larger one.")
    for _ in range(_ROUNDS):
        length = float(np.sqrt(low * high))
        found = neighbour_share(neighbours, length)
        if abs(found - share) <= _NEAR * share:
            break
        low, high = (length, high) if found < share else (low, length)
    return length


def kernel_matrix(neighbours: Neighbours, length: float) -> sparse.csr_matrix:
    """Return what each cell (row) takes from each (column), the cell itself one, ``(n_cells, n_cells)``.

    As sparse as the graph: 50,000 cells of 36 neighbours take 22 MB.
    """
    n = len(neighbours)
    found = weights(neighbours.distances, length).astype(np.float32)
    near = sparse.csr_matrix((found, neighbours.indices, neighbours.indptr), (n, n))
    return sparse.csr_matrix(near + sparse.identity(n, dtype=np.float32, format="csr"))
