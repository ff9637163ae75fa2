"""The networks of the family ``scgnn``: the feature autoencoder, and the whole with its cell graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from glasscell.models.vae.layer import Decoder, Encoder, GaussianSample, divergence

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Tensors with a row (or column) per training cell; their sizes come with them.
PER_CELL = ("cell_latent", "neighbour", "distance", "kept", "cluster", "graph_latent", "flow", "rounds")


class FeatureNetwork(nn.Module):
    """Normalised expression to a few latents and back to the share of each gene in a cell's counts.

    Parameters
    ----------
    n_genes, n_latent, hidden, dropout, input_dropout
        Sizes, and shares of hidden units and genes left out in training.
    """

    steps: Tensor

    def __init__(
        self, n_genes: int, n_latent: int, *, hidden: int, dropout: float = 0.0, input_dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.encoder = Encoder(n_genes, n_latent, hidden=hidden, dropout=dropout, input_dropout=input_dropout)
        self.sample = GaussianSample()
        self.decoder = Decoder(n_latent, n_genes, hidden=hidden, dropout=dropout)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64), persistent=False)

    def batches(self, codes: Tensor | None, like: Tensor) -> None:
        """Return None: no batch is known to it."""
        return

    def forward(self, x_cg: Tensor, target_cg: Tensor) -> tuple[Tensor, Tensor]:
        """Return how well shares drawn from the latents fit some counts, and the divergence, ``(n,)`` each.

        Parameters
        ----------
        x_cg
            Input, ``(n, n_genes)``.
        target_cg
            Counts, or a mixture of counts; see ``poisson_fit``.
        """
        mean_cz, variance_cz = self.encoder(x_cg, None)
        log_share_cg = self.decoder(self.sample(mean_cz, variance_cz), None)
        return poisson_fit(target_cg, log_share_cg), divergence(mean_cz, variance_cz)


class ScgnnNetwork(FeatureNetwork):
    """The feature autoencoder with the imputing decoder, the clusters and the cell graph.

    Parameters
    ----------
    n_clusters
        Groups of cells.
    own, prune
        Weight of a cell's own latents in its imputed values, and how long edges are cut.
    """

    domain_weight: Tensor
    domain_offset: Tensor
    mixing: Tensor
    cell_latent: Tensor
    neighbour: Tensor
    distance: Tensor
    kept: Tensor
    cluster: Tensor
    graph_latent: Tensor
    flow: Tensor
    rounds: Tensor

    def __init__(
        self,
        n_genes: int,
        n_latent: int,
        *,
        hidden: int,
        n_clusters: int,
        own: float = 0.5,
        prune: float = 1.0,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__(n_genes, n_latent, hidden=hidden, dropout=dropout, input_dropout=input_dropout)
        self.imputer = Decoder(n_latent, n_genes, hidden=hidden, dropout=dropout)
        self.register_buffer("domain_weight", torch.zeros(n_clusters, n_latent))
        self.register_buffer("domain_offset", torch.zeros(n_clusters))
        self.register_buffer("mixing", torch.tensor([own, prune]))

    def hold(self, per_cell: Mapping[str, Tensor]) -> None:
        """Keep the cell graph and what belongs to it; KeyError where a part is missing."""
        for name in PER_CELL:
            self.register_buffer(name, per_cell[name].detach().clone())


def poisson_fit(target_cg: Tensor, log_share_cg: Tensor) -> Tensor:
    """Return each cell's Poisson log-likelihood less what does not depend on the shares, ``(n,)``.

    With means size x share and shares that sum to one, the log-likelihood of counts x is sum x log share +
    a constant. It is linear in x, so a weighted mean of likelihoods is the likelihood of the weighted mean.
    """
    return (target_cg * log_share_cg).sum(dim=1)


def decoded_hidden(decoder: Decoder, latent_cz: Tensor) -> Tensor:
    """Return what a decoder's last layer reads, ``(n, hidden)``."""
    hidden_ch: Tensor = decoder.body(decoder.first(latent_cz))
    return hidden_ch
