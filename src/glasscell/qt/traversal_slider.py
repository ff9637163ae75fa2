"""A slider that runs on the histogram of a factor, one per factor, in a list that can be searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QFrame, QLineEdit, QScrollArea, QWidget

from glasscell.qt.style import mix, plain_tip, theme_of
from glasscell.qt.text import column_of
from glasscell.views.traversal_table import slider_tip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPaintEvent

    from glasscell.views.traversal_view import FactorRow

LONG_NAME, NAME_LINE = 12, 17  # a longer name stands on a line of its own, with the activity
HEIGHT, NAME_WIDTH, NUMBER_WIDTH, PAD = 30, 92, 46, 6
_FEW = 6  # rows without a search line


class QtFactorSlider(QWidget):
    """One factor: its name, its histogram with the slider on it, and how active it is at the start."""

    moved = Signal(int, int, bool)  # factor, step, still moving
    name_clicked = Signal(int)

    def __init__(self, row: FactorRow) -> None:
        super().__init__()
        self.row = row
        self.step = row.step
        self.active = False
        self._dragged = False
        self.long = len(row.title) > LONG_NAME
        self.setFixedHeight(HEIGHT + NAME_LINE if self.long else HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(row.title)
        self.setToolTip(plain_tip(slider_tip(row)))

    def set_step(self, step: int) -> None:
        """Place the handle."""
        if step != self.step:
            self.step = step
            self.update()

    def set_active(self, active: bool) -> None:
        """Mark the slider that was moved last."""
        if active != self.active:
            self.active = active
            self.update()

    @property
    def track(self) -> QRectF:
        """Where the histogram is drawn."""
        left, top = (PAD, NAME_LINE) if self.long else (NAME_WIDTH + PAD, 0)
        width = max(self.width() - left - NUMBER_WIDTH - PAD, 20)
        return QRectF(left, top + 3, width, HEIGHT - 6)

    def x_of(self, value: float) -> float:
        """Place a value across the track."""
        return float(self.track.left() + self.row.share(value) * self.track.width())

    def step_at(self, x: float) -> int:
        """Find the step nearest to a place."""
        places = np.array([self.x_of(float(value)) for value in self.row.values_s])
        return int(np.abs(places - x).argmin())

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take the handle, or click the name."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        x, y = event.position().x(), event.position().y()
        if (y < NAME_LINE) if self.long else (x < NAME_WIDTH):
            self.name_clicked.emit(self.row.factor)
            return
        self._dragged = True
        self._go(self.step_at(x), moving=True, always=True)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Move the handle."""
        if event is not None and self._dragged:
            self._go(self.step_at(event.position().x()), moving=True)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Let the handle go."""
        if event is not None and self._dragged:
            self._dragged = False
            self._go(self.step_at(event.position().x()), moving=False, always=True)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move by a step with the arrow keys."""
        ways = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event is None or event.key() not in ways:
            super().keyPressEvent(event)
            return
        self._go(self.step + ways[Qt.Key(event.key())], moving=False)

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """Show that keys come here."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        """Show that they no longer do."""
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw name, histogram with its ends in grey, start and handle."""
        theme, row, track = theme_of(self), self.row, self.track
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.active or self.hasFocus():
            painter.fillRect(self.rect(), mix(theme.ground, theme.accent, 0.16))
        painter.setPen(QColor(theme.muted if row.note else theme.text))
        middle, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight
        room = self.width() - 2 * PAD - NUMBER_WIDTH - 8 if self.long else NAME_WIDTH - PAD
        name = painter.fontMetrics().elidedText(row.title, Qt.TextElideMode.ElideMiddle, room)
        painter.drawText(QRectF(PAD, 0, room, NAME_LINE if self.long else HEIGHT), int(middle), name)
        number = QRectF(self.width() - NUMBER_WIDTH, track.top() - 3, NUMBER_WIDTH - PAD, HEIGHT)
        shown = row.values_s[self.step]
        painter.drawText(number, int(middle | right), f"{shown:.2f}")
        if self.long:
            painter.setPen(QColor(theme.muted))
            box = QRectF(self.width() - NUMBER_WIDTH - 8, 0, NUMBER_WIDTH + 8 - PAD, NAME_LINE)
            painter.drawText(box, int(middle | right), f"{row.activity:+.1f} sd")
        width = track.width() / len(row.bars_h)
        seen, unseen = mix(theme.raised, theme.accent, 0.75), mix(theme.raised, theme.muted, 0.45)
        low, high = self.x_of(row.low), self.x_of(row.high)
        painter.fillRect(track, QColor(theme.raised))
        grey = mix(theme.raised, theme.muted, 0.22)
        painter.fillRect(QRectF(track.left(), track.top(), low - track.left(), track.height()), grey)
        painter.fillRect(QRectF(high, track.top(), track.right() - high, track.height()), grey)
        for place, share in enumerate(np.sqrt(row.bars_h)):
            left = track.left() + place * width
            height = float(share) * (track.height() - 4)
            inside = low <= left + width / 2 <= high
            painter.fillRect(QRectF(left, track.bottom() - height, width, height), seen if inside else unseen)
        painter.setPen(QPen(QColor(theme.muted), 1, Qt.PenStyle.DashLine))
        start = self.x_of(row.start)
        painter.drawLine(QPointF(start, track.top()), QPointF(start, track.bottom()))
        at = self.x_of(float(shown))
        observed = row.low <= shown <= row.high
        painter.setPen(QPen(QColor(theme.text if observed else theme.muted), 2))
        painter.drawLine(QPointF(at, track.top() - 1), QPointF(at, track.bottom() + 1))
        painter.setBrush(QColor(theme.text if observed else theme.muted))
        painter.drawEllipse(QPointF(at, track.center().y()), 4, 4)

    def _go(self, step: int, *, moving: bool, always: bool = False) -> None:
        step = min(max(step, 0), len(self.row.values_s) - 1)
        if step != self.step or always:
            self.set_step(step)
            self.moved.emit(self.row.factor, step, moving)


