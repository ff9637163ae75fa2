"""The line by which something is asked in the background: a button, and cancel while it is busy."""

from __future__ import annotations

from glasscell.jupyter.panel import button, row, show
from glasscell.jupyter.sheet import Column, Sheet

CANCEL_TIP = "Stop; nothing is kept"


class Ask:
    """A button that turns into cancel with a moving bar.

    Parameters
    ----------
    words, tip
        Of the button.
    """

    def __init__(self, words: str, tip: str) -> None:
        self.ask = button(words, tip, main=True)
        self.cancel = button("Cancel", CANCEL_TIP)
        self.progress = Sheet([Column(kind="progress")], heads=False)
        self.progress.layout.flex, self.progress.layout.width = "1 1 0", "auto"
        self.progress.show([(None,)])
        self.widget = row(self.ask, self.cancel, self.progress, flex_flow="row nowrap")
        self.set_busy(False)

    def set_busy(self, busy: bool) -> None:
        """Offer cancel while something is asked."""
        show(self.ask, not busy)
        for part in (self.cancel, self.progress):
            show(part, busy)

    def set_enabled(self, enabled: bool) -> None:
        """Allow asking."""
        self.ask.disabled = not enabled
