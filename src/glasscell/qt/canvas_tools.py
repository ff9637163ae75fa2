"""The buttons of canvases of cells: pointer tool, way of combining, all cells again, Home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent
from qtpy.QtGui import QAction, QActionGroup
from qtpy.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from glasscell.qt.icon import icon
from glasscell.qt.style import plain_tip, theme_of
from glasscell.qt.text import row_of
from glasscell.views.gesture import MODE_WORDS, MODES, TOOL_TIPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.qt.canvas import CellCanvas


class CanvasTools(QWidget):
    """What is chosen here all of the canvases do; they draw their icons anew when the theme changes.

    Parameters
    ----------
    canvases
        The canvases the buttons are for.
    before
        What stands left of the buttons and takes the spare room; nothing puts them to the left.
    """

    def __init__(self, canvases: Sequence[CellCanvas], before: QWidget | None = None) -> None:
        super().__init__()
        self._boxes = [canvas.box for canvas in canvases]
        self.tools = {name: self._tool_button(name, tip) for name, tip in TOOL_TIPS.items()}
        self.tools["move"].setChecked(True)
        self.modes = self._mode_button()
        self.clear = _action_button("Select all cells again")
        self.home = _action_button("Show all cells")
        for canvas in canvases:
            self.home.clicked.connect(canvas.go_home)
        buttons = (*self.tools.values(), self.modes, self.clear, self.home)
        row: QHBoxLayout = row_of(*buttons, None) if before is None else row_of(before, *buttons, stretch=0)
        row.setSpacing(3)
        self.setLayout(row)
        self.restyle()

    def restyle(self) -> None:
        """Draw the icons in the colours of the theme."""
        theme = theme_of(self)
        for name, button in self.tools.items():
            button.setIcon(icon(name, theme.text, theme.on_accent))
        self.clear.setIcon(icon("clear", theme.text))
        self.home.setIcon(icon("home", theme.text))
        for action in self.modes.menu().actions():
            action.setIcon(icon(action.data(), theme.text))
        self.modes.setIcon(icon(self._boxes[0].mode, theme.text))

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange and hasattr(self, "home"):
            self.restyle()

    def _tool_button(self, name: str, tip: str) -> QToolButton:
        button = _action_button(tip)
        button.setCheckable(True)
        button.setAutoExclusive(True)
        button.toggled.connect(lambda on: self._take(name) if on else None)
        return button

    def _take(self, tool: str) -> None:
        for box in self._boxes:
            box.tool = tool

    def _mode_button(self) -> QToolButton:
        """Button whose menu sets how a new outline combines with the selection."""
        button = _action_button("How an outline combines with the selection")
        menu, group = QMenu(button), QActionGroup(button)
        for mode in MODES:
            action = QAction(MODE_WORDS[mode], menu)
            action.setData(mode)
            action.setCheckable(True)
            action.setChecked(mode == "replace")
            group.addAction(action)
            menu.addAction(action)
        group.triggered.connect(self._on_mode)
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return button

    def _on_mode(self, action: QAction) -> None:
        for box in self._boxes:
            box.mode = action.data()
        self.restyle()


def _action_button(tip: str) -> QToolButton:
    button = QToolButton()
    button.setToolTip(plain_tip(tip))
    button.setAccessibleName(tip.split(":")[0])
    return button
