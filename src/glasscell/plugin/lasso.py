"""Drawing an outline on the tissue with the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.views.gesture import STEP_PIXELS, TOOLS, Stroke, selection_mode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from glasscell.plugin.canvas import Canvas
    from glasscell.plugin.overlay import CanvasOverlay


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
        pixel = 1 / self._canvas.zoom
        stroke, step = Stroke(self._tool, self._canvas.event_point(event)), STEP_PIXELS * pixel
        yield
        while event.type == "mouse_move":
            event.handled = True
            stroke.extend(self._canvas.event_point(event), (step, step))
            self._overlay.set_outline(stroke.outline_vd, mode)
            yield
        stroke.extend(self._canvas.event_point(event), (step, step))
        self._overlay.set_outline(None)
        if stroke.is_click((pixel, pixel)):
            if mode == "replace":
                self._on_clicked()
        elif len(stroke.outline_vd) > 2:
            self._on_drawn(stroke.outline_vd, mode)
