"""The network of the family ``spagcn``: components, smoothed by a kernel, one linear layer, domains."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.spatial_attention.network import ComponentNetwork


class SpagcnNetwork(ComponentNetwork):
    """Components of a cell and its neighbours, added with the weights of a kernel, through one layer.

    Parameters
    ----------
    n_genes, n_components, n_domains
        Sizes; there are as many latents as components.
    mean
        Weights of a cell and its neighbours are divided by their sum; off: added as they are, as published,
        so that a cell at the border takes less.
    alpha
        Of the Student's t that says how much a cell belongs to a domain: smaller ones have longer tails.
    n_tried
        How many shares of the neighbours were tried.

    References
    ----------
    Hu et al. 2021, doi:10.1038/s41592-021-01255-8; Xie et al. 2016, arXiv:1511.06335, eq. 1.
    """

    length: Tensor
    share: Tensor
    tried: Tensor
    deviance: Tensor

    def __init__(
        self,
        n_genes: int,
        n_components: int,
        *,
        n_domains: int,
        mean: bool = True,
        alpha: float = 0.2,
        n_tried: int = 0,
    ) -> None:
        super().__init__(n_genes, n_components)
        self.mean, self.alpha = mean, alpha
        self.register_buffer("length", torch.ones(()))
        self.register_buffer("share", torch.zeros(()))
        self.register_buffer("tried", torch.zeros(n_tried))
        self.register_buffer("deviance", torch.zeros(n_tried))
        self.layer = nn.Linear(n_components, n_components)
        self.domain_mean = nn.Parameter(torch.zeros(n_domains, n_components))

    def weights(self, distances: Tensor) -> Tensor:
        """Return what a neighbour at some distance weighs, the cell itself weighing one."""
        return torch.exp(-0.5 * (distances / self.length).square())

    def smooth(self, parts_cp: Tensor, edges: Tensor, distances: Tensor, centre: Tensor) -> Tensor:
        """Add up components of the centres and of their neighbours.

        Parameters
        ----------
        parts_cp
            Components of all rows, ``(n, n_components)``.
        edges, distances
            Sender and receiver rows, ``(2, n_edges)``, and how far they are apart, ``(n_edges,)``.
        centre
            Rows asked for, each once, ``(m,)``.

        Returns
        -------
        ``(m, n_components)``.
        """
        place = torch.full((len(parts_cp),), -1, dtype=torch.int64, device=centre.device)
        place[centre] = torch.arange(len(centre), device=centre.device)
        into = place[edges[1]]
        used = into >= 0
        into, weight_e = into[used], self.weights(distances[used].to(parts_cp.dtype))
        own_mp = parts_cp[centre]
        total_mp = own_mp.index_add(0, into, weight_e[:, None] * parts_cp[edges[0][used]])
        if not self.mean:
            return total_mp
        sum_m = own_mp.new_ones(len(centre)).index_add(0, into, weight_e)
        return total_mp / sum_m[:, None]

    def latents(self, smooth_mp: Tensor) -> Tensor:
        """Return latents of smoothed components, ``(m, n_latent)``."""
        latent_mz: Tensor = self.layer(smooth_mp)
        return latent_mz

    def log_shares(self, latent_mz: Tensor) -> Tensor:
        """Return the log of each domain's share in each cell, ``(m, n_domains)``.

        Shares go as ``(1 + |h - mu|^2 / alpha) ** (-(alpha + 1) / 2)``.
        """
        square_mk = (latent_mz[:, None] - self.domain_mean[None]).square().sum(dim=2)
        kernel_mk = -0.5 * (self.alpha + 1) * torch.log1p(square_mk / self.alpha)
        return functional.log_softmax(kernel_mk, dim=1)

    def logits(self, latent_mz: Tensor) -> Tensor:
        """Return log shares less their mean over domains, ``(m, n_domains)``."""
        log_mk = self.log_shares(latent_mz)
        return log_mk - log_mk.mean(dim=1, keepdim=True)

    def forward(self, smooth_mp: Tensor) -> Tensor:
        """Return the log of each domain's share from smoothed components, ``(m, n_domains)``."""
        return self.log_shares(self.latents(smooth_mp))
