"""The network of the family ``spatial_attention``: a cell and its neighbours, weighed, into a few latents."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.layer import Standardise

CLIP = 10.0


class ComponentNetwork(nn.Module):
    """Principal components of standardised expression: what networks of neighbours see of a cell.

    Parameters
    ----------
    n_genes, n_components
        Sizes.
    """

    loadings: Tensor
    unit: Tensor

    def __init__(self, n_genes: int, n_components: int) -> None:
        super().__init__()
        self.standardise = Standardise(n_genes)
        self.register_buffer("loadings", torch.zeros(n_components, n_genes))
        self.register_buffer("unit", torch.ones(()))

    def components(self, x_cg: Tensor) -> Tensor:
        """Return components of standardised expression, clipped, ``(n, n_components)``."""
        parts_cp: Tensor = functional.linear(self.standardised(x_cg), self.loadings) / self.unit
        return parts_cp

    def standardised(self, x_cg: Tensor) -> Tensor:
        """Return expression in standard deviations from the mean, clipped, ``(n, n_genes)``."""
        standard_cg: Tensor = self.standardise(x_cg)
        return standard_cg.clamp(-CLIP, CLIP)


class SpatialNetwork(ComponentNetwork):
    """Principal components of expression, attention over neighbours and oneself, latents, components again.

    Parameters
    ----------
    n_genes, n_components, hidden, n_latent, heads
        Sizes; ``hidden`` is a multiple of ``heads``.
    n_domains
        Groups of the mixture over latents.
    own_apart
        A cell's own expression has weights of its own; off: it is one more neighbour of itself.
    uniform
        Every neighbour counts the same: weights of 1 / degree instead of learnt ones.

    References
    ----------
    Brody, Alon & Yahav 2022, arXiv:2105.14491, eq. 7 (GATv2).
    """

    domain_weight: Tensor
    domain_offset: Tensor
    domain_mean: Tensor
    domain_covariance: Tensor

    def __init__(
        self,
        n_genes: int,
        n_components: int,
        *,
        hidden: int,
        n_latent: int,
        heads: int,
        n_domains: int,
        own_apart: bool = False,
        uniform: bool = False,
    ) -> None:
        from torch_geometric.nn import GATv2Conv

        super().__init__(n_genes, n_components)
        self.uniform, self.heads = uniform, heads
        self.conv = GATv2Conv(n_components, hidden // heads, heads=heads, add_self_loops=False)
        self.own = nn.Linear(n_components, hidden, bias=False) if own_apart else None
        self.latent = nn.Linear(hidden, n_latent)
        self.first = nn.Linear(n_latent, hidden)
        self.last = nn.Linear(hidden, n_components)
        self.register_buffer("domain_weight", torch.zeros(n_domains, n_latent))
        self.register_buffer("domain_offset", torch.zeros(n_domains))
        self.register_buffer("domain_mean", torch.zeros(n_domains, n_latent))
        self.register_buffer("domain_covariance", torch.eye(n_latent))
        if uniform:
            self.even()

    def even(self) -> None:
        """Weigh all neighbours alike from here on: logits of zero make weights of 1 / degree."""
        with torch.no_grad():
            self.conv.att.zero_()
        self.conv.att.requires_grad_(False)

    def seed(self, seed: int) -> None:
        """Draw all weights anew (Glorot's uniform, biases zero) from a generator of their own."""
        generator = torch.Generator().manual_seed(seed)
        for name, weight in sorted(self.named_parameters()):
            with torch.no_grad():
                if weight.ndim < 2:
                    weight.zero_()
                elif name != "conv.att" or not self.uniform:
                    bound = (6.0 / (weight.shape[-1] + weight.shape[-2])) ** 0.5
                    drawn = torch.rand(weight.shape, generator=generator) * 2 - 1
                    weight.copy_(drawn.mul_(bound))

    def attend(
        self, parts_cp: Tensor, edges: Tensor, centre: Tensor, own_mp: Tensor, keep: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Gather what the centres see.

        Parameters
        ----------
        parts_cp
            Components of all rows as senders, ``(n, n_components)``.
        edges
            Sender and receiver rows, ``(2, n_edges)``; those into other rows than centres weigh nothing.
        centre
            Rows asked for, each once, ``(m,)``.
        own_mp
            Components of the centres as they see themselves, ``(m, n_components)``.
        keep
            Whether a centre sees itself, bool ``(m,)``; one that doesn't is unknown as receiver, too.

        Returns
        -------
        What is seen, ``(m, hidden)``, and the weight of every edge, ``(n_edges, heads)``. Weights of a
        centre's edges sum to one, with that of itself where it is its own neighbour.
        """
        n, m = len(parts_cp), len(centre)
        places = torch.arange(m, device=centre.device)
        place_of_row = torch.full((n,), -1, dtype=torch.int64, device=centre.device)
        place_of_row[centre] = places
        into = place_of_row[edges[1]]
        used = into >= 0
        itself = keep if self.own is None else keep & False
        own = torch.stack([n + places[itself], places[itself]])
        joined = torch.cat([torch.stack([edges[0][used], into[used]]), own], dim=1)
        known_mp = own_mp * keep[:, None]
        views = (torch.cat([parts_cp, own_mp]), known_mp)
        seen, (_, weights) = self.conv(views, joined, return_attention_weights=True)
        if self.own is not None:
            seen = seen + self.own(known_mp)
        weight_eh = parts_cp.new_zeros(edges.shape[1], self.heads)
        weight_eh[used] = weights[: len(weights) - own.shape[1]]
        return seen, weight_eh

    def encode(self, parts_cp: Tensor, edges: Tensor, centre: Tensor, own_mp: Tensor, keep: Tensor) -> Tensor:
        """Return latents of the centres, ``(m, n_latent)``; see ``attend``."""
        seen, _ = self.attend(parts_cp, edges, centre, own_mp, keep)
        latent_cz: Tensor = self.latent(functional.elu(seen))
        return latent_cz

    def decode(self, latent_cz: Tensor) -> Tensor:
        """Return the components latents stand for, ``(m, n_components)``."""
        parts_cp: Tensor = self.last(functional.elu(self.first(latent_cz)))
        return parts_cp

    def expression(self, parts_cp: Tensor) -> Tensor:
        """Return expression that has these components, ``(m, n_genes)``, in the unit of the input."""
        standard_cg = functional.linear(parts_cp * self.unit, self.loadings.T)
        return standard_cg * self.standardise.scale + self.standardise.mean

    def forward(
        self, parts_cp: Tensor, edges: Tensor, centre: Tensor, own_mp: Tensor, keep: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return latents and decoded components of the centres; see ``attend``."""
        latent_cz = self.encode(parts_cp, edges, centre, own_mp, keep)
        return latent_cz, self.decode(latent_cz)
