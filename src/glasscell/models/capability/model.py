"""What every model can do: give a number per cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.info import ModelInfo
    from glasscell.models.preprocessing import Preprocessing
    from glasscell.models.target import Target


@runtime_checkable
class Model(Protocol):
    """One network that gives a number per cell."""

    @property
    def info(self) -> ModelInfo:
        """Words about the family."""
        ...

    @property
    def genes(self) -> tuple[str, ...]:
        """Input genes, in order."""
        ...

    @property
    def preprocessing(self) -> Preprocessing:
        """How counts become this model's input."""
        ...

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """Number type of its weights and input."""
        ...

    @property
    def fingerprint(self) -> str:
        """Digest of everything a score depends on."""
        ...

    def targets(self) -> tuple[Target, ...]:
        """Everything that can be scored; a contrast stands once per class."""
        ...

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Give one number per scored row, ``(n,)``, differentiable with respect to ``batch.expression``."""
        ...

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision; this one stays as it is."""
        ...
