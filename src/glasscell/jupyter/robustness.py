"""What the model stands, in a notebook: a button and a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.jupyter.metrics import JupyterMetrics
from glasscell.jupyter.panel import Panel, Words, button, column, row
from glasscell.views.robustness_view import CHECK, CHECK_TIP, TITLE, RobustnessView
from glasscell.views.score_table import ScoreTable

if TYPE_CHECKING:
    import ipywidgets


class JupyterRobustnessView(RobustnessView, Panel):
    """Robustness in a notebook, a part of the model panel."""

    def __init__(self) -> None:
        super().__init__()
        self.ask: ipywidgets.Button = button(CHECK, CHECK_TIP)
        self.table, self.message = JupyterMetrics(TITLE), Words("", "muted")
        self.widget = column(row(self.ask), self.table.widget, self.message)
        self.hear_press(self.ask, self.robustness_requested.emit)
        self.set_offer(False, "")
        self.set_robustness(None, "")

    def set_offer(self, enabled: bool, reason: str) -> None:
        """Allow asking, or say why not."""
        self.ask.disabled, self.ask.tooltip = not enabled, reason or CHECK_TIP

    def set_robustness(self, table: ScoreTable | None, message: str) -> None:
        """Show the table, or the message alone."""
        self.table.set_table(table or ScoreTable())
        self.message.say(message, "muted")
