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
    itself follows the even-odd rule. The bounding box is tested first, so a small lasso on a large tissue is
    cheap.

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
    points = np.asarray(positions_cd, dtype=np.float64)
    x, y = points[:, 0], points[:, 1]
    (left, low), (right, high) = corners.min(axis=0), corners.max(axis=0)
    near = np.flatnonzero((x > left) & (x < right) & (y > low) & (y < high))
    inside = np.zeros(len(points), dtype=np.bool_)
    if len(near):
        polygon = shapely.Polygon(corners)
        shapely.prepare(polygon)
        inside[near] = shapely.contains_xy(polygon, x[near], y[near])
    return inside
