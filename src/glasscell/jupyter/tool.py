"""The buttons of one canvas or of several together: pointer tool, way of combining, all cells again, Home."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from glasscell.jupyter.panel import Choice, Panel, button, row
from glasscell.views.gesture import MODE_WORDS, TOOL_TIPS, TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glasscell.jupyter.canvas import JupyterCanvas

#: The page scrolls until the picture has been clicked.
WHEEL = " once the picture has been clicked"


class CanvasTools(Panel):
    """What is chosen here the canvas does.

    Parameters
    ----------
    canvases
        What the buttons are for.
    on_clear
        Called when all cells shall be selected again.
    """

    def __init__(self, canvases: Sequence[JupyterCanvas], on_clear: Callable[[], None]) -> None:
        self._canvases = canvases
        self.tool = ipywidgets.ToggleButtons(
            options=[(name.capitalize(), name) for name in TOOLS],
            tooltips=[TOOL_TIPS[name] + (WHEEL if name == "move" else "") for name in TOOLS],
        )
        self.tool.style.button_width = "auto"
        tips = "\n".join(MODE_WORDS.values())
        self.mode = Choice(tip=f"How an outline combines with the selection\n{tips}")
        self.mode.offer([(mode, words.split()[0]) for mode, words in MODE_WORDS.items()])
        self.mode.layout.width, self.mode.layout.flex, self.mode.layout.max_width = "auto", "1 1 3.2em", "7em"
        self.mode.layout.min_width = "0"
        self.clear = button("Clear", "Select all cells again")
        self.home = button("Home", "Show all cells")
        self.widget = row(self.tool, self.mode, self.clear, self.home)
        self.widget.add_class("glasscell-tools")
        self.hear(self.tool, self._on_tool)
        self.hear(self.mode, self._on_mode)
        self.hear_press(self.clear, on_clear)
        self.hear_press(self.home, self._on_home)

    def choose(self, tool: str) -> None:
        """Take a pointer tool in hand."""
        self.tool.value = tool

    def _on_tool(self, tool: str) -> None:
        for canvas in self._canvases:
            canvas.set_tool(tool)

    def _on_mode(self, mode: str) -> None:
        for canvas in self._canvases:
            canvas.gesture.mode = mode

    def _on_home(self) -> None:
        for canvas in self._canvases:
            canvas.scene.go_home()
