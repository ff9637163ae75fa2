"""What each gene set is worth to the model, in a notebook: two buttons and a table that can be searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from glasscell.jupyter.gene_sheet import GeneSheet
from glasscell.jupyter.panel import FILL, Panel, Words, button, column, row, show
from glasscell.views.gene_table import GeneTable
from glasscell.views.worth_view import PATH_TIP, WORTH, WORTH_TIP, WorthView

if TYPE_CHECKING:
    from collections.abc import Callable


class JupyterWorthView(WorthView, Panel):
    """The worth of gene sets in a notebook; ``on_offered`` is told whether there is anything to ask for."""

    def __init__(self, on_offered: Callable[[bool], None] = lambda offered: None) -> None:
        super().__init__()
        self._on_offered = on_offered
        self._table = GeneTable()
        self.ask, self.path = button("What each is worth", WORTH_TIP), button("Pruning path", PATH_TIP)
        self.find = ipywidgets.Text(placeholder="find a gene set")
        self.find.layout.width = FILL
        self.table, self.message = GeneSheet(WORTH, 8), Words("", "muted")
        self.widget = column(row(self.ask, self.path), self.message, self.find, self.table)
        self.hear_press(self.ask, lambda: self.worth_requested.emit(False))
        self.hear_press(self.path, lambda: self.worth_requested.emit(True))
        self.hear(self.find, lambda _text: self._fill())
        self.table.gene_clicked.connect(lambda name: self.set_clicked.emit(name))
        self.set_offer(False, False, "")
        self.set_worth(None, "")

    def set_offer(self, offered: bool, enabled: bool, reason: str) -> None:
        """Show the part for models of gene sets only."""
        self._on_offered(offered)
        for control, tip in ((self.ask, WORTH_TIP), (self.path, PATH_TIP)):
            control.disabled, control.tooltip = not enabled, reason or tip

    def set_worth(self, table: GeneTable | None, message: str) -> None:
        """Show the table, or the message alone."""
        self._table = table or GeneTable()
        self.message.say(message, "muted")
        for part in (self.find, self.table):
            show(part, table is not None)
        self._fill()

    def _fill(self) -> None:
        """Show the rows whose name holds what is typed."""
        self.table.show_table(self._table.found(self.find.value))
