"""Drawing an outline round cells with the mouse: freehand or rectangle, combined by modifier keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QPointF, Qt, Signal
from qtpy.QtGui import QColor, QPen, QPolygonF
from qtpy.QtWidgets import QGraphicsPolygonItem

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEP_PX = 2.0


def mode_of(modifiers: Qt.KeyboardModifier, otherwise: str) -> str:
    """Read a way of combining from the pressed keys: Shift adds, Alt subtracts, both intersect."""
    shift = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
    alt = bool(modifiers & Qt.KeyboardModifier.AltModifier)
    if shift and alt:
        return "intersect"
    if shift:
        return "add"
    return "subtract" if alt else otherwise


class DrawBox(pg.ViewBox):
    """A view box whose left button pans, draws a lasso or draws a rectangle.

    ``tool`` is "move", "lasso" or "rectangle"; ``mode`` is the way of combining used without modifier keys.
    """

    outline_drawn = Signal(object, str)  # vertices (n, 2) in view units, mode

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.tool = "move"
        self.mode = "replace"
        self._points: list[QPointF] = []
        self._outline = QGraphicsPolygonItem()
        self._outline.setZValue(20)
        self.addItem(self._outline, ignoreBounds=True)
        self.set_ink("#4f7bea")

    def set_ink(self, colour: str) -> None:
        """Colour of the outline while it is drawn."""
        pen = QPen(QColor(colour), 1.6)
        pen.setCosmetic(True)
        fill = QColor(colour)
        fill.setAlpha(46)
        self._outline.setPen(pen)
        self._outline.setBrush(fill)

    def cancel(self) -> None:
        """Drop the outline being drawn."""
        self._points = []
        self._outline.setPolygon(QPolygonF())

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        """Pan, or follow the outline."""
        if self.tool == "move" or event.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(event, axis)
            return
        event.accept()
        here, began = self.mapToView(event.pos()), self.mapToView(event.buttonDownPos())
        if event.isStart():
            self._points = [began]
        elif not self._points:
            return
        if self.tool == "rectangle":
            self._points = [began, QPointF(here.x(), began.y()), here, QPointF(began.x(), here.y())]
        elif self._far(here) or event.isFinish():
            self._points.append(here)
        self._outline.setPolygon(QPolygonF(self._points))
        if event.isFinish():
            self._finish(event.modifiers())

    def _far(self, point: QPointF) -> bool:
        """Whether the mouse has moved enough since the last vertex to be worth another."""
        width, height = self.viewPixelSize()
        last = self._points[-1]
        return float(np.hypot((point.x() - last.x()) / width, (point.y() - last.y()) / height)) >= _STEP_PX

    def _finish(self, modifiers: Qt.KeyboardModifier) -> None:
        vertices = np.array([(p.x(), p.y()) for p in self._points])
        self.cancel()
        if len(vertices) >= 3 and _area(vertices) > 0:
            self.outline_drawn.emit(vertices, mode_of(modifiers, self.mode))


def _area(vertices: NDArray[np.float64]) -> float:
    """Area inside a closed outline (shoelace formula), without sign."""
    x, y = vertices.T
    return float(abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2)
