"""Icons drawn with the pen, in the colour of the text they stand among."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QBrush, QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

if TYPE_CHECKING:
    from collections.abc import Callable

_SIZE = 16


def icon(name: str, colour: str, active: str | None = None) -> QIcon:
    """Draw an icon; ``active`` is its colour on a pressed button."""
    made = QIcon()
    for state, ink in ((QIcon.State.Off, colour), (QIcon.State.On, active or colour)):
        for ratio in (1, 2, 3):
            pixmap = QPixmap(_SIZE * ratio, _SIZE * ratio)
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(ink), 1.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            _DRAWINGS[name](painter)
            painter.end()
            made.addPixmap(pixmap, QIcon.Mode.Normal, state)
    return made


def swatch(colour: str, edge: str, *, hatched: bool = False, empty: bool = False) -> QIcon:
    """Draw a colour as a small square; hatched for a missing value, hollow for a hidden category."""
    pixmap = QPixmap(28, 28)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    box = QRectF(1.5, 1.5, 11, 11)
    if not empty:
        painter.fillRect(box, QColor(colour))
    if hatched:
        painter.fillRect(box, QBrush(QColor(edge), Qt.BrushStyle.BDiagPattern))
    painter.setPen(QPen(QColor(colour if empty else edge), 1.6 if empty else 0.8))
    painter.drawRect(box)
    painter.end()
    return QIcon(pixmap)


def _lasso(painter: QPainter) -> None:
    path = QPainterPath(QPointF(5.2, 11.2))
    path.cubicTo(-0.5, 9.5, 1.0, 2.0, 8.0, 2.2)
    path.cubicTo(15.5, 2.4, 15.5, 9.8, 9.0, 10.6)
    path.cubicTo(6.5, 10.9, 5.0, 10.0, 4.6, 11.4)
    path.cubicTo(4.2, 12.6, 6.2, 12.8, 5.4, 14.4)
    painter.drawPath(path)


def _rectangle(painter: QPainter) -> None:
    pen = painter.pen()
    pen.setStyle(Qt.PenStyle.DashLine)
    pen.setDashPattern([2.0, 1.8])
    painter.setPen(pen)
    painter.drawRect(QRectF(2.5, 3.5, 11, 9))


def _move(painter: QPainter) -> None:
    for x, y in ((0, -1), (0, 1), (-1, 0), (1, 0)):
        tip = QPointF(8 + 6 * x, 8 + 6 * y)
        painter.drawLine(QPointF(8, 8), tip)
        for side in (-1, 1):
            painter.drawLine(
                tip, QPointF(tip.x() - 2.2 * x + 2.2 * side * y, tip.y() - 2.2 * y + 2.2 * side * x)
            )


def _home(painter: QPainter) -> None:
    roof = QPolygonF([QPointF(2, 8), QPointF(8, 2.5), QPointF(14, 8)])
    painter.drawPolyline(roof)
    painter.drawPolyline(QPolygonF([QPointF(4, 7), QPointF(4, 13.5), QPointF(12, 13.5), QPointF(12, 7)]))


def _clear(painter: QPainter) -> None:
    painter.drawEllipse(QRectF(2, 2, 12, 12))
    painter.drawLine(QPointF(5.5, 5.5), QPointF(10.5, 10.5))
    painter.drawLine(QPointF(10.5, 5.5), QPointF(5.5, 10.5))


def _turn(painter: QPainter) -> None:
    painter.drawArc(QRectF(3, 3.5, 10, 10), 60 * 16, 280 * 16)
    tip = QPointF(10.6, 4.2)
    painter.drawLine(tip, QPointF(6.8, 3.0))
    painter.drawLine(tip, QPointF(9.6, 8.0))


def _send(painter: QPainter) -> None:
    for top in (8.0, 11.0):
        painter.drawPolyline(QPolygonF([QPointF(2, top), QPointF(8, top + 3), QPointF(14, top)]))
    painter.drawLine(QPointF(8, 1.5), QPointF(8, 8))
    painter.drawPolyline(QPolygonF([QPointF(5.5, 5.8), QPointF(8, 8.3), QPointF(10.5, 5.8)]))


def _save(painter: QPainter) -> None:
    painter.drawPolyline(QPolygonF([QPointF(2, 10.5), QPointF(2, 14), QPointF(14, 14), QPointF(14, 10.5)]))
    painter.drawLine(QPointF(8, 2), QPointF(8, 10))
    painter.drawPolyline(QPolygonF([QPointF(4.8, 7), QPointF(8, 10.2), QPointF(11.2, 7)]))


def _circles(first: bool, overlap: bool, second: bool) -> Callable[[QPainter], None]:
    """Two overlapping circles with some of their parts filled, one per way of combining selections."""

    def draw(painter: QPainter) -> None:
        a, b = QPainterPath(), QPainterPath()
        a.addEllipse(QRectF(1.5, 4, 8, 8))
        b.addEllipse(QRectF(6.5, 4, 8, 8))
        ink = QColor(painter.pen().color())
        for wanted, part in (
            (first, a.subtracted(b)),
            (overlap, a.intersected(b)),
            (second, b.subtracted(a)),
        ):
            if wanted:
                painter.fillPath(part, ink)
        painter.drawPath(a)
        painter.drawPath(b)

    return draw


_DRAWINGS: dict[str, Callable[[QPainter], None]] = {
    "lasso": _lasso,
    "rectangle": _rectangle,
    "move": _move,
    "home": _home,
    "clear": _clear,
    "turn": _turn,
    "send": _send,
    "save": _save,
    "replace": _circles(False, True, True),
    "add": _circles(True, True, True),
    "subtract": _circles(True, False, False),
    "intersect": _circles(False, True, False),
}
