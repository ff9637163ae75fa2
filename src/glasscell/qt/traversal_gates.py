"""Which actions move which factors and how far, as two small heatmaps side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QEvent, QRectF, Qt
from qtpy.QtGui import QColor, QHelpEvent, QPainter
from qtpy.QtWidgets import QToolTip, QWidget

from glasscell.qt.heat_paint import paint_bar
from glasscell.qt.style import plain_tip, theme_of
from glasscell.views.traversal_table import gate_heat, gate_tip, ordered_gates

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

    from glasscell.views.heat import HeatPanel
    from glasscell.views.traversal_view import GatePicture

ROW, NAMES, GAP = 14, 84, 8


class QtGates(QWidget):
    """Actions down, factors across, gates left and shifts right; a value stands in its tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self.picture: GatePicture | None = None
        self._panels: tuple[HeatPanel, ...] = ()
        self.setMouseTracking(True)
        self.setAccessibleName("Gates and shifts: actions by factors")

    def set_picture(self, picture: GatePicture | None) -> None:
        """Show other gates, actions with the most open ones first."""
        self.picture = picture = None if picture is None else ordered_gates(picture)
        self._panels = () if picture is None else gate_heat(picture).panels
        lines = 0 if picture is None else len(picture.actions) + 5
        self.setFixedHeight(ROW * lines)
        self.update()

    def panel_at(self, x: float) -> int:
        """Say which heatmap lies at a place across: 0 for gates, 1 for shifts; -1 for none."""
        for number in range(len(self._panels)):
            if self._left(number) <= x < self._left(number) + self._width() * self._columns():
                return number
        return -1

    def cell_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Find action and factor under a place, in either heatmap."""
        panel = self.panel_at(x)
        if self.picture is None or panel < 0:
            return None
        action, factor = int(y // ROW) - 2, int((x - self._left(panel)) // self._width())
        inside = 0 <= action < len(self.picture.actions) and 0 <= factor < len(self.picture.factors)
        return (action, factor) if inside else None

    def event(self, event: QEvent | None) -> bool:
        """Say the value under the pointer."""
        if isinstance(event, QHelpEvent):
            found, words = self.cell_at(event.pos().x(), event.pos().y()), ""
            if found is not None and self.picture is not None:
                words = gate_tip(self.picture, *found)
            QToolTip.showText(event.globalPos(), plain_tip(words), self)
            return True
        return bool(super().event(event))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw it."""
        if self.picture is None:
            return
        painter, theme, middle = QPainter(self), theme_of(self), int(Qt.AlignmentFlag.AlignVCenter)
        painter.setPen(QColor(theme.text))
        for number, action in enumerate(self.picture.actions):
            name = painter.fontMetrics().elidedText(action, Qt.TextElideMode.ElideRight, NAMES - 6)
            painter.drawText(QRectF(2, (number + 2) * ROW, NAMES - 4, ROW), middle, name)
        font = painter.font()
        font.setPixelSize(10)
        painter.setFont(font)
        for number, panel in enumerate(self._panels):
            self._paint_panel(painter, panel, self._left(number))
        painter.end()

    def _paint_panel(self, painter: QPainter, panel: HeatPanel, left: float) -> None:
        """Draw one heatmap, its title and factors above, what its colours mean below."""
        assert self.picture is not None
        theme, width, middle = theme_of(self), self._width(), int(Qt.AlignmentFlag.AlignVCenter)
        whole = width * self._columns()
        painter.setPen(QColor(theme.text))
        painter.drawText(QRectF(left, 0, whole, ROW), middle, panel.title)
        painter.setPen(QColor(theme.muted))
        every = max(1, int(np.ceil(18 / width)))
        for place, factor in enumerate(self.picture.factors):
            if place % every == 0:
                painter.drawText(
                    QRectF(left + place * width, ROW, max(width * every, 16), ROW), middle, factor
                )
        for number, line in enumerate(panel.hexes(theme.edge)):
            for place, colour in enumerate(line):
                box = QRectF(left + place * width, (number + 2) * ROW, width, ROW - 1)
                painter.fillRect(box, QColor(colour))
        paint_bar(painter, theme, panel, QRectF(left, 2 * ROW, whole, len(self.picture.actions) * ROW))

    def _columns(self) -> int:
        return 0 if self.picture is None else len(self.picture.factors)

    def _left(self, panel: int) -> float:
        return NAMES + panel * (self._width() * self._columns() + GAP)

    def _width(self) -> float:
        panels = max(len(self._panels), 1)
        room = (self.width() - NAMES - 4 - GAP * (panels - 1)) / panels
        return float(max(room / max(self._columns(), 1), 1.0))
