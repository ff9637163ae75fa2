"""A trained VAE as explanations see it: evaluation mode, no gradients on weights, never changed."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor

from glasscell.errors import NotCompatible
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.models.info import ModelInfo
    from glasscell.models.preprocessing import Preprocessing
    from glasscell.models.protocol import CellBatch
    from glasscell.models.vae.network import VaeNetwork


class VaeModel:
    """One published network of the family ``vae``: FirstLinear, Encodes, Decodes and UsesBatch.

    A single latent has no meaning of its own: latents are found up to a rotation, so their axes have
    numbers and no names.

    Parameters
    ----------
    network
        Trained; a copy is kept.
    info
        Words about the family.
    genes
        Names of the inputs.
    preprocessing
        How counts become its input.
    batch_column, batches
        Obs column of the technical batch and its values, in the order of the codes; empty for none.
    """

    def __init__(
        self,
        network: VaeNetwork,
        info: ModelInfo,
        genes: tuple[str, ...],
        preprocessing: Preprocessing,
        batch_column: str = "",
        batches: tuple[str, ...] = (),
    ) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self._info, self._genes, self._preprocessing = info, genes, preprocessing
        self._batch_column, self._batches = batch_column, batches

    @property
    def info(self) -> ModelInfo:
        """Words about the family."""
        return self._info

    @property
    def genes(self) -> tuple[str, ...]:
        """Input genes, in order."""
        return self._genes

    @property
    def preprocessing(self) -> Preprocessing:
        """How counts become this model's input."""
        return self._preprocessing

    @property
    def batch_column(self) -> str:
        """Obs column of the technical batch; empty for none."""
        return self._batch_column

    @property
    def batches(self) -> tuple[str, ...]:
        """Names of the batches, in the order of the codes."""
        return self._batches

    @property
    def n_latent(self) -> int:
        """Latent dimensions."""
        return self.network.encoder.n_latent

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.network.log_dispersion.device

    @property
    def dtype(self) -> torch.dtype:
        """Number type of weights and input."""
        return self.network.log_dispersion.dtype

    @cached_property
    def fingerprint(self) -> str:
        """Digest of everything a score depends on; the same on every device."""
        words = {**self.description(), "genes": self.genes}
        digest = hashlib.sha256(json.dumps(words, sort_keys=True).encode())
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and settings."""
        return {
            "preprocessing": self.preprocessing.to_json(),
            "batch_column": self.batch_column,
            "batches": list(self.batches),
        }

    def targets(self) -> tuple[Target, ...]:
        """Return the latents, by number."""
        return self._known_targets

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        network = deepcopy(self.network).to(device=device, dtype=dtype)
        return type(self)(network, self.info, self.genes, self.preprocessing, self.batch_column, self.batches)

    def inputs(self, batch: CellBatch) -> Tensor:
        """Return log-normalised expression, ``(n, n_genes)``; ``first`` standardises."""
        return batch.expression if batch.centre is None else batch.expression[batch.centre]

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
