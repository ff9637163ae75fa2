"""A trained network of neighbours as explanations see it: evaluation mode, never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from glasscell.models.spatial_attention.change import centre_of, edges_of
from glasscell.models.spatial_attention.domain_net import DomainNet, read_only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.spatial_attention.network import SpatialNetwork


class SpatialModel(DomainNet):
    """One published network of the family ``spatial_attention``.

    It offers UsesNeighbours, Attends, Encodes, Decodes, Structured, Intervenes and FindsDomains. Latents are
    found up to a rotation, so they have numbers and no names; domains are numbered by size, largest first.

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
    graph
        How neighbours are found.
    """

    network: SpatialNetwork
    tokens: tuple[str, ...] = ()

    @property
    def n_latent(self) -> int:
        """Latent dimensions."""
        return int(self.network.domain_mean.shape[1])

    def encode(self, batch: CellBatch) -> Tensor:
        """Return latents of the centres, ``(m, n_latent)``."""
        parts_cp, edges, centre = self._seen(batch)
        keep = torch.ones(len(centre), dtype=torch.bool, device=centre.device)
        return self.network.encode(parts_cp, edges, centre, parts_cp[centre], keep)

    def logits_of(self, latent_cz: Tensor) -> Tensor:
        """Return the logits of domains at some latents, ``(n, n_domains)``: a linear map."""
        return latent_cz @ self.network.domain_weight.T + self.network.domain_offset

    def decode(self, latent_cz: Tensor, batch: CellBatch) -> Tensor:
        """Return decoded (not measured) expression, in the unit of the input, ``(n, n_genes)``."""
        return self.network.expression(self.network.decode(latent_cz))

    def attention(self, batch: CellBatch) -> Tensor:
        """Return the weight of every edge, ``(n_edges, 1, heads)``.

        Weights of the edges into a centre and the weight of itself sum to one, so that times degree + 1
        they are relative to uniform.
        """
        parts_cp, edges, centre = self._seen(batch)
        keep = torch.ones(len(centre), dtype=torch.bool, device=centre.device)
        return self.network.attend(parts_cp, edges, centre, parts_cp[centre], keep)[1][:, None]

    def norm_weighted(self, batch: CellBatch) -> Tensor:
        """Return weights times the length of what each edge carries by head, ``(n_edges, 1, heads)``.

        References
        ----------
        Kobayashi et al. 2020, arXiv:2004.10102, equation 5, by head.
        """
        sent_nw = self.network.conv.lin_l(self.network.components(batch.expression))
        length_nh = sent_nw.view(len(sent_nw), self.network.heads, -1).norm(dim=2)
        weighted: Tensor = self.attention(batch) * length_nh[edges_of(batch, self.info.title)[0]][:, None]
        return weighted

    def parts(self) -> Mapping[str, Any]:
        """Return components of expression and the mixture: read-only arrays by name."""
        network = self.network
        found = {
            "components": network.loadings,
            "domain means": network.domain_mean,
            "domain covariance": network.domain_covariance,
        }
        return read_only(found)

    def _rearrange(self, network: SpatialNetwork, latents: Tensor, sign: Tensor, domains: Tensor) -> None:
        network.latent.weight.copy_(network.latent.weight[latents] * sign[:, None])
        network.latent.bias.copy_(network.latent.bias[latents] * sign)
        network.first.weight.copy_(network.first.weight[:, latents] * sign)
        for table_kz in (network.domain_weight, network.domain_mean):
            table_kz.copy_(table_kz[domains][:, latents] * sign)
        network.domain_offset.copy_(network.domain_offset[domains].clone())
        turned_zz = network.domain_covariance[latents][:, latents] * sign[:, None] * sign
        network.domain_covariance.copy_(turned_zz)

    def _seen(self, batch: CellBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Return components of all rows, edges and centres."""
        return self.network.components(batch.expression), edges_of(batch, self.info.title), centre_of(batch)
