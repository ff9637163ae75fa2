"""A moved factor as tables and words: what it changes, what goes along with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from glasscell.views.gene_table import Bar, Column, GeneTable
from glasscell.views.heat import HeatPanel, HeatPicture, symmetric_limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.traversal.result import GeneChange
    from glasscell.views.traversal_view import FactorPicture, FactorRow, GatePicture, StepPicture

SPECIFIC = (
    Column("gene", "Genes that this factor alone can move; click one to show it", 0),
    Column("way", "up: the factor going up from 0; down: going down from 0", 44),
    Column("score", "Possible effect with all others at their least, times that with all at their most", 54),
)
LINKS = (
    Column("label", "Labels and columns that go along with the factor: a fact about these cells, no name", 0),
    Column(
        "with", "2 AUC - 1 of the label's cells against all others; for numbers Spearman's correlation", 54
    ),
    Column("cells", "How many cells", 54),
)
SETS = (
    Column("gene set", "Sets that the 100 genes changed most fall into", 0),
    Column("genes", "Genes of the list in the set, of its genes in the model", 62),
    Column("q", "Hypergeometric chance of so many, adjusted over sets", 54),
)
UP = (
    Column("up, decoded", "Genes that go up most here; click one to show it", 0),
    Column("", "Decoded change; a full bar is the same at every position of a factor", 40),
    Column("Δ", "Decoded change", 44),
)
DOWN = (Column("down, decoded", "Genes that go down most here; click one to show it", 0), *UP[1:])
CHANGES = (
    Column("gene set", "Gene sets by mean decoded change at the slider", 0),
    Column("change", "Mean decoded change over the set's genes", 62),
)
MEASURE_TIP = "Train the model with 4 other seeds, and see which factors are found again"


def moved_table(genes: Sequence[GeneChange], picture: StepPicture, *, up: bool) -> GeneTable:
    """Put the genes that go one way in a table, with bars that keep their scale while the factor moves."""
    low, high = (0.0, picture.limit) if up else (-picture.limit, 0.0)
    return GeneTable(
        tuple((row.gene, "", f"{row.change:+.2f}") for row in genes),
        tuple(change_tip(row, picture.unit) for row in genes),
        tuple(Bar(row.change, 0.0, low, high) for row in genes),
    )


def set_change_table(picture: StepPicture) -> GeneTable:
    """Put the mean changes of gene sets in a table."""
    rows = tuple((row.gene, f"{row.change:+.3f}") for row in picture.sets)
    return GeneTable(rows, tuple(f"{name}: {change}, decoded" for name, change in rows))


def specific_table(picture: FactorPicture) -> GeneTable:
    """Put genes that the factor alone can move in a table, both directions, highest score first."""
    both = [(row, "up") for row in picture.specific_up] + [(row, "down") for row in picture.specific_down]
    both = sorted(both, key=lambda pair: -pair[0].change)
    rows = tuple((row.gene, way, f"{row.change:.2g}") for row, way in both)
    return GeneTable(rows, tuple(f"{gene}, {way} from 0: {score}" for gene, way, score in rows))


def link_table(picture: FactorPicture) -> GeneTable:
    """Put labels that go along with the factor in a table."""
    links = tuple((link.title, f"{link.strength:+.2f}", f"{link.n_cells:,}") for link in picture.links)
    return GeneTable(links, tuple(f"{title}: {strength}" for title, strength, _ in links))


def change_tip(row: GeneChange, unit: str) -> str:
    """Say the change of one gene."""
    return f"{row.gene}: {row.change:+.3g} {unit}, decoded. Click to show it."


def slider_tip(row: FactorRow) -> str:
    """Say how a factor's slider is used and what it spans."""
    words = (
        row.title,
        "Drag to set the factor; arrow keys move it by a step.",
        f"Observed 1-99 %: {row.low:.3g} to {row.high:.3g}; beyond, everything is grey.",
        f"Start: {row.start:.3g}, {row.activity:+.2f} standard deviations from all cells.",
        "A click on the name colours the cells by the factor.",
        row.note,
    )
    return "\n".join(word for word in words if word)


def gate_heat(picture: GatePicture) -> HeatPicture:
    """Draw gates, and shifts beside them, up as a heatmap: actions down and factors across."""
    panels = [HeatPanel("gates", "gate open", picture.gates_az, (0.0, 1.0), "probability", diverging=False)]
    if picture.effects_az is not None:
        limits = symmetric_limits(picture.effects_az)
        panels.append(
            HeatPanel("shifts", "shift", picture.effects_az, limits, "latent units", diverging=True)
        )
    return HeatPicture(picture.actions, picture.factors, tuple(panels), ("factors →", "actions ↓"))


def ordered_gates(picture: GatePicture) -> GatePicture:
    """Put the actions with the most open gates first, of equally many those that shift farthest."""
    reach_a = np.zeros(len(picture.actions))
    if picture.effects_az is not None:
        reach_a = np.abs(picture.effects_az).sum(axis=1)
    order = np.lexsort((-reach_a, -picture.gates_az.sum(axis=1)))
    actions = tuple(picture.actions[int(a)] for a in order)
    effects_az = None if picture.effects_az is None else picture.effects_az[order]
    return replace(picture, actions=actions, gates_az=picture.gates_az[order], effects_az=effects_az)


def gate_tip(picture: GatePicture, action: int, factor: int) -> str:
    """Say one gate, and the shift behind it, in words."""
    gate = float(picture.gates_az[action, factor])
    said = f"{picture.actions[action]} moves factor {picture.factors[factor]}: {gate:.2f}"
    if picture.effects_az is None:
        return said
    return f"{said}, shift {float(picture.effects_az[action, factor]):+.2f} latent units"
