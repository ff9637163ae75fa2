"""The network of the family ``additive_vae``: a decoder in which each latent speaks for itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.vae.layer import (
    Encoder,
    GaussianSample,
    divergence,
    negative_binomial,
    one_hot,
)

_CURVE_SPREAD = 0.5


class CurveDecoder(nn.Module):
    """Each latent alone to a log-rate per gene; the rates, not their logs, are added up.

    A latent has a linear layer of its own, then all latents share one body and one layer to the genes.

    Parameters
    ----------
    n_latent, n_genes, hidden, n_layers
        Sizes; ``n_layers`` counts the layer of its own.

    References
    ----------
    Moinfar & Theis 2024, doi:10.1101/2024.11.06.622266.
    """

    def __init__(self, n_latent: int, n_genes: int, *, hidden: int, n_layers: int = 1) -> None:
        super().__init__()
        self.weight_zh = nn.Parameter(torch.empty(n_latent, hidden))
        self.offset_zh = nn.Parameter(torch.empty(n_latent, hidden))
        layers: list[nn.Module] = [nn.ELU()]
        for _ in range(n_layers - 1):
            layers += [nn.Linear(hidden, hidden), nn.ELU()]
        self.body = nn.Sequential(*layers)
        self.genes = nn.Linear(hidden, n_genes, bias=False)

    def reset(self, generator: torch.Generator) -> None:
        """Draw the layer of each latent anew."""
        self.weight_zh.normal_(generator=generator)
        self.offset_zh.normal_(0.0, _CURVE_SPREAD, generator=generator)
        self.genes.weight.mul_(0.3)

    def reorder(self, order: Tensor, sign: Tensor) -> None:
        """Take latents in another order and sign."""
        self.weight_zh.copy_(self.weight_zh[order] * sign[:, None])
        self.offset_zh.copy_(self.offset_zh[order].clone())

    def split(self, latent_cz: Tensor) -> Tensor:
        """Return the log-rate each latent gives alone but for the base, ``(n, n_latent, n_genes)``."""
        hidden_czh = latent_cz[:, :, None] * self.weight_zh + self.offset_zh
        log_rate_czg: Tensor = self.genes(self.body(hidden_czh))
        return log_rate_czg

    def forward(self, latent_cz: Tensor) -> Tensor:
        """Return the log of the added rates, ``(n, n_genes)``."""
        return torch.logsumexp(self.split(latent_cz), dim=1)


class LinearDecoder(nn.Module):
    """Latents times loadings: log-rates, not rates, are added up."""

    def __init__(self, n_latent: int, n_genes: int) -> None:
        super().__init__()
        self.genes = nn.Linear(n_latent, n_genes, bias=False)

    def reset(self, generator: torch.Generator) -> None:
        """Start near no effect."""
        self.genes.weight.mul_(0.1)

    def reorder(self, order: Tensor, sign: Tensor) -> None:
        """Take latents in another order and sign."""
        self.genes.weight.copy_(self.genes.weight[:, order] * sign)

    def split(self, latent_cz: Tensor) -> Tensor:
        """Return what each latent adds to the log-rates, ``(n, n_latent, n_genes)``."""
        return latent_cz[:, :, None] * self.genes.weight.T

    def forward(self, latent_cz: Tensor) -> Tensor:
        """Return the added log-rates, ``(n, n_genes)``."""
        log_rate_cg: Tensor = self.genes(latent_cz)
        return log_rate_cg


class AdditiveDecoder(nn.Module):
    """Latents to the share of each gene; the batch moves each gene by a factor, whatever the latents.

    Parameters
    ----------
    n_latent, n_genes, hidden, n_layers, n_batches
        Sizes.
    linear
        Whether each latent moves log-rates along a line, else along a curve.
    """

    def __init__(
        self,
        n_latent: int,
        n_genes: int,
        *,
        hidden: int,
        n_layers: int = 1,
        n_batches: int = 0,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.factors: CurveDecoder | LinearDecoder = (
            LinearDecoder(n_latent, n_genes)
            if linear
            else CurveDecoder(n_latent, n_genes, hidden=hidden, n_layers=n_layers)
        )
        self.gene_bias = nn.Parameter(torch.zeros(n_genes))
        self.gene_batch = nn.Linear(n_batches, n_genes, bias=False) if n_batches else None

    def base(self, batch_cb: Tensor | None) -> Tensor:
        """Return what every cell (of a batch) has of each gene, ``(n_genes,)`` or ``(n, n_genes)``."""
        if self.gene_batch is None or batch_cb is None:
            return self.gene_bias
        base_cg: Tensor = self.gene_bias + self.gene_batch(batch_cb)
        return base_cg

    def log_rate(self, latent_cz: Tensor, batch_cb: Tensor | None) -> Tensor:
        """Return log-rates before they are made shares, ``(n, n_genes)``."""
        log_rate_cg: Tensor = self.factors(latent_cz) + self.base(batch_cb)
        return log_rate_cg

    def forward(self, latent_cz: Tensor, batch_cb: Tensor | None) -> Tensor:
        """Return log shares, ``(n, n_genes)``; ``exp`` of a row sums to one."""
        return functional.log_softmax(self.log_rate(latent_cz, batch_cb), dim=1)


class AdditiveNetwork(nn.Module):
    """Counts as a negative binomial whose mean is the cell's size times the decoded shares.

    Parameters
    ----------
    n_genes, n_latent, n_batches
        Sizes; no batch is known to it when ``n_batches`` is 0.
    hidden, n_layers, dropout, input_dropout, encode_batch
        Of the encoder.
    decoder_hidden, linear
        Of the decoder.
    """

    steps: Tensor
    low: Tensor
    high: Tensor

    def __init__(
        self,
        n_genes: int,
        n_latent: int,
        *,
        n_batches: int = 0,
        hidden: int = 64,
        n_layers: int = 1,
        dropout: float = 0.1,
        input_dropout: float = 0.0,
        encode_batch: bool = True,
        decoder_hidden: int = 32,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.n_batches, self.linear = n_batches, linear
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
        self.decoder = AdditiveDecoder(
            n_latent, n_genes, hidden=decoder_hidden, n_layers=n_layers, n_batches=n_batches, linear=linear
        )
        self.log_dispersion = nn.Parameter(torch.zeros(n_genes))
        self.register_buffer("low", torch.zeros(n_latent))
        self.register_buffer("high", torch.zeros(n_latent))
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
