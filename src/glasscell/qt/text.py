"""Small parts that every view is made of: plain labels, sections that fold, rows of buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from glasscell.qt.style import adopt, plain_button, plain_tip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qtpy.QtGui import QResizeEvent, QWheelEvent


class PlainLabel(QLabel):
    """A label that shows its text as it is.

    Parameters
    ----------
    text
        What to show.
    role
        "", "heading", "muted", "warn" or "bad".
    wrap
        Break long text over lines; otherwise it ends in an ellipsis and the whole is in the tooltip.
    """

    def __init__(self, text: str = "", role: str = "", *, wrap: bool = True) -> None:
        super().__init__()
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        self.setProperty("role", role)
        if not wrap:
            self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.set_text(text)

    def set_text(self, text: str) -> None:
        """Show a text; an empty one takes no room."""
        if text and text == self._whole:
            return
        self._whole = text
        self._fit()
        self.setVisible(bool(text))

    def set_role(self, role: str) -> None:
        """Change the colour to that of a role."""
        if role == self.property("role"):
            return
        self.setProperty("role", role)
        self.style().unpolish(self)
        self.style().polish(self)

    def whole_text(self) -> str:
        """Return the text as set, also where an ellipsis is shown."""
        return self._whole

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Shorten the text to the new width."""
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """Let a one-line label shrink."""
        hint = super().minimumSizeHint()
        return hint if self.wordWrap() else QSize(20, hint.height())

    def _fit(self) -> None:
        if self.wordWrap():
            self.setText(self._whole)
            return
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, max(self.width(), 40))
        self.setText(shown)
        self.setToolTip(plain_tip(self._whole) if shown != self._whole else "")


class Choice(QComboBox):
    """A combo box that never forces its dock to be wide, and that the mouse wheel passes by."""

    def __init__(self, tip: str = "") -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip(plain_tip(tip))

    def set_names(
        self, names: Sequence[str], current: str | None = None, words: Mapping[str, str] | None = None
    ) -> None:
        """Offer names without a signal, in other words where given; keep the choice while it is offered."""
        wanted = self.name() if current is None else current
        self.blockSignals(True)
        self.clear()
        for name in names:
            self.addItem((words or {}).get(name, name), name)
        self.setCurrentIndex(list(names).index(wanted) if wanted in names else 0 if names else -1)
        self.blockSignals(False)

    def name(self) -> str:
        """Return the chosen name, empty for none."""
        return str(self.currentData() or "")

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Scroll the dock, not the choice."""
        if event is not None:
            event.ignore()


class Fold(QWidget):
    """A titled part that can be folded away."""

    def __init__(self, title: str, content: QWidget, *, is_open: bool = True) -> None:
        super().__init__()
        self.header = QToolButton()
        self.header.setProperty("flat", "true")
        self.header.setCheckable(True)
        self.header.setChecked(is_open)
        self.header.setText(plain_button(title))
        self.header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.content = content
        column = column_of(self.header, content, parent=self)
        column.setSpacing(2)
        self.header.toggled.connect(self.set_open)
        self.set_open(is_open)

    def set_open(self, is_open: bool) -> None:
        """Show or hide the content."""
        self.header.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self.content.setVisible(is_open)


def heading(text: str) -> PlainLabel:
    """Make a heading."""
    return PlainLabel(text, "heading")


def caption(text: str) -> QLabel:
    """Make the title of a form's field."""
    title = QLabel(text)
    title.setTextFormat(Qt.TextFormat.PlainText)
    title.setWordWrap(len(text) > 20)
    title.setMinimumWidth(90)
    return title


def button(text: str, tip: str, *, primary: bool = False) -> QPushButton:
    """Make a push button with a tooltip."""
    made = QPushButton(plain_button(text))
    made.setToolTip(plain_tip(tip))
    made.setAutoDefault(False)
    if primary:
        made.setProperty("role", "primary")
    return made


def line() -> QFrame:
    """Make a thin rule between two parts."""
    rule = QFrame()
    rule.setProperty("role", "rule")
    rule.setFixedHeight(1)
    return rule


def row_of(*parts: QWidget | None, stretch: int = -1) -> QHBoxLayout:
    """Lay widgets in a row; None is a spring, ``stretch`` the part that takes the spare room."""
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(4)
    for number, part in enumerate(parts):
        if part is None:
            row.addStretch(1)
        else:
            row.addWidget(part, 1 if number == stretch else 0)
    return row


def column_of(*parts: QWidget | QHBoxLayout, parent: QWidget) -> QVBoxLayout:
    """Lay widgets and rows below each other in ``parent``."""
    column = QVBoxLayout(parent)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(5)
    for part in parts:
        if isinstance(part, QWidget):
            column.addWidget(part)
        else:
            column.addLayout(part)
    return column


def scrolled(content: QWidget) -> QWidget:
    """Put a view's content into a page that scrolls down, never sideways."""
    page = QWidget()
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFrameShape(QFrame.Shape.NoFrame)
    layout = content.layout()
    if layout is not None:
        layout.setContentsMargins(8, 8, 8, 8)
    area.setWidget(content)
    column_of(area, parent=page)
    adopt(page)
    return page
