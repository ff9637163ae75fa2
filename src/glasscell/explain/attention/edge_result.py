"""Attention of cells to their neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from glasscell.errors import DataError
from glasscell.explain.attention.average import edge_room
from glasscell.explain.attention.result import CELL_QUANTITIES, Attention

if TYPE_CHECKING:
    from glasscell.explain.attention.edge_net import EdgeMaps
    from glasscell.explain.attention.result import Bools, Floats, Ints


class NeighbourEdges(NamedTuple):
    """What comes in at one cell: senders, weight relative to uniform, change when the edge is removed."""

    senders: Ints
    relative: Floats
    removed: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class EdgeAttention(Attention):
    """What cells attend to among their neighbours; columns are the groups of the neighbours.

    Parameters
    ----------
    senders, receivers
        Cells of the dataset, ``(n_edges,)``, sorted by receiver; a cell's edge to itself is there too.
    weights_elh
        Attention, ``(n_edges, layers, heads)`` float32.
    norm_e
        See ``edge_net.EdgeMaps``, ``(n_edges,)``; None where the model does not tell.
    first_net_e
        Whether the first net explains the receiver, ``(n_edges,)``.
    removed_e
        Change at the receiver when the edge is removed, ``(n_edges,)``; NaN where it was not measured.
    removed_ct
        Change when all neighbours of one group are removed, ``(n, n_columns)``, NaN where not measured.
    n_edges_gt
        Edges between each group and each column.
    """

    what: ClassVar[str] = "sender group"

    senders: Ints
    receivers: Ints
    weights_elh: Floats
    norm_e: Floats | None = None
    first_net_e: Bools
    removed_e: Floats
    removed_ct: Floats
    n_edges_gt: Ints

    @cached_property
    def proper_e(self) -> Bools:
        """Edges between two cells: those of a cell to itself only count in what uniform is."""
        return np.asarray(self.senders != self.receivers)

    def edge_values(self, which: str = "mean", quantity: str = "relative") -> Floats:
        """Return a quantity for every edge, ``(n_edges,)``, NaN where nothing is known."""
        self.map_place(which)
        return edge_values(self, which, quantity)

    def neighbours(self, cell: int, which: str = "mean") -> NeighbourEdges:
        """Return the edges that come in at one cell, its edge to itself left out."""
        first, last = np.searchsorted(self.receivers, (cell, cell + 1))
        part = np.arange(first, last)[self.proper_e[first:last]]
        relative_e = self._relative(which)
        return NeighbourEdges(self.senders[part], relative_e[part], self.removed_e[part])

    def cell_values(self, column: str, which: str = "mean", quantity: str = "relative") -> Floats:
        """Return a cell's mean over its edges from one group; see ``Attention``."""
        if quantity not in CELL_QUANTITIES:
            raise DataError(f"A cell's attention has {', '.join(CELL_QUANTITIES)}, not {quantity!r}.")
        place = self.column_place(column)
        if quantity == "removed":
            out = np.full(self.n_cells, np.nan)
            out[self.cells] = self.removed_ct[:, place]
            return out
        values_e = self.edge_values(which, quantity)
        wanted = self.proper_e & (self.group_of_cell[self.senders] == place) & np.isfinite(values_e)
        count = np.bincount(self.receivers[wanted], minlength=self.n_cells)
        total = np.bincount(self.receivers[wanted], values_e[wanted], minlength=self.n_cells)
        return np.asarray(np.divide(total, count, out=np.full(self.n_cells, np.nan), where=count > 0))

    def _relative(self, which: str) -> Floats:
        held: dict[str, Floats] = self.__dict__.setdefault("_held_relative", {})
        if which not in held:
            held[which] = self.edge_values(which)
        return held[which]


def edge_values(found: EdgeAttention, which: str, quantity: str) -> Floats:
    """Return a quantity of every edge; heads only where the first net explains the receiver."""
    if quantity == "removed":
        return found.removed_e
    values_e = edge_map(found, which)
    if quantity == "relative":
        values_e = relative_edges(values_e, which, found.receivers, found.n_cells)
    return np.where(found.first_net_e, values_e, np.nan) if which.startswith("head:") else values_e


def edge_map(found: EdgeAttention | EdgeMaps, which: str) -> Floats:
    """Return one map, ``(n_edges,)``."""
    if which != "norm":
        return combine_edges(found.weights_elh, which)
    assert found.norm_e is not None
    return np.asarray(found.norm_e, np.float64)


def relative_edges(values_e: Floats, which: str, receivers: Ints, n_cells: int) -> Floats:
    """Multiply by what uniform attention divides by; norm-weighted attention goes by its mean over a cell."""
    if which != "norm":
        return values_e * edge_room(values_e, receivers, n_cells)
    count_c = np.bincount(receivers, minlength=n_cells)
    total_c = np.bincount(receivers, values_e, minlength=n_cells)
    mean_e = (total_c / np.maximum(count_c, 1))[receivers]
    return np.asarray(np.divide(values_e, mean_e, out=np.full_like(values_e, np.nan), where=mean_e > 0))


def combine_edges(weights_elh: Floats, which: str) -> Floats:
    """Reduce weights to one map: ``mean``, ``layer:1`` or ``head:1.2``, counted from one, ``(n_edges,)``."""
    kind, _, place = which.partition(":")
    if kind == "mean":
        return np.asarray(weights_elh.mean(axis=(1, 2), dtype=np.float64))
    layer, _, head = place.partition(".")
    if kind == "layer":
        return np.asarray(weights_elh[:, int(layer) - 1].mean(axis=1, dtype=np.float64))
    return np.asarray(weights_elh[:, int(layer) - 1, int(head) - 1], np.float64)
