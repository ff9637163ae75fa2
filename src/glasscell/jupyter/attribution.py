"""Which genes decided, in a notebook: ask, read the ranking with its evidence, click a gene."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.errors import GlasscellError
from glasscell.jupyter.ask import Ask
from glasscell.jupyter.form import JupyterForm
from glasscell.jupyter.gene_sheet import GeneSheet
from glasscell.jupyter.nodes import JupyterNodes
from glasscell.jupyter.panel import Choice, Panel, Words, column, fold, show
from glasscell.jupyter.sheet import Column, Heat, Sheet
from glasscell.views.check_row import check_row
from glasscell.views.evidence import CELLS
from glasscell.views.gene_table import CELL, HOVER, RANKING, RANKING_KEY, cell_table, ranking_table
from glasscell.views.theme import LIGHT
from glasscell.views.view import AttributionView

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ipywidgets

    from glasscell.explain.check import Check
    from glasscell.views.form import FieldSpec
    from glasscell.views.node_table import NodePicture
    from glasscell.views.row import CellGeneRow, MethodRow, RankingRow

_CHECKS = (Column("", "", "heat", "6.5em"), Column(""), Column("", "", "number"))


class JupyterAttributionView(AttributionView, Panel):
    """The attribution view in a notebook."""

    def __init__(self) -> None:
        super().__init__()
        self.target = Choice("Why", "What is explained: always a logit or a mean, never a probability")
        self.method = Choice("Method", "How it is explained")
        self.refused = Words("", "muted")
        self.baseline = Choice("Compared with", "What the cells are compared with")
        self.cells = Choice("In", "Which cells are explained")
        self.cells.offer(CELLS)
        self.form = JupyterForm()
        self.asking = Ask("Explain", "Attribute the target to genes, in the background")
        self.reason, self.message = Words("", "muted"), Words("", "muted")
        self.ranking = GeneSheet(RANKING, 12)
        self.checks = Sheet(_CHECKS, heads=False)
        self.sentences = Words("", "muted")
        self.nodes = JupyterNodes()
        self.cell_title = Words("", "muted")
        self.cell_genes = GeneSheet(CELL, 5)
        self.widget = self._content()
        self._connect()
        self.set_busy(False)
        self.set_form(())
        self.set_methods(())
        self.set_checks(())
        self.set_nodes(None)
        self.set_ranking(None, "")
        self.set_cell_genes("", ())
        self.set_enabled(False, "Train or load a model first.")

    def set_targets(self, names: Sequence[str]) -> None:
        """Offer targets."""
        with self.telling():
            self.target.offer([(name, name) for name in names])

    def set_methods(self, rows: Sequence[MethodRow]) -> None:
        """Offer methods that fit; the others are listed greyed, each with its reason."""
        refused = [row.refusal for row in rows if row.why_not]
        with self.telling():
            self.method.offer([(row.id, row.title) for row in rows if not row.why_not])
            self.refused.say("\n".join(refused), "muted")
        self._refused.set_title(0, f"Greyed for this model ({len(refused)})")
        show(self._refused, bool(refused))

    def set_baselines(self, names: Sequence[str]) -> None:
        """Offer baselines."""
        with self.telling():
            self.baseline.offer([(name, name.replace("_", " ")) for name in names])

    def set_form(self, fields: Sequence[FieldSpec]) -> None:
        """Show the method's parameters."""
        with self.telling():
            self.form.set_fields(fields)
        show(self._fold, bool(fields))

    def set_ranking(self, rows: Sequence[RankingRow] | None, message: str) -> None:
        """Show ranked genes with their evidence, or the message alone."""
        self.message.say(message, "muted")
        self.ranking.show_table(ranking_table(rows or ()))
        show(self._ranked, rows is not None)

    def set_checks(self, checks: Sequence[Check]) -> None:
        """Show the checks; the sentence of any that is not in order stands below."""
        rows = [check_row(check) for check in checks]
        inks = {"ok": LIGHT.ok, "warn": LIGHT.warn, "bad": LIGHT.bad}
        self.checks.show(
            [(Heat(inks.get(row.verdict, LIGHT.unknown), row.word), row.name, row.figure) for row in rows],
            [row.tip for row in rows],
        )
        self.sentences.say("\n".join(f"{row.name}: {row.said}" for row in rows if row.said), "muted")
        show(self._checks, bool(rows))

    def set_nodes_offer(self, enabled: bool, reason: str) -> None:
        """Allow measuring nodes, or say why not."""
        self.nodes.set_offer(enabled, reason)

    def set_nodes(self, picture: NodePicture | None) -> None:
        """Show named nodes, or hide that part."""
        with self.telling():
            self.nodes.set_picture(picture)

    def set_cell_genes(self, title: str, rows: Sequence[CellGeneRow]) -> None:
        """Show the hovered cell's genes."""
        self.cell_title.say(title or HOVER, "muted")
        self.cell_genes.show_table(cell_table(rows))

    def set_busy(self, busy: bool) -> None:
        """Offer cancel while explaining."""
        self.asking.set_busy(busy)

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow explaining, or say why not."""
        self.asking.set_enabled(enabled)
        self.reason.say(reason, "muted")

    def _connect(self) -> None:
        self.hear_press(self.asking.ask, self._on_explain)
        self.hear_press(self.asking.cancel, self.cancel_requested.emit)
        self.hear(self.method, lambda method: self.method_chosen.emit(method) if method else None)
        for table in (self.ranking, self.cell_genes):
            table.gene_clicked.connect(lambda gene: self.gene_clicked.emit(gene))
        self.hear_press(self.nodes.measure, self.nodes_requested.emit)
        self.hear(self.nodes.classes, lambda name: self.node_class_chosen.emit(name) if name else None)
        self.nodes.table.gene_clicked.connect(lambda node: self.node_clicked.emit(node))

    def _content(self) -> ipywidgets.Widget:
        """Lay everything out."""
        self._refused = fold("Greyed", self.refused)
        self._fold = fold("Parameters", self.form.widget)
        self._checks = column(Words("Can it be trusted?", "head"), self.checks, self.sentences)
        # The room of a cell's genes stays, so that nothing jumps while the mouse moves.
        cell = column(self.cell_genes, height=self.cell_genes.room)
        self._ranked = column(
            self.ranking,
            Words(RANKING_KEY, "muted"),
            self._checks,
            Words("This cell", "head"),
            self.cell_title,
            cell,
        )
        return column(
            self.target,
            self.method,
            self._refused,
            self.baseline,
            self.cells,
            self._fold,
            self.asking.widget,
            self.reason,
            self.message,
            self._ranked,
            self.nodes.widget,
        )

    def _on_explain(self) -> None:
        try:
            params = self.form.values()
        except GlasscellError as error:
            self.reason.say(str(error), "error")
            return
        self.explain_requested.emit(
            {
                "target": self.target.key,
                "method": self.method.key,
                "baseline": self.baseline.key,
                "cells": self.cells.key,
                "params": params,
            }
        )
