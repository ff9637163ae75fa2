"""Pixel arrays and the affine maps that place them: flips and turns undone, anything else resampled."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from glasscell.data.tissue import Pair

Affine = npt.NDArray[np.float64]
_STRAIGHT = 1e-6
_RESAMPLED_PIXELS = 1 << 24


def is_straight(affine: Affine) -> bool:
    """Whether a 3 x 3 map keeps pixel rows parallel to an axis (scale, shift, flip, quarter turn)."""
    linear = np.abs(affine[:2, :2])
    largest = linear.max()
    diagonal = linear[0, 1] <= _STRAIGHT * largest and linear[1, 0] <= _STRAIGHT * largest
    turned = linear[0, 0] <= _STRAIGHT * largest and linear[1, 1] <= _STRAIGHT * largest
    return bool(largest > 0) and bool(diagonal or turned)


def straighten(array: Any, affine: Affine) -> tuple[Any, Pair, Pair]:
    """Turn a pixel array so that its rows run along x and its columns along y.

    Parameters
    ----------
    array
        Shape ``(height, width, ...)``; any array that can be sliced and transposed, lazy ones too.
    affine
        3 x 3, from pixel coordinates (x, y), whose origin is the outer corner of pixel [0, 0], to the world.

    Returns
    -------
    The array, the world length of a pixel and the world position of the centre of pixel [0, 0], both (x, y).
    """
    affine = affine.copy()
    linear = np.abs(affine[:2, :2])
    if linear[0, 1] + linear[1, 0] > linear[0, 0] + linear[1, 1]:
        array = array.transpose(1, 0, *range(2, array.ndim))
        affine[:, [0, 1]] = affine[:, [1, 0]]
    for axis, length in ((0, array.shape[1]), (1, array.shape[0])):
        if affine[axis, axis] < 0:
            array = array[:, ::-1] if axis == 0 else array[::-1]
            affine[axis, 2] += affine[axis, axis] * length
            affine[axis, axis] = -affine[axis, axis]
    scale = (float(affine[0, 0]), float(affine[1, 1]))
    return array, scale, (float(affine[0, 2]) + scale[0] / 2, float(affine[1, 2]) + scale[1] / 2)


def resample(array: npt.NDArray[Any], affine: Affine) -> tuple[npt.NDArray[Any], Pair, Pair]:
    """Draw a turned or sheared picture anew on a straight grid, by nearest pixel; outside it is 0.

    Parameters
    ----------
    array
        Shape ``(height, width, ...)``.
    affine
        As for `straighten`.

    Returns
    -------
    As from `straighten`; at most 16 million pixels.
    """
    height, width = array.shape[:2]
    corners = affine[:2, :2] @ np.array([[0, width, 0, width], [0, 0, height, height]]) + affine[:2, 2:]
    low, high = corners.min(axis=1), corners.max(axis=1)
    pixel = math.sqrt(abs(np.linalg.det(affine[:2, :2])))
    pixel = max(pixel, math.sqrt(float(np.prod(high - low)) / _RESAMPLED_PIXELS))
    columns, rows = (max(1, math.ceil(side / pixel)) for side in high - low)
    inverse = np.linalg.inv(affine)
    drawn = np.zeros((rows, columns, *array.shape[2:]), dtype=array.dtype)
    x = low[0] + (np.arange(columns) + 0.5) * pixel
    for row in range(rows):
        y = low[1] + (row + 0.5) * pixel
        source_x = np.floor(inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2]).astype(np.int64)
        source_y = np.floor(inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2]).astype(np.int64)
        inside = (source_x >= 0) & (source_x < width) & (source_y >= 0) & (source_y < height)
        drawn[row, inside] = array[source_y[inside], source_x[inside]]
    return drawn, (pixel, pixel), (float(low[0]) + pixel / 2, float(low[1]) + pixel / 2)
