"""Two groups compared: choose them, see which genes differ, click one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QFileDialog, QFormLayout, QProgressBar, QWidget

from glasscell.qt.ranking import QtGeneTable
from glasscell.qt.style import plain_tip
from glasscell.qt.text import Choice, PlainLabel, button, caption, column_of, heading, row_of, scrolled
from glasscell.qt.volcano import QtVolcano
from glasscell.views.contrast_table import (
    GENES,
    N_PLAIN,
    ONLY_B,
    REST,
    SETS,
    columns_of,
    contrast_table,
    offered_sides,
    other_side,
)
from glasscell.views.contrast_view import ContrastPicture, ContrastView, wish_of
from glasscell.views.gene_table import GeneTable, set_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.gene_set import SetOverlap

_Q = 2
_WIDE = 104


class QtContrastView(ContrastView):
    """The contrast view in Qt."""

    def __init__(self) -> None:
        super().__init__()
        self.a = Choice("The cells of side A")
        self.b = Choice("The cells of side B")
        self.donor = Choice("Where donors are named: between conditions, donors are compared and never cells")
        self.independent = QCheckBox("The groups were not made from these counts")
        self.independent.setToolTip(
            plain_tip(
                "Sorted cells, staining or histology, for example; without it, clusters get no p-values"
            )
        )
        self.swap = button("Swap", "Exchange A and B")
        self.compare = button("Compare", "Compare A with B gene by gene, in the background", primary=True)
        self.cancel = button("Cancel", "Stop; nothing is kept")
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.reason = PlainLabel("", "muted")
        self.message = PlainLabel("", "muted")
        self.volcano = QtVolcano()
        self.side = Choice("Whose genes come first")
        self.by = Choice("What genes are ordered by")
        self.paint = Choice("What a click on a gene paints")
        self.genes = QtGeneTable(GENES)
        self.agreement = PlainLabel("")
        self.notes = PlainLabel("", "warn")
        self.open_sets = button("Gene sets (GMT)…", "Test which gene sets the first genes fall into")
        self.sets_message = PlainLabel("", "muted")
        self.sets = QtGeneTable(SETS)
        self._result = QWidget()
        self.widget = scrolled(self._content())
        self._connect()
        self.set_busy(False)
        self.set_result(None, "")
        self.set_gene_sets(None, "")
        self.set_enabled(False, "Open data first.")

    def set_sides(self, sides: Sequence[tuple[str, str]]) -> None:
        """Offer groups on both sides; A is never the rest."""
        for choice, offered in zip((self.a, self.b), offered_sides(sides), strict=True):
            choice.set_names([key for key, _ in offered], words=dict(sides))
        self.b.setCurrentIndex(self.b.findData(other_side(self.a.name(), self.b.name(), sides)))

    def set_donors(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer where donors are named."""
        self.donor.set_names([key for key, _ in choices], words=dict(choices))

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow comparing, or say why not."""
        self.compare.setEnabled(enabled)
        self.swap.setEnabled(enabled)
        self.reason.set_text(reason)

    def set_busy(self, busy: bool) -> None:
        """Offer cancel while comparing."""
        self.compare.setVisible(not busy)
        self.cancel.setVisible(busy)
        self.progress.setVisible(busy)

    def set_result(self, picture: ContrastPicture | None, message: str) -> None:
        """Show a contrast, or the message alone."""
        self.message.set_text(message)
        self._result.setVisible(picture is not None)
        self.volcano.set_volcano(None if picture is None else picture.volcano)
        if picture is None:
            self.genes.genes.show(GeneTable())
            return
        self.side.set_names(("a", "b"), picture.side, words={"a": picture.a_name, "b": picture.b_name})
        self.by.set_names(columns_of(picture), picture.by)
        self.paint.set_names(columns_of(picture))
        for place in range(N_PLAIN, len(GENES)):
            self.genes.setColumnHidden(place, not picture.has_model)
        self.genes.horizontalHeader().resizeSection(_Q, GENES[_Q].width if picture.has_model else _WIDE)
        self.genes.genes.show(contrast_table(picture))
        self.genes.fit(6, 10)
        self.agreement.set_text(picture.agreement)
        self.notes.set_text(" ".join(picture.notes))

    def set_gene_sets(self, rows: Sequence[SetOverlap] | None, message: str) -> None:
        """Show gene sets."""
        self.sets_message.set_text(message)
        self.sets.setVisible(bool(rows))
        self.sets.genes.show(set_table(rows))
        self.sets.fit(3, 8)

    def _connect(self) -> None:
        self.compare.clicked.connect(self._on_compare)
        self.cancel.clicked.connect(lambda: self.cancel_requested.emit())
        self.swap.clicked.connect(self._on_swap)
        for choice in (self.side, self.by):
            choice.activated.connect(lambda _place: self.order_chosen.emit(self.by.name(), self.side.name()))
        for source in (self.genes, self.volcano):
            source.gene_clicked.connect(lambda gene: self.gene_clicked.emit(gene, self.paint.name()))
        self.open_sets.clicked.connect(self._on_gene_sets)

    def _content(self) -> QWidget:
        """Lay everything out."""
        content, choices = QWidget(), QWidget()
        form = QFormLayout(choices)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        for title, control in (("A", self.a), ("B", self.b), ("Donors", self.donor)):
            form.addRow(caption(title), control)
        column_of(
            self.volcano,
            row_of(PlainLabel("First"), self.side, PlainLabel("by"), self.by),
            self.genes,
            row_of(PlainLabel("A click paints"), self.paint, None),
            self.agreement,
            self.notes,
            heading("Gene sets"),
            row_of(self.open_sets, None),
            self.sets_message,
            self.sets,
            parent=self._result,
        )
        column = column_of(
            choices,
            self.independent,
            row_of(self.compare, self.cancel, self.swap, stretch=0),
            self.progress,
            self.reason,
            self.message,
            self._result,
            parent=content,
        )
        column.addStretch(1)
        return content

    def _on_compare(self) -> None:
        self.contrast_requested.emit(
            wish_of(self.a.name(), self.b.name(), self.donor.name(), self.independent.isChecked())
        )

    def _on_swap(self) -> None:
        a, b = self.a.name(), self.b.name()
        if b == REST:
            self.message.set_text(ONLY_B)
            return
        self.a.setCurrentIndex(self.a.findData(b))
        self.b.setCurrentIndex(self.b.findData(a))

    def _on_gene_sets(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self.widget, "Open gene sets", "", "Gene sets (*.gmt);;All files (*)"
        )
        if path:
            self.gene_sets_requested.emit(Path(path))
