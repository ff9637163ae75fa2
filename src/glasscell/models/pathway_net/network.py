"""The network of the family ``pathway_net``: layers of named nodes, each with a head of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.layer import Dropout, Standardise, fold_batch_norm, seed_weights
from glasscell.models.mask import MaskedLinear

if TYPE_CHECKING:
    from collections.abc import Sequence


class NodeLayer(nn.Module):
    """Nodes that see what they are connected to: masked linear, BatchNorm, tanh.

    Parameters
    ----------
    open_oi
        Which nodes before reach which nodes here, ``(n_nodes, n_before)`` bool.
    """

    def __init__(self, open_oi: Tensor) -> None:
        super().__init__()
        self.linear = MaskedLinear(open_oi)
        self.norm = nn.BatchNorm1d(open_oi.shape[0])

    def forward(self, x: Tensor) -> Tensor:
        """Return the nodes' values, ``(n, n_before) -> (n, n_nodes)``, between -1 and 1."""
        return torch.tanh(self.norm(self.linear(x)))


class PathwayNetNetwork(nn.Module):
    """Genes to sets, sets to groups where there are some, a head of logits on every layer.

    The logits of the network are the mean of the heads', as the prediction of P-NET is the mean of its
    heads'. Nodes differ in how many genes they see; BatchNorm gives all of them the same spread before tanh.
    Free nodes of the first layer stay linear: they are there for what is plain.

    Parameters
    ----------
    masks
        ``open_oi`` of each layer; the first has a column per gene.
    n_classes
        Outputs.
    n_linear
        Last nodes of the first layer that have no tanh.
    input_dropout, dropout
        Share of genes and of nodes left out in training.

    References
    ----------
    Elmarakeby et al. 2021, doi:10.1038/s41586-021-03922-4 (P-NET); Fortelny & Bock 2020,
    doi:10.1186/s13059-020-02100-5 (KPNN).
    """

    def __init__(
        self,
        masks: Sequence[Tensor],
        n_classes: int,
        *,
        n_linear: int = 0,
        input_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.n_linear = n_linear
        self.standardise = Standardise(masks[0].shape[1])
        self.input_dropout = Dropout(input_dropout)
        self.layers = nn.ModuleList([NodeLayer(mask) for mask in masks])
        self.dropout = Dropout(dropout)
        self.heads = nn.ModuleList([nn.Linear(mask.shape[0], n_classes) for mask in masks])

    def forward(self, x_cg: Tensor) -> Tensor:
        """Return the logits of every head, ``(layers, n, n_classes)``."""
        nodes = self.first_nodes(self.first_output(x_cg))
        return torch.stack(self._heads(0, nodes))

    def first_output(self, x_cg: Tensor) -> Tensor:
        """Return what the first tanh receives, ``(n, n_nodes)``, as it is computed in training.

        A dropped gene stands at its mean: the network learns to do without it, not to read its absence.
        """
        first = self.layers[0]
        assert isinstance(first, NodeLayer)
        centred_cg = self.input_dropout(x_cg - self.standardise.mean)
        hidden: Tensor = first.norm(
            functional.linear(centred_cg, first.linear.effective / self.standardise.scale)
        )
        return hidden

    def first_nodes(self, hidden_ch: Tensor) -> Tensor:
        """Return the values of the first layer's nodes, ``(n, n_nodes)``."""
        bent = hidden_ch.shape[1] - self.n_linear
        return torch.cat([torch.tanh(hidden_ch[:, :bent]), hidden_ch[:, bent:]], dim=1)

    def nodes(self, hidden_ch: Tensor) -> tuple[Tensor, ...]:
        """Return the values of every layer's nodes from what the first tanh receives."""
        found = [self.first_nodes(hidden_ch)]
        for layer in list(self.layers)[1:]:
            found.append(layer(found[-1]))
        return tuple(found)

    def logits(self, hidden_ch: Tensor) -> Tensor:
        """Return the mean of the heads' logits, ``(n, n_classes)``."""
        return self.logits_from(0, self.first_nodes(hidden_ch))

    def logits_from(self, layer: int, nodes: Tensor) -> Tensor:
        """Return what a layer's nodes add to the logits: its own head's and all later heads' part.

        For the first layer these are the logits; for a later one the heads before it are left out.
        """
        return torch.stack(self._heads(layer, nodes)).sum(dim=0) / len(self.heads)

    def _heads(self, layer: int, nodes: Tensor) -> list[Tensor]:
        found = []
        for place in range(layer, len(self.heads)):
            if place > layer:
                nodes = self.layers[place](nodes)
            nodes = self.dropout(nodes)
            found.append(self.heads[place](nodes))
        return found

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return ``W`` and ``b`` with ``W x + b == first_output(x)`` in evaluation mode."""
        first = self.layers[0]
        assert isinstance(first, NodeLayer)
        weight_hg = first.linear.effective / self.standardise.scale
        return fold_batch_norm(weight_hg, -(weight_hg @ self.standardise.mean), first.norm)


def seed_network(network: PathwayNetNetwork, seed: int) -> None:
    """Draw all weights anew from a generator of their own; connections stay.

    A node's weights are as large as gives it a spread of one, however many connections it has.
    """
    seed_weights(network, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for layer in network.layers:
            assert isinstance(layer, NodeLayer)
            inputs_o = layer.linear.open_oi.sum(dim=1).clamp(min=1)
            weight_oi = layer.linear.weight
            weight_oi.normal_(generator=generator).mul_(inputs_o[:, None].to(weight_oi) ** -0.5)
            weight_oi.mul_(layer.linear.open_oi)
        for head in network.heads:
            assert isinstance(head, nn.Linear)
            head.weight.normal_(generator=generator).mul_(head.in_features**-0.5)
