"""Encoder, decoder and likelihood shared by all families that model counts through latents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.layer import Dropout, Noise, Standardise, fold_batch_norm

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Smallest variance of a latent: keeps the divergence finite.
VARIANCE_FLOOR = 1e-4


class GaussianSample(Noise):
    """A draw from a normal in training, its mean in evaluation."""

    def forward(self, mean: Tensor, variance: Tensor) -> Tensor:
        """Return one latent per row, ``(n, n_latent)``."""
        if not self.training:
            return mean
        noise = torch.empty_like(mean).normal_(generator=self.generator)
        return mean + variance.sqrt() * noise


class Hidden(nn.Sequential):
    """BatchNorm, ReLU and dropout, then further blocks of a linear layer and the same."""

    def __init__(self, width: int, n_layers: int, dropout: float) -> None:
        layers: list[nn.Module] = [nn.BatchNorm1d(width), nn.ReLU(), Dropout(dropout)]
        for _ in range(n_layers - 1):
            layers += [nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(), Dropout(dropout)]
        super().__init__(*layers)


class Encoder(nn.Module):
    """Normalised expression (and, as a shift of the first layer, the batch) to a normal over latents.

    Parameters
    ----------
    n_genes, n_latent
        Sizes of input and output.
    hidden, n_layers, dropout
        Width, number and dropout of hidden layers.
    n_batches
        Technical batches whose shift is learnt in the first layer; 0 for none.
    input_dropout
        Share of genes hidden at each step of the training.
    """

    def __init__(
        self,
        n_genes: int,
        n_latent: int,
        *,
        hidden: int,
        n_layers: int = 1,
        dropout: float = 0.0,
        n_batches: int = 0,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.standardise = Standardise(n_genes)
        self.input_dropout = Dropout(input_dropout)
        self.first = nn.Linear(n_genes, hidden)
        self.batch = nn.Linear(n_batches, hidden, bias=False) if n_batches else None
        self.body = Hidden(hidden, n_layers, dropout)
        self.mean = nn.Linear(hidden, n_latent)
        self.log_variance = nn.Linear(hidden, n_latent)

    @property
    def n_latent(self) -> int:
        """Latent dimensions."""
        return self.mean.out_features

    def forward(self, x_cg: Tensor, batch_cb: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return mean and variance of each cell's latents, ``(n, n_latent)`` each."""
        standard_cg = self.input_dropout(self.standardise(x_cg))
        hidden_ch = self.body(self.first(standard_cg) + self._shift(batch_cb))
        variance_cz = self.log_variance(hidden_ch).clamp(-12.0, 8.0).exp() + VARIANCE_FLOOR
        return self.mean(hidden_ch), variance_cz

    def _shift(self, batch_cb: Tensor | None) -> Tensor | float:
        if self.batch is None or batch_cb is None:
            return 0.0
        shift_ch: Tensor = self.batch(batch_cb)
        return shift_ch

    def folded(self, batch_cb: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return ``W``, ``b`` of the first layer in evaluation mode: standardisation, batch and BatchNorm in.

        ``b`` is ``(hidden,)``, or ``(n, hidden)`` where there are batches.
        """
        weight_hg, bias = self.standardise.into(self.first)
        norm = self.body[0]
        assert isinstance(norm, nn.BatchNorm1d)
        return fold_batch_norm(weight_hg, bias + self._shift(batch_cb), norm)

    def latent(self, hidden_ch: Tensor) -> Tensor:
        """Finish the latent means from ``W x + b``, ``(n, hidden) -> (n, n_latent)``."""
        for layer in list(self.body)[1:]:
            hidden_ch = layer(hidden_ch)
        latent_cz: Tensor = self.mean(hidden_ch)
        return latent_cz


class Decoder(nn.Module):
    """Latents and batch to the share of each gene in a cell's counts; the batch enters both layers."""

    def __init__(
        self,
        n_latent: int,
        n_genes: int,
        *,
        hidden: int,
        n_layers: int = 1,
        dropout: float = 0.0,
        n_batches: int = 0,
    ) -> None:
        super().__init__()
        self.first = nn.Linear(n_latent, hidden)
        self.first_batch = nn.Linear(n_batches, hidden, bias=False) if n_batches else None
        self.body = Hidden(hidden, n_layers, dropout)
        self.genes = nn.Linear(hidden, n_genes)
        self.gene_batch = nn.Linear(n_batches, n_genes, bias=False) if n_batches else None

    def forward(self, latent_cz: Tensor, batch_cb: Tensor | None) -> Tensor:
        """Return log shares, ``(n, n_genes)``; ``exp`` of a row sums to one."""
        hidden_ch = self.first(latent_cz)
        if self.first_batch is not None and batch_cb is not None:
            hidden_ch = hidden_ch + self.first_batch(batch_cb)
        logit_cg = self.genes(self.body(hidden_ch))
        if self.gene_batch is not None and batch_cb is not None:
            logit_cg = logit_cg + self.gene_batch(batch_cb)
        return functional.log_softmax(logit_cg, dim=1)


@torch.no_grad()
def reorder_latents(encoder: Encoder, readers: Sequence[Tensor], order: Tensor, sign: Tensor) -> None:
    """Make latent ``order[k]`` the latent ``k``, times ``sign[k]``, in place; what is decoded stays the same.

    Parameters
    ----------
    readers
        Weights that read latents, ``(n_out, n_latent)`` each.
    """
    encoder.mean.weight.copy_(encoder.mean.weight[order] * sign[:, None])
    encoder.mean.bias.copy_(encoder.mean.bias[order] * sign)
    encoder.log_variance.weight.copy_(encoder.log_variance.weight[order].clone())
    encoder.log_variance.bias.copy_(encoder.log_variance.bias[order].clone())
    for read in readers:
        read.copy_(read[:, order] * sign)


def one_hot(codes: Tensor | None, n_batches: int, like: Tensor) -> Tensor | None:
    """Return batches as indicator rows, ``(n, n_batches)``; a cell of no known batch is a bit of each.

    Parameters
    ----------
    codes
        ``(n,)`` int64, -1 for unknown; None: all unknown.
    like
        Gives number of rows, device and dtype.
    """
    if not n_batches:
        return None
    if codes is None:
        return like.new_full((len(like), n_batches), 1 / n_batches)
    shown = functional.one_hot(codes.clamp(min=0), n_batches).to(like.dtype)
    return torch.where(codes[:, None] >= 0, shown, torch.full_like(shown, 1 / n_batches))


def divergence(mean_cz: Tensor, variance_cz: Tensor) -> Tensor:
    """Return KL(N(mean, variance) || N(0, 1)) summed over latents, ``(n,)``.

    References
    ----------
    Kingma & Welling 2014, arXiv:1312.6114, appendix B.
    """
    return 0.5 * (mean_cz**2 + variance_cz - 1 - variance_cz.log()).sum(dim=1)


def negative_binomial(counts_cg: Tensor, log_mean_cg: Tensor, log_dispersion_g: Tensor) -> Tensor:
    """Return the log-likelihood of each cell's counts summed over genes, ``(n,)``.

    Parameters
    ----------
    log_mean_cg
        Log of the expected counts, ``(n, n_genes)``.
    log_dispersion_g
        Log of the inverse dispersion theta, ``(n_genes,)``: the variance is mean + mean^2 / theta.

    Notes
    -----
    Gamma functions are worked out at counts above zero only; at zero their terms cancel.

    References
    ----------
    Lopez et al. 2018, doi:10.1038/s41592-018-0229-2, eq. 2.
    """
    ratio_cg = log_mean_cg - log_dispersion_g
    theta_g = log_dispersion_g.exp()
    dense_cg = (counts_cg + theta_g) * functional.softplus(ratio_cg)
    row, gene = counts_cg.nonzero(as_tuple=True)
    x, theta = counts_cg[row, gene], theta_g[gene]
    here = x * ratio_cg[row, gene] + torch.lgamma(x + theta) - torch.lgamma(theta) - torch.lgamma(x + 1)
    return -dense_cg.sum(dim=1) + dense_cg.new_zeros(len(counts_cg)).index_add(0, row, here)