class QtFactorList(QWidget):
    """Every factor's slider, in a page that scrolls, with a line to find one by name."""

    moved = Signal(int, int, bool)
    name_clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.find = QLineEdit()
        self.find.setPlaceholderText("find a factor")
        self.find.setToolTip(plain_tip("Show only factors whose name holds this"))
        self.find.setClearButtonEnabled(True)
        self.find.textChanged.connect(self._on_typed)
        self.sliders: dict[int, QtFactorSlider] = {}
        self._page = QWidget()
        self._column = column_of(parent=self._page)
        self._column.setSpacing(1)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(self._page)
        column_of(self.find, self.area, parent=self)

    def set_rows(self, rows: Sequence[FactorRow]) -> None:
        """Show other factors."""
        for slider in self.sliders.values():
            self._column.removeWidget(slider)
            slider.deleteLater()
        self.sliders = {}
        for row in rows:
            slider = self.sliders[row.factor] = QtFactorSlider(row)
            slider.moved.connect(self._on_moved)
            slider.name_clicked.connect(self.name_clicked)
            self._column.addWidget(slider)
        self.find.clear()
        self.find.setVisible(len(rows) > _FEW)
        heights = [slider.height() + 1 for slider in self.sliders.values()]
        self.area.setFixedHeight(min(sum(heights), _FEW * (HEIGHT + 1)) + 2)

    def set_step(self, factor: int, step: int) -> None:
        """Move the handle of one factor, and mark it."""
        for number, slider in self.sliders.items():
            slider.set_active(number == factor)
        if factor in self.sliders:
            self.sliders[factor].set_step(step)

    def _on_moved(self, factor: int, step: int, moving: bool) -> None:
        self.moved.emit(factor, step, moving)

    def _on_typed(self, text: str) -> None:
        wanted = text.strip().casefold()
        for slider in self.sliders.values():
            slider.setVisible(wanted in slider.row.title.casefold())
