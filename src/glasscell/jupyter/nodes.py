"""Named nodes of a layered model, in a notebook: measure them, read which stand out, click one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.jupyter.gene_sheet import GeneSheet
from glasscell.jupyter.panel import Choice, Words, button, column, show
from glasscell.views.node_table import NODES, NODES_KEY

if TYPE_CHECKING:
    from glasscell.views.node_table import NodePicture

_TIP = "Train nets of shuffled labels and nets to which every gene tells the class, over seeds"


class JupyterNodes:
    """The part of the attribution panel that is about named nodes."""

    def __init__(self) -> None:
        self.measure = button("Measure nodes", _TIP)
        self.reason, self.words = Words("", "muted"), Words("", "muted")
        self.classes = Choice("Class", "Which class the nodes are ranked for")
        self.table = GeneSheet(NODES, 8)
        self._found = column(self.classes, self.table, Words(NODES_KEY, "muted"))
        self.widget = column(Words("Named nodes", "head"), self.measure, self.reason, self._found, self.words)

    def set_offer(self, enabled: bool, reason: str) -> None:
        """Allow measuring, or say why not."""
        self.measure.disabled = not enabled
        self.reason.say(reason, "muted")

    def set_picture(self, picture: NodePicture | None) -> None:
        """Show one class, or nothing at all for a model without nodes."""
        show(self.widget, picture is not None)
        if picture is None:
            return
        self.classes.offer([(name, name) for name in picture.classes], picture.chosen or None)
        self.table.show_table(picture.table)
        self.words.say(picture.words, "muted")
        show(self._found, bool(picture.classes))
