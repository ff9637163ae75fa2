"""What a view of the worth of gene sets can show and wish for, for every toolkit."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from psygnal import Signal

from glasscell.views.gene_table import CANNOT_TELL, Column, GeneTable
from glasscell.views.view import View

if TYPE_CHECKING:
    from glasscell.explain.worth.result import SetWorth

WORTH = (
    Column("gene set", "A latent of the model; click one to colour the cells by its activity", 0),
    Column("genes", "Measured genes of the set", 46),
    Column("weight", "Length of the set's weights; 0: it was pruned", 52),
    Column("worth", "Nats per cell that are lost without the set", 52),
    Column("to", "The strongest pruning it withstands, by its setting; never: it was pruned without any", 44),
)
WORTH_TIP = (
    "Leave each gene set out and see how much worse cells are explained that the net was not trained on"
)
PATH_TIP = "Train the model again with weaker and stronger pruning, to see which sets stay: takes a while"
NOT_MEASURED = "What each set is worth is not measured yet."


class WorthView(View):
    """Ask what the gene sets of a model are worth, and read the answer."""

    worth_requested = Signal(bool)  # with the pruning path
    set_clicked = Signal(str)

    @abstractmethod
    def set_offer(self, offered: bool, enabled: bool, reason: str) -> None:
        """Show the part for models of gene sets only; allow asking, or say why not."""

    @abstractmethod
    def set_worth(self, table: GeneTable | None, message: str) -> None:
        """Show the table, or the message alone."""


def worth_table(found: SetWorth) -> GeneTable:
    """Put gene sets in a table, dearest first; ``to`` is unknown where no nets were trained for it."""
    rows, tips = [], []
    for p in found.order():
        norm, survives = found.norm_p[p], found.survives_p[p]
        to = CANNOT_TELL if survives != survives else "never" if survives < 0 else f"{survives:g}"
        texts = (found.names[p], f"{found.n_genes_p[p]}", f"{norm:.2f}", f"{found.worth_p[p]:+.2f}", to)
        rows.append(texts)
        state = "pruned: it moves no gene" if norm == 0 else f"weights of length {norm:.3g}"
        withstands = "" if to == CANNOT_TELL else f"; withstands pruning up to {to}"
        tips.append(f"{texts[0]}\n{state}; {found.worth_p[p]:+.4g} nats per cell{withstands}")
    return GeneTable(tuple(rows), tuple(tips))


def worth_words(found: SetWorth) -> str:
    """Say on what the worth was measured, and what it does not tell."""
    seen = "held-out cells" if found.held_out else "cells that the net was trained on"
    pruned = int((found.norm_p == 0).sum())
    path = ""
    if found.has_path:
        pairs = zip(found.strengths, found.deviance_s, strict=True)
        fits = ", ".join(f"{one:g}: {fit:.4g}" for one, fit in pairs)
        path = f" Deviance of hidden counts by pruning (less is better): {fits}."
    return (
        f"{found.n_cells:,} {seen}; {pruned} of {len(found.names)} sets pruned at {found.setting:g}.{path} "
        "Sets that share genes stand in for each other."
    )
