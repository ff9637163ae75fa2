"""A trained VAE as explanations see it: evaluation mode, no gradients on weights, never changed."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from glasscell.errors import NotCompatible
from glasscell.models.published import BatchNet
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.vae.network import VaeNetwork


class VaeModel(BatchNet):
    """One published network of the family ``vae``: FirstLinear, Encodes, Decodes and UsesBatch.

    A single latent has no meaning of its own: latents are found up to a rotation, so their axes have
    numbers and no names.
    """

    network: VaeNetwork

    @property
    def n_latent(self) -> int:
        """Latent dimensions."""
        return self.network.encoder.n_latent

    def targets(self) -> tuple[Target, ...]:
        """Return the latents, by number."""
        return self._known_targets

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        network = deepcopy(self.network).to(device=device, dtype=dtype)
        return type(self)(network, self.info, self.genes, self.preprocessing, self.batch_column, self.batches)

    def first(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
        """Return ``W`` and ``b`` with standardisation, BatchNorm and the batch's shift folded in."""
        return self.network.encoder.folded(self._batch_rows(batch))

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish the latent asked for from the first layer's output."""
        require_target(target, self._known_targets, self.info.title)
        return self.network.encoder.latent(hidden_ch)[:, int(target.name)]

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Return one latent's mean, ``(n,)``, layer by layer."""
        require_target(target, self._known_targets, self.info.title)
        return self.encode(batch)[:, int(target.name)]

    def encode(self, batch: CellBatch) -> Tensor:
        """Return latent means, ``(n, n_latent)``."""
        return self.spread(batch)[0]

    def spread(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
        """Return mean and variance of each cell's latents, ``(n, n_latent)`` each."""
        mean_cz, variance_cz = self.network.encoder(self.inputs(batch), self._batch_rows(batch))
        return mean_cz, variance_cz

    def decode(self, latent_cz: Tensor, batch: CellBatch) -> Tensor:
        """Return decoded (not measured) expression, log-normalised, ``(n, n_genes)``."""
        total = self.preprocessing.target_sum or 1.0
        return torch.log1p(total * self.share(latent_cz, batch))

    def share(self, latent_cz: Tensor, batch: CellBatch) -> Tensor:
        """Return each gene's expected share of a cell's counts, ``(n, n_genes)``; rows sum to one.

        Cells of a batch the model has not seen are decoded half-way between those it has.
        """
        codes = self._codes(batch)
        if codes is not None and len(codes) != len(latent_cz):
            raise NotCompatible("Decoding needs one latent per cell of the batch.")
        log_share_cg: Tensor = self.network.decoder(latent_cz, self.network.batches(codes, latent_cz))
        return log_share_cg.exp()

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        return tuple(Target("latent", str(number)) for number in range(self.n_latent))

    def _codes(self, batch: CellBatch) -> Tensor | None:
        if batch.batch is None or batch.centre is None:
            return batch.batch
        return batch.batch[batch.centre]

    def _batch_rows(self, batch: CellBatch) -> Tensor | None:
        return self.network.batches(self._codes(batch), self.inputs(batch))
