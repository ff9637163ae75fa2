"""A file of the server, typed: a notebook has no dialog for files that are not the browser's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from glasscell.jupyter.home import at_home
from glasscell.jupyter.panel import button, row
from glasscell.views.typed_path import typed_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class PathLine:
    """A line for a path and the button that uses it; Enter presses it, an empty line does nothing.

    Parameters
    ----------
    words, tip
        Of the button.
    hint
        What is typed, shown while the line is empty.
    ending
        Put behind a name that has none.
    """

    def __init__(self, words: str, tip: str, hint: str, ending: str = "") -> None:
        self.text = ipywidgets.Text(placeholder=hint, tooltip=f"{tip} (a path on the server)")
        self.text.layout.flex, self.text.layout.width = "1 1 0", "auto"
        self.press = button(words, tip)
        self.widget = row(self.text, self.press, flex_flow="row nowrap")
        self._ending = ending

    def connect(self, then: Callable[[Path], object]) -> None:
        """Call with the path when it is to be used."""

        def use() -> None:
            path = typed_path(self.text.value, self._ending)
            if path is not None:
                then(path)

        def on_message(widget: object, content: object, buffers: object) -> None:
            if isinstance(content, dict) and content.get("event") == "submit":
                at_home(use)

        self.press.on_click(lambda _: at_home(use))
        self.text.on_msg(on_message)
