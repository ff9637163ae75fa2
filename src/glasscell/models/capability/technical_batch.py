"""Knowing in which technical batch a cell was measured."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class UsesBatch(Protocol):
    """A model that knows the technical batch of a cell; ``make_batch`` then fills ``CellBatch.batch``."""

    @property
    def batch_column(self) -> str:
        """Obs column it was trained with; empty for none."""
        ...

    @property
    def batches(self) -> tuple[str, ...]:
        """Names of the batches, in the order of the codes."""
        ...
