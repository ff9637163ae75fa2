"""Named nodes of a layered model: measure them, read which stand out, click one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from glasscell.qt.ranking import QtGeneTable
from glasscell.qt.style import plain_tip
from glasscell.qt.text import Choice, PlainLabel, button, caption, column_of, heading, row_of
from glasscell.views.node_table import NODES, NODES_KEY

if TYPE_CHECKING:
    from glasscell.views.node_table import NodePicture

_TIP = "Train nets of shuffled labels and nets to which every gene tells the class, over seeds"


class QtNodes(QWidget):
    """The part of the attribution panel that is about named nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.measure = button("Measure nodes", _TIP)
        self.classes = Choice("Which class the nodes are ranked for")
        self.words, self.key = PlainLabel("", "muted"), PlainLabel(NODES_KEY, "muted")
        self.table = QtGeneTable(NODES)
        self._class = caption("Class")
        column = column_of(
            heading("Named nodes"),
            row_of(self.measure, None),
            row_of(self._class, self.classes, stretch=1),
            self.table,
            self.key,
            self.words,
            parent=self,
        )
        column.setContentsMargins(0, 0, 0, 0)

    def set_offer(self, enabled: bool, reason: str) -> None:
        """Allow measuring, or say why not."""
        self.measure.setEnabled(enabled)
        self.measure.setToolTip(plain_tip(reason or _TIP))

    def set_picture(self, picture: NodePicture | None) -> None:
        """Show one class, or nothing at all for a model without nodes."""
        self.setVisible(picture is not None)
        if picture is None:
            return
        self.classes.set_names(picture.classes, picture.chosen)
        self.table.genes.show(picture.table)
        self.table.fit(4, 10)
        self.words.set_text(picture.words)
        for part in (self._class, self.classes, self.table, self.key):
            part.setVisible(bool(picture.classes))
