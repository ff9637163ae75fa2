"""What the model stands: a button and a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from glasscell.qt.metrics import QtMetrics
from glasscell.qt.style import plain_tip
from glasscell.qt.text import PlainLabel, button, column_of, heading, row_of
from glasscell.views.robustness_view import CHECK, CHECK_TIP, TITLE, RobustnessView
from glasscell.views.score_table import ScoreTable

if TYPE_CHECKING:
    from qtpy.QtWidgets import QPushButton


class QtRobustnessView(RobustnessView):
    """Robustness in Qt, a part of the model panel."""

    def __init__(self) -> None:
        super().__init__()
        self.ask: QPushButton = button(CHECK, CHECK_TIP)
        self.table, self.message = QtMetrics(), PlainLabel("", "muted")
        self.widget = QWidget()
        column = column_of(
            heading(TITLE), row_of(self.ask, None), self.table, self.message, parent=self.widget
        )
        column.setContentsMargins(0, 0, 0, 0)
        self.ask.clicked.connect(lambda: self.robustness_requested.emit())
        self.set_offer(False, "")
        self.set_robustness(None, "")

    def set_offer(self, enabled: bool, reason: str) -> None:
        """Allow asking, or say why not."""
        self.ask.setEnabled(enabled)
        self.ask.setToolTip(plain_tip(reason or CHECK_TIP))

    def set_robustness(self, table: ScoreTable | None, message: str) -> None:
        """Show the table, or the message alone."""
        self.table.set_table(table or ScoreTable())
        self.message.set_text(message)
