"""A trained network of smoothed expression as explanations see it: evaluation mode, never changed."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor

from glasscell.errors import NotCompatible
from glasscell.models.published import PublishedNet
from glasscell.models.spatial_attention.change import centre_of, changed, edges_of
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.data.neighbour import GraphSpec
    from glasscell.models.cell_batch import CellBatch, Intervention
    from glasscell.models.info import ModelInfo
    from glasscell.models.preprocessing import Preprocessing
    from glasscell.models.spagcn.network import SpagcnNetwork


class SpagcnModel(PublishedNet):
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
    hops = 1
    #: What the share of a domain is, for legends.
    share_unit = "under Student's t around the domains"

    def __init__(
        self,
        network: SpagcnNetwork,
        info: ModelInfo,
        genes: tuple[str, ...],
        preprocessing: Preprocessing,
        graph: GraphSpec,
    ) -> None:
        super().__init__(network, info, genes, preprocessing)
        self._graph = graph

    @property
    def graph(self) -> GraphSpec:
        """How neighbours are found."""
        return self._graph

    @property
    def n_latent(self) -> int:
        """Latent dimensions."""
        return len(self.network.loadings)

    @property
    def n_domains(self) -> int:
        """Count the domains."""
        return len(self.network.domain_mean)

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
        return {
            "preprocessing": self.preprocessing.to_json(),
            "graph": self.graph.to_json(),
            "n_components": len(self.network.loadings),
            "n_tried": len(self.network.tried),
        }

    def targets(self) -> tuple[Target, ...]:
        """Return domains and latents, by number."""
        return self._known_targets

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        network = deepcopy(self.network).to(device=device, dtype=dtype)
        return type(self)(network, self.info, self.genes, self.preprocessing, self.graph)

    def with_kernel(self, graph: GraphSpec, length: float) -> Self:
        """Return the same network over other neighbours, or with a kernel of another length."""
        network = deepcopy(self.network)
        network.length.fill_(length)
        return type(self)(network, self.info, self.genes, self.preprocessing, graph)

    def rearranged(self, latents: Tensor, sign: Tensor, domains: Tensor) -> Self:
        """Return the model with its latents in another order and sign, and its domains in another order.

        Parameters
        ----------
        latents, sign
            Which latent becomes latent ``k``, and what it is multiplied by, 1 or -1, ``(n_latent,)``.
        domains
            Which domain becomes domain ``k``, ``(n_domains,)``.
        """
        network = deepcopy(self.network)
        layer = network.layer
        with torch.no_grad():
            layer.weight.copy_(layer.weight[latents] * sign[:, None])
            layer.bias.copy_(layer.bias[latents] * sign)
            network.domain_mean.copy_(network.domain_mean[domains][:, latents] * sign)
        return type(self)(network, self.info, self.genes, self.preprocessing, self.graph)

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Return a latent or a domain's log share less the mean over domains, for each centre, ``(m,)``."""
        require_target(target, self._known_targets, self.info.title)
        values_cz = self.encode(batch) if target.kind == "latent" else self.domain_logits(batch)
        return values_cz[:, int(target.name)]

    def encode(self, batch: CellBatch) -> Tensor:
        """Return latents of the centres, ``(m, n_latent)``."""
        edges = edges_of(batch, self.info.title)
        parts_cp = self.network.components(batch.expression)
        smooth_mp = self.network.smooth(parts_cp, edges, self._distances(batch), centre_of(batch))
        return self.network.latents(smooth_mp)

    def domain_logits(self, batch: CellBatch) -> Tensor:
        """Return the log of each domain's share less their mean, ``(m, n_domains)``."""
        return self.logits_of(self.encode(batch))

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
        arrays = {name: tensor.detach().cpu().numpy().copy() for name, tensor in found.items()}
        for array in arrays.values():
            array.setflags(write=False)
        return arrays

    def apply(self, batch: CellBatch, intervention: Intervention) -> CellBatch:
        """Return the batch without some edges, with others' neighbours or with genes of the centres set.

        Raises
        ------
        NotCompatible
            Something else is asked for, or a gene is unknown.
        """
        return changed(batch, intervention, self.genes, self.info.title)

    def _distances(self, batch: CellBatch) -> Tensor:
        if batch.distances is None:
            raise NotCompatible(f"{self.info.title} weighs neighbours by distance: make the batch anew.")
        return batch.distances

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        domains = (Target("domain", str(number)) for number in range(self.n_domains))
        return (*domains, *(Target("latent", str(number)) for number in range(self.n_latent)))
