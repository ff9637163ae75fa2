"""Two groups compared in a notebook: choose them, see which genes differ, click one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from glasscell.jupyter.ask import Ask
from glasscell.jupyter.gene_sheet import GeneSheet
from glasscell.jupyter.panel import FILL, Choice, Panel, Words, button, column, row, show
from glasscell.jupyter.path_line import PathLine
from glasscell.jupyter.volcano import JupyterVolcano
from glasscell.views.contrast_table import (
    GENES,
    N_PLAIN,
    ONLY_B,
    REST,
    SETS,
    clipped_words,
    columns_of,
    contrast_table,
    offered_sides,
    other_side,
)
from glasscell.views.contrast_view import ContrastPicture, ContrastView, wish_of
from glasscell.views.gene_table import set_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.gene_set import SetOverlap


class JupyterContrastView(ContrastView, Panel):
    """The contrast view in a notebook."""

    def __init__(self) -> None:
        super().__init__()
        self.a = Choice("A", "The cells of side A")
        self.b = Choice("B", "The cells of side B")
        self.donor = Choice(
            "Donors", "Where donors are named: between conditions, donors are compared and never cells"
        )
        self.independent = ipywidgets.Checkbox(
            False, description="The groups were not made from these counts", indent=False
        )
        self.independent.layout.width = FILL
        self.independent.tooltip = (
            "Sorted cells, staining or histology, for example; without it, clusters get no p-values"
        )
        self.swap = button("Swap", "Exchange A and B")
        self.asking = Ask("Compare", "Compare A with B gene by gene, in the background")
        self.reason, self.message = Words("", "muted"), Words("", "muted")
        self.volcano = JupyterVolcano()
        self.side = Choice("First", "Whose genes come first")
        self.by = Choice("by", "What genes are ordered by")
        self.genes = GeneSheet(GENES, 10)
        self.paint = Choice("Click paints", "What a click on a gene paints")
        self.agreement, self.notes = Words(""), Words("", "warning")
        self.open_sets = PathLine(
            "Gene sets (GMT)", "Test which gene sets the first genes fall into", "sets.gmt"
        )
        self.sets_message, self.sets = Words("", "muted"), GeneSheet(SETS, 8)
        self.widget = self._content()
        self._connect()
        self.set_busy(False)
        self.set_result(None, "")
        self.set_gene_sets(None, "")
        self.set_enabled(False, "Open data first.")

    def set_sides(self, sides: Sequence[tuple[str, str]]) -> None:
        """Offer groups on both sides; A is never the rest."""
        with self.telling():
            for choice, offered in zip((self.a, self.b), offered_sides(sides), strict=True):
                choice.offer(offered)
            self.b.offer(sides, other_side(self.a.key, self.b.key, sides))

    def set_donors(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer where donors are named."""
        with self.telling():
            self.donor.offer(choices)

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow comparing, or say why not."""
        self.asking.set_enabled(enabled)
        self.swap.disabled = not enabled
        self.reason.say(reason, "muted")

    def set_busy(self, busy: bool) -> None:
        """Offer cancel while comparing."""
        self.asking.set_busy(busy)

    def set_result(self, picture: ContrastPicture | None, message: str) -> None:
        """Show a contrast, or the message alone."""
        self.message.say(message, "muted")
        show(self._result, picture is not None)
        if picture is None:
            self.genes.show([])
            return
        with self.telling():
            self.side.offer([("a", picture.a_name), ("b", picture.b_name)], picture.side)
            columns = [(name, name) for name in columns_of(picture)]
            self.by.offer(columns, picture.by)
            self.paint.offer(columns)
        heads = GENES if picture.has_model else GENES[:N_PLAIN]
        self.genes.show_table(contrast_table(picture), heads)
        self.agreement.say(picture.agreement)
        self.notes.say(" ".join((*picture.notes, *clipped_words(picture.volcano))), "warning")
        show(self.volcano, bool(picture.volcano.genes))
        self.volcano.set_picture(picture)

    def set_gene_sets(self, rows: Sequence[SetOverlap] | None, message: str) -> None:
        """Show gene sets."""
        self.sets_message.say(message, "muted")
        self.sets.show_table(set_table(rows))
        show(self.sets, bool(rows))

    def _connect(self) -> None:
        self.hear_press(self.asking.ask, self._on_compare)
        self.hear_press(self.asking.cancel, lambda: self.cancel_requested.emit())
        self.hear_press(self.swap, self._on_swap)
        for choice in (self.side, self.by):
            self.hear(choice, lambda _key: self.order_chosen.emit(self.by.key, self.side.key))
        for part in (self.genes, self.volcano):
            part.gene_clicked.connect(lambda gene: self.gene_clicked.emit(gene, self.paint.key))
        self.open_sets.connect(lambda path: self.gene_sets_requested.emit(path))

    def _content(self) -> ipywidgets.Widget:
        """Lay everything out."""
        self._result = column(
            self.volcano,
            self.side,
            self.by,
            self.genes,
            self.paint,
            self.agreement,
            self.notes,
            Words("Gene sets", "head"),
            self.open_sets.widget,
            self.sets_message,
            self.sets,
        )
        self.asking.widget.layout.width, self.asking.widget.layout.flex = "auto", "1 1 auto"
        return column(
            self.a,
            self.b,
            self.donor,
            self.independent,
            row(self.asking.widget, self.swap, flex_flow="row nowrap"),
            self.reason,
            self.message,
            self._result,
        )

    def _on_compare(self) -> None:
        self.contrast_requested.emit(wish_of(self.a.key, self.b.key, self.donor.key, self.independent.value))

    def _on_swap(self) -> None:
        a, b = self.a.key, self.b.key
        if b == REST:
            self.message.say(ONLY_B, "warning")
            return
        self.a.value, self.b.value = b, a
