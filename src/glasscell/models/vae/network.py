"""The network of the family ``vae``: an encoder, a decoder and one dispersion per gene."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from glasscell.models.vae.layer import (
    Decoder,
    Encoder,
    GaussianSample,
    divergence,
    negative_binomial,
    one_hot,
)


class VaeNetwork(nn.Module):
    """Counts as a negative binomial whose mean is the cell's size times decoded shares of genes.

    Parameters
    ----------
    n_genes, n_latent, n_batches
        Sizes; no batch is known to it when ``n_batches`` is 0.
    hidden, n_layers, dropout, input_dropout
        Of encoder and decoder.
    encode_batch
        Whether the encoder is told the batch too.
    """

    steps: Tensor

    def __init__(
        self,
        n_genes: int,
        n_latent: int,
        *,
        n_batches: int = 0,
        hidden: int = 128,
        n_layers: int = 1,
        dropout: float = 0.1,
        input_dropout: float = 0.0,
        encode_batch: bool = True,
    ) -> None:
        super().__init__()
        self.n_batches = n_batches
        self.encoder = Encoder(
            n_genes,
            n_latent,
            hidden=hidden,
            n_layers=n_layers,
            dropout=dropout,
            n_batches=n_batches if encode_batch else 0,
            input_dropout=input_dropout,
        )
        self.sample = GaussianSample()
        self.decoder = Decoder(
            n_latent, n_genes, hidden=hidden, n_layers=n_layers, dropout=dropout, n_batches=n_batches
        )
        self.log_dispersion = nn.Parameter(torch.zeros(n_genes))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64), persistent=False)

    def batches(self, codes: Tensor | None, like: Tensor) -> Tensor | None:
        """Return indicator rows of batches, None when the network knows none."""
        return one_hot(codes, self.n_batches, like)

    def forward(
        self, x_cg: Tensor, counts_cg: Tensor, size_c: Tensor, codes: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return each cell's log-likelihood at a drawn latent and its divergence from the prior, ``(n,)``."""
        batch_cb = self.batches(codes, x_cg)
        mean_cz, variance_cz = self.encoder(x_cg, batch_cb)
        log_share_cg = self.decoder(self.sample(mean_cz, variance_cz), batch_cb)
        log_mean_cg = log_share_cg + size_c.clamp(min=1.0).log()[:, None]
        fit_c = negative_binomial(counts_cg, log_mean_cg, self.log_dispersion.clamp(-8.0, 10.0))
        return fit_c, divergence(mean_cz, variance_cz)
