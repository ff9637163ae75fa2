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
def compose_cells(
    ids_yx: NDArray[np.int32],
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
    table: NDArray[np.uint32],
    below_yxc: NDArray[np.uint8],
    above_yx: NDArray[np.bool_],
    opacity: NDArray[np.float64],
    ground: NDArray[np.uint8],
    frame_yxc: NDArray[np.uint8],
) -> None:
    """Draw ground, picture, cells and points where ``rows`` and ``columns`` have a place in the raster.

    ``opacity`` holds those of picture and cells; ``ground`` the colours of ground and points.
    """
    below_share, cell_share = int(256 * opacity[0] + 0.5), int(256 * opacity[1] + 0.5)
    has_below, has_above = below_yxc.size > 0, above_yx.size > 0
    for row in range(rows.size):
        y = rows[row]
        if y < 0:
            continue
        for column in range(columns.size):
            x = columns[column]
            if x < 0:
                continue
            red, green, blue = int(ground[0, 0]), int(ground[0, 1]), int(ground[0, 2])
            if has_below and below_yxc[y, x, 3]:
                share = ((int(below_yxc[y, x, 3]) + 1) * below_share) >> 8  # of 256: no division per pixel
                red += ((int(below_yxc[y, x, 0]) - red) * share) >> 8
                green += ((int(below_yxc[y, x, 1]) - green) * share) >> 8
                blue += ((int(below_yxc[y, x, 2]) - blue) * share) >> 8
            word = int(table[ids_yx[y, x]])
            if word >> 24:
                share = (((word >> 24) + 1) * cell_share) >> 8
                red += (((word & 255) - red) * share) >> 8
                green += ((((word >> 8) & 255) - green) * share) >> 8
                blue += ((((word >> 16) & 255) - blue) * share) >> 8
            if has_above and above_yx[y, x]:
                red, green, blue = int(ground[1, 0]), int(ground[1, 1]), int(ground[1, 2])
            frame_yxc[row, column, 0] = red
            frame_yxc[row, column, 1] = green
            frame_yxc[row, column, 2] = blue


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
) -> tuple[int, int, int, float, float]:
    """Colour each cell; return how many are below, above, missing, and the smallest and largest number.

    ``lut`` ends with the colour of missing; where nothing is a number, the smallest is above the largest.
    """
    steps = lut.size - 1
    below, above, missing = 0, 0, 0
    least, most = np.inf, -np.inf
    factor = steps / (high - low)
    for cell in range(values.size):
        value = np.float64(values[cell])
        known = np.isfinite(value)
        if known:
            least, most = min(least, value), max(most, value)
        if selected.size and not selected[cell]:
            words[cell + 1] = context
            continue
        if not known:
            missing += 1
            words[cell + 1] = lut[steps]
            continue
        if value < low:
            below += 1
        elif value > high:
            above += 1
        place = (value - low) * factor
        words[cell + 1] = lut[int(min(max(place, 0.0), steps - 1.0))]
    return below, above, missing, least, most


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


@_compiled
def fill_shapes(
    vertices_vd: NDArray[np.float64],
    ring_starts: NDArray[np.int64],
    shape_starts: NDArray[np.int64],
    bounds: NDArray[np.float64],
    cells: NDArray[np.int32],
    order: NDArray[np.int32],
    grid: NDArray[np.float64],
    ids_yx: NDArray[np.int32],
) -> None:
    """Draw polygons by the even-odd rule; ``grid`` as in `stamp_cells`."""
    height, width = ids_yx.shape
    crossings = np.empty(64, np.float64)
    for shape in order:
        if cells[shape] < 0 or not np.isfinite(bounds[shape, 0]):
            continue
        left, right = (bounds[shape, 0] - grid[0]) * grid[2], (bounds[shape, 2] - grid[0]) * grid[2]
        top, bottom = (bounds[shape, 1] - grid[1]) * grid[3], (bounds[shape, 3] - grid[1]) * grid[3]
        if right < -0.5 or left >= width - 0.5 or bottom < -0.5 or top >= height - 0.5:
            continue
        word, drawn = cells[shape] + 1, False
        row, column = int(np.floor((top + bottom) / 2 + 0.5)), int(np.floor((left + right) / 2 + 0.5))
        if right - left < 1 and bottom - top < 1:  # it can hold no other pixel's centre
            if 0 <= row < height and 0 <= column < width:
                ids_yx[row, column] = word
            continue
        start, end = ring_starts[shape_starts[shape]], ring_starts[shape_starts[shape + 1]]
        if end - start > crossings.size:
            crossings = np.empty(2 * (end - start), np.float64)
        small = right - left < 3 and bottom - top < 3
        for line in range(max(int(np.ceil(top)), 0), min(int(np.floor(bottom)), height - 1) + 1):
            number = _cross(
                vertices_vd, ring_starts, shape_starts[shape], shape_starts[shape + 1], line, grid, crossings
            )
            ends = np.sort(crossings[:number])
            for pair in range(0, number - 1, 2):
                first, last = max(int(np.ceil(ends[pair])), 0), min(int(np.ceil(ends[pair + 1])), width)
                for place in range(first, last):
                    ids_yx[line, place] = word
                    drawn = True
        if small and not drawn and 0 <= row < height and 0 <= column < width:
            ids_yx[row, column] = word


@_compiled
def _cross(
    vertices_vd: NDArray[np.float64],
    ring_starts: NDArray[np.int64],
    first_ring: int,
    last_ring: int,
    row: int,
    grid: NDArray[np.float64],
    crossings: NDArray[np.float64],
) -> int:
    """Find where a row of pixel centres crosses the edges of a shape; return how often it does."""
    number = 0
    for ring in range(first_ring, last_ring):
        start, end = ring_starts[ring], ring_starts[ring + 1]
        before_x = (vertices_vd[end - 1, 0] - grid[0]) * grid[2]
        before_y = (vertices_vd[end - 1, 1] - grid[1]) * grid[3]
        for vertex in range(start, end):
            x, y = (vertices_vd[vertex, 0] - grid[0]) * grid[2], (vertices_vd[vertex, 1] - grid[1]) * grid[3]
            if (y <= row) != (before_y <= row):
                crossings[number] = x + (row - y) / (before_y - y) * (before_x - x)
                number += 1
            before_x, before_y = x, y
    return number
