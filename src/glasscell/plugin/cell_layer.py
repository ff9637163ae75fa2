"""The cells on the canvas: a coarse raster of the whole tissue, and a crisp one of what the camera sees."""

from __future__ import annotations

import math
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer

from glasscell.views.picture import fit_viewport
from glasscell.views.raster import CellRaster, Viewport

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image
    from numpy.typing import NDArray

    from glasscell.jobs import Job, JobHandle, JobRunner
    from glasscell.plugin.canvas import Canvas, Sight
    from glasscell.views.picture import TissuePicture

OVERVIEW_PIXELS = 1024
#: The camera rests when it has not moved for this long.
REST_MS = 60
#: Drawn beyond each edge of the canvas, as a fraction of its size, so that a short pan shows no seam.
MARGIN = 0.15
#: A viewport is never larger than this many pixels; beyond it is drawn coarser.
MAX_PIXELS = 12_000_000

Bounds = tuple[float, float, float, float]


class CellLayer:
    """Two linked image layers that show every cell in its colour.

    The overview has constant extents, so Home and the thumbnail are right and panning never shows a blank;
    where the viewport's raster lies it has a hole, so that translucent cells are not drawn twice.

    Parameters
    ----------
    canvas
        Where to draw.
    runner
        Stamps in its ``view`` lane.
    on_drawn
        Called whenever new pixels are on the layers.
    """

    def __init__(self, canvas: Canvas, runner: JobRunner, on_drawn: Callable[[], None] | None = None) -> None:
        self._canvas, self._runner, self._on_drawn = canvas, runner, on_drawn
        self._picture: TissuePicture | None = None
        self._table_u32: NDArray[np.uint32] | None = None
        self._overview: CellRaster | None = None
        self._holed: CellRaster | None = None
        self._detail: CellRaster | None = None
        self._grid: Viewport | None = None
        self._layers: tuple[Image, Image] | None = None
        self._generation = 0
        self._rest = QTimer()
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._restamp)
        for event in self._moves():
            event.connect(self._on_camera_moved)

    @property
    def layers(self) -> tuple[Image, Image] | None:
        """Overview and viewport layer, while both are in the viewer."""
        if self._layers is not None and all(layer in self._canvas.viewer.layers for layer in self._layers):
            return self._layers
        return None

    @property
    def table_u32(self) -> NDArray[np.uint32] | None:
        """Colour of each cell as drawn, background first; None before any."""
        return self._table_u32

    @property
    def ready(self) -> bool:
        """Whether the pixels on the canvas are those of the present picture and camera."""
        if self._picture is not None and not self._picture.n_cells:
            return self._overview is not None
        return self._detail is not None and not self._rest.isActive() and self._wanted() is None

    def show(self, picture: TissuePicture) -> None:
        """Draw another tissue; colours follow by :meth:`set_colours`."""
        self.clear()
        self._picture = picture
        self._grid = fit_viewport(_union(picture.bounds, picture), OVERVIEW_PIXELS)
        self._table_u32 = None
        self._layers = (self._add("Cells (overview)", self._grid), self._add("Cells", self._grid))
        self._canvas.viewer.layers.link_layers(self._layers, ("visible", "opacity", "blending"))
        self._submit(self._grid, self._accept_overview)

    def swap(self, picture: TissuePicture) -> None:
        """Draw other cells of the same tissue, such as those of another plane; colours and camera stay."""
        if self._grid is None or self.layers is None:
            return
        self._generation += 1
        self._picture, self._detail, self._holed = picture, None, None
        self._submit(self._grid, self._accept_overview)

    def _moves(self) -> tuple[Any, ...]:
        """Return what napari emits when something else is in sight."""
        viewer = self._canvas.viewer
        camera = viewer.scene.camera.events
        moves = (camera.center, camera.zoom, camera.orientation)
        return (*moves, viewer.canvas.events.size, viewer.dims.events.order)

    def clear(self) -> None:
        """Take the cells off the canvas."""
        self._rest.stop()
        self._generation += 1
        layers, self._layers = self.layers, None
        for layer in reversed(layers or ()):
            self._canvas.viewer.layers.remove(layer)
        self._picture = self._overview = self._holed = self._detail = self._grid = None

    def close(self) -> None:
        """Let go of the camera; the layers stay as they are."""
        self._rest.stop()
        self._generation += 1
        for event in self._moves():
            event.disconnect(self._on_camera_moved)

    def set_colours(self, table_u32: NDArray[np.uint32]) -> None:
        """Recolour every pixel: entry 0 is the background, entry ``i + 1`` is cell ``i``."""
        if self._picture is None or len(table_u32) != self._picture.n_cells + 1:
            return
        self._table_u32 = table_u32
        self._paint()

    def pick(self, x: float, y: float) -> int | None:
        """Cell drawn at a point."""
        if self._detail is not None:
            x0, y0, x1, y1 = self._detail.viewport.bounds
            if x0 <= x < x1 and y0 <= y < y1:
                return self._detail.pick(x, y)
        return None if self._overview is None else self._overview.pick(x, y)

    def _add(self, name: str, viewport: Viewport) -> Image:
        blank = np.zeros((viewport.height, viewport.width, 4), np.uint8)
        layer = self._canvas.viewer.add_image(
            blank,
            name=name,
            rgb=True,
            affine=self._canvas.viewport_affine(viewport),
            units=self._canvas.units,
            blending="translucent_no_depth",
        )
        return layer

    def _submit(self, viewport: Viewport, accept: Callable[[CellRaster], None]) -> None:
        picture, generation = self._picture, self._generation
        if picture is None:
            return

        def stamp(job: JobHandle) -> CellRaster:
            return picture.raster(viewport)

        def done(job: Job[CellRaster]) -> None:
            if generation == self._generation and job.result is not None:
                accept(job.result)

        key = ("tissue", id(self), accept.__name__)
        self._runner.submit(stamp, title="Draw the cells", lane="view", key=key, on_done=done)

    def _accept_overview(self, raster: CellRaster) -> None:
        self._overview = self._holed = raster
        self._paint()
        self._restamp()

    def _on_camera_moved(self, event: Any = None) -> None:
        if self._overview is not None:
            self._rest.start()

    def _restamp(self) -> None:
        wanted = self._wanted()
        if wanted is not None and self.layers is not None:
            self._submit(wanted, self._accept_detail)

    def _wanted(self) -> Viewport | None:
        """Viewport to stamp for the present camera, None when the one at hand will do."""
        if self._grid is None:
            return None
        sight = self._canvas.sight()
        seen = _clip(sight, self._grid, 0.0)
        have = None if self._detail is None else self._detail.viewport
        crisp = have is not None and abs(have.pixel / self._pixel(sight) - 1) < 0.02
        if crisp and have is not None and seen is not None and _holds(have.bounds, seen):
            return None
        area = _clip(sight, self._grid, MARGIN)
        if area is None:
            return None
        return _snap(area, self._grid, self._pixel(sight))

    def _pixel(self, sight: Sight) -> float:
        """World units per pixel to draw with: a device pixel, unless that makes too many."""
        assert self._grid is not None
        area = _clip(sight, self._grid, MARGIN)
        if area is None:
            return sight.pixel
        return max(sight.pixel, math.sqrt((area[2] - area[0]) * (area[3] - area[1]) / MAX_PIXELS))

    def _accept_detail(self, raster: CellRaster) -> None:
        if self._overview is None or self.layers is None:
            return
        self._detail = raster
        self._holed = _with_hole(self._overview, raster.viewport)
        self._paint()
        self.layers[1].affine = self._canvas.viewport_affine(raster.viewport)
        self._on_camera_moved()  # the camera may have moved on while this was stamped

    def _paint(self) -> None:
        layers, table = self.layers, self._table_u32
        if layers is None or table is None or self._overview is None:
            return
        overview, detail = layers
        if self._holed is not None and (self._holed.highest > 0 or overview.data.any()):
            overview.data = self._holed.paint(table)
        rows, columns = (max(1, side // 32) for side in self._overview.ids_yx.shape)
        small_yx = np.ascontiguousarray(self._overview.ids_yx[::rows, ::columns][:32, :32])
        overview.thumbnail = table[small_yx].view(np.uint8).reshape(*small_yx.shape, 4)
        if self._detail is not None:
            detail.data = self._detail.paint(table)
        if self._on_drawn is not None:
            self._on_drawn()


def _union(bounds: Bounds, picture: TissuePicture) -> Bounds:
    """Bounds that also hold the masks."""
    boxes = [bounds, *((e.x0, e.y0, e.x1, e.y1) for e in (mask.extent for mask in picture.masks))]
    corners = np.array(boxes, np.float64)
    (x0, y0), (x1, y1) = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def _clip(sight: Sight, grid: Viewport, margin: float) -> Bounds | None:
    """Part of the tissue that is in sight, with a margin; None when there is none."""
    x0, y0, x1, y1 = grid.bounds
    more_x, more_y = margin * (sight.x1 - sight.x0), margin * (sight.y1 - sight.y0)
    left, right = max(x0, sight.x0 - more_x), min(x1, sight.x1 + more_x)
    top, bottom = max(y0, sight.y0 - more_y), min(y1, sight.y1 + more_y)
    return (left, top, right, bottom) if right > left and bottom > top else None


def _holds(outer: Bounds, inner: Bounds) -> bool:
    """Whether nothing of ``inner`` is outside, rounding aside."""
    slack = 1e-9 * max(abs(v) for v in (*outer, 1.0))
    starts = outer[0] <= inner[0] + slack and outer[1] <= inner[1] + slack
    return starts and outer[2] >= inner[2] - slack and outer[3] >= inner[3] - slack


def _snap(area: Bounds, grid: Viewport, pixel: float) -> Viewport:
    """Viewport over an area, its edges moved out to those of overview pixels."""
    x0, y0, _, _ = grid.bounds
    across, down = ((v - x0) / grid.pixel for v in area[::2]), ((v - y0) / grid.pixel_y for v in area[1::2])
    (left, right), (top, bottom) = across, down
    columns = max(0, floor(left)), min(grid.width, ceil(right))
    rows = max(0, floor(top)), min(grid.height, ceil(bottom))
    span_x, span_y = (columns[1] - columns[0]) * grid.pixel, (rows[1] - rows[0]) * grid.pixel_y
    width, height = max(1, round(span_x / pixel)), max(1, round(span_y / pixel))
    step_x, step_y = span_x / width, span_y / height
    x, y = x0 + columns[0] * grid.pixel, y0 + rows[0] * grid.pixel_y
    return Viewport(x + step_x / 2, y + step_y / 2, step_x, height, width, step_y / step_x)


def _with_hole(overview: CellRaster, hole: Viewport) -> CellRaster:
    """Overview without the cells that a finer raster shows."""
    grid = overview.viewport
    x0, y0, _, _ = grid.bounds
    left, top, right, bottom = hole.bounds
    columns = slice(round((left - x0) / grid.pixel), round((right - x0) / grid.pixel))
    rows = slice(round((top - y0) / grid.pixel_y), round((bottom - y0) / grid.pixel_y))
    ids_yx = overview.ids_yx.copy()
    ids_yx[rows, columns] = 0
    return CellRaster(ids_yx, grid)
