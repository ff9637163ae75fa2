"""What a model is given: cells, and a change made to them before it sees them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor


@dataclass(frozen=True, eq=False)
class CellBatch:
    """Cells as a model takes them; all rows share one device and dtype.

    Parameters
    ----------
    expression
        In the model's gene order and preprocessing, ``(n, n_genes)``.
    indices
        Row of each cell in the dataset, ``(n,)`` int64.
    size
        Total counts, ``(n,)``; None when the data are not counts.
    batch, label, action
        Codes, ``(n,)`` int64, -1 for none.
    edges
        Sender and receiver rows of this batch, ``(2, n_edges)`` int64; none from a row to itself.
    distances
        How far sender and receiver are apart, in the order of the edges, ``(n_edges,)``.
    positions
        x and y, ``(n, 2)``.
    centre
        Rows that are scored, ``(m,)`` int64; None for all. The other rows are halo: neighbours only.
    """

    expression: Tensor
    indices: Tensor
    size: Tensor | None = None
    batch: Tensor | None = None
    label: Tensor | None = None
    action: Tensor | None = None
    edges: Tensor | None = None
    distances: Tensor | None = None
    positions: Tensor | None = None
    centre: Tensor | None = None

    def __len__(self) -> int:
        """Count the rows, halo included."""
        return int(self.expression.shape[0])

    def with_expression(self, expression: Tensor) -> Self:
        """Return the same cells with other expression values."""
        return replace(self, expression=expression)


@dataclass(frozen=True)
class Intervention:
    """A change made to cells before a model sees them.

    Parameters
    ----------
    genes
        Value each named gene is set to, in the unit of the model's input; 0 knocks it out.
    renormalise
        Whether library sizes are renormalised after genes were set.
    latents
        Value each latent is set to, by number.
    action, batch
        Code that replaces the cells' own.
    drop_edges
        Positions in ``CellBatch.edges`` to leave out.
    drop_tokens
        Places in ``Attends.tokens`` to leave out, so that nothing attends to them.
    neighbours
        Row that stands in for each row's neighbours, ``(n,)``.
    """

    genes: Mapping[str, float] | None = None
    renormalise: bool = False
    latents: Mapping[int, float] | None = None
    action: int | None = None
    batch: int | None = None
    drop_edges: Sequence[int] | None = None
    drop_tokens: Sequence[int] | None = None
    neighbours: Sequence[int] | None = None
