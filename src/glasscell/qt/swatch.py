"""A legend that takes little room: swatches with names in as many columns as there is width for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QSizePolicy, QWidget

from glasscell.qt.style import plain_tip, theme_of

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent, QResizeEvent

    from glasscell.views.legend import Legend

_ROW, _SWATCH, _COLUMN = 16, 10, 96


class QtSwatches(QWidget):
    """Draws a ``Legend``, the missing last; every name is in the tooltip in full."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[tuple[str, str]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_legend(None)

    def set_legend(self, legend: Legend | None, *, counts: bool = True) -> None:
        """Show another legend, with how many cells each name has; None hides it."""
        told = [] if legend is None else [(one.name, one.count, one.colour) for one in legend.items]
        if legend is not None and legend.missing:
            told.append(("no value", legend.missing, legend.missing_colour))
        items = [(f"{name} ({count:,})" if counts else name, colour) for name, count, colour in told]
        self.items = items
        self.setToolTip(plain_tip("\n".join(name for name, _ in items)))
        self.setVisible(bool(items))
        self._fit()
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for the width of a dock."""
        return QSize(320, self.height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Use the new width."""
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw everything."""
        painter, columns = QPainter(self), self._columns()
        width = self.width() / columns
        for number, (name, colour) in enumerate(self.items):
            row, column = divmod(number, columns)
            x, y = column * width, row * _ROW
            painter.fillRect(QRectF(x, y + 3, _SWATCH, _SWATCH), QColor(colour))
            painter.setPen(QColor(theme_of(self).text))
            box = QRectF(x + _SWATCH + 4, y, width - _SWATCH - 8, _ROW)
            shown = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, int(box.width()))
            painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), shown)
        painter.end()

    def _columns(self) -> int:
        return max(min(int(self.width()) // _COLUMN, len(self.items)), 1)

    def _fit(self) -> None:
        self.setFixedHeight(max(-(-len(self.items) // self._columns()), 1) * _ROW)
