"""Foretelling what was not measured of a cell: where its genes go, what lies around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from glasscell.models.cell_batch import CellBatch


@runtime_checkable
class ForetellsVelocities(Protocol):
    """A model that says how fast genes rise or fall in each cell."""

    @property
    def moving(self) -> tuple[str, ...]:
        """Genes that have a velocity."""
        ...

    def velocity(self, batch: CellBatch) -> Tensor:
        """Return the velocity of each of them, ``(n, n_moving)``."""
        ...


@runtime_checkable
class ForetellsNiches(Protocol):
    """A model that says which types of cells lie around each cell."""

    @property
    def types(self) -> tuple[str, ...]:
        """Types of neighbours."""
        ...

    def niche(self, batch: CellBatch) -> Tensor:
        """Return the share of each type among a cell's neighbours, ``(n, n_types)``."""
        ...
