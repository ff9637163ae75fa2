"""Which points lie inside a drawn polygon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import shapely

from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence


def inside_polygon(
    positions_cd: npt.ArrayLike, vertices: Sequence[tuple[float, float]] | npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Tell for each point whether it lies inside a polygon.

    Points on the outline are outside; points with a missing coordinate are outside. A polygon that crosses
    itself follows the even-odd rule. Each point meets only the edges at its height; points on an edge within
    rounding are decided by shapely.

    Parameters
    ----------
    positions_cd
        x and y of each point, shape ``(n_cells, 2)``.
    vertices
        Corners in the same unit, at least three; the last one need not repeat the first.

    Returns
    -------
    bool of shape ``(n_cells,)``.

    Raises
    ------
    DataError
        Fewer than three distinct corners, or a corner that is not a number.
    """
    corners = np.asarray(vertices, dtype=np.float64)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(np.unique(corners, axis=0)) < 3:
        raise DataError("A lasso needs at least three different corners; draw a wider outline.")
    if not np.isfinite(corners).all():
        raise DataError("A lasso has a corner that is not a number; draw it again.")
    from glasscell.data.inside import INSIDE, ON_EDGE, place

    points_cd = np.ascontiguousarray(positions_cd, dtype=np.float64)
    found = place(points_cd, corners)
    inside: npt.NDArray[np.bool_] = found == INSIDE
    open_cells = np.flatnonzero(found == ON_EDGE)
    if len(open_cells):
        polygon = shapely.Polygon(corners)
        inside[open_cells] = shapely.contains_xy(polygon, points_cd[open_cells])
    return inside
