"""A heatmap of named rows and columns: panels side by side, zoomed and dragged together, values on hover."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QPainter
from qtpy.QtWidgets import QSizePolicy, QWidget

from glasscell.qt import heat_paint as paint
from glasscell.qt.heat_paint import GAP, HEADS
from glasscell.qt.style import theme_of

if TYPE_CHECKING:
    from qtpy.QtCore import QEvent
    from qtpy.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QWheelEvent

    from glasscell.views.heat import HeatPicture

_HEAD, _FOOT = 16, 40
_STEP = 1.25
_ROW, _LEAST = 20, 180  # height of a row where there are few, and of the least table with its names
_MOST_NAME = 0.40  # of the width, for the names of rows
_MOVED = 4


class Place(NamedTuple):
    """A row, a column and a panel."""

    row: int
    column: int
    panel: int


class Span:
    """Which part of an axis is shown.

    Parameters
    ----------
    n
        Rows or columns there are.
    """

    def __init__(self, n: int = 0) -> None:
        self.n = n
        self.first, self.shown = 0.0, float(n)

    def home(self) -> None:
        """Show all."""
        self.first, self.shown = 0.0, float(self.n)

    def zoom(self, factor: float, at: float) -> None:
        """Show ``factor`` times as much, keeping what lies at ``at`` (0 to 1) in its place."""
        there = self.first + at * self.shown
        self.shown = min(max(self.shown * factor, min(3.0, self.n)), float(self.n))
        self.first = there - at * self.shown
        self.pan(0.0)

    def pan(self, by: float) -> None:
        """Move by so many rows, staying inside."""
        self.first = min(max(self.first + by, 0.0), self.n - self.shown)

    def at(self, share: float) -> int:
        """Return what lies at a share of the length."""
        return min(max(int(self.first + share * self.shown), 0), max(self.n - 1, 0))


class QtHeatmap(QWidget):
    """Draws a ``HeatPicture``.

    A wheel zooms rows (with Shift columns), a drag moves, a double click shows everything. ``clicked`` and
    ``hovered`` carry a ``Place``; ``hovered`` carries None off the tables.

    Parameters
    ----------
    height
        The most it takes, in pixels; fewer rows take less.
    """

    clicked = Signal(object)
    hovered = Signal(object)

    def __init__(self, height: int = 360) -> None:
        super().__init__()
        self._most = height
        self._picture: HeatPicture | None = None
        self._images: list[QImage] = []
        self.rows, self.columns = Span(), Span()
        self._under: Place | None = None
        self._marked: Place | None = None
        self._pressed: QPointF | None = None
        self._dragged = False
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        """Ask for the width of a dock."""
        return QSize(320, self.height())

    def minimumSizeHint(self) -> QSize:
        """Never force a dock to be wide."""
        return QSize(220, self.height())

    @property
    def picture(self) -> HeatPicture | None:
        """What is drawn."""
        return self._picture

    def set_picture(self, picture: HeatPicture | None) -> None:
        """Draw another picture; the part that is shown stays where names are the same."""
        same = picture is not None and self._picture is not None and picture.rows == self._picture.rows
        self._picture = picture
        if picture is None or not same:
            n_rows, n_columns = (0, 0) if picture is None else (len(picture.rows), len(picture.columns))
            self.rows, self.columns, self._marked = Span(n_rows), Span(n_columns), None
        self._under = None
        wanted = _HEAD + self.heads_height() + _FOOT + _ROW * self.rows.n
        self.setFixedHeight(min(max(wanted, _LEAST), self._most))
        self._make_images()
        self.update()

    def set_marked(self, place: Place | None) -> None:
        """Outline one place."""
        self._marked = place
        self.update()

    def zoom(self, factor: float) -> None:
        """Zoom the rows about the middle: above 1 shows more."""
        self.rows.zoom(factor, 0.5)
        self.update()

    def go_home(self) -> None:
        """Show everything."""
        self.rows.home()
        self.columns.home()
        self.update()

    def box(self, panel: int) -> QRectF:
        """Return where a panel's table is drawn."""
        n_panels = 1 if self._picture is None else len(self._picture.panels)
        names = self.names_width()
        width = (self.width() - names - GAP * n_panels - 2) / n_panels
        top = _HEAD + self.heads_height()
        return QRectF(names + GAP + panel * (width + GAP), top, width, max(self.height() - top - _FOOT, 10))

    def place_at(self, point: QPointF) -> Place | None:
        """Return what is drawn at a point; None off the tables."""
        if self._picture is None or not self._picture.rows or not self._picture.columns:
            return None
        for panel in range(len(self._picture.panels)):
            box = self.box(panel)
            if box.contains(point):
                row = self.rows.at((point.y() - box.top()) / box.height())
                return Place(row, self.columns.at((point.x() - box.left()) / box.width()), panel)
        return None

    def centre_of(self, place: Place) -> QPointF:
        """Return the middle of a place on the screen."""
        return self.cell(place).center()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom rows, with Shift columns, about the pointer; off the tables the dock scrolls."""
        if event is None:
            return
        place, turn = self.place_at(event.position()), event.angleDelta()
        delta = turn.y() or turn.x()
        if place is None or not delta:
            event.ignore()
            return
        box, factor = self.box(place.panel), _STEP if delta < 0 else 1 / _STEP
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.columns.zoom(factor, (event.position().x() - box.left()) / box.width())
        else:
            self.rows.zoom(factor, (event.position().y() - box.top()) / box.height())
        self._tell(self.place_at(event.position()))
        self.update()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Begin a click or a drag."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._dragged = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Drag, or tell what is under the pointer."""
        if event is None:
            return
        if self._pressed is not None:
            moved = event.position() - self._pressed
            if self._dragged or abs(moved.x()) + abs(moved.y()) > _MOVED:
                self._dragged, self._pressed = True, event.position()
                box = self.box(0)
                self.rows.pan(-moved.y() / box.height() * self.rows.shown)
                self.columns.pan(-moved.x() / box.width() * self.columns.shown)
                self.update()
                return
        self._tell(self.place_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """End a click or a drag."""
        if event is None or self._pressed is None:
            return
        place, self._pressed = self.place_at(event.position()), None
        if place is not None and not self._dragged:
            self.clicked.emit(place)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Show everything again."""
        self.go_home()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Zoom by plus and minus, go home by 0."""
        if event is None:
            return
        if event.text() in ("+", "-"):
            self.zoom(1 / _STEP if event.text() == "+" else _STEP)
        elif event.text() == "0":
            self.go_home()
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent | None) -> None:
        """Nothing is under the pointer any more."""
        super().leaveEvent(event)
        self._tell(None)

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() == event.Type.StyleChange:
            self._make_images()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw names, tables, marks and colour bars."""
        picture = self._picture
        if picture is None or not picture.rows or not picture.columns:
            return
        painter = QPainter(self)
        font = painter.font()
        font.setPixelSize(10)
        painter.setFont(font)
        paint.paint_row_names(painter, self, self._under)
        paint.paint_missing(painter, self)
        for number, panel in enumerate(picture.panels):
            box = self.box(number)
            source = QRectF(self.columns.first, self.rows.first, self.columns.shown, self.rows.shown)
            painter.drawImage(box, self._images[number], source)
            paint.paint_numbers(painter, self, number)
            paint.paint_heads(painter, self, panel, box)
            paint.paint_bar(painter, theme_of(self), panel, box)
        for place, ink in ((self._marked, "accent"), (self._under, "text")):
            if place is not None:
                paint.paint_mark(painter, self, place, QColor(getattr(theme_of(self), ink)))
        painter.end()

    def _make_images(self) -> None:
        self._images = []
        for panel in () if self._picture is None else self._picture.panels:
            rgba = panel.rgba(theme_of(self).edge)
            height, width = rgba.shape[:2]
            image = QImage(rgba.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888)
            self._images.append(image.copy())

    def heads_height(self) -> int:
        """Return the room that names of columns take, standing upright."""
        names = () if self._picture is None else self._picture.columns
        longest = max((self.fontMetrics().horizontalAdvance(name) for name in names), default=0)
        return int(min(0.85 * longest + 8, HEADS))

    def names_width(self) -> int:
        """Return the room that names of rows take."""
        if self._picture is None:
            return 0
        metrics = self.fontMetrics()
        named = (*self._picture.row_labels, *self._picture.corner)
        longest = max((metrics.horizontalAdvance(name) for name in named), default=0)
        return int(min(0.9 * longest + 6, _MOST_NAME * self.width()))

    def cell(self, place: tuple[int, int, int]) -> QRectF:
        """Return where a row and a column of a panel are drawn, also where they are out of sight."""
        row, column, panel = place
        box = self.box(panel)
        height, width = box.height() / self.rows.shown, box.width() / self.columns.shown
        x = box.left() + (column - self.columns.first) * width
        return QRectF(x, box.top() + (row - self.rows.first) * height, width, height)

    def _tell(self, place: Place | None) -> None:
        if place != self._under:
            self._under = place
            self.hovered.emit(place)
            self.update()
