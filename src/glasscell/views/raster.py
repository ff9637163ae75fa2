"""The cell raster: an id image of the viewport, so that colouring is one take and picking is one index."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError
from glasscell.views.kernel import sample_labels, stamp_cells, take_colours

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Viewport:
    """A grid of pixels laid over the world.

    Parameters
    ----------
    x, y
        World coordinates of the *centre* of pixel ``[0, 0]``.
    pixel
        World units per pixel along x, above 0.
    height, width
        Rows and columns, each at least 1.
    stretch
        World units per pixel along y, divided by ``pixel``; 1 for anything that has a real shape.
    """

    x: float
    y: float
    pixel: float
    height: int
    width: int
    stretch: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a grid that no picture can have."""
        if not (self.pixel > 0 and self.stretch > 0 and self.height >= 1 and self.width >= 1):
            raise DataError(f"a viewport needs a positive pixel size and at least one pixel, not {self!r}")

    @property
    def pixel_y(self) -> float:
        """World units per pixel along y."""
        return self.pixel * self.stretch

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Outer edges ``(x0, y0, x1, y1)`` in world units."""
        x0, y0 = self.x - self.pixel / 2, self.y - self.pixel_y / 2
        return x0, y0, x0 + self.width * self.pixel, y0 + self.height * self.pixel_y

    def at(self, x: float, y: float) -> tuple[int, int]:
        """Row and column of a world point; may lie outside the grid."""
        return (
            int(np.floor((y - self.y) / self.pixel_y + 0.5)),
            int(np.floor((x - self.x) / self.pixel + 0.5)),
        )


@dataclass(frozen=True, eq=False)
class CellRaster:
    """Which cell each pixel of a viewport shows.

    Parameters
    ----------
    ids_yx
        int32, ``(height, width)``: 0 is background, ``i + 1`` is cell ``i``.
    viewport
        Where the pixels lie in the world.
    """

    ids_yx: NDArray[np.int32]
    viewport: Viewport

    @cached_property
    def highest(self) -> int:
        """Largest id drawn."""
        return int(self.ids_yx.max(initial=0))

    def paint(self, table_u32: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """Colour every pixel by its cell.

        Parameters
        ----------
        table_u32
            One RGBA colour per cell as little-endian uint32, ``(n_cells + 1,)``, background first.

        Returns
        -------
        uint8 RGBA picture, ``(height, width, 4)``.

        Raises
        ------
        DataError
            The table has fewer colours than the raster has cells.
        """
        if len(table_u32) <= self.highest:
            raise DataError(
                f"{len(table_u32)} colours for a picture that shows cell {self.highest - 1}: "
                "the table belongs to other data; colour again"
            )
        painted_yx = np.empty(self.ids_yx.shape, np.uint32)
        take_colours(np.ascontiguousarray(table_u32, np.uint32), self.ids_yx, painted_yx)
        return painted_yx.view(np.uint8).reshape(*self.ids_yx.shape, 4)

    def pick(self, x: float, y: float, reach: int = 0) -> int | None:
        """Cell drawn at a world point, or the nearest one within ``reach`` pixels; None for background."""
        row, column = self.viewport.at(x, y)
        top, left = max(row - reach, 0), max(column - reach, 0)
        window_yx = self.ids_yx[top : max(row + reach + 1, 0), left : max(column + reach + 1, 0)]
        rows, columns = np.nonzero(window_yx)
        if rows.size == 0:
            return None
        distance = (rows + top - row) ** 2 + (columns + left - column) ** 2
        nearest = int(distance.argmin())
        if distance[nearest] > reach * reach:
            return None
        return int(window_yx[rows[nearest], columns[nearest]]) - 1

    def visible(self, n_cells: int) -> NDArray[np.bool_]:
        """Which of ``n_cells`` cells own at least one pixel, ``(n_cells,)``."""
        seen = np.zeros(max(n_cells, self.highest) + 1, np.bool_)
        seen[self.ids_yx.ravel()] = True
        return seen[1 : n_cells + 1]


def draw_order(n_cells: int, seed: int = 0) -> NDArray[np.int32]:
    """Shuffle the order of drawing once, so that an overplotted pixel shows an unbiased cell."""
    return np.random.default_rng(seed).permutation(n_cells).astype(np.int32)


def stamp_discs(
    positions_cd: NDArray[np.floating[Any]],
    radius: float | NDArray[np.floating[Any]],
    viewport: Viewport,
    order: NDArray[np.int32] | None = None,
    over: CellRaster | None = None,
) -> CellRaster:
    """Draw one disc a cell; later cells of ``order`` lie on top.

    Parameters
    ----------
    positions_cd
        Centres ``(n_cells, 2)`` as x, y in world units; a row with NaN is not drawn.
    radius
        World units, one for all or ``(n_cells,)``. A disc always covers the pixel nearest to its centre.
    viewport
        The pixels to fill.
    order
        Permutation of cells; by default ``draw_order(n_cells)``.
    over
        A raster of the same viewport to draw on instead of an empty one; it is not changed.

    Returns
    -------
    The raster; the same input gives the same pixels.

    Raises
    ------
    DataError
        Shapes that do not belong together.
    """
    centres_cd = np.ascontiguousarray(positions_cd, np.float64)
    n_cells = len(centres_cd)
    if centres_cd.shape != (n_cells, 2):
        raise DataError(f"positions must be (n_cells, 2), not {centres_cd.shape}")
    radii = np.asarray(radius, np.float64)
    if radii.ndim and radii.shape != (n_cells,):
        raise DataError(f"{radii.shape[0]} radii for {n_cells} cells")
    order = draw_order(n_cells) if order is None else np.ascontiguousarray(order, np.int32)
    if len(order) != n_cells:
        raise DataError(f"an order of {len(order)} cells for {n_cells} positions")
    ids_yx = _ground(viewport, over)
    stamp_cells(
        centres_cd,
        np.atleast_1d(radii) / viewport.pixel,
        order,
        np.array([viewport.x, viewport.y, 1 / viewport.pixel, 1 / viewport.pixel_y]),
        ids_yx,
    )
    return CellRaster(ids_yx, viewport)


def stamp_mask(
    labels_yx: Any,
    lut: NDArray[np.integer[Any]],
    scale: ArrayLike,
    translate: ArrayLike,
    viewport: Viewport,
    over: CellRaster | None = None,
) -> CellRaster:
    """Read the cells of a viewport from a segmentation mask.

    Parameters
    ----------
    labels_yx
        Integer labels ``(rows, columns)``, any array that can be sliced; only the visible window is read.
    lut
        Cell index of each label, -1 for none; labels beyond its end have no cell.
    scale, translate
        World ``(x, y)`` size of a mask pixel, and the centre of mask pixel ``[0, 0]``.
    viewport
        The pixels to fill, each from the nearest mask pixel.
    over
        A raster of the same viewport to draw on; pixels without a cell keep what it shows.

    Returns
    -------
    The raster.
    """
    scale_x, scale_y = (float(v) for v in np.broadcast_to(np.asarray(scale, np.float64), (2,)))
    shift_x, shift_y = (float(v) for v in np.broadcast_to(np.asarray(translate, np.float64), (2,)))
    ids_yx = _ground(viewport, over)
    world_x = viewport.x + viewport.pixel * np.arange(viewport.width)
    world_y = viewport.y + viewport.pixel_y * np.arange(viewport.height)
    columns = np.floor((world_x - shift_x) / scale_x + 0.5).astype(np.int64)
    rows = np.floor((world_y - shift_y) / scale_y + 0.5).astype(np.int64)
    n_rows, n_columns = labels_yx.shape
    inside_x = np.flatnonzero((columns >= 0) & (columns < n_columns))
    inside_y = np.flatnonzero((rows >= 0) & (rows < n_rows))
    if inside_x.size and inside_y.size:
        left, top = int(columns[inside_x].min()), int(rows[inside_y].min())
        right, bottom = int(columns[inside_x].max()) + 1, int(rows[inside_y].max()) + 1
        window_yx = np.ascontiguousarray(labels_yx[top:bottom, left:right])
        cells = np.ascontiguousarray(lut, np.int32)
        sample_labels(
            window_yx, cells, rows[inside_y] - top, columns[inside_x] - left, inside_y, inside_x, ids_yx
        )
    return CellRaster(ids_yx, viewport)


def _ground(viewport: Viewport, over: CellRaster | None) -> NDArray[np.int32]:
    """Empty id image, or a copy of the one to draw on."""
    if over is None:
        return np.zeros((viewport.height, viewport.width), np.int32)
    if over.viewport != viewport:
        raise DataError("only a raster of the same viewport can be drawn on")
    return over.ids_yx.copy()
