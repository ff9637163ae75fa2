"""Dividing cells into domains, with numbers or with names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from glasscell.models.cell_batch import CellBatch


@runtime_checkable
class FindsDomains(Protocol):
    """A model that divides cells into domains, numbered from 0 by size; its targets ``domain:2``."""

    @property
    def n_domains(self) -> int:
        """Count the domains."""
        ...

    def domain_logits(self, batch: CellBatch) -> Tensor:
        """Return the logit of each domain for each scored row, ``(n, n_domains)``."""
        ...

    def logits_of(self, latent_cz: Tensor) -> Tensor:
        """Return the same from latents, ``(n, n_latent) -> (n, n_domains)``."""
        ...


@runtime_checkable
class NamesDomains(FindsDomains, Protocol):
    """A model whose domains have names, and which may say that a cell is in none; targets ``domain:NAME``."""

    @property
    def domain_names(self) -> tuple[str, ...]:
        """Names, each once, in the order of the numbers."""
        ...

    def domain_codes(self, latent_cz: Tensor) -> Tensor:
        """Return the number of each cell's domain, ``(n,)`` int64, -1 for none of them."""
        ...
