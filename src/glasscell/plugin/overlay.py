"""What we draw over the canvas: the outline being drawn, the hovered cell, the caption."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from glasscell.plugin.canvas import Canvas


class CanvasOverlay(QWidget):
    """A transparent sheet over the canvas that follows its size and never takes the mouse."""

    def __init__(self, canvas: Canvas, on_leave: Callable[[], None]) -> None:
        super().__init__(canvas.native)
        self._canvas, self._on_leave = canvas, on_leave
        self._outline_vd: NDArray[np.float64] | None = None
        self._outline_mode = "replace"
        self._mark: tuple[float, float, float] | None = None
        self._caption = ""
        self._badge = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setObjectName("glasscell_canvas_overlay")
        self.setGeometry(canvas.native.rect())
        canvas.native.installEventFilter(self)
        self.show()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Follow the canvas."""
        if event is not None and watched is self.parent():
            if event.type() == QEvent.Type.Resize:
                self.setGeometry(self.parent().rect())
            elif event.type() == QEvent.Type.Leave:
                self._on_leave()
        return False

    @property
    def caption(self) -> str:
        """The line shown at the top left."""
        return self._caption

    @property
    def outline_vd(self) -> NDArray[np.float64] | None:
        """The outline being drawn, in world (x, y)."""
        return self._outline_vd

    @property
    def mark(self) -> tuple[float, float, float] | None:
        """The hovered cell as (x, y, radius) in world units."""
        return self._mark

    def set_outline(self, outline_vd: NDArray[np.float64] | None, mode: str = "replace") -> None:
        """Draw an outline of world points; None removes it."""
        self._outline_vd, self._outline_mode = outline_vd, mode
        self.update()

    def set_mark(self, mark: tuple[float, float, float] | None) -> None:
        """Ring a cell given as (x, y, radius) in world units; None removes the ring."""
        if mark != self._mark:
            self._mark = mark
            self.update()

    def set_caption(self, text: str) -> None:
        """Show one line at the top left."""
        if text != self._caption:
            self._caption = text
            self.update()

    def set_badge(self, text: str) -> None:
        """Show a word at the top right ("computing …")."""
        if text != self._badge:
            self._badge = text
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw everything."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._outline_vd is not None and len(self._outline_vd) > 1:
            self._paint_outline(painter)
        if self._mark is not None:
            self._paint_mark(painter, *self._mark)
        if self._caption:
            self._paint_text(painter, self._caption, Qt.AlignmentFlag.AlignLeft)
        if self._badge:
            self._paint_text(painter, self._badge, Qt.AlignmentFlag.AlignRight)
        painter.end()

    def _paint_outline(self, painter: QPainter) -> None:
        screen = self._canvas.to_screen(self._outline_vd if self._outline_vd is not None else [])
        polygon = QPolygonF([QPointF(x, y) for x, y in screen])
        fill = QColor("#ffb000") if self._outline_mode != "subtract" else QColor("#ff5050")
        fill.setAlpha(40)
        painter.setBrush(fill)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(polygon)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in (("#000000", 3.4), ("#ffffff", 1.8)):
            painter.setPen(QPen(QColor(colour), width))
            painter.drawPolygon(polygon)

    def _paint_mark(self, painter: QPainter, x: float, y: float, radius: float) -> None:
        (screen,) = self._canvas.to_screen([[x, y]])
        reach = max(5.0, radius * self._canvas.zoom + 2.0)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in (("#000000", 4.0), ("#ffffff", 2.0)):
            painter.setPen(QPen(QColor(colour), width))
            painter.drawEllipse(QPointF(float(screen[0]), float(screen[1])), reach, reach)

    def _paint_text(self, painter: QPainter, text: str, side: Qt.AlignmentFlag) -> None:
        ground = QColor(*(int(255 * v) for v in self._canvas.viewer.canvas.background_color[:3]))
        ink = QColor("#ffffff") if ground.lightness() < 128 else QColor("#101010")
        ground.setAlpha(215)
        metrics = painter.fontMetrics()
        room, side_cut = self.width() - 40, Qt.TextElideMode.ElideRight
        lines = [metrics.elidedText(line, side_cut, room) for line in text.split("\n")]
        width = max(metrics.horizontalAdvance(line) for line in lines) + 16
        height = metrics.lineSpacing() * len(lines) + 10
        left = 10.0 if side == Qt.AlignmentFlag.AlignLeft else self.width() - width - 10.0
        box = QRectF(left, 10.0, width, height)
        path = QPainterPath()
        path.addRoundedRect(box, 5, 5)
        painter.fillPath(path, ground)
        painter.setPen(ink)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), "\n".join(lines))
