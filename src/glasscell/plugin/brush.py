"""A brush for the tissue: drag to paint cells, as long as no other pointer tool is taken."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from glasscell.plugin.tissue_view import NapariTissueView

#: A longer way than this share of the radius is sent on as a new part of the stroke.
STEP_SHARE = 0.5
_CIRCLE = np.linspace(0, 2 * math.pi, 33)


class TissueBrush:
    """The brush of one tissue view.

    Parameters
    ----------
    tissue
        Whose canvas is painted on.
    on_stroke
        Gets the new part of the path ``(n, 2)`` of (x, y), whether to erase, and whether the stroke ends.
    radius
        Gives the radius in logical pixels.
    on_put_away
        Called when another tool was taken instead.
    """

    def __init__(
        self,
        tissue: NapariTissueView,
        on_stroke: Callable[[NDArray[np.float64], float, bool, bool], None],
        radius: Callable[[], float],
        on_put_away: Callable[[], None],
    ) -> None:
        self._tissue, self._on_stroke = tissue, on_stroke
        self._radius, self._on_put_away = radius, on_put_away
        self._active = False
        tissue.canvas.viewer.mouse_drag_callbacks.append(self._on_drag)

    @property
    def active(self) -> bool:
        """Whether dragging paints."""
        return self._active

    @active.setter
    def active(self, active: bool) -> None:
        if active == self._active:
            return
        self._active = active
        lasso = self._tissue.lasso
        if active:
            lasso.tool = "move"
            self._tissue.canvas.viewer.scene.camera.mouse_pan = False
        elif lasso.tool == "move":
            self._tissue.canvas.viewer.scene.camera.mouse_pan = True

    def close(self) -> None:
        """Give the mouse back."""
        self.active = False
        callbacks = self._tissue.canvas.viewer.mouse_drag_callbacks
        if self._on_drag in callbacks:
            callbacks.remove(self._on_drag)

    def _on_drag(self, viewer: Any, event: Any) -> Iterator[None]:
        if not self._active or event.button != 1:
            return
        if self._tissue.lasso.tool != "move" or viewer.scene.camera.mouse_pan:
            self._active = False  # another tool was taken, or Move
            self._on_put_away()
            return
        canvas = self._tissue.canvas
        erase = "Alt" in event.modifiers
        radius = self._radius() / canvas.zoom
        path = [canvas.event_point(event)]
        self._show(path[-1], radius, erase)
        self._on_stroke(np.array(path), radius, erase, False)
        yield
        while event.type == "mouse_move":
            event.handled = True
            point = canvas.event_point(event)
            self._show(point, radius, erase)
            if math.dist(point, path[-1]) >= STEP_SHARE * radius:
                self._on_stroke(np.array([path[-1], point]), radius, erase, False)
                path.append(point)
            yield
        self._tissue.overlay.set_outline(None)
        self._on_stroke(np.array([path[-1], canvas.event_point(event)]), radius, erase, True)

    def _show(self, point: tuple[float, float], radius: float, erase: bool) -> None:
        ring_vd = np.stack([np.cos(_CIRCLE), np.sin(_CIRCLE)], axis=1) * radius + point
        self._tissue.overlay.set_outline(ring_vd, "subtract" if erase else "add")
