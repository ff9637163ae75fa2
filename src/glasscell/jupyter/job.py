"""Every job in one place: what it is, how far, how long, how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.jupyter.panel import Panel, Words, column, show
from glasscell.jupyter.sheet import Column, Sheet
from glasscell.views.job_words import job_words
from glasscell.views.view import JobView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.row import JobRow

_COLUMNS = (
    Column("Job", kind="words"),
    Column("Progress", kind="progress", width="5em"),
    Column("State", kind="number"),
    Column("", kind="button"),
)
_STATE, _CANCEL = 2, 3


class JupyterJobView(JobView, Panel):
    """The job view in a notebook."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[JobRow, ...] = ()
        self.message = Words()
        self.empty = Words("Nothing is running.", "muted")
        self.sheet = Sheet(_COLUMNS, "14em", heads=False)
        self.sheet.clicked.connect(self._on_clicked)
        self.widget = column(self.message, self.empty, self.sheet)
        self.set_jobs(())

    def set_jobs(self, rows: Sequence[JobRow]) -> None:
        """Show these jobs, in this order."""
        self._rows = tuple(rows)
        lines, tips, warned = [], [], []
        for number, row in enumerate(self._rows):
            words = job_words(row)
            unknown = None if row.state == "running" else 0.0
            done = "" if not row.can_cancel else unknown if row.fraction is None else row.fraction
            lines.append(
                (
                    "\n".join(text for text in (row.title, words.text) if text),
                    done,
                    words.state,
                    "Cancel" if row.can_cancel else "",
                )
            )
            tips.append("" if row.fraction is None or not row.can_cancel else f"{row.fraction:.0%}")
            if words.state_role in ("bad", "warn"):
                warned.append((number, _STATE))
        self.sheet.show(lines, tips, warned=warned, keys=[row.id for row in self._rows])
        show(self.sheet, bool(rows))
        show(self.empty, not rows)

    def set_message(self, level: str, text: str) -> None:
        """Show one sentence."""
        self.message.say(text, {"warning": "warning", "error": "error"}.get(level, "plain"))

    def _on_clicked(self, number: int, place: int) -> None:
        row = self._rows[number]
        if place == _CANCEL and row.can_cancel:
            self.cancel_requested.emit(row.id)
