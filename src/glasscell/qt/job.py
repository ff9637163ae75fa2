"""Every job in one place: what it is, how far, how long, how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QProgressBar, QToolButton, QVBoxLayout, QWidget

from glasscell.qt.icon import icon
from glasscell.qt.style import plain_tip, theme_of
from glasscell.qt.text import PlainLabel, column_of, row_of, scrolled
from glasscell.views.job_words import job_words
from glasscell.views.view import JobView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.row import JobRow


class JobLine(QWidget):
    """One job."""

    def __init__(self, job_id: int, view: QtJobView) -> None:
        super().__init__()
        self._row: JobRow | None = None
        self.title = PlainLabel("", "heading", wrap=False)
        self.state = PlainLabel("", "muted", wrap=False)
        self.state.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.text = PlainLabel("", "muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.cancel = QToolButton()
        self.cancel.setToolTip("Cancel this job")
        self.cancel.setAccessibleName("Cancel")
        self.cancel.clicked.connect(lambda: view.cancel_requested.emit(job_id))
        top = row_of(self.title, self.state)
        top.setStretch(0, 3)
        top.setStretch(1, 1)
        column = column_of(top, row_of(self.bar, self.cancel, stretch=0), self.text, parent=self)
        column.setSpacing(2)

    def show_row(self, row: JobRow) -> None:
        """Show how the job stands; a row that has not changed costs nothing."""
        if row == self._row:
            return
        self._row = row
        if self.cancel.icon().isNull():
            self.restyle()
        running = row.can_cancel
        self.title.set_text(row.title)
        words = job_words(row)
        self.state.set_text(words.state)
        self.state.set_role(words.state_role)
        self.text.set_text(words.text)
        self.text.set_role(words.text_role)
        self.bar.setVisible(running)
        self.cancel.setVisible(running)
        if row.fraction is None:
            self.bar.setRange(0, 0 if row.state == "running" else 1)
        else:
            # A bar repaints the whole window at once when its value is set; this way it waits its turn.
            self.bar.setUpdatesEnabled(False)
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(min(max(row.fraction, 0.0), 1.0) * 1000))
            self.bar.setUpdatesEnabled(True)
        self.bar.setToolTip(plain_tip("" if row.fraction is None else f"{row.fraction:.0%}"))

    def restyle(self) -> None:
        """Draw the icon in the colour of the theme."""
        self.cancel.setIcon(icon("clear", theme_of(self).text))

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange and hasattr(self, "cancel"):
            self.restyle()


class QtJobView(JobView):
    """The job view in Qt."""

    def __init__(self) -> None:
        super().__init__()
        content = QWidget()
        self.message = PlainLabel()
        self.empty = PlainLabel("Nothing is running.", "muted")
        self.lines: dict[int, JobLine] = {}
        holder = QWidget()
        self._column = QVBoxLayout(holder)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        column_of(self.message, self.empty, holder, parent=content).addStretch(1)
        self.widget = scrolled(content)

    def set_jobs(self, rows: Sequence[JobRow]) -> None:
        """Show these jobs, in this order."""
        wanted = [row.id for row in rows]
        for gone in [job_id for job_id in self.lines if job_id not in wanted]:
            line = self.lines.pop(gone)
            self._column.removeWidget(line)
            line.setParent(None)
            line.deleteLater()
        for place, row in enumerate(rows):
            if row.id not in self.lines:
                self.lines[row.id] = JobLine(row.id, self)
            line = self.lines[row.id]
            if self._column.indexOf(line) != place:
                self._column.insertWidget(place, line)
            line.show_row(row)
        self.empty.setVisible(not rows)

    def set_message(self, level: str, text: str) -> None:
        """Show one sentence."""
        self.message.set_text(text)
        self.message.set_role({"warning": "warn", "error": "bad"}.get(level, ""))
