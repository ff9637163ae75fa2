"""Which named nodes decide, as a table for every toolkit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glasscell.views.gene_table import CANNOT_TELL, Column, GeneTable, bars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.node_importance.result import NodeImportance, NodeRow

NODES = (
    Column("node", "Nodes that stand out from both controls first; click one to colour by its value", 0),
    Column("z labels", "Share of the layer, standard deviations above nets of shuffled labels", 56),
    Column("z edges", "The same above nets to which every gene tells the class: what connections give", 52),
    Column("", "Share of the layer's importance, mean over seeds", 56),
    Column("genes", "Genes that reach the node", 46),
)
NODES_KEY = "Coloured: a control network gives as much, so the data have not shown that this node matters."
#: Most nodes that a panel lists; the table that is saved holds all.
MOST_NODES = 40


@dataclass(frozen=True)
class NodePicture:
    """What a panel shows of node importance.

    Parameters
    ----------
    classes, chosen
        Classes that can be looked at, and the one that is; none before anything was measured.
    table
        Nodes for that class.
    words
        Sentences about it.
    """

    classes: tuple[str, ...] = ()
    chosen: str = ""
    table: GeneTable = field(default_factory=GeneTable)
    words: str = ""


NOTHING = NodePicture(words="Node importance is not measured for this model.")


def node_picture(found: NodeImportance, wanted: str) -> NodePicture:
    """Show one class, the first when the one wanted is not there."""
    chosen = wanted if wanted in found.classes else found.classes[0]
    rows = found.rows(chosen)
    words = list(found.notes)
    if len(rows) > MOST_NODES:
        words.append(f"{MOST_NODES} of {len(rows)} nodes are listed; the saved table holds all.")
    return NodePicture(found.classes, chosen, node_table(rows[:MOST_NODES]), " ".join(words))


def node_table(rows: Sequence[NodeRow]) -> GeneTable:
    """Put nodes in a table; a z that a control reaches is warned of."""
    from glasscell.explain.node_importance.result import LEAST_Z

    zs = [(row.z_shuffled, row.z_deterministic) for row in rows]
    return GeneTable(
        texts=tuple(
            (row.node, *map(_z, pair), "", f"{row.genes:,}") for row, pair in zip(rows, zs, strict=True)
        ),
        tips=tuple(_tip(row) for row in rows),
        bars=bars([(row.share if row.share == row.share else 0.0, 0.0) for row in rows]),
        warned=frozenset(
            (n, 1 + place) for n, pair in enumerate(zs) for place, z in enumerate(pair) if not z >= LEAST_Z
        ),
    )


def _z(value: float) -> str:
    if value != value:
        return CANNOT_TELL
    return f"{value:+.1f}" if abs(value) < 99 else f"{value:+.0f}"


def _tip(row: NodeRow) -> str:
    """Say a row in words."""
    kind = "free node, stands for nothing known" if row.free else "node"
    said = [
        f"{row.node}: {kind} of layer {row.layer}, {row.genes:,} genes reach it",
        f"pushes the class by {row.value:+.3g} over the others, mean of held-out cells",
        f"share of its layer {row.share:.1%} ({row.low:.1%} to {row.high:.1%} over seeds); shuffled labels "
        f"{row.shuffled:.1%}, every gene telling {row.deterministic:.1%}",
    ]
    return "\n".join([*said, row.flag] if row.flag else said)
