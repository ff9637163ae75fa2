"""Every layer and head as a small table; a click chooses one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from glasscell.qt.style import plain_tip, theme_of

if TYPE_CHECKING:
    from qtpy.QtCore import QEvent
    from qtpy.QtGui import QMouseEvent, QPaintEvent

    from glasscell.views.attention_view import Multiples

_CELL, _LABEL, _GAP, _SCALE = 46, 13, 5, 13


class QtMultiples(QWidget):
    """Draws ``Multiples``; ``chosen`` carries the key of the one that was clicked."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._multiples: Multiples | None = None
        self._current = ""
        self._images: list[QImage] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            plain_tip("A row for each layer: its mean, then its heads. Click one to see it large.")
        )
        self.setMouseTracking(True)

    def set_multiples(self, multiples: Multiples | None, current: str) -> None:
        """Draw other tables and mark the chosen one."""
        self._multiples, self._current = multiples, current
        self._make_images()
        rows = 0 if multiples is None else multiples.shape[0]
        self.setFixedHeight(rows * (_CELL + _LABEL + _GAP) + _SCALE if rows else 1)
        self.setVisible(multiples is not None)
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for the width of a dock."""
        return QSize(320, self.height())

    def box(self, number: int) -> QRectF:
        """Return where a table is drawn."""
        columns = 1 if self._multiples is None else self._multiples.shape[1]
        row, column = divmod(number, columns)
        width = (self.width() - (columns - 1) * _GAP) / columns
        top = row * (_CELL + _LABEL + _GAP) + _LABEL
        return QRectF(column * (width + _GAP), top, width, _CELL)

    def key_at(self, point: QPointF) -> str:
        """Return the key of the table at a point, empty for none."""
        for number, key in enumerate(() if self._multiples is None else self._multiples.keys):
            if self.box(number).adjusted(0, -_LABEL, 0, 0).contains(point):
                return key
        return ""

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Choose a table."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            key = self.key_at(event.position())
            if key:
                self.chosen.emit(key)

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() == event.Type.StyleChange:
            self._make_images()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw everything."""
        if self._multiples is None:
            return
        painter, theme = QPainter(self), theme_of(self)
        font = painter.font()
        font.setPixelSize(9)
        painter.setFont(font)
        for number, key in enumerate(self._multiples.keys):
            box = self.box(number)
            painter.drawImage(box, self._images[number])
            chosen = key == self._current
            painter.setPen(QPen(QColor(theme.accent if chosen else theme.edge), 2 if chosen else 1))
            painter.drawRect(box)
            painter.setPen(QColor(theme.text if chosen else theme.muted))
            words = self._multiples.label(number)
            title = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(box.width()))
            painter.drawText(QPointF(box.left(), box.top() - 3), title)
        painter.setPen(QColor(theme.muted))
        painter.drawText(QPointF(0, self.height() - 3), f"Blue to red: {self._multiples.scale}")
        painter.end()

    def _make_images(self) -> None:
        self._images = []
        for panel in () if self._multiples is None else self._multiples.picture.panels:
            rgba = panel.rgba(theme_of(self).edge)
            height, width = rgba.shape[:2]
            image = QImage(rgba.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888)
            self._images.append(image.copy())
