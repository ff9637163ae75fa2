"""Sorting cells into classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from glasscell.models.cell_batch import CellBatch


@runtime_checkable
class Classifies(Protocol):
    """A model that sorts cells into classes."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names, in the order of the columns."""
        ...

    def logits(self, batch: CellBatch) -> Tensor:
        """Return raw scores, ``(n, n_classes)``."""
        ...

    def probabilities(self, batch: CellBatch) -> Tensor:
        """Return calibrated probabilities, ``(n, n_classes)``; rows sum to one."""
        ...
