"""The checks of an explanation: a verdict in colour and in words, the figure, the sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from glasscell.qt.style import plain_tip, theme_of
from glasscell.qt.text import PlainLabel, column_of, row_of
from glasscell.views.check_row import CheckRow, check_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.check import Check
    from glasscell.qt.style import Theme


class Chip(QLabel):
    """A verdict: a word on its colour."""

    def __init__(self, row: CheckRow) -> None:
        super().__init__(row.word)
        self.verdict = row.verdict
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumWidth(70)

    def restyle(self) -> None:
        """Take the colour of the theme."""
        colour = _ink(self.verdict, theme_of(self))
        ground = "#101014" if theme_of(self).name == "dark" else "#ffffff"
        self.setStyleSheet(
            f"background: {colour}; color: {ground}; border-radius: 7px; padding: 1px 7px; font-weight: 600;"
        )


class QtChecks(QWidget):
    """Checks below each other."""

    def __init__(self) -> None:
        super().__init__()
        self.chips: list[Chip] = []
        self._styling = False
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)

    def set_checks(self, checks: Sequence[Check]) -> None:
        """Show checks; the sentence of any that is not in order stands below it."""
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        self.chips = []
        for check in checks:
            self._column.addWidget(self._line(check_row(check)))
        self.setVisible(bool(checks))
        self.restyle()

    def restyle(self) -> None:
        """Colour the chips."""
        for chip in self.chips:
            chip.restyle()

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self.restyle()

    def _line(self, row: CheckRow) -> QWidget:
        chip = Chip(row)
        self.chips.append(chip)
        name = PlainLabel(row.name, wrap=False)
        part = QWidget()
        sentence = PlainLabel(row.said, "muted")
        column_of(
            row_of(chip, name, PlainLabel(row.figure, "muted"), stretch=1), sentence, parent=part
        ).setSpacing(1)
        part.setToolTip(plain_tip(row.tip))
        chip.setToolTip(plain_tip(row.tip))
        return part


def _ink(verdict: str, theme: Theme) -> str:
    """Colour of a verdict; what cannot fail or cannot be told is never green."""
    return {"ok": theme.ok, "warn": theme.warn, "bad": theme.bad}.get(verdict, theme.unknown)
