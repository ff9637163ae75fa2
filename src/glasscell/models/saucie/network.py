"""The network of the family ``saucie``: a bottleneck of two numbers, a last hidden layer that is a code."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.layer import Standardise
from glasscell.models.vae.layer import one_hot

_SLOPE = 0.2


class SaucieNetwork(nn.Module):
    """Expression through a map of few dimensions and back, by way of units that are on or off.

    Parameters
    ----------
    n_genes, n_latent
        Sizes of input and map.
    hidden
        Units of the code, and of the first layer; the layers between have a half and a quarter.
    n_batches
        Technical batches whose shift the first layer and whose scale and shift the last one learn; 0 for
        none.
    n_codes, n_bits
        Clusters and toggles found after the training; sizes of what is kept of them.

    References
    ----------
    Amodio et al. 2019, doi:10.1038/s41592-019-0576-7.
    """

    threshold_u: Tensor
    softness_u: Tensor
    on_u: Tensor
    code_ku: Tensor
    bit_ju: Tensor
    active_ku: Tensor
    mean_kg: Tensor
    rest_kg: Tensor
    steps: Tensor
    size_k: Tensor

    def __init__(
        self,
        n_genes: int,
        n_latent: int,
        *,
        hidden: int,
        n_batches: int = 0,
        n_codes: int = 0,
        n_bits: int = 0,
    ) -> None:
        super().__init__()
        half, quarter = max(2, hidden // 2), max(2, hidden // 4)
        self.n_batches, self.n_latent = n_batches, n_latent
        self.standardise = Standardise(n_genes)
        self.first = nn.Linear(n_genes, hidden)
        self.batch = nn.Linear(n_batches, hidden, bias=False) if n_batches else None
        self.down = nn.Sequential(
            nn.LeakyReLU(_SLOPE),
            nn.Linear(hidden, half),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(half, quarter),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(quarter, n_latent),
        )
        self.up = nn.Sequential(
            nn.Linear(n_latent, quarter),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(quarter, half),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(half, hidden),
        )
        self.genes = nn.Linear(hidden, n_genes)
        self.gene_scale = nn.Linear(n_batches, n_genes, bias=False) if n_batches else None
        self.gene_shift = nn.Linear(n_batches, n_genes, bias=False) if n_batches else None
        for name in ("threshold_u", "on_u"):
            self.register_buffer(name, torch.zeros(hidden))
        self.register_buffer("softness_u", torch.ones(hidden))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64), persistent=False)
        self.set_sizes(n_codes, n_bits)

    def set_sizes(self, n_codes: int, n_bits: int) -> None:
        """Make room for so many clusters and toggles, all empty."""
        hidden, n_genes = self.first.out_features, self.first.in_features
        like = self.threshold_u
        for name, shape in (("code_ku", (n_codes, hidden)), ("bit_ju", (n_bits, hidden))):
            self.register_buffer(name, torch.zeros(shape, dtype=torch.bool, device=like.device))
        for name, width in (("active_ku", hidden), ("mean_kg", n_genes), ("rest_kg", n_genes)):
            self.register_buffer(name, like.new_zeros(n_codes, width))
        self.register_buffer("size_k", torch.zeros(n_codes, dtype=torch.int64, device=like.device))

    def batches(self, codes: Tensor | None, like: Tensor) -> Tensor | None:
        """Return indicator rows of batches, None when the network knows none."""
        return one_hot(codes, self.n_batches, like)

    def folded(self, batch_cb: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return ``W``, ``b`` of the first layer with scaling (and the batch, per row) folded in."""
        weight_hg, bias = self.standardise.into(self.first)
        if self.batch is None or batch_cb is None:
            return weight_hg, bias
        return weight_hg, bias + self.batch(batch_cb)

    def encode(self, x_cg: Tensor, batch_cb: Tensor | None) -> Tensor:
        """Return places on the map, ``(n, n_latent)``, of expression scaled to 0 to 1."""
        hidden_ch: Tensor = self.first(x_cg)
        if self.batch is not None and batch_cb is not None:
            hidden_ch = hidden_ch + self.batch(batch_cb)
        latent_cz: Tensor = self.down(hidden_ch)
        return latent_cz

    def drive(self, latent_cz: Tensor) -> Tensor:
        """Return what drives each unit of the code, ``(n, n_units)``; units are active above 0."""
        drive_cu: Tensor = self.up(latent_cz)
        return drive_cu

    def decode(self, active_cu: Tensor, batch_cb: Tensor | None) -> Tensor:
        """Return scaled expression from the activity of the code, ``(n, n_genes)``: a linear map."""
        x_cg: Tensor = self.genes(active_cu)
        if self.gene_scale is None or self.gene_shift is None or batch_cb is None:
            return x_cg
        own_cg: Tensor = x_cg * (1.0 + self.gene_scale(batch_cb)) + self.gene_shift(batch_cb)
        return own_cg

    def forward(self, x_cg: Tensor, codes: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Return places, activities and decoded expression of expression scaled to 0 to 1."""
        batch_cb = self.batches(codes, x_cg)
        latent_cz = self.encode(x_cg, batch_cb)
        active_cu = functional.relu(self.drive(latent_cz))
        return latent_cz, active_cu, self.decode(active_cu, batch_cb)
