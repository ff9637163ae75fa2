"""Change genes of cells in a notebook, or give them a learned perturbation; read what the model expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from glasscell.errors import GlasscellError
from glasscell.jupyter.ask import Ask
from glasscell.jupyter.form import JupyterForm
from glasscell.jupyter.gene_sheet import GeneSheet
from glasscell.jupyter.panel import FILL, TITLE, Choice, Panel, Words, button, column, fold, row, show
from glasscell.jupyter.path_line import PathLine
from glasscell.jupyter.search_line import GeneLine
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
    with_gene,
)
from glasscell.views.perturbation_view import PerturbationPicture, PerturbationView

if TYPE_CHECKING:
    from collections.abc import Sequence


class JupyterPerturbationView(PerturbationView, Panel):
    """The perturbation view in a notebook."""

    def __init__(self) -> None:
        super().__init__()
        self.direction = Choice("Do", "What is done to the cells")
        self.genes = ipywidgets.Text(
            description="Genes",
            placeholder="gene, gene, …",
            tooltip="Genes changed together, separated by commas",
        )
        self.genes.layout.width, self.genes.style.description_width = FILL, TITLE
        self.add = GeneLine("Add", "a gene of the model", "Put one more gene behind those above")
        self.sets = Choice("Set", "A named set of genes instead of typed ones")
        self.open_sets = PathLine("GMT", "Open a file of gene sets", "sets.gmt")
        self.sets_message = Words("", "muted")
        self.action = Choice("Perturbation", "A perturbation that the model knows")
        self.cells = Choice("In", "Which cells are changed")
        self.new_name = ipywidgets.Text(
            description="Name", placeholder="name of what the cells got", tooltip=ANOTHER_TIP
        )
        self.new_name.layout.width, self.new_name.style.description_width = FILL, TITLE
        self.learn, self.why_not_learn = button("Learn", ANOTHER_TIP), Words("", "muted")
        self.form = JupyterForm()
        self.asking = Ask("Perturb", "Ask the model what it expects, in the background")
        self.reason, self.message = Words("", "muted"), Words("", "muted")
        self.evidence = Words("")
        self.paint_effect = button("Paint size", "Colour the cells by how far they move")
        self.paint_flips = button("Paint where they go", "Colour the cells by their class or domain after")
        self.flips, self.changes = GeneSheet(FLIPS, 6), GeneSheet(GENES, 10)
        self.notes = Words("", "warning")
        self.save = PathLine(
            "Save CSV", "Write the table of genes, or of classes, as a file", "perturbation.csv", ".csv"
        )
        self._of_set: dict[str, tuple[str, ...]] = {}
        self._enabled = False
        self.widget = self._content()
        self._connect()
        self._show_form()
        self.set_actions(())
        self.set_gene_sets((), "")
        self.set_busy(False)
        self.set_result(None, "")
        self.set_enabled(False, "Open data first.")

    def set_genes(self, names: Sequence[str]) -> None:
        """Offer genes to add."""
        self.add.offer(names)

    def set_gene_sets(self, sets: Sequence[tuple[str, tuple[str, ...]]], message: str) -> None:
        """Offer named sets."""
        self._of_set = dict(sets)
        with self.telling():
            self.sets.offer(set_words(tuple(self._of_set.items())))
        self.sets_message.say(message, "muted")
        self._on_choice()

    def set_actions(self, names: Sequence[str]) -> None:
        """Offer learned perturbations."""
        with self.telling():
            self.action.offer([(name, name) for name in names])
            self.direction.offer(direction_words(names))
        self._on_choice()

    def set_learning(self, enabled: bool, reason: str) -> None:
        """Allow teaching the model another perturbation, or say why not."""
        for control in (self.new_name, self.learn):
            control.disabled = not enabled
        self.why_not_learn.say(reason, "muted")
        self._on_choice()

    def set_cells(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer cells."""
        with self.telling():
            self.cells.offer(choices)

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow asking, or say why not."""
        self._enabled = enabled
        self.asking.set_enabled(enabled)
        for control in (self.direction, self.sets, self.action, self.cells):
            control.disabled = not enabled
        self.reason.say(reason, "muted")
        self._on_choice()

    def set_busy(self, busy: bool) -> None:
        """Offer cancel while asking."""
        self.asking.set_busy(busy)

    def set_result(self, picture: PerturbationPicture | None, message: str) -> None:
        """Show a perturbation, or the message alone."""
        self.message.say(message, "muted")
        show(self._result, picture is not None)
        if picture is None:
            return
        self.evidence.say(picture.evidence, "warning" if picture.stands_out is False else "plain")
        self.notes.say(" ".join(picture.notes), "warning")
        self.flips.show_table(flip_table(picture))
        self.changes.show_table(follower_table(picture))
        for part in (self.paint_flips, self._flips):
            show(part, bool(picture.sorts))
        show(self._genes, bool(picture.genes))

    def _connect(self) -> None:
        self.hear_press(self.asking.ask, self._on_ask)
        self.hear_enter(self.genes, lambda: self._on_ask() if self._enabled else None)
        self.hear_press(self.learn, self._on_learn)
        self.hear_enter(self.new_name, self._on_learn)
        self.hear_press(self.asking.cancel, lambda: self.cancel_requested.emit())
        self.add.gene_chosen.connect(self._on_add)
        for choice in (self.direction, self.sets):
            self.hear(choice, lambda _key: self._on_choice())
        self.changes.gene_clicked.connect(lambda gene: self.channel_chosen.emit(f"gene:{gene}"))
        self.flips.gene_clicked.connect(lambda _name: self.channel_chosen.emit("flip"))
        self.hear_press(self.paint_effect, lambda: self.channel_chosen.emit("effect"))
        self.hear_press(self.paint_flips, lambda: self.channel_chosen.emit("flip"))
        self.open_sets.connect(lambda path: self.gene_sets_requested.emit(path))
        self.save.connect(lambda path: self.table_requested.emit(path))

    def _content(self) -> ipywidgets.Widget:
        """Lay everything out."""
        self._typed = column(self.genes, self.add.widget, self.sets, self.open_sets.widget, self.sets_message)
        self.another = fold(ANOTHER, column(self.new_name, self.learn, self.why_not_learn))
        self._flips = column(Words("Who changes", "head"), self.flips)
        self._genes = column(Words("Genes that are expected to follow", "head"), self.changes)
        self._result = column(
            self.evidence,
            row(self.paint_effect, self.paint_flips),
            self._flips,
            self._genes,
            self.notes,
            self.save.widget,
        )
        return column(
            self.direction,
            self._typed,
            self.action,
            self.cells,
            self.another,
            fold("Settings", self.form.widget),
            self.asking.widget,
            self.reason,
            self.message,
            self._result,
        )

    def _show_form(self) -> None:
        from glasscell.explain.perturbation.request import PerturbationParams
        from glasscell.views.form import fields

        self.form.set_fields(fields(PerturbationParams))

    def _on_choice(self) -> None:
        """Show the lines that the direction needs, and type genes only without a set."""
        learned = self.direction.key == LEARNED
        show(self._typed, not learned)
        show(self.action, learned)
        show(self.another, learned)
        for line in (self.genes, self.add.text):
            line.disabled = not self._enabled or bool(self.sets.key)

    def _on_add(self, gene: str) -> None:
        if gene in self.add.names:
            self.genes.value = with_gene(self.genes.value, gene)
            self.add.write("")

    def _on_ask(self) -> None:
        try:
            params: dict[str, Any] = self.form.values()
        except GlasscellError as error:
            self.message.say(str(error), "error")
            return
        asked = wish_of(
            self.genes.value,
            self.sets.key,
            self._of_set,
            self.direction.key,
            self.action.key,
            self.cells.key,
        )
        self.perturb_requested.emit({**asked, "params": params})

    def _on_learn(self) -> None:
        self.learn_requested.emit({"name": self.new_name.value, "cells": self.cells.key})
