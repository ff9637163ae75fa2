"""Drawing an outline on the tissue with the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from numpy.typing import NDArray

    from glasscell.plugin.canvas import Canvas
    from glasscell.plugin.overlay import CanvasOverlay

TOOLS = ("move", "lasso", "rectangle")
#: A drag shorter than this many logical pixels is a click.
CLICK_PIXELS = 4.0
#: Points of an outline lie at least this many logical pixels apart.
STEP_PIXELS = 2.0


def selection_mode(modifiers: Container[Any], otherwise: str = "replace") -> str:
    """Read the modifier keys as the embedding does: Shift adds, Alt (or Ctrl) subtracts, both intersect."""
    less = "Alt" in modifiers or "Control" in modifiers
    if "Shift" in modifiers:
        return "intersect" if less else "add"
    return "subtract" if less else otherwise


class TissueLasso:
    """The pointer tool of a canvas: move, lasso or rectangle.

    Parameters
    ----------
    canvas
        The canvas to draw on.
    overlay
        Shows the outline while it is drawn.
    on_drawn
        Gets the closed outline ``(n_vertices, 2)`` of (x, y) and the mode.
    on_clicked
        Called for a click that drew nothing.
    """

    def __init__(
        self,
        canvas: Canvas,
        overlay: CanvasOverlay,
        on_drawn: Callable[[NDArray[np.float64], str], None],
        on_clicked: Callable[[], None],
    ) -> None:
        self._canvas, self._overlay = canvas, overlay
        self._on_drawn, self._on_clicked = on_drawn, on_clicked
        self._tool = "move"
        self._set_aside: list[Any] = []
        self.mode = "replace"
        canvas.viewer.mouse_drag_callbacks.append(self._on_drag)

    @property
    def tool(self) -> str:
        """One of ``move``, ``lasso``, ``rectangle``."""
        return self._tool

    @tool.setter
    def tool(self, name: str) -> None:
        self._tool = name if name in TOOLS else "move"
        viewer, drawing = self._canvas.viewer, self._tool != "move"
        viewer.scene.camera.mouse_pan = not drawing
        callbacks = viewer.mouse_drag_callbacks
        if drawing:  # napari's own drag with Alt would zoom
            self._set_aside += [one for one in callbacks if getattr(one, "__name__", "") == "drag_to_zoom"]
            callbacks[:] = [one for one in callbacks if one not in self._set_aside]
        elif self._set_aside:
            callbacks[:], self._set_aside = [*self._set_aside, *callbacks], []

    def close(self) -> None:
        """Give the mouse back to napari."""
        self.tool = "move"
        callbacks = self._canvas.viewer.mouse_drag_callbacks
        if self._on_drag in callbacks:
            callbacks.remove(self._on_drag)

    def _on_drag(self, viewer: Any, event: Any) -> Iterator[None]:
        if self._tool == "move" or event.button != 1:
            return
        mode = selection_mode(event.modifiers, self.mode)
        points = [self._canvas.event_point(event)]
        step = STEP_PIXELS / self._canvas.zoom
        yield
        while event.type == "mouse_move":
            event.handled = True
            self._extend(points, self._canvas.event_point(event), step)
            self._overlay.set_outline(self._outline(points), mode)
            yield
        self._extend(points, self._canvas.event_point(event), step)
        self._overlay.set_outline(None)
        outline_vd = self._outline(points)
        if float(np.ptp(outline_vd, axis=0).max()) * self._canvas.zoom < CLICK_PIXELS:
            if mode == "replace":
                self._on_clicked()
        elif len(outline_vd) > 2:
            self._on_drawn(outline_vd, mode)

    def _extend(self, points: list[tuple[float, float]], point: tuple[float, float], step: float) -> None:
        if self._tool == "rectangle":
            points[1:] = [point]
        elif max(abs(point[0] - points[-1][0]), abs(point[1] - points[-1][1])) >= step:
            points.append(point)

    def _outline(self, points: list[tuple[float, float]]) -> NDArray[np.float64]:
        if self._tool == "rectangle" and len(points) == 2:
            (x0, y0), (x1, y1) = points
            return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        return np.array(points, np.float64)
