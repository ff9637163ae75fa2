"""A model with latents and a decoder whose every answer can be written down."""

from __future__ import annotations

import hashlib
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from torch import Tensor

from glasscell.models.preprocessing import Preprocessing
from glasscell.models.target import Target, require_target
from glasscell.testing.toy_net import INFO, toy_bundle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle
    from glasscell.models.cell_batch import CellBatch


class ToyLatent:
    """Latents are linear in the input; the decoder is linear, or adds up one rate per latent.

    Parameters
    ----------
    weights_zg
        Loadings, ``(n_latent, n_genes)``.
    genes
        Names of the inputs.
    adds_rates
        Decode ``log1p(sum_k exp(z_k w_kg))`` instead of ``z @ w``.
    latent_names
        Given to latents that have a meaning; empty for numbers.
    """

    def __init__(
        self,
        weights_zg: ArrayLike,
        genes: Sequence[str],
        *,
        adds_rates: bool = False,
        latent_names: Sequence[str] = (),
        dtype: torch.dtype = torch.float64,
    ) -> None:
        self.weights_zg = torch.as_tensor(np.asarray(weights_zg), dtype=dtype)
        self.genes = tuple(genes)
        self.adds_rates = adds_rates
        self.latent_names = tuple(latent_names)
        self.info = replace(INFO, target_kinds=("latent",))
        self.preprocessing = Preprocessing("lognorm", 100.0, "log1p normalised counts")

    @property
    def n_latent(self) -> int:
        """Latent dimensions."""
        return len(self.weights_zg)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.weights_zg.device

    @property
    def dtype(self) -> torch.dtype:
        """Number type of weights and input."""
        return self.weights_zg.dtype

    @property
    def fingerprint(self) -> str:
        """Digest of the weights."""
        return hashlib.sha256(self.weights_zg.numpy().tobytes() + bytes([self.adds_rates])).hexdigest()[:16]

    def targets(self) -> tuple[Target, ...]:
        """Return the latents."""
        return tuple(Target("latent", str(number)) for number in range(self.n_latent))

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        other = copy(self)
        other.weights_zg = self.weights_zg.to(device=device, dtype=dtype)
        return other

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Return one latent."""
        require_target(target, self.targets(), self.info.title)
        return self.encode(batch)[:, int(target.name)]

    def encode(self, batch: CellBatch) -> Tensor:
        """Return ``x @ w.T / n_genes``."""
        return batch.expression @ self.weights_zg.T / len(self.genes)

    def decode(self, latent_cz: Tensor, batch: CellBatch) -> Tensor:
        """Return expected expression."""
        if not self.adds_rates:
            return latent_cz @ self.weights_zg
        return torch.log1p((latent_cz[:, :, None] * self.weights_zg).exp().sum(dim=1))


def latent_bundle(dataset: Dataset, net: ToyLatent) -> Bundle:
    """Put a net of this kind into a bundle; it has no classes."""
    return toy_bundle(dataset, [net], [-1] * dataset.n_cells, ())
