"""An input that can be changed on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from glasscell.models.cell_batch import CellBatch, Intervention


@runtime_checkable
class Intervenes(Protocol):
    """A model whose input can be changed on purpose."""

    def apply(self, batch: CellBatch, intervention: Intervention) -> CellBatch:
        """Return the batch after the change; raises NotCompatible for one it cannot make."""
        ...
