"""Change genes of cells, or give them a learned perturbation, and read what the model expects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCompleter, QFileDialog, QFormLayout, QLineEdit, QProgressBar, QWidget

from glasscell.errors import GlasscellError
from glasscell.qt.form import QtForm
from glasscell.qt.ranking import QtGeneTable
from glasscell.qt.text import Choice, Fold, PlainLabel, button, caption, column_of, heading, row_of, scrolled
from glasscell.views.perturbation_table import (
    ANOTHER,
    ANOTHER_TIP,
    FLIPS,
    GENES,
    LEARNED,
    direction_words,
    flip_table,
    follower_table,
    set_words,
    wish_of,
)
from glasscell.views.perturbation_view import PerturbationPicture, PerturbationView

if TYPE_CHECKING:
    from collections.abc import Sequence

MANY_GENES = ", "


class QtPerturbationView(PerturbationView):
    """The perturbation view in Qt."""

    def __init__(self) -> None:
        super().__init__()
        self.direction = Choice("What is done to the cells")
        self.genes = QLineEdit()
        self.genes.setPlaceholderText("gene, gene, …")
        self.genes.setToolTip("Genes changed together, separated by commas")
        self.genes.setAccessibleName("Genes")
        self.sets = Choice("A named set of genes instead of typed ones")
        self.open_sets = button("GMT…", "Open a file of gene sets")
        self.sets_message = PlainLabel("", "muted")
        self.action = Choice("A perturbation that the model knows")
        self.cells = Choice("Which cells are changed")
        self.new_name = QLineEdit()
        self.new_name.setPlaceholderText("name of what the cells got")
        self.new_name.setToolTip(ANOTHER_TIP)
        self.new_name.setAccessibleName(ANOTHER)
        self.learn, self.why_not_learn = button("Learn", ANOTHER_TIP), PlainLabel("", "muted")
        self.form = QtForm()
        self.ask = button("Perturb", "Ask the model what it expects, in the background", primary=True)
        self.cancel = button("Cancel", "Stop; nothing is kept")
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.reason, self.message = PlainLabel("", "muted"), PlainLabel("", "muted")
        self.evidence = PlainLabel("")
        self.paint_effect = button("Paint size", "Colour the cells by how far they move")
        self.paint_flips = button("Paint where they go", "Colour the cells by their class or domain after")
        self.flips, self.changes = QtGeneTable(FLIPS), QtGeneTable(GENES)
        self.notes = PlainLabel("", "warn")
        self.save = button("Save CSV…", "Write the table of genes, or of classes, as a file")
        self._of_set: dict[str, tuple[str, ...]] = {}
        self._result = QWidget()
        self.widget = scrolled(self._content())
        self._connect()
        self._show_form()
        self.set_actions(())
        self.set_gene_sets((), "")
        self.set_busy(False)
        self.set_result(None, "")
        self.set_enabled(False, "Open data first.")

    def set_genes(self, names: Sequence[str]) -> None:
        """Complete the last of the typed genes."""
        self.genes.setCompleter(None if not names else _LastWord(names, self.genes))

    def set_gene_sets(self, sets: Sequence[tuple[str, tuple[str, ...]]], message: str) -> None:
        """Offer named sets."""
        self._of_set = dict(sets)
        self.sets.set_names(["", *self._of_set], words=dict(set_words(sets)))
        self.sets_message.set_text(message)
        self._on_choice()

    def set_actions(self, names: Sequence[str]) -> None:
        """Offer learned perturbations."""
        self.action.set_names(names)
        offered = dict(direction_words(names))
        self.direction.set_names(list(offered), words=offered)
        self._on_choice()

    def set_learning(self, enabled: bool, reason: str) -> None:
        """Allow teaching the model another perturbation, or say why not."""
        for control in (self.new_name, self.learn):
            control.setEnabled(enabled)
        self.why_not_learn.set_text(reason)
        self._on_choice()

    def set_cells(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer cells."""
        self.cells.set_names([key for key, _ in choices], words=dict(choices))

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow asking, or say why not."""
        for control in (self.ask, self.direction, self.genes, self.sets, self.action, self.cells):
            control.setEnabled(enabled)
        self.reason.set_text(reason)
        self._on_choice()

    def set_busy(self, busy: bool) -> None:
        """Offer cancel while asking."""
        self.ask.setVisible(not busy)
        self.cancel.setVisible(busy)
        self.progress.setVisible(busy)

    def set_result(self, picture: PerturbationPicture | None, message: str) -> None:
        """Show a perturbation, or the message alone."""
        self.message.set_text(message)
        self._result.setVisible(picture is not None)
        if picture is None:
            return
        self.evidence.set_text(picture.evidence)
        self.evidence.set_role("warn" if picture.stands_out is False else "")
        self.notes.set_text(" ".join(picture.notes))
        self.paint_flips.setVisible(bool(picture.sorts))
        self.flips.genes.show(flip_table(picture))
        self.flips.fit(1, 6)
        self._flips.setVisible(bool(picture.sorts))
        self.changes.genes.show(follower_table(picture))
        self.changes.fit(4, 10)
        self._genes.setVisible(bool(picture.genes))

    def _connect(self) -> None:
        self.ask.clicked.connect(self._on_ask)
        self.genes.returnPressed.connect(lambda: self.ask.click() if self.ask.isEnabled() else None)
        self.learn.clicked.connect(self._on_learn)
        self.new_name.returnPressed.connect(self._on_learn)
        self.cancel.clicked.connect(lambda: self.cancel_requested.emit())
        for choice in (self.direction, self.sets):
            choice.currentIndexChanged.connect(lambda _place: self._on_choice())
        self.changes.gene_clicked.connect(lambda gene: self.channel_chosen.emit(f"gene:{gene}"))
        self.flips.gene_clicked.connect(lambda _name: self.channel_chosen.emit("flip"))
        self.paint_effect.clicked.connect(lambda: self.channel_chosen.emit("effect"))
        self.paint_flips.clicked.connect(lambda: self.channel_chosen.emit("flip"))
        self.open_sets.clicked.connect(self._on_open_sets)
        self.save.clicked.connect(self._on_save)

    def _content(self) -> QWidget:
        """Lay everything out."""
        content, choices, self._genes_row = QWidget(), QWidget(), QWidget()
        self._flips, self._genes = QWidget(), QWidget()
        column_of(
            self.genes,
            row_of(self.sets, self.open_sets, stretch=0),
            self.sets_message,
            parent=self._genes_row,
        )
        self._rows = form = QFormLayout(choices)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        rows = (
            ("Do", self.direction),
            ("Genes", self._genes_row),
            ("Perturbation", self.action),
            ("In", self.cells),
        )
        for title, control in rows:
            form.addRow(caption(title), control)
        new = QWidget()
        column_of(row_of(self.new_name, self.learn, stretch=0), self.why_not_learn, parent=new)
        self.another = Fold(ANOTHER, new, is_open=False)
        column_of(heading("Who changes"), self.flips, parent=self._flips)
        column_of(heading("Genes that are expected to follow"), self.changes, parent=self._genes)
        column_of(
            self.evidence,
            row_of(self.paint_effect, self.paint_flips, None, self.save),
            self._flips,
            self._genes,
            self.notes,
            parent=self._result,
        )
        column = column_of(
            choices,
            self.another,
            Fold("Settings", self.form, is_open=False),
            row_of(self.ask, self.cancel, stretch=0),
            self.progress,
            self.reason,
            self.message,
            self._result,
            parent=content,
        )
        column.addStretch(1)
        return content

    def _show_form(self) -> None:
        from glasscell.explain.perturbation.request import PerturbationParams
        from glasscell.views.form import fields

        self.form.set_fields(fields(PerturbationParams))

    def _on_choice(self) -> None:
        """Show the rows that the direction needs, and type genes only without a set."""
        learned = self.direction.name() == LEARNED
        self._rows.setRowVisible(self._genes_row, not learned)
        self._rows.setRowVisible(self.action, learned)
        self.another.setVisible(learned)
        self.genes.setEnabled(self.ask.isEnabled() and not self.sets.name())

    def _on_ask(self) -> None:
        try:
            params: dict[str, Any] = self.form.values()
        except GlasscellError as error:
            self.message.set_text(str(error))
            return
        asked = wish_of(
            self.genes.text(),
            self.sets.name(),
            self._of_set,
            self.direction.name(),
            self.action.name(),
            self.cells.name(),
        )
        self.perturb_requested.emit({**asked, "params": params})

    def _on_learn(self) -> None:
        self.learn_requested.emit({"name": self.new_name.text(), "cells": self.cells.name()})

    def _on_open_sets(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self.widget, "Open gene sets", "", "Gene sets (*.gmt);;All files (*)"
        )
        if path:
            self.gene_sets_requested.emit(Path(path))

    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self.widget, "Save the table of the perturbation", "perturbation.csv", "Tables (*.csv)"
        )
        if path:
            chosen = Path(path)
            self.table_requested.emit(chosen if chosen.suffix else chosen.with_suffix(".csv"))


class _LastWord(QCompleter):
    """Completes the last of several names."""

    def __init__(self, names: Sequence[str], parent: QLineEdit) -> None:
        super().__init__(list(names), parent)
        self.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setFilterMode(Qt.MatchFlag.MatchStartsWith)
        self._field = parent

    def splitPath(self, path: str | None) -> list[str]:
        """Complete what stands after the last comma."""
        return [(path or "").rpartition(",")[2].strip()]

    def pathFromIndex(self, index: Any) -> str:
        """Put the completed name behind those that stand already."""
        before = self._field.text().rpartition(",")[0].strip()
        name = super().pathFromIndex(index)
        return f"{before}{MANY_GENES}{name}" if before else name
