"""A trained network of neighbours as explanations see it: evaluation mode, never changed."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor

from glasscell.models.published import PublishedNet
from glasscell.models.spatial_attention.change import centre_of, changed, edges_of
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.data.neighbour import GraphSpec
    from glasscell.models.cell_batch import CellBatch, Intervention
    from glasscell.models.info import ModelInfo
    from glasscell.models.preprocessing import Preprocessing
    from glasscell.models.spatial_attention.network import SpatialNetwork


class SpatialModel(PublishedNet):
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
    hops = 1
    tokens: tuple[str, ...] = ()

    def __init__(
        self,
        network: SpatialNetwork,
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
        return int(self.network.domain_mean.shape[1])

    @property
    def n_domains(self) -> int:
        """Groups of the mixture over latents."""
        return len(self.network.domain_mean)

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and settings."""
        return {
            "preprocessing": self.preprocessing.to_json(),
            "graph": self.graph.to_json(),
            "n_components": len(self.network.loadings),
        }

    def targets(self) -> tuple[Target, ...]:
        """Return domains and latents, by number."""
        return self._known_targets

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        network = deepcopy(self.network).to(device=device, dtype=dtype)
        return type(self)(network, self.info, self.genes, self.preprocessing, self.graph)

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Return a latent's mean or a domain's logit for each centre, ``(m,)``."""
        require_target(target, self._known_targets, self.info.title)
        values_cz = self.encode(batch) if target.kind == "latent" else self.domain_logits(batch)
        return values_cz[:, int(target.name)]

    def encode(self, batch: CellBatch) -> Tensor:
        """Return latents of the centres, ``(m, n_latent)``."""
        parts_cp, edges, centre = self._seen(batch)
        keep = torch.ones(len(centre), dtype=torch.bool, device=centre.device)
        return self.network.encode(parts_cp, edges, centre, parts_cp[centre], keep)

    def domain_logits(self, batch: CellBatch) -> Tensor:
        """Return log of weight times density of each domain, less their mean, ``(m, n_domains)``."""
        return self.logits_of(self.encode(batch))

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
        arrays = {name: tensor.cpu().numpy().copy() for name, tensor in found.items()}
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
        with torch.no_grad():
            network.latent.weight.copy_(network.latent.weight[latents] * sign[:, None])
            network.latent.bias.copy_(network.latent.bias[latents] * sign)
            network.first.weight.copy_(network.first.weight[:, latents] * sign)
            for table_kz in (network.domain_weight, network.domain_mean):
                table_kz.copy_(table_kz[domains][:, latents] * sign)
            network.domain_offset.copy_(network.domain_offset[domains].clone())
            turned_zz = network.domain_covariance[latents][:, latents] * sign[:, None] * sign
            network.domain_covariance.copy_(turned_zz)
        return type(self)(network, self.info, self.genes, self.preprocessing, self.graph)

    def _seen(self, batch: CellBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Return components of all rows, edges and centres."""
        return self.network.components(batch.expression), edges_of(batch, self.info.title), centre_of(batch)

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        domains = (Target("domain", str(number)) for number in range(self.n_domains))
        return (*domains, *(Target("latent", str(number)) for number in range(self.n_latent)))
