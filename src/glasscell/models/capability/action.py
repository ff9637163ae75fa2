"""Knowing what was done to a cell, and what another action would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
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


@runtime_checkable
class LearnsActions(Protocol):
    """A model that can be told of a perturbation it was not trained with."""

    def learn_action(
        self, dataset: Dataset, indices: NDArray[np.integer[Any]], name: str, job: JobHandle = ...
    ) -> Self:
        """Return a model that also knows what was done to these cells; all else stays bit for bit."""
        ...
