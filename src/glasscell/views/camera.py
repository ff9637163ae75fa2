"""Where one looks: the part of the world on a canvas, and the pixels it is drawn with."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from glasscell.views.raster import Viewport

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Bounds = tuple[float, float, float, float]
#: Left free at each side when everything is shown, as a fraction of the canvas.
RIM = 0.06
#: Left free besides for numbers at the left and below, where there are any.
_NUMBERS = (0.08, 0.04)
#: A turn of the wheel by this many pixels doubles or halves.
WHEEL_PIXELS = 360.0
#: World units per pixel stay within these factors of those at home.
MOST_IN, MOST_OUT = 1e-6, 20.0


@dataclass(frozen=True)
class Camera:
    """A canvas of so many pixels over the world.

    Parameters
    ----------
    x, y
        World point in the middle.
    pixel
        World units per logical pixel, across.
    stretch
        World units per logical pixel down, divided by ``pixel``; 1 for anything that has a real shape.
    width, height
        Size of the canvas in logical pixels.
    ratio
        Device pixels per logical pixel.
    up
        y runs up the screen, not down.
    """

    x: float = 0.0
    y: float = 0.0
    pixel: float = 1.0
    stretch: float = 1.0
    width: float = 480.0
    height: float = 360.0
    ratio: float = 1.0
    up: bool = False

    @property
    def pixel_y(self) -> float:
        """World units per logical pixel, down."""
        return self.pixel * self.stretch

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of device pixels."""
        return max(round(self.height * self.ratio), 1), max(round(self.width * self.ratio), 1)

    @property
    def grid(self) -> Viewport:
        """The device pixels; where y runs up the first row is the lowest on the screen."""
        (rows, columns), pixel = self.shape, self.pixel / self.ratio
        x, y = self.x - (columns - 1) / 2 * pixel, self.y - (rows - 1) / 2 * pixel * self.stretch
        return Viewport(x, y, pixel, rows, columns, self.stretch)

    def sized(self, width: float, height: float, ratio: float) -> Camera:
        """Have a canvas of another size; what is in the middle stays there."""
        return replace(self, width=max(width, 1.0), height=max(height, 1.0), ratio=max(ratio, 0.1))

    def panned(self, across: float, down: float) -> Camera:
        """Drag the world by logical pixels."""
        sign = -1 if self.up else 1
        return replace(self, x=self.x - across * self.pixel, y=self.y - sign * down * self.pixel_y)

    def zoomed(self, factor: float, at_x: float, at_y: float) -> Camera:
        """Enlarge the world; the point under a logical pixel stays there."""
        x, y = self.to_world(at_x, at_y)
        share = 1 / factor
        return replace(self, x=x + (self.x - x) * share, y=y + (self.y - y) * share, pixel=self.pixel * share)

    def wheeled(self, turned: float, at_x: float, at_y: float, home: float) -> Camera:
        """Zoom as a wheel turns (away is in), not without end; ``home`` is the pixel when all is shown."""
        wanted = self.pixel * 2.0 ** (turned / WHEEL_PIXELS)
        wanted = min(max(wanted, home * MOST_IN), home * MOST_OUT)
        return self.zoomed(self.pixel / wanted, at_x, at_y)

    def over(self, bounds: Bounds, *, locked: bool = True) -> Camera:
        """Show a rectangle of the world whole; not ``locked`` it fills the canvas, numbers aside."""
        x0, y0, x1, y1 = bounds
        rim_x, rim_y = RIM * self.width, RIM * self.height
        more_x, more_y = (0.0, 0.0) if locked else (_NUMBERS[0] * self.width, _NUMBERS[1] * self.height)
        across = ((x1 - x0) or 1.0) / (self.width - 2 * rim_x - more_x)
        down = ((y1 - y0) or 1.0) / (self.height - 2 * rim_y - more_y)
        pixel = max(across, down) if locked else across
        shift_y = (-1 if self.up else 1) * more_y / 2 * down
        x, y = (x0 + x1) / 2 - more_x / 2 * across, (y0 + y1) / 2 + shift_y
        return replace(self, x=x, y=y, pixel=pixel, stretch=1.0 if locked else down / across)

    def to_world(self, x: float, y: float) -> tuple[float, float]:
        """World point under a logical pixel."""
        down = (y - self.height / 2) * self.pixel_y
        return self.x + (x - self.width / 2) * self.pixel, self.y - down if self.up else self.y + down

    def to_screen(self, points_vd: ArrayLike) -> NDArray[np.float64]:
        """Logical pixels ``(n, 2)`` of world points, counted from the top left corner."""
        points = np.asarray(points_vd, np.float64).reshape(-1, 2) - (self.x, self.y)
        scale = np.array([self.pixel, -self.pixel_y if self.up else self.pixel_y])
        screen: NDArray[np.float64] = points / scale + (self.width / 2, self.height / 2)
        return screen

    def viewport(self, bounds: Bounds, margin: float, most: int) -> Viewport | None:
        """Device pixels to draw on: those of the canvas and a margin, as far as there is anything.

        Parameters
        ----------
        bounds
            Of what there is to be drawn.
        margin
            Drawn beyond each edge for panning, as a fraction of the canvas.
        most
            The margin is left out where there would be more pixels than this.

        Returns
        -------
        None where nothing is in sight.
        """
        grid = self.grid
        spans = []
        for low, high, start, pixel, count in (
            (bounds[0], bounds[2], grid.bounds[0], grid.pixel, grid.width),
            (bounds[1], bounds[3], grid.bounds[1], grid.pixel_y, grid.height),
        ):
            more = 0 if grid.width * grid.height * (1 + 2 * margin) ** 2 > most else round(count * margin)
            ends = (v if math.isfinite(v) else 0.0 for v in ((low - start) / pixel, (high - start) / pixel))
            first, last = (min(max(end, -more - 1.0), count + more + 1.0) for end in ends)
            spans.append((max(math.floor(first), -more), min(math.ceil(last), count + more)))
        (left, right), (top, bottom) = spans
        if right <= left or bottom <= top:
            return None
        x, y = grid.x + left * grid.pixel, grid.y + top * grid.pixel_y
        return Viewport(x, y, grid.pixel, bottom - top, right - left, grid.stretch)

    def places(self, viewport: Viewport) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Row and column of a viewport under each row and column of the screen, -1 outside of it."""
        grid = self.grid
        y = grid.y + grid.pixel_y * np.arange(grid.height)
        x = grid.x + grid.pixel * np.arange(grid.width)
        rows = np.floor((y - viewport.y) / viewport.pixel_y + 0.5)
        columns = np.floor((x - viewport.x) / viewport.pixel + 0.5)
        rows[(rows < 0) | (rows >= viewport.height)] = -1
        columns[(columns < 0) | (columns >= viewport.width)] = -1
        down = rows[::-1] if self.up else rows
        return np.ascontiguousarray(down, np.int32), columns.astype(np.int32)


def serves(have: Viewport, seen: Viewport) -> bool:
    """Whether a raster holds all that is seen, at its sharpness."""
    same = abs(have.pixel / seen.pixel - 1) < 1e-6 and abs(have.stretch / seen.stretch - 1) < 1e-6
    return same and holds(have, seen)


def holds(have: Viewport, seen: Viewport) -> bool:
    """Whether nothing that is seen is outside, half a pixel aside."""
    slack_x, slack_y = 0.51 * seen.pixel, 0.51 * seen.pixel_y
    (a, b, c, d), (x0, y0, x1, y1) = have.bounds, seen.bounds
    return a <= x0 + slack_x and b <= y0 + slack_y and c >= x1 - slack_x and d >= y1 - slack_y
