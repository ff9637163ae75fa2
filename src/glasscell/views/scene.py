"""What is on a canvas: two rasters of the cells, read by any camera at once, so that panning never waits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from glasscell.views.camera import Bounds, Camera, holds, serves
from glasscell.views.kernel import compose_cells
from glasscell.views.picture import fit_viewport
from glasscell.views.raster import Viewport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from glasscell.jobs.dispatcher import Dispatcher, Timer
    from glasscell.jobs.runner import JobRunner
    from glasscell.views.stamp import Stamp

OVERVIEW_PIXELS = 1024
#: The camera rests when it has not moved for this long.
REST_MS = 60
#: Drawn beyond each edge of the canvas, as a fraction of its size, so that a short pan shows no seam.
MARGIN = 0.15
#: A viewport with margin is never larger than this many pixels.
MAX_PIXELS = 12_000_000
#: Cells whose colours are of the previous question.
STALE_OPACITY = 0.4
POINT_COLOUR = (255, 176, 0)

_NO_PICTURE = np.zeros((0, 0, 4), np.uint8)
_NO_POINTS = np.zeros((0, 0), np.bool_)


class Scene:
    """Cells (and what is below and above them) under a camera.

    A coarse stamp of everything is always there. A sharp one of what is in sight follows when the camera
    rests. Every frame is read from the two, whatever the camera. ``reach`` is how many logical pixels beside
    a cell still pick it.

    Parameters
    ----------
    dispatcher
        Tells when the camera has rested; that of the runner where there is one. Without any, always.
    runner
        Stamps in its ``view`` lane; without one in place.
    """

    redrawn = Signal()  # the same camera shows other pixels

    def __init__(self, dispatcher: Dispatcher | None = None, runner: JobRunner | None = None) -> None:
        self._dispatcher, self._runner = dispatcher, runner
        self.camera = Camera()
        self.bounds: Bounds | None = None
        self.extent: Bounds = (0.0, 0.0, 1.0, 1.0)
        self.n_cells = 0
        self.locked = True
        self.home_pixel = 1.0
        self.reach = 0.0
        self.ground = (0, 0, 0)
        self.picture_opacity = 1.0
        self.cell_opacity = 1.0
        self.stale = False
        self._draw: Callable[[Viewport], Stamp] | None = None
        self._table_u32 = np.zeros(1, np.uint32)
        self._overview: Stamp | None = None
        self._detail: Stamp | None = None
        self._detail_of = 0
        self._generation = 0
        self._rest: Timer | None = None
        self._closed = False

    @property
    def ready(self) -> bool:
        """Whether the pixels are those of the present camera, as sharp as they get."""
        return self._draw is None or (self._overview is not None and self._wanted() is None)

    def show(
        self,
        draw: Callable[[Viewport], Stamp] | None,
        bounds: Bounds | None,
        n_cells: int,
        *,
        extent: Bounds | None = None,
        locked: bool = True,
    ) -> None:
        """Show something else, all of it; colours follow by :meth:`set_colours`.

        Parameters
        ----------
        draw
            Draws a viewport, on any thread; None for an empty canvas.
        bounds
            What Home shows.
        n_cells
            How many cells there are.
        extent
            Beyond this nothing is drawn; ``bounds`` without it.
        locked
            Whether a unit is as long across as down.
        """
        self.bounds, self.n_cells, self.locked = bounds, n_cells, locked
        self.extent = extent or bounds or (0.0, 0.0, 1.0, 1.0)
        self._overview = self._detail = None
        if len(self._table_u32) != n_cells + 1:
            self._table_u32 = np.zeros(n_cells + 1, np.uint32)
        self.go_home()
        self.redraw(draw)

    def redraw(self, draw: Callable[[Viewport], Stamp] | None) -> None:
        """Draw the same place in another way; what is on the canvas stays until that is done."""
        self._draw = draw
        self._generation += 1
        if draw is None or self.bounds is None:
            self._draw = self._overview = self._detail = None
            self.redrawn.emit()
            return
        self._submit(self._overview_grid(), self._accept_overview)

    def set_colours(self, table_u32: NDArray[np.uint32]) -> None:
        """Recolour every pixel: entry 0 is the background, entry ``i + 1`` is cell ``i``."""
        if len(table_u32) == self.n_cells + 1:
            self._table_u32 = np.ascontiguousarray(table_u32, np.uint32)
            self.redrawn.emit()

    def set_look(self, **looks: Any) -> None:
        """Change ``ground``, ``picture_opacity``, ``cell_opacity`` or ``stale``."""
        changed = {name: value for name, value in looks.items() if getattr(self, name) != value}
        for name, value in changed.items():
            setattr(self, name, value)
        if changed:
            self.redrawn.emit()

    def go_home(self) -> None:
        """Show everything."""
        if self.bounds is not None:
            self.look(self.camera.over(self.bounds, locked=self.locked))
            self.home_pixel = self.camera.pixel

    def look(self, camera: Camera) -> None:
        """Look elsewhere."""
        if camera == self.camera:
            return
        self.camera = camera
        self.redrawn.emit()
        self._on_moved()

    def resize(self, width: float, height: float, ratio: float) -> None:
        """Have a canvas of another size; who sees everything keeps seeing it."""
        camera = self.camera.sized(width, height, ratio)
        at_home = self.bounds is not None and self.camera == self.camera.over(self.bounds, locked=self.locked)
        if at_home and self.bounds is not None:
            camera = camera.over(self.bounds, locked=self.locked)
            self.home_pixel = camera.pixel
        self.look(camera)

    @property
    def eye(self) -> Camera:
        """The camera a frame is drawn for: while it moves, fine screens get a pixel per logical one."""
        moving = self._rest is not None
        return replace(self.camera, ratio=1.0) if moving and self.camera.ratio > 1 else self.camera

    def frame(self) -> NDArray[np.uint8]:
        """Draw what the camera sees, RGB of ``eye.shape``."""
        eye = self.eye
        rows, columns = eye.shape
        frame_yxc = np.empty((rows, columns, 3), np.uint8)
        frame_yxc[:] = self.ground
        if len(self._table_u32) != self.n_cells + 1:
            return frame_yxc
        cells = self.cell_opacity * (STALE_OPACITY if self.stale else 1.0)
        opacity, ground = (
            np.array([self.picture_opacity, cells]),
            np.array([self.ground, POINT_COLOUR], np.uint8),
        )
        for stamp in self._stamps():
            places = eye.places(stamp.cells.viewport)
            below = _NO_PICTURE if stamp.below_yxc is None else stamp.below_yxc
            above = _NO_POINTS if stamp.above_yx is None else stamp.above_yx
            ids = stamp.cells.ids_yx
            compose_cells(ids, *places, self._table_u32, below, above, opacity, ground, frame_yxc)
        return frame_yxc

    def pick(self, x: float, y: float) -> int | None:
        """Cell at a logical pixel, or the nearest one within ``reach`` of it."""
        at = self.camera.to_world(x, y)
        for stamp in (self._detail, self._overview):
            if stamp is not None:
                viewport = stamp.cells.viewport
                row, column = viewport.at(*at)
                if 0 <= row < viewport.height and 0 <= column < viewport.width:
                    return stamp.cells.pick(*at, round(self.reach * self.camera.pixel / viewport.pixel))
        return None

    def close(self) -> None:
        """Stamp no more."""
        self._closed = True
        self._generation += 1
        self._draw = None
        if self._rest is not None:
            self._rest.cancel()

    def _stamps(self) -> Iterator[Stamp]:
        """Yield what a frame is read from: the coarse one only where the sharp one does not reach."""
        seen = self._seen()
        covered = self._detail is not None and (seen is None or holds(self._detail.cells.viewport, seen))
        if self._overview is not None and not covered:
            yield self._overview
        if self._detail is not None:
            yield self._detail

    def _overview_grid(self) -> Viewport:
        if self.locked:
            return fit_viewport(self.extent, OVERVIEW_PIXELS)
        x0, y0, x1, y1 = self.extent
        across, down = ((x1 - x0) or 1.0) / OVERVIEW_PIXELS, ((y1 - y0) or 1.0) / OVERVIEW_PIXELS
        return Viewport(
            x0 + across / 2, y0 + down / 2, across, OVERVIEW_PIXELS, OVERVIEW_PIXELS, down / across
        )

    def _on_moved(self) -> None:
        """Stamp again once the camera rests."""
        if self._overview is None or self._closed:
            return
        dispatcher = self._dispatcher if self._runner is None else self._runner.dispatcher
        if self._rest is not None:
            self._rest.cancel()
        if dispatcher is None:
            self._restamp()
        else:
            self._rest = dispatcher.call_later(REST_MS, self._restamp)

    def _restamp(self) -> None:
        self._rest = None
        if self.camera.ratio > 1:
            self.redrawn.emit()  # as fine as the screen
        wanted = self._wanted()
        if wanted is not None:
            self._submit(wanted, self._accept_detail)

    def _wanted(self) -> Viewport | None:
        """Viewport to stamp for the present camera, None when the one at hand will do."""
        if self.bounds is None or self._draw is None:
            return None
        seen = self._seen()
        if seen is None:
            return None
        current = self._detail is not None and self._detail_of == self._generation
        if current and self._detail is not None and serves(self._detail.cells.viewport, seen):
            return None
        return self.camera.viewport(self._reach_of(self.extent), MARGIN, MAX_PIXELS)

    def _seen(self) -> Viewport | None:
        """Device pixels in sight where there may be anything."""
        return self.camera.viewport(self._reach_of(self.extent), 0.0, MAX_PIXELS)

    def _reach_of(self, extent: Bounds) -> Bounds:
        """Extent with room for the discs at the edge."""
        x0, y0, x1, y1 = extent
        more_x, more_y = 12 * self.camera.pixel, 12 * self.camera.pixel_y
        return x0 - more_x, y0 - more_y, x1 + more_x, y1 + more_y

    def _submit(self, viewport: Viewport, accept: Callable[[Stamp], None]) -> None:
        draw, generation = self._draw, self._generation
        if draw is None or self._closed or (self._runner is not None and self._runner.closed):
            return
        if self._runner is None:
            accept(draw(viewport))
            return

        def work(job: Any) -> Stamp:
            return draw(viewport)

        def done(job: Any) -> None:
            if generation == self._generation and job.result is not None:
                accept(job.result)

        key = ("scene", id(self), accept.__name__)
        self._runner.submit(work, title="Draw the cells", lane="view", key=key, on_done=done)

    def _accept_overview(self, stamp: Stamp) -> None:
        self._overview = stamp
        self.redrawn.emit()
        self._restamp()

    def _accept_detail(self, stamp: Stamp) -> None:
        self._detail, self._detail_of = stamp, self._generation
        self.redrawn.emit()
        if self._wanted() is not None:  # the camera has moved on meanwhile
            self._on_moved()
