"""A trained network of smoothed expression as explanations see it: evaluation mode, never changed."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Self

from glasscell.errors import NotCompatible
from glasscell.models.spatial_attention.change import centre_of, edges_of
from glasscell.models.spatial_attention.domain_net import DomainNet, read_only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from glasscell.data.neighbour import GraphSpec
    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.spagcn.network import SpagcnNetwork


class SpagcnModel(DomainNet):
    """One published network of the family ``spagcn``.

    It offers UsesNeighbours, Encodes, Structured, Intervenes and FindsDomains. Domains are numbered by size,
    largest first. It has no decoder.

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
        How neighbours are found, with distances in spacings.
    """

    network: SpagcnNetwork
    #: What the share of a domain is, for legends.
    share_unit = "under Student's t around the domains"

    @property
    def n_latent(self) -> int:
        """Latent dimensions."""
        return len(self.network.loadings)

    @property
    def share(self) -> float:
        """What neighbours weighed together in training, a cell itself weighing one: p."""
        return float(self.network.share)

    @property
    def length(self) -> float:
        """Length of the kernel, in spacings between cells: l."""
        return float(self.network.length)

    def names(self) -> Mapping[str, Any]:
        """Return names and settings that the digest covers beside the description."""
        return {**super().names(), "mean": self.network.mean, "alpha": self.network.alpha}

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and settings."""
        return {**super().description(), "n_tried": len(self.network.tried)}

    def with_kernel(self, graph: GraphSpec, length: float) -> Self:
        """Return the same network over other neighbours, or with a kernel of another length."""
        network = deepcopy(self.network)
        network.length.fill_(length)
        return type(self)(network, self.info, self.genes, self.preprocessing, graph)

    def _rearrange(self, network: SpagcnNetwork, latents: Tensor, sign: Tensor, domains: Tensor) -> None:
        layer = network.layer
        layer.weight.copy_(layer.weight[latents] * sign[:, None])
        layer.bias.copy_(layer.bias[latents] * sign)
        network.domain_mean.copy_(network.domain_mean[domains][:, latents] * sign)

    def encode(self, batch: CellBatch) -> Tensor:
        """Return latents of the centres, ``(m, n_latent)``."""
        edges = edges_of(batch, self.info.title)
        parts_cp = self.network.components(batch.expression)
        smooth_mp = self.network.smooth(parts_cp, edges, self._distances(batch), centre_of(batch))
        return self.network.latents(smooth_mp)

    def logits_of(self, latent_cz: Tensor) -> Tensor:
        """Return the logits of domains at some latents, ``(n, n_domains)``; their softmax is the share."""
        return self.network.logits(latent_cz)

    def edge_weights(self, batch: CellBatch) -> Tensor:
        """Return what each edge weighs, the receiver itself weighing one, ``(n_edges,)``: not learnt."""
        return self.network.weights(self._distances(batch).to(self.dtype))

    def parts(self) -> Mapping[str, Any]:
        """Return components, the layer, the middles of domains and what p was chosen by: read-only arrays."""
        network = self.network
        found = {
            "components": network.loadings,
            "layer": network.layer.weight,
            "domain means": network.domain_mean,
            "p": network.share,
            "length in spacings": network.length,
            "tried p": network.tried,
            "deviance of held-out counts": network.deviance,
        }
        return read_only(found)

    def _distances(self, batch: CellBatch) -> Tensor:
        if batch.distances is None:
            raise NotCompatible(f"{self.info.title} weighs neighbours by distance: make the batch anew.")
        return batch.distances
