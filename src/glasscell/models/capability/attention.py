"""Attention: to tokens or neighbours, and of tokens to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from glasscell.models.cell_batch import CellBatch


@runtime_checkable
class Attends(Protocol):
    """A model that weighs tokens or neighbours."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """Names of what is attended to; empty when it is neighbouring cells."""
        ...

    def attention(self, batch: CellBatch) -> Tensor:
        """Return weights ``(n, layers, heads, tokens)``, or ``(n_edges, layers, heads)`` in edge order."""
        ...


@runtime_checkable
class AttendsWithin(Attends, Protocol):
    """A model whose tokens attend to each other and stand for values it can guess from one another."""

    def summed_attention(self, batch: CellBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Return sums over rows: weights ``(layers, heads, tokens, tokens)``, those by presence, rows."""
        ...

    def guess(self, batch: CellBatch, token: int) -> Tensor:
        """Return the value of a token guessed from the others, ``(n,)``, in the unit of the input."""
        ...
