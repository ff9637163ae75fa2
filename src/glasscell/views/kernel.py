"""Compiled inner loops; the interpreter lock is released while they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def _compiled(function: Kernel) -> Kernel:
    """Compile on first use, for any thread."""
    return cast("Kernel", numba.njit(nogil=True, cache=True)(function))


@_compiled
def take_colours(
    table: NDArray[np.uint32], ids_yx: NDArray[np.int32], painted_yx: NDArray[np.uint32]
) -> None:
    """Write the colour of each pixel's cell."""
    for row in range(ids_yx.shape[0]):
        for column in range(ids_yx.shape[1]):
            painted_yx[row, column] = table[ids_yx[row, column]]


@_compiled
def stamp_cells(
    positions_cd: NDArray[np.float64],
    radii_px: NDArray[np.float64],
    order: NDArray[np.int32],
    grid: NDArray[np.float64],
    ids_yx: NDArray[np.int32],
) -> None:
    """Draw discs; ``grid`` holds x and y of the first pixel and the pixels per unit along each."""
    height, width = ids_yx.shape
    for cell in order:
        column = (positions_cd[cell, 0] - grid[0]) * grid[2]
        row = (positions_cd[cell, 1] - grid[1]) * grid[3]
        radius = radii_px[cell] if radii_px.size > 1 else radii_px[0]
        margin = max(radius, 0.5)
        if not (-margin <= column < width + margin and -margin <= row < height + margin):
            continue
        near_row, near_column = int(np.floor(row + 0.5)), int(np.floor(column + 0.5))
        if 0 <= near_row < height and 0 <= near_column < width:
            ids_yx[near_row, near_column] = cell + 1
        if radius < 0.5:
            continue
        for y in range(max(int(np.ceil(row - radius)), 0), min(int(np.floor(row + radius)), height - 1) + 1):
            rest = radius * radius - (y - row) * (y - row)
            for x in range(
                max(int(np.ceil(column - radius)), 0), min(int(np.floor(column + radius)), width - 1) + 1
            ):
                if (x - column) * (x - column) <= rest:
                    ids_yx[y, x] = cell + 1


@_compiled
def sample_labels(
    labels_yx: NDArray[np.integer[Any]],
    lut: NDArray[np.int32],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    into_rows: NDArray[np.int64],
    into_columns: NDArray[np.int64],
    ids_yx: NDArray[np.int32],
) -> None:
    """Write the cell of the label under each pixel, where there is one."""
    for i in range(rows.size):
        for j in range(columns.size):
            label = np.int64(labels_yx[rows[i], columns[j]])
            if 0 <= label < lut.size and lut[label] >= 0:
                ids_yx[into_rows[i], into_columns[j]] = lut[label] + 1


@_compiled
def colour_numbers(
    values: NDArray[np.float32],
    low: float,
    high: float,
    lut: NDArray[np.uint32],
    selected: NDArray[np.bool_],
    context: np.uint32,
    words: NDArray[np.uint32],
) -> tuple[int, int, int]:
    """Colour each cell and count those below, above, missing; ``lut`` ends with the colour of missing."""
    steps = lut.size - 1
    below, above, missing = 0, 0, 0
    factor = steps / (high - low)
    for cell in range(values.size):
        if selected.size and not selected[cell]:
            words[cell + 1] = context
            continue
        value = np.float64(values[cell])
        if not np.isfinite(value):
            missing += 1
            words[cell + 1] = lut[steps]
            continue
        if value < low:
            below += 1
        elif value > high:
            above += 1
        place = (value - low) * factor
        words[cell + 1] = lut[int(min(max(place, 0.0), steps - 1.0))]
    return below, above, missing


@_compiled
def colour_codes(
    codes: NDArray[np.int32],
    lut: NDArray[np.uint32],
    selected: NDArray[np.bool_],
    context: np.uint32,
    words: NDArray[np.uint32],
    counts: NDArray[np.int64],
    totals: NDArray[np.int64],
) -> None:
    """Write a colour per cell and count categories; the last entry of ``lut`` and counts is for missing."""
    last = lut.size - 1
    for cell in range(codes.size):
        code = codes[cell]
        if code < 0 or code >= last:
            code = last
        totals[code] += 1
        if selected.size and not selected[cell]:
            words[cell + 1] = context if lut[code] != 0 else 0
            continue
        counts[code] += 1
        words[cell + 1] = lut[code]
