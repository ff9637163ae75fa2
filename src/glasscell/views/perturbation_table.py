"""A perturbation as tables, and what is asked for as a wish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.views.gene_table import Column, GeneTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glasscell.views.perturbation_view import PerturbationPicture

GENES = (
    Column("gene", "Click a gene to paint its decoded change on tissue and embedding", 0),
    Column("before", "Mean decoded expression of the cells as they are", 62),
    Column("change", "Mean change of decoded expression: expected, not measured", 66),
)
FLIPS = (
    Column("before", "Class or domain before; click to paint where cells go", 0),
    Column("after", "Class or domain that the model expects after the change", 96),
    Column("cells", "Cells that change so", 48),
    Column("share", "Of the cells that were in the first", 48),
)
LEARNED = "learned"
TYPED = "the genes typed above"
ANOTHER = "Another perturbation"
ANOTHER_TIP = "Learn what was done to those chosen above; the model stays as it is otherwise"


def direction_words(actions: Sequence[str]) -> list[tuple[str, str]]:
    """List what can be done to cells as (key, words); learned perturbations only where there are some."""
    from glasscell.explain.perturbation.request import DIRECTIONS

    return [
        (name, words[0].upper() + words[1:])
        for name, words in DIRECTIONS.items()
        if name != LEARNED or actions
    ]


def set_words(sets: Sequence[tuple[str, tuple[str, ...]]]) -> list[tuple[str, str]]:
    """List named sets as (key, words), the typed genes first."""
    return [("", TYPED), *((name, f"{name} ({len(genes)})") for name, genes in sets)]


def with_gene(typed: str, gene: str) -> str:
    """Return typed genes with one more, none twice."""
    genes = [one.strip() for one in typed.split(",") if one.strip()]
    return ", ".join(dict.fromkeys((*genes, gene)))


def wish_of(
    typed: str, name: str, sets: Mapping[str, tuple[str, ...]], direction: str, action: str, cells: str
) -> dict[str, Any]:
    """Put a wish together, without its params.

    Parameters
    ----------
    typed
        Genes with commas between them.
    name, sets
        The chosen set, empty for the typed genes, and the genes of each.
    """
    learned = direction == LEARNED
    genes = tuple(dict.fromkeys(one.strip() for one in typed.split(",") if one.strip()))
    return {
        "genes": () if learned else sets.get(name, genes),
        "direction": direction,
        "action": action if learned else "",
        "name": "" if learned else name,
        "cells": cells,
    }


def flip_table(picture: PerturbationPicture) -> GeneTable:
    """Put changes of class in a table."""
    return GeneTable(
        tuple((before, after, f"{n:,}", f"{share:.0%}") for before, after, n, share in picture.flips),
        tuple(
            f"{before} to {after}: {n:,}, {share:.1%} of {before}"
            for before, after, n, share in picture.flips
        ),
    )


def follower_table(picture: PerturbationPicture) -> GeneTable:
    """Put the genes that are expected to follow in a table."""
    return GeneTable(
        tuple((name, f"{before:.2f}", f"{change:+.3g}") for name, before, change in picture.genes),
        tuple(
            f"{name}: {before:.4g} before, {change:+.4g} expected ({picture.unit}, decoded)"
            for name, before, change in picture.genes
        ),
    )
