"""A trained pathway net as explanations see it: evaluation mode, no gradients on weights, never changed."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from glasscell.models.published import ClassNet
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.info import ModelInfo
    from glasscell.models.pathway_net.network import PathwayNetNetwork
    from glasscell.models.preprocessing import Preprocessing


class PathwayNetModel(ClassNet):
    """One published network of the family ``pathway_net``.

    Offers FirstLinear, Classifies, NamedLatents (the nodes) and Structured (the connections).

    Parameters
    ----------
    network
        Trained; a copy is kept.
    info
        Words about the family.
    genes, classes
        Names of inputs and outputs.
    layers
        Names of the nodes of each layer, free ones last.
    n_free
        How many nodes of each layer are free.
    preprocessing
        How counts become its input.
    temperature
        Logits are divided by it before they become probabilities; scores are raw logits.
    """

    network: PathwayNetNetwork

    def __init__(
        self,
        network: PathwayNetNetwork,
        info: ModelInfo,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
        layers: tuple[tuple[str, ...], ...],
        n_free: tuple[int, ...],
        preprocessing: Preprocessing,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(network, info, genes, classes, preprocessing, temperature)
        self.layers, self.n_free = layers, n_free

    @cached_property
    def latent_names(self) -> tuple[str, ...]:
        """Names of the nodes, layer by layer."""
        return tuple(name for layer in self.layers for name in layer)

    @property
    def n_latent(self) -> int:
        """Count the nodes of all layers."""
        return len(self.latent_names)

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes, classes and settings."""
        return {
            **super().description(),
            "layers": [list(layer) for layer in self.layers],
            "n_free": list(self.n_free),
            "n_linear": self.network.n_linear,
        }

    def targets(self) -> tuple[Target, ...]:
        """Classes, contrasts of each class with the mean of the others, and the nodes by name."""
        return self._known_targets

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        return self.class_targets() + tuple(Target("latent", name) for name in self.latent_names)

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        network = deepcopy(self.network).to(device=device, dtype=dtype)
        words = (self.info, self.genes, self.classes, self.layers, self.n_free, self.preprocessing)
        return type(self)(network, *words, self.temperature)

    def first(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
        """Return ``W`` ``(nodes, n_genes)`` and ``b`` with standardisation and BatchNorm folded in."""
        return self.network.folded()

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish the score of each row from the first layer's output."""
        require_target(target, self._known_targets, self.info.title)
        if target.kind == "latent":
            return torch.cat(self.network.nodes(hidden_ch), dim=1)[:, self.latent_names.index(target.name)]
        logits_ck = self.network.logits(hidden_ch)
        return self.logit_of(logits_ck, target)

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Score each row as the network computes it, layer by layer."""
        return self.rest(self.network.first_output(self.inputs(batch)), batch, target)

    def encode(self, batch: CellBatch) -> Tensor:
        """Return the values of all nodes, ``(n, n_latent)``, in the order of ``latent_names``."""
        return torch.cat(self.node_values(batch), dim=1)

    def logits(self, batch: CellBatch) -> Tensor:
        """Return raw logits, ``(n, n_classes)``: the mean of the heads'."""
        return self.network.logits(self.network.first_output(self.inputs(batch)))

    @cached_property
    def masks(self) -> tuple[NDArray[np.bool_], ...]:
        """Which nodes before (genes for the first layer) reach each layer's nodes, read-only."""
        return tuple(_plain(layer.linear.open_oi) for layer in _modules(self.network.layers))

    def parts(self) -> Mapping[str, Any]:
        """Return nodes and connections, read-only.

        ``layers`` names of the nodes; ``masks`` and ``weights`` of each layer, ``(n_nodes, n_before)``;
        ``heads``, ``(n_classes, n_nodes)``; ``n_free``; ``reach``, genes that reach each node; ``paths``,
        ways from genes through each node to a class.
        """
        reach_n, paths_n = connectivity(self.masks, len(self.classes))
        return MappingProxyType(
            {
                "latent_names": self.latent_names,
                "layers": self.layers,
                "n_free": self.n_free,
                "genes": self.genes,
                "masks": self.masks,
                "weights": tuple(_plain(layer.linear.effective) for layer in _modules(self.network.layers)),
                "heads": tuple(_plain(head.weight) for head in _modules(self.network.heads)),
                "reach": reach_n,
                "paths": paths_n,
            }
        )

    def node_values(self, batch: CellBatch) -> tuple[Tensor, ...]:
        """Return the values of each layer's nodes, ``(n, n_nodes)`` each."""
        return self.network.nodes(self.network.first_output(self.inputs(batch)))

    def logits_from(self, layer: int, values_cn: Tensor) -> Tensor:
        """Return what a layer's nodes add to the logits by heads from this layer on, ``(n, n_classes)``.

        For the first layer these are the logits.
        """
        return self.network.logits_from(layer, values_cn)


def connectivity(
    masks: tuple[NDArray[np.bool_], ...], n_classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count how nodes are connected.

    Returns
    -------
    Genes that reach each node, and ways from a gene through it to a class (every layer has a head), both
    ``(n_nodes,)``, layer by layer.
    """
    reach, into = [], []
    reached, ways = masks[0], masks[0].sum(axis=1)
    for place, mask in enumerate(masks):
        if place:
            reached = mask.astype(np.float32) @ reached.astype(np.float32) > 0
            ways = mask.astype(np.int64) @ ways
        reach.append(reached.sum(axis=1).astype(np.int64))
        into.append(ways.astype(np.int64))
    onward = [np.zeros(0, np.int64)] * len(masks)
    for place in range(len(masks) - 1, -1, -1):
        own = np.full(len(masks[place]), n_classes, np.int64)
        later = masks[place + 1].astype(np.int64).T @ onward[place + 1] if place + 1 < len(masks) else 0
        onward[place] = own + later
    found = np.concatenate(reach), np.concatenate([a * b for a, b in zip(into, onward, strict=True)])
    for column in found:
        column.flags.writeable = False
    return found


def _modules(listed: nn.ModuleList) -> tuple[Any, ...]:
    return tuple(listed)


def _plain(tensor: Tensor) -> NDArray[Any]:
    values = tensor.detach().cpu().numpy().copy()
    values.flags.writeable = False
    return values
