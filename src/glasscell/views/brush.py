"""Which cells a brush stroke passes over."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Brush:
    """Finds cells near a path, looking only at those in the stripe that the path crosses.

    Parameters
    ----------
    positions_cd
        Places (x, y), ``(n_cells, 2)``; cells without a place are never found.
    """

    def __init__(self, positions_cd: NDArray[np.float64]) -> None:
        known = np.flatnonzero(np.isfinite(positions_cd[:, :2]).all(axis=1))
        self._order = known[np.argsort(positions_cd[known, 0], kind="stable")].astype(np.int32)
        self._x = positions_cd[self._order, 0]
        self._y = positions_cd[self._order, 1]

    def cells_near(self, path_vd: ArrayLike, radius: float) -> NDArray[np.int32]:
        """Return the sorted numbers of the cells within ``radius`` of a path of points ``(n, 2)``."""
        path = np.asarray(path_vd, np.float64).reshape(-1, 2)
        if len(path) == 1:
            path = np.repeat(path, 2, axis=0)
        parts = [self._near(start, end, radius) for start, end in pairwise(path)]
        return np.unique(np.concatenate([np.zeros(0, np.int32), *parts]))

    def _near(self, start: NDArray[np.float64], end: NDArray[np.float64], radius: float) -> NDArray[np.int32]:
        low, high = sorted((start[0], end[0]))
        first = np.searchsorted(self._x, low - radius, "left")
        last = np.searchsorted(self._x, high + radius, "right")
        dx, dy = self._x[first:last] - start[0], self._y[first:last] - start[1]
        along = end - start
        length2 = float(along @ along)
        share = np.clip((dx * along[0] + dy * along[1]) / length2, 0, 1) if length2 else np.zeros(len(dx))
        near = (dx - share * along[0]) ** 2 + (dy - share * along[1]) ** 2 <= radius**2
        found: NDArray[np.int32] = self._order[first:last][near]
        return found
