"""The napari canvas as a window on the (x, y) plane; only here is napari's (row, column) swapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from numpy.typing import ArrayLike, NDArray
    from qtpy.QtWidgets import QMainWindow, QWidget

    from glasscell.views.raster import Viewport


@dataclass(frozen=True)
class Sight:
    """What the canvas shows: a rectangle of the world and how large a device pixel is in it."""

    x0: float
    y0: float
    x1: float
    y1: float
    pixel: float

    def within(self, other: Sight) -> bool:
        """Whether nothing of this is outside ``other``."""
        return self.x0 >= other.x0 and self.y0 >= other.y0 and self.x1 <= other.x1 and self.y1 <= other.y1


class Canvas:
    """Geometry of a viewer's canvas: dataset units of (x, y) here, logical pixels of the screen there.

    Parameters
    ----------
    viewer
        The viewer itself, not the proxy that napari hands to widgets.
    """

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self._microns: float | None = None
        self._unit = "px"

    def set_unit(self, unit: str, microns_per_unit: float | None = None) -> None:
        """Say what a dataset unit is; napari's world is in micrometres wherever their length is known."""
        self._unit = unit
        self._microns = microns_per_unit if microns_per_unit and microns_per_unit > 0 else None

    @property
    def units(self) -> tuple[str, str]:
        """Units of napari's world, for its two axes."""
        known = {"um": "um", "µm": "um", "nm": "nm", "mm": "mm"}
        name = "um" if self._microns is not None else known.get(self._unit, "pixel")
        return name, name

    @property
    def _scale(self) -> float:
        """World units of napari per dataset unit."""
        return 1.0 if self._microns is None else self._microns

    @property
    def native(self) -> QWidget:
        """The Qt widget napari draws on."""
        return self._qt_viewer.canvas.native

    @property
    def main_window(self) -> QMainWindow:
        """The Qt main window of the viewer."""
        return self.viewer.window._qt_window

    @property
    def _qt_viewer(self) -> Any:
        # napari has no public way to its canvas widget; every other use goes through here.
        return self.viewer.window._qt_viewer

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in logical pixels."""
        height, width = self.viewer.canvas.size
        return float(width), float(height)

    @property
    def zoom(self) -> float:
        """Logical pixels per dataset unit."""
        return float(self.viewer.scene.camera.zoom) * self._scale

    @property
    def _centre(self) -> tuple[float, float]:
        down, across = (float(v) / self._scale for v in self.viewer.scene.camera.center[-2:])
        return (down, across) if self.turned else (across, down)

    @property
    def turned(self) -> bool:
        """Whether x runs down the screen and y across it."""
        order = self.viewer.dims.order
        return bool(order[-1] < order[-2])

    @property
    def signs(self) -> tuple[int, int]:
        """1 or -1 across and down the screen: whether the axis shown there runs right, and down."""
        vertical, horizontal = (str(v) for v in self.viewer.scene.camera.orientation[-2:])
        return (-1 if horizontal == "left" else 1), (-1 if vertical == "up" else 1)

    def rotate(self, quarters: int) -> None:
        """Turn the view clockwise by quarter turns; negative ones go the other way."""
        for _ in range(quarters % 4):
            across, down = self.signs
            self._orient(-down, across, not self.turned)

    def flip(self, *, vertical: bool = False) -> None:
        """Mirror the view left to right, or top to bottom."""
        across, down = self.signs
        self._orient(*((across, -down) if vertical else (-across, down)), self.turned)

    def straighten(self) -> None:
        """Take back every turn and mirror image."""
        self._orient(1, 1, turned=False)

    def _orient(self, across: int, down: int, turned: bool) -> None:
        viewer = self.viewer
        x, y = self._centre
        if turned != self.turned:
            order = list(viewer.dims.order)
            order[-2:] = order[:-3:-1]
            viewer.dims.order = tuple(order)
        viewer.scene.camera.orientation2d = ("up" if down < 0 else "down", "left" if across < 0 else "right")
        centre = (x, y) if turned else (y, x)  # what was in the middle stays there
        viewer.scene.camera.center = tuple(v * self._scale for v in centre)

    def sight(self) -> Sight:
        """Return the visible rectangle and the size of a device pixel."""
        (width, height), (x, y), zoom = self.size, self._centre, self.zoom
        if self.turned:
            width, height = height, width
        half_x, half_y = width / zoom / 2, height / zoom / 2
        ratio = float(self.native.devicePixelRatioF())
        return Sight(x - half_x, y - half_y, x + half_x, y + half_y, 1 / (zoom * ratio))

    def to_screen(self, points_vd: ArrayLike) -> NDArray[np.float64]:
        """Map points ``(n, 2)`` of (x, y) to logical pixels from the top left corner."""
        width, height = self.size
        points = np.asarray(points_vd, np.float64).reshape(-1, 2) - self._centre
        if self.turned:
            points = points[:, ::-1]
        screen: NDArray[np.float64] = points * self.signs * self.zoom + (width / 2, height / 2)
        return screen

    def event_point(self, event: Any) -> tuple[float, float]:
        """Return the (x, y) of a napari mouse event."""
        row, column = event.position[-2:]
        return float(column) / self._scale, float(row) / self._scale

    def affine(self, scale: tuple[float, float], translate: tuple[float, float]) -> NDArray[np.float64]:
        """Place an image whose pixel ``[0, 0]`` is centred on ``translate``; both (x, y) in dataset units."""
        (scale_x, scale_y), (x, y), s = scale, translate, self._scale
        return np.array([[scale_y * s, 0.0, y * s], [0.0, scale_x * s, x * s], [0.0, 0.0, 1.0]])

    def viewport_affine(self, viewport: Viewport) -> NDArray[np.float64]:
        """Affine of an image that fills a viewport."""
        return self.affine((viewport.pixel, viewport.pixel_y), (viewport.x, viewport.y))
