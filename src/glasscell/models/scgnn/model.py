"""A trained ``scgnn`` as explanations see it: a cell depends on itself only; the graph stands beside."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import torch

from glasscell.models.scgnn.graph import CellGraph
from glasscell.models.scgnn.network import decoded_hidden
from glasscell.models.target import Target, require_target
from glasscell.models.vae.model import VaeModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.scgnn.network import ScgnnNetwork


class ScgnnModel(VaeModel):
    """One published network of the family ``scgnn``: FirstLinear, Encodes, Decodes, FindsDomains, Structured.

    Targets are latents and clusters (``domain:2``) as a cell's own expression gives them, so that a cell of
    another file has them too. The cell graph, its embedding and the clusters found in it are parts; imputed
    values are made by ``glasscell.models.scgnn.imputation.impute``.
    """

    @property
    def own(self) -> float:
        """Weight of a cell's own latents in its imputed values."""
        return float(self.whole.mixing[0])

    @property
    def prune(self) -> float:
        """Standard deviations beyond which an edge of a cell is cut."""
        return float(self.whole.mixing[1])

    @property
    def whole(self) -> ScgnnNetwork:
        """The network."""
        return cast("ScgnnNetwork", self.network)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.whole.domain_weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Number type of weights and input."""
        return self.whole.domain_weight.dtype

    @property
    def n_domains(self) -> int:
        """Count the clusters."""
        return len(self.whole.domain_weight)

    @property
    def n_cells(self) -> int:
        """Count the cells of the graph."""
        return len(self.whole.cluster)

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and settings."""
        return {"preprocessing": self.preprocessing.to_json(), "n_clusters": self.n_domains}

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        moved = super().to(device=device, dtype=dtype)
        return type(self)(moved.network, self.info, self.genes, self.preprocessing)

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Return a latent's mean or a cluster's logit, ``(n,)``."""
        require_target(target, self._known_targets, self.info.title)
        return self._of(self.encode(batch), target)

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish the score asked for from the first layer's output."""
        require_target(target, self._known_targets, self.info.title)
        return self._of(self.network.encoder.latent(hidden_ch), target)

    def domain_logits(self, batch: CellBatch) -> Tensor:
        """Return log of weight times density of each cluster, less their mean, ``(n, n_domains)``."""
        return self.logits_of(self.encode(batch))

    def logits_of(self, latent_cz: Tensor) -> Tensor:
        """Return the logits of clusters at some latents, ``(n, n_domains)``: a linear map."""
        return latent_cz @ self.whole.domain_weight.T + self.whole.domain_offset

    @cached_property
    def graph(self) -> CellGraph:
        """The pruned cell graph; rows are those of the data it was trained on."""
        whole = self.whole
        return CellGraph(
            whole.neighbour.cpu().numpy(), whole.distance.cpu().float().numpy(), whole.kept.cpu().numpy()
        )

    @cached_property
    def cluster_c(self) -> NDArray[np.int32]:
        """Cluster of each cell as found in the graph embedding, largest first, ``(n_cells,)``."""
        return self.whole.cluster.cpu().numpy()

    @torch.no_grad()
    def imputed_hidden(self, latent_cz: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Return what the imputing decoder's last layer reads at smoothed latents, ``(n, hidden)``."""
        values = torch.from_numpy(np.array(latent_cz)).to(self.device, self.dtype)
        return np.asarray(decoded_hidden(self.whole.imputer, values).cpu().numpy(), np.float32)

    def parts(self) -> Mapping[str, Any]:
        """Return graph, embedding, clusters and how they flowed from round to round, read-only, by name."""
        whole, graph = self.whole, self.graph
        row = np.repeat(np.arange(len(graph.neighbour_ck)), graph.neighbour_ck.shape[1])
        found = {
            "edges": np.stack([row, graph.neighbour_ck.ravel()]),
            "kept": graph.kept_ck.ravel().copy(),
            "distances": graph.distance_ck.ravel().copy(),
            "clusters": self.cluster_c.copy(),
            "graph latents": whole.graph_latent.cpu().numpy().copy(),
            "cluster flow": whole.flow.cpu().numpy().copy(),
            "rounds": whole.rounds.cpu().numpy().copy(),
        }
        for array in found.values():
            array.setflags(write=False)
        return MappingProxyType(found)

    def _of(self, latent_cz: Tensor, target: Target) -> Tensor:
        values_cz = latent_cz if target.kind == "latent" else self.logits_of(latent_cz)
        return values_cz[:, int(target.name)]

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        clusters = (Target("domain", str(number)) for number in range(self.n_domains))
        return (*clusters, *(Target("latent", str(number)) for number in range(self.n_latent)))
