"""Knowing what was done to a cell, and what another action would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from glasscell.models.cell_batch import CellBatch


@runtime_checkable
class UsesAction(Protocol):
    """A model that knows what was done to a cell; ``make_batch`` then fills ``CellBatch.action``."""

    @property
    def action_column(self) -> str:
        """Obs column it was trained with."""
        ...

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of the perturbations, control included, in the order of the codes."""
        ...

    @property
    def control(self) -> str:
        """Which of them is the control."""
        ...


@runtime_checkable
class GivesActions(Protocol):
    """A model that says where cells would lie had something else been done to them."""

    def action_code(self, name: str) -> int:
        """Return the code of a perturbation; raises NotCompatible for one it has not seen, pairs included."""
        ...

    def given(self, batch: CellBatch, action: int) -> Tensor:
        """Return the latents the cells would have under another perturbation, ``(n, n_latent)``."""
        ...
