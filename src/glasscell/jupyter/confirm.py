"""A question that must be answered before something is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.jupyter.panel import Panel, Words, button, column, row, show

if TYPE_CHECKING:
    from collections.abc import Callable


class Confirm(Panel):
    """A framed question with two answers; hidden until something is asked.

    Parameters
    ----------
    title
        What is asked, in a few words.
    yes, no
        Words of the answers.
    """

    def __init__(self, title: str, yes: str, no: str) -> None:
        self._then: Callable[[], object] | None = None
        self.words = Words()
        self.yes, self.no = button(yes, main=True), button(no)
        self.widget = column(
            Words(title, "head"), self.words, row(self.yes, self.no), border="1px solid", padding="4px"
        )
        self.hear_press(self.yes, lambda: self._answer(True))
        self.hear_press(self.no, lambda: self._answer(False))
        show(self.widget, False)

    def ask(self, words: str, then: Callable[[], object]) -> None:
        """Say what would be done, and do it on a yes; a question still open is taken back."""
        self._then = then
        self.words.say(words)
        show(self.widget, True)

    def _answer(self, wanted: bool) -> None:
        then, self._then = self._then, None
        show(self.widget, False)
        if wanted and then is not None:
            then()
