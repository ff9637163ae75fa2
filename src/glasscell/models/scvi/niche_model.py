"""A SCVIVA as explanations see it: latents of the cell's own counts that foretell what lies around it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from glasscell.models.scvi.model import ScviModel
from glasscell.models.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.models.cell_batch import CellBatch


class NicheModel(ScviModel):
    """One SCVIVA: all that ``ScviModel`` is, and the types it expects around a cell.

    Its encoder reads the cell's own counts alone. The niche taught it, so that a latent, and what is
    foretold of the niche, are explained by the cell's own genes.

    Parameters
    ----------
    types
        Types of neighbours, in the order of the network.
    label_column
        Obs column they came from.
    """

    def __init__(self, *args: Any, types: tuple[str, ...], label_column: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._types, self._label_column = types, label_column

    @property
    def types(self) -> tuple[str, ...]:
        """Types of neighbours; its targets are ``niche:TYPE``."""
        return self._types

    @property
    def label_column(self) -> str:
        """Obs column the types came from."""
        return self._label_column

    @property
    def _mean(self) -> Any:
        return self._first_half

    def _first_half(self, hidden_ch: Tensor) -> Tensor:
        """Return the means; this encoder gives means and variances by one layer."""
        both: Tensor = self.network.z_encoder.dist_encoder(hidden_ch)
        return both.chunk(2, dim=-1)[0]

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and settings."""
        return {**super().description(), "types": list(self.types), "label_column": self.label_column}

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        latents = tuple(Target("latent", str(number)) for number in range(self.n_latent))
        return latents + tuple(Target("niche", name) for name in self.types)

    def _score(self, latent_cz: Tensor, target: Target) -> Tensor:
        if target.kind == "latent":
            return super()._score(latent_cz, target)
        amount_ct = self._amounts(latent_cz)
        own = self.types.index(target.name)
        others = torch.cat([amount_ct[:, :own], amount_ct[:, own + 1 :]], dim=1)
        return amount_ct[:, own].log() - others.sum(dim=1).log()

    def _amounts(self, latent_cz: Tensor) -> Tensor:
        """Return the parameters of the Dirichlet that the network expects niches to follow."""
        amount_ct: Tensor = self.network.composition_decoder(latent_cz).concentration
        return amount_ct

    def niche(self, batch: CellBatch) -> Tensor:
        """Return the share of each type expected among a cell's neighbours, ``(n, n_types)``.

        A target ``niche:TYPE`` is the log-odds of that share.
        """
        amount_ct = self._amounts(self.encode(batch))
        return amount_ct / amount_ct.sum(dim=1, keepdim=True)
