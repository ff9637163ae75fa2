"""Where training begins: nodes at principal components of their own genes, heads at logistic regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from glasscell.models.head_start import start_head
from glasscell.models.pathway_net.network import NodeLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.component import GeneComponents
    from glasscell.models.pathway_net.network import PathwayNetNetwork


@torch.no_grad()
def start_at_components(
    network: PathwayNetNetwork, components: GeneComponents, n_free: int, job: JobHandle
) -> None:
    """Set a set's node to the first component of its genes, free nodes to as many as they are.

    A component's sign is chosen so that its weights sum to more than zero. BatchNorm would make all free
    nodes equally large: they begin as large as their components are beside each other, so that what is noise
    stays small. Free nodes beyond the number of components stay where they were drawn.

    Parameters
    ----------
    network
        With its weights drawn; changed in place.
    components
        Of the training cells.
    n_free
        How many of the last nodes are free; all of them see the same genes.
    job
        Told after every set.
    """
    layer = network.layers[0]
    assert isinstance(layer, NodeLayer)
    weight_oi, open_oi = layer.linear.weight, layer.linear.open_oi.numpy()
    n_sets = len(open_oi) - n_free
    for node in range(n_sets + bool(n_free)):
        job.report(0.0, f"components of node {node + 1} of {len(open_oi)}")
        rows = slice(node, node + 1) if node < n_sets else slice(n_sets, None)
        genes = np.flatnonzero(open_oi[node])
        axes, size = components.of(genes, len(weight_oi[rows]), job)
        axes = (axes * np.where(axes.sum(axis=0) < 0, -1.0, 1.0)).T.copy()
        weight_oi[rows][: len(axes), torch.from_numpy(genes)] = torch.from_numpy(axes).to(weight_oi)
        if node == n_sets:
            layer.norm.weight[rows][: len(axes)] = torch.from_numpy(size).to(weight_oi)


@torch.no_grad()
def start_heads(
    network: PathwayNetNetwork, rows: Sequence[Tensor], codes: NDArray[np.integer[Any]], job: JobHandle
) -> None:
    """Set BatchNorm to the spread of every layer's nodes, and every head to logistic regression on them.

    Parameters
    ----------
    network
        With its nodes at their start; changed in place.
    rows
        Input of training cells in blocks, ``(n, n_genes)`` each.
    codes
        Class of each of these cells, ``(n_cells,)``.
    """
    network.eval()
    first, moments = network.layers[0], network.standardise
    assert isinstance(first, NodeLayer)
    weight_hg = first.linear.effective / moments.scale
    values = entering = torch.cat([(x_cg - moments.mean) @ weight_hg.T for x_cg in rows])
    for place, (layer, head) in enumerate(zip(network.layers, network.heads, strict=True)):
        assert isinstance(layer, NodeLayer)
        assert isinstance(head, nn.Linear)
        norm = layer.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        if place:
            entering = layer.linear(values)
        norm.running_mean.copy_(entering.mean(dim=0))
        norm.running_var.copy_(entering.var(dim=0))
        values = torch.tanh(norm(entering)) if place else network.first_nodes(norm(entering))
        start_head(head, values, codes, job)
