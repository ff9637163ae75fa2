"""A first layer that is linear, through which attributions factor exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.target import Target


@runtime_checkable
class FirstLinear(Protocol):
    """A model whose score is ``rest(W x + b)`` with ``x`` its input; a row depends on itself only."""

    def inputs(self, batch: CellBatch) -> Tensor:
        """Return ``x``, ``(n, n_genes)``: the space in which attributions are made."""
        ...

    def first(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
        """Return ``W`` ``(hidden, n_genes)`` and ``b`` ``(hidden,)`` or, with covariates, ``(n, hidden)``.

        Linear preprocessing and BatchNorm are folded in.
        """
        ...

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish the score from the first layer's output, ``(n, hidden) -> (n,)``.

        Row ``i`` of ``hidden_ch`` belongs to row ``i`` of ``batch``.
        """
        ...
