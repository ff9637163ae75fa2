"""What each gene set is worth to the model: two buttons and a table that can be searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLineEdit, QWidget

from glasscell.qt.ranking import QtGeneTable
from glasscell.qt.style import plain_tip
from glasscell.qt.text import PlainLabel, button, column_of, row_of
from glasscell.views.gene_table import GeneTable
from glasscell.views.worth_view import PATH_TIP, WORTH, WORTH_TIP, WorthView

if TYPE_CHECKING:
    from collections.abc import Callable


class QtWorthView(WorthView):
    """The worth of gene sets in Qt; ``on_offered`` is told whether there is anything to ask for."""

    def __init__(self, on_offered: Callable[[bool], None] = lambda offered: None) -> None:
        super().__init__()
        self._on_offered = on_offered
        self._table = GeneTable()
        self.ask = button("What each is worth", WORTH_TIP)
        self.path = button("Pruning path", PATH_TIP)
        self.find = QLineEdit()
        self.find.setPlaceholderText("find a gene set")
        self.find.setClearButtonEnabled(True)
        self.table = QtGeneTable(WORTH)
        self.table.setTextElideMode(Qt.TextElideMode.ElideLeft)
        self.message = PlainLabel("", "muted")
        self.widget = QWidget()
        column_of(row_of(self.ask, self.path, None), self.message, self.find, self.table, parent=self.widget)
        self.ask.clicked.connect(lambda: self.worth_requested.emit(False))
        self.path.clicked.connect(lambda: self.worth_requested.emit(True))
        self.find.textChanged.connect(lambda _text: self._fill())
        self.table.gene_clicked.connect(lambda name: self.set_clicked.emit(name))
        self.set_offer(False, False, "")
        self.set_worth(None, "")

    def set_offer(self, offered: bool, enabled: bool, reason: str) -> None:
        """Show the part for models of gene sets only."""
        self._on_offered(offered)
        for control, tip in ((self.ask, WORTH_TIP), (self.path, PATH_TIP)):
            control.setEnabled(enabled)
            control.setToolTip(plain_tip(reason or tip))

    def set_worth(self, table: GeneTable | None, message: str) -> None:
        """Show the table, or the message alone."""
        self._table = table or GeneTable()
        self.message.set_text(message)
        for part in (self.find, self.table):
            part.setVisible(table is not None)
        self._fill()

    def _fill(self) -> None:
        """Show the rows whose name holds what is typed."""
        self.table.genes.show(self._table.found(self.find.text()))
        self.table.fit(3, 8)
