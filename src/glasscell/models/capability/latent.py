"""A latent space: into it, what its axes stand for, and out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from glasscell.models.cell_batch import CellBatch


@runtime_checkable
class Encodes(Protocol):
    """A model with a latent space."""

    @property
    def n_latent(self) -> int:
        """Latent dimensions."""
        ...

    def encode(self, batch: CellBatch) -> Tensor:
        """Return each cell's latent mean, ``(n, n_latent)``."""
        ...


@runtime_checkable
class NamedLatents(Encodes, Protocol):
    """A model whose latents have a meaning, such as pathways; its targets are ``latent:NAME``."""

    @property
    def latent_names(self) -> tuple[str, ...]:
        """Names of the latents, each once, in the order of the columns of ``encode``."""
        ...


@runtime_checkable
class Decodes(Protocol):
    """A model that turns latents into expected expression."""

    def decode(self, latent_cz: Tensor, batch: CellBatch) -> Tensor:
        """Return expected expression in the unit of the model's input, ``(n, n_genes)``."""
        ...
