"""Polygons drawn into the cell raster: each pixel whose centre lies in a shape shows its cell."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import DataError
from glasscell.views.kernel import fill_shapes
from glasscell.views.raster import CellRaster, Viewport, draw_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.polygon import TissuePolygons


@lru_cache(maxsize=8)
def _order(n_shapes: int) -> NDArray[np.int32]:
    return draw_order(n_shapes)


def stamp_polygons(
    polygons: TissuePolygons,
    viewport: Viewport,
    over: CellRaster | None = None,
    shown_c: NDArray[np.bool_] | None = None,
) -> CellRaster:
    """Scan-convert the outlines of cells; where two overlap, one of a fixed shuffled order lies on top.

    Parameters
    ----------
    polygons
        Shapes with holes and parts; those without a cell are not drawn.
    viewport
        The pixels to fill. A pixel belongs to a shape when its centre lies inside an odd number of rings; a
        shape under three pixels that holds no centre takes the pixel nearest to the middle of its box.
    over
        A raster of the same viewport to draw on instead of an empty one; it is not changed.
    shown_c
        Which cells to draw, ``(n_cells,)``; by default all.

    Returns
    -------
    The raster; the same input gives the same pixels.

    Raises
    ------
    DataError
        ``over`` has another viewport.
    """
    if over is not None and over.viewport != viewport:
        raise DataError("only a raster of the same viewport can be drawn on")
    ids_yx = np.zeros((viewport.height, viewport.width), np.int32) if over is None else over.ids_yx.copy()
    cells = polygons.cells
    if shown_c is not None:
        cells = np.where((cells >= 0) & shown_c[np.maximum(cells, 0)], cells, -1).astype(np.int32)
    fill_shapes(
        polygons.vertices_vd,
        polygons.ring_starts,
        polygons.shape_starts,
        polygons.bounds,
        cells,
        _order(len(polygons)),
        np.array([viewport.x, viewport.y, 1 / viewport.pixel, 1 / viewport.pixel_y]),
        ids_yx,
    )
    return CellRaster(ids_yx, viewport)
