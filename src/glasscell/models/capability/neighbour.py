"""Seeing a cell together with its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from glasscell.data.neighbour import GraphSpec


@runtime_checkable
class UsesNeighbours(Protocol):
    """A model whose rows interact; ``make_batch`` gives it disjoint ego graphs with ``CellBatch.centre``.

    Its scores, latents and probabilities are of the centres only, in order.
    """

    @property
    def hops(self) -> int:
        """How far a cell sees, in edges."""
        ...

    @property
    def graph(self) -> GraphSpec:
        """How its neighbours are found in a dataset."""
        ...
