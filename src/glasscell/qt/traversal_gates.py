"""Which actions move which factors, as a small heatmap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QEvent, QRectF, Qt
from qtpy.QtGui import QColor, QHelpEvent, QPainter
from qtpy.QtWidgets import QToolTip, QWidget

from glasscell.qt.style import plain_tip, theme_of
from glasscell.views.palette import sequential_map
from glasscell.views.traversal_table import gate_tip, ordered_gates

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

    from glasscell.views.traversal_view import GatePicture

ROW, NAMES = 14, 84


class QtGates(QWidget):
    """Actions down, factors across; the value of a cell of it stands in its tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self.picture: GatePicture | None = None
        self.setMouseTracking(True)
        self.setAccessibleName("Gates: actions by factors")

    def set_picture(self, picture: GatePicture | None) -> None:
        """Show other gates, actions with the most open ones first."""
        self.picture = picture = None if picture is None else ordered_gates(picture)
        self.setFixedHeight(0 if picture is None else ROW * (len(picture.actions) + 1) + 2)
        self.update()

    def cell_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Find action and factor under a place."""
        if self.picture is None:
            return None
        action, factor = int(y // ROW) - 1, int((x - NAMES) // self._width())
        inside = 0 <= action < len(self.picture.actions) and 0 <= factor < len(self.picture.factors)
        return (action, factor) if x >= NAMES and inside else None

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
        painter, theme, colours = QPainter(self), theme_of(self), sequential_map()
        width, middle = self._width(), int(Qt.AlignmentFlag.AlignVCenter)
        painter.setPen(QColor(theme.muted))
        every = max(1, int(np.ceil(18 / width)))
        for place, factor in enumerate(self.picture.factors):
            if place % every == 0:
                painter.drawText(
                    QRectF(NAMES + place * width, 0, max(width * every, 16), ROW), middle, factor
                )
        painter.setPen(QColor(theme.text))
        for number, action in enumerate(self.picture.actions):
            top = (number + 1) * ROW
            name = painter.fontMetrics().elidedText(action, Qt.TextElideMode.ElideRight, NAMES - 6)
            painter.drawText(QRectF(2, top, NAMES - 4, ROW), middle, name)
            for place, gate in enumerate(self.picture.gates_az[number]):
                colour = colours[round(float(np.clip(gate, 0, 1)) * (len(colours) - 1))]
                box = QRectF(NAMES + place * width, top, width, ROW - 1)
                painter.fillRect(box, QColor(colour))

    def _width(self) -> float:
        assert self.picture is not None
        room = self.width() - NAMES - 4
        return float(max(room / max(len(self.picture.factors), 1), 1.0))
