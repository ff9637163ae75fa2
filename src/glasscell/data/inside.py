"""The compiled part of a lasso: crossings of a ray to the right, counted among the edges at its height."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

OUTSIDE, INSIDE, ON_EDGE = 0, 1, 2
#: A point this close to an edge, relative to the terms compared, is left to exact arithmetic.
_CLOSE = 1e-12
_BANDS = 512


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on first use; the interpreter lock is released while it runs."""
    return cast("Callable[..., Any]", numba.njit(nogil=True, cache=True)(function))


def place(positions_cd: NDArray[np.float64], corners_vd: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Tell for each point whether it is OUTSIDE or INSIDE a polygon, or so near an edge that it is open.

    Parameters
    ----------
    positions_cd
        x and y, shape ``(n_cells, 2)``; a point with NaN is outside.
    corners_vd
        Corners, shape ``(n_corners, 2)``; a polygon that crosses itself follows the even-odd rule.

    Returns
    -------
    OUTSIDE, INSIDE or ON_EDGE for each point.
    """
    ends_vd = np.roll(corners_vd, -1, axis=0)
    rising = corners_vd[:, 1] <= ends_vd[:, 1]
    lower, upper = np.where(rising[:, None], (corners_vd, ends_vd), (ends_vd, corners_vd))
    box = np.array([*corners_vd.min(axis=0), *corners_vd.max(axis=0)])
    per_unit = _BANDS / max(float(box[3] - box[1]), 1e-300)
    first = np.clip(((lower[:, 1] - box[1]) * per_unit).astype(np.int64) - 1, 0, _BANDS - 1)
    last = np.clip(((upper[:, 1] - box[1]) * per_unit).astype(np.int64) + 1, 0, _BANDS - 1)
    edges = np.concatenate(
        [np.arange(a, b + 1) * len(lower) + e for e, (a, b) in enumerate(zip(first, last, strict=True))]
    )
    edges.sort()
    starts = np.searchsorted(edges, np.arange(_BANDS + 1) * len(lower))
    found = np.empty(len(positions_cd), np.uint8)
    _place(positions_cd, np.hstack([lower, upper]), edges % len(lower), starts, box, per_unit, found)
    return found


@_compiled
def _place(
    positions_cd: NDArray[np.float64],
    edges: NDArray[np.float64],
    order: NDArray[np.int64],
    starts: NDArray[np.int64],
    box: NDArray[np.float64],
    per_unit: float,
    found: NDArray[np.uint8],
) -> None:
    """Count crossings; ``edges`` holds x and y of each edge's lower and upper end."""
    bands = starts.size - 1
    for cell in range(positions_cd.shape[0]):
        x, y = positions_cd[cell, 0], positions_cd[cell, 1]
        found[cell] = OUTSIDE
        if not (box[0] <= x <= box[2] and box[1] <= y <= box[3]):
            continue
        band = min(int((y - box[1]) * per_unit), bands - 1)
        inside = False
        for entry in range(starts[band], starts[band + 1]):
            edge = order[entry]
            x0, y0, x1, y1 = edges[edge, 0], edges[edge, 1], edges[edge, 2], edges[edge, 3]
            if y < y0 or y > y1:
                continue
            along, across = (x - x0) * (y1 - y0), (y - y0) * (x1 - x0)
            near = min(x0, x1) - abs(x) * _CLOSE <= x <= max(x0, x1) + abs(x) * _CLOSE
            if near and abs(along - across) <= _CLOSE * (abs(along) + abs(across)):
                found[cell] = ON_EDGE
                break
            if y < y1 and along < across:
                inside = not inside
        if found[cell] != ON_EDGE and inside:
            found[cell] = INSIDE
