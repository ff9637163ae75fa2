"""Which genes decided: ask, read the ranking with its evidence, click a gene."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QProgressBar, QWidget

from glasscell.errors import GlasscellError
from glasscell.qt.checks import QtChecks
from glasscell.qt.form import QtForm
from glasscell.qt.nodes import QtNodes
from glasscell.qt.ranking import QtGeneTable
from glasscell.qt.style import plain_tip
from glasscell.qt.text import Choice, Fold, PlainLabel, button, caption, column_of, heading, row_of, scrolled
from glasscell.views.evidence import CELLS
from glasscell.views.gene_table import CELL, HOVER, RANKING, RANKING_KEY, cell_table, ranking_table
from glasscell.views.view import AttributionView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.check import Check
    from glasscell.views.form import FieldSpec
    from glasscell.views.node_table import NodePicture
    from glasscell.views.row import CellGeneRow, MethodRow, RankingRow


class QtAttributionView(AttributionView):
    """The attribution view in Qt."""

    def __init__(self) -> None:
        super().__init__()
        self.target = Choice("What is explained: always a logit or a mean, never a probability")
        self.method = Choice("How it is explained")
        self.baseline = Choice("What the cells are compared with")
        self.cells = Choice("Which cells are explained")
        self.cells.set_names([key for key, _ in CELLS], words=dict(CELLS))
        self.form = QtForm()
        self.explain = button("Explain", "Attribute the target to genes, in the background", primary=True)
        self.cancel = button("Cancel", "Stop; nothing is kept")
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.reason = PlainLabel("", "muted")
        self.message = PlainLabel("", "muted")
        self.ranking = QtGeneTable(RANKING)
        self.checks = QtChecks()
        self.nodes = QtNodes()
        self.cell_title = PlainLabel("", "muted", wrap=False)
        self.cell_genes = QtGeneTable(CELL)
        self.widget = scrolled(self._content())
        self.explain.clicked.connect(self._on_explain)
        self.cancel.clicked.connect(lambda: self.cancel_requested.emit())
        self.method.currentIndexChanged.connect(self._on_method)
        for table in (self.ranking, self.cell_genes):
            table.gene_clicked.connect(lambda gene: self.gene_clicked.emit(gene))
        self.nodes.measure.clicked.connect(lambda: self.nodes_requested.emit())
        self.nodes.classes.activated.connect(lambda: self.node_class_chosen.emit(self.nodes.classes.name()))
        self.nodes.table.gene_clicked.connect(lambda node: self.node_clicked.emit(node))
        self.set_busy(False)
        self.set_form(())
        self.set_checks(())
        self.set_nodes(None)
        self.set_ranking(None, "")
        self.set_cell_genes("", ())
        self.set_enabled(False, "Train or load a model first.")

    def set_targets(self, names: Sequence[str]) -> None:
        """Offer targets."""
        self.target.set_names(names)

    def set_methods(self, rows: Sequence[MethodRow]) -> None:
        """Offer methods; one that does not fit is greyed out and says why."""
        chosen = self.method.currentData()
        self.method.blockSignals(True)
        self.method.clear()
        for place, row in enumerate(rows):
            self.method.addItem(row.title, row.id)
            item = self.method.model().item(place)
            item.setToolTip(plain_tip(row.why_not or row.title))
            item.setEnabled(not row.why_not)
        usable = [row.id for row in rows if not row.why_not]
        wanted = chosen if chosen in usable else (usable[0] if usable else None)
        self.method.setCurrentIndex(self.method.findData(wanted) if wanted is not None else -1)
        self.method.blockSignals(False)
        refused = [row.refusal for row in rows if row.why_not]
        self.method.setToolTip(plain_tip("\n".join(["How it is explained", *refused])))

    def set_baselines(self, names: Sequence[str]) -> None:
        """Offer baselines."""
        self.baseline.set_names(names, words={name: name.replace("_", " ") for name in names})

    def set_form(self, fields: Sequence[FieldSpec]) -> None:
        """Show the method's parameters."""
        self.form.set_fields(fields)
        self._fold.setVisible(bool(fields))

    def set_ranking(self, rows: Sequence[RankingRow] | None, message: str) -> None:
        """Show ranked genes with their evidence, or the message alone."""
        self.message.set_text(message)
        self.ranking.genes.show(ranking_table(rows or ()))
        self.ranking.fit(6, 8)
        self._ranked.setVisible(rows is not None)

    def set_checks(self, checks: Sequence[Check]) -> None:
        """Show the checks."""
        self.checks.set_checks(checks)
        self._checks_title.setVisible(bool(checks))

    def set_nodes_offer(self, enabled: bool, reason: str) -> None:
        """Allow measuring nodes, or say why not."""
        self.nodes.set_offer(enabled, reason)

    def set_nodes(self, picture: NodePicture | None) -> None:
        """Show named nodes, or hide that part."""
        self.nodes.set_picture(picture)

    def set_cell_genes(self, title: str, rows: Sequence[CellGeneRow]) -> None:
        """Show the hovered cell's genes; the room stays, so that nothing jumps while the mouse moves."""
        self.cell_title.set_text(title or HOVER)
        self.cell_genes.genes.show(cell_table(rows))

    def set_busy(self, busy: bool) -> None:
        """Offer cancel while explaining."""
        self.explain.setVisible(not busy)
        self.cancel.setVisible(busy)
        self.progress.setVisible(busy)

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow explaining, or say why not."""
        self.explain.setEnabled(enabled)
        self.reason.set_text(reason)

    def _content(self) -> QWidget:
        """Lay everything out."""
        content, choices, ranked = QWidget(), QWidget(), QWidget()
        form = QFormLayout(choices)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        rows = (
            ("Why", self.target),
            ("Method", self.method),
            ("Compared with", self.baseline),
            ("In", self.cells),
        )
        for title, control in rows:
            form.addRow(caption(title), control)
        self._fold = Fold("Parameters", self.form, is_open=False)
        key = PlainLabel(RANKING_KEY, "muted")
        self.cell_genes.fit(5, 5)
        self.cell_genes.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._checks_title = heading("Can it be trusted?")
        parts = (self.ranking, key, self._checks_title, self.checks)
        column_of(*parts, heading("This cell"), self.cell_title, self.cell_genes, parent=ranked)
        self._ranked = ranked
        column = column_of(
            choices,
            self._fold,
            row_of(self.explain, self.cancel, stretch=0),
            self.progress,
            self.reason,
            self.message,
            ranked,
            self.nodes,
            parent=content,
        )
        column.addStretch(1)
        return content

    def _on_method(self, place: int) -> None:
        method = self.method.itemData(place)
        if method is not None:
            self.method_chosen.emit(method)

    def _on_explain(self) -> None:
        try:
            params = self.form.values()
        except GlasscellError as error:
            self.reason.set_text(str(error))
            return
        self.explain_requested.emit(
            {
                "target": self.target.name(),
                "method": self.method.currentData(),
                "baseline": self.baseline.name(),
                "cells": self.cells.currentData(),
                "params": params,
            }
        )
