"""The colour bar: a range with unit, its ends marked where values are clipped, and controls to change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QLinearGradient, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QPushButton, QSizePolicy, QWidget

from glasscell.qt.number import NumberBox
from glasscell.qt.style import plain_tip, theme_of
from glasscell.qt.text import PlainLabel, button, column_of, row_of
from glasscell.views.legend_words import (
    AUTOMATIC,
    AUTOMATIC_TIP,
    HIGH_TIP,
    LOW_FOLLOWS,
    LOW_TIP,
    clipped,
    short,
    ticks,
    wished_limits,
    without_value,
)

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

    from glasscell.views.legend import ColourBar

_BAR = 16
_TIP = 10


class Strip(QWidget):
    """The painted bar: colours, ticks, and a pointed end where cells lie beyond it."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: ColourBar | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_bar(self, bar: ColourBar | None) -> None:
        """Draw another range."""
        self._bar = bar
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for the bar and one line of numbers below."""
        return QSize(200, _BAR + self.fontMetrics().height() + 8)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the bar."""
        bar = self._bar
        if bar is None:
            return
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(_TIP + 2, 2, self.width() - 2 * _TIP - 4, _BAR)
        gradient = QLinearGradient(box.topLeft(), box.topRight())
        last = len(bar.colours) - 1
        for i in range(0, last + 1, 6):
            gradient.setColorAt(i / last, QColor(bar.colours[i]))
        gradient.setColorAt(1.0, QColor(bar.colours[-1]))
        painter.fillRect(box, gradient)
        edge = QPen(QColor(theme.text), 1)
        if bar.below:
            self._arrow(painter, box.left(), -1, box, bar.colours[0], edge)
        if bar.above:
            self._arrow(painter, box.right(), 1, box, bar.colours[-1], edge)
        painter.setPen(edge)
        low, middle, high = ticks(bar)
        self._tick(painter, box, 0.0, low, Qt.AlignmentFlag.AlignLeft)
        self._tick(painter, box, 0.5, middle, Qt.AlignmentFlag.AlignHCenter)
        self._tick(painter, box, 1.0, high, Qt.AlignmentFlag.AlignRight)
        painter.end()

    def _arrow(self, painter: QPainter, x: float, way: int, box: QRectF, colour: str, edge: QPen) -> None:
        """Point beyond the bar, hatched: what lies there is drawn in the end colour."""
        shape = QPolygonF(
            [QPointF(x, box.top()), QPointF(x + way * _TIP, box.center().y()), QPointF(x, box.bottom())]
        )
        painter.setPen(edge)
        painter.setBrush(QColor(colour))
        painter.drawPolygon(shape)
        hatch = QColor("#ffffff") if QColor(colour).lightness() < 128 else QColor("#000000")
        painter.setBrush(QBrush(hatch, Qt.BrushStyle.BDiagPattern))
        painter.drawPolygon(shape)

    def _tick(self, painter: QPainter, box: QRectF, place: float, text: str, side: Qt.AlignmentFlag) -> None:
        x = box.left() + place * box.width()
        painter.drawLine(QPointF(x, box.bottom()), QPointF(x, box.bottom() + 3))
        left = {Qt.AlignmentFlag.AlignLeft: x - _TIP, Qt.AlignmentFlag.AlignRight: x - 90 + _TIP}.get(
            side, x - 45
        )
        room = QRectF(left, box.bottom() + 3, 90, self.fontMetrics().height() + 2)
        painter.drawText(room, int(side | Qt.AlignmentFlag.AlignTop), text)


class QtColourBar(QWidget):
    """The bar with boxes for its ends and buttons for usual ranges."""

    limits_requested = Signal(object)  # (low, high), or None for automatic

    def __init__(self) -> None:
        super().__init__()
        self._bar: ColourBar | None = None
        self.strip = Strip()
        self.unit = PlainLabel("", "muted", wrap=False)
        self.low, self.high = NumberBox(4), NumberBox(4)
        for box, tip in ((self.low, LOW_TIP), (self.high, HIGH_TIP)):
            box.setToolTip(plain_tip(tip))
            box.valueChanged.connect(self._on_edited)
        self.automatic = button(AUTOMATIC, AUTOMATIC_TIP)
        self.automatic.clicked.connect(lambda: self.limits_requested.emit(None))
        self.offers: list[QPushButton] = []
        self._offer_row = row_of()
        self.marks = PlainLabel("", "warn")
        self.missing = PlainLabel("", "muted")
        ends = row_of(self.low, PlainLabel("to", "muted"), self.high)
        ends.setStretch(0, 1)
        ends.setStretch(2, 1)
        column_of(self.unit, self.strip, self.marks, self.missing, ends, self._offer_row, parent=self)

    def set_bar(self, bar: ColourBar | None) -> None:
        """Show a range."""
        self._bar = bar
        self.strip.set_bar(bar)
        if bar is None:
            return
        self.unit.set_text(bar.unit)
        for box, value in ((self.low, bar.low), (self.high, bar.high)):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        self.low.setEnabled(bar.centre is None)
        self.low.setToolTip(plain_tip(LOW_TIP if bar.centre is None else LOW_FOLLOWS))
        self.marks.set_text(clipped(bar))
        self.missing.set_text(without_value(bar))
        self._show_offers(bar)

    def _show_offers(self, bar: ColourBar) -> None:
        for old in self.offers:
            old.setParent(None)
            old.deleteLater()
        self._offer_row.removeWidget(self.automatic)
        self.offers = []
        for label, low, high in bar.percentiles:
            offer = button(label, f"{short(low)} to {short(high)}")
            offer.clicked.connect(lambda _=False, limits=(low, high): self.limits_requested.emit(limits))
            self.offers.append(offer)
            self._offer_row.addWidget(offer)
        self._offer_row.addWidget(self.automatic)
        self.automatic.setEnabled(not bar.automatic)

    def _on_edited(self) -> None:
        bar = self._bar
        if bar is None:
            return
        limits = wished_limits(bar, self.low.value(), self.high.value())
        if limits is not None:
            self.limits_requested.emit(limits)
