"""The same regions elsewhere on the tissue: what regions of this shape and size find wherever they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: A moved cell that lands farther than this from any cell, in spacings, has left the tissue.
REACH = 1.0
_TRIES = 30


class TissueShift:
    """Moves regions over their sections: a shift round the edges and perhaps a flip.

    What is near stays near, so that a moved region is as smooth as it was; only its place is lost.

    Parameters
    ----------
    positions_cd
        x and y, NaN where unknown, ``(n_cells, 2)``.
    sections
        Section of each cell, ``(n_cells,)``; regions never leave theirs.

    Raises
    ------
    DataError
        No section has cells enough.

    References
    ----------
    Lotwick & Silverman 1982, doi:10.1111/j.2517-6161.1982.tb01221.x (toroidal shifts).
    """

    def __init__(self, positions_cd: NDArray[np.floating[Any]], sections: NDArray[np.integer[Any]]) -> None:
        from scipy.spatial import cKDTree

        known = np.isfinite(positions_cd).all(axis=1)
        self.n_cells = len(positions_cd)
        self._parts = []
        for code in np.unique(sections[known]):
            own = np.flatnonzero(known & (sections == code))
            if len(own) < 4:
                continue
            points_cd = np.asarray(positions_cd[own], np.float64)
            points_cd = points_cd - points_cd.min(axis=0)
            spacing = float(np.median(cKDTree(points_cd).query(points_cd, k=2)[0][:, 1]))
            size = points_cd.max(axis=0) + max(spacing, 1e-9)
            self._parts.append((own, points_cd, cKDTree(points_cd, boxsize=size), size, spacing))
        if not self._parts:
            raise DataError("Too few cells have coordinates to move regions over the tissue.")

    def draw(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return for each cell the one whose region it gets, ``(n_cells,)``; -1 for one off the tissue."""
        source = np.full(self.n_cells, -1, np.int64)
        for own, points_cd, tree, size, spacing in self._parts:
            flip = rng.random(2) < 0.5
            turned_cd = np.where(flip, points_cd.max(axis=0) - points_cd, points_cd)
            moved_cd = np.mod(turned_cd + rng.random(2) * size, size)
            apart, near = tree.query(moved_cd)
            landed = apart <= REACH * spacing
            source[own[landed]] = own[near[landed]]
        return source

    def moved(self, region: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_] | None:
        """Return a region elsewhere, with at least half of its cells still on the tissue; None if none is."""
        least = region.sum() / 2
        for _ in range(_TRIES):
            source = self.draw(rng)
            there = (source >= 0) & region[source]
            if there.sum() >= least:
                return there
        return None


def excess(ranks_cg: NDArray[np.float64], region: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how far mean ranks in a region lie above those of the tissue, ``(n_genes,)``.

    Times the root of its cells, so that a moved region which lost some of them at the border of the tissue
    doesn't win by the few that it kept.
    """
    above_g = ranks_cg[region].mean(axis=0) - (len(ranks_cg) + 1) / 2
    return np.asarray(above_g * np.sqrt(region.sum()))
