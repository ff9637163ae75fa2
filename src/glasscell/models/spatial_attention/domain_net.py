"""Published networks over neighbours that sort cells into domains, and what their families share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import torch

from glasscell.models.published import NetFamily, PublishedNet
from glasscell.models.spatial_attention.change import changed
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.data.neighbour import GraphSpec
    from glasscell.models.cell_batch import CellBatch, Intervention
    from glasscell.models.info import ModelInfo
    from glasscell.models.preprocessing import Preprocessing


class DomainNet(PublishedNet, ABC):
    """A published network that encodes cells with their neighbours and sorts them into numbered domains.

    Parameters
    ----------
    network, info, genes, preprocessing
        As of every published network.
    graph
        How neighbours are found.
    """

    network: Any
    hops = 1

    def __init__(
        self,
        network: Any,
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
    @abstractmethod
    def n_latent(self) -> int:
        """Latent dimensions."""

    @property
    def n_domains(self) -> int:
        """Count the domains."""
        return len(self.network.domain_mean)

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and settings."""
        return {
            **super().description(),
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

    @abstractmethod
    def encode(self, batch: CellBatch) -> Tensor:
        """Return latents of the centres, ``(m, n_latent)``."""

    def domain_logits(self, batch: CellBatch) -> Tensor:
        """Return logits of each domain, less their mean where the family says so, ``(m, n_domains)``."""
        return self.logits_of(self.encode(batch))

    @abstractmethod
    def logits_of(self, latent_cz: Tensor) -> Tensor:
        """Return the logits of domains at some latents, ``(n, n_domains)``."""

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
            self._rearrange(network, latents, sign, domains)
        return type(self)(network, self.info, self.genes, self.preprocessing, self.graph)

    @abstractmethod
    def _rearrange(self, network: Any, latents: Tensor, sign: Tensor, domains: Tensor) -> None:
        """Rearrange a copy of the network in place."""

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        domains = (Target("domain", str(number)) for number in range(self.n_domains))
        return (*domains, *(Target("latent", str(number)) for number in range(self.n_latent)))


def read_only(found: Mapping[str, Tensor]) -> Mapping[str, NDArray[Any]]:
    """Return copies of tensors as arrays that nobody can write to, by name."""
    arrays = {name: tensor.detach().cpu().numpy().copy() for name, tensor in found.items()}
    for array in arrays.values():
        array.setflags(write=False)
    return arrays


class DomainFamily(NetFamily):
    """Puts latents and domains of its models in another order."""

    def aligned(self, twin: Any, order: NDArray[np.int64], sign: NDArray[np.float32]) -> Any:
        """Return the model with its latents in another order and sign; domains and what is decoded stay."""
        assert isinstance(twin, DomainNet)
        same = torch.arange(twin.n_domains, device=twin.device)
        at, flip = torch.from_numpy(order).to(twin.device), torch.from_numpy(sign).to(twin.device, twin.dtype)
        return twin.rearranged(at, flip, same)

    def domains_aligned(self, twin: Any, order: NDArray[np.int64]) -> Any:
        """Return the model with its domains in another order."""
        assert isinstance(twin, DomainNet)
        same = torch.arange(twin.n_latent, device=twin.device)
        kept = torch.ones(twin.n_latent, device=twin.device, dtype=twin.dtype)
        return twin.rearranged(same, kept, torch.from_numpy(order).to(twin.device))
