"""Where training begins: every node of the first layer at a principal component of its own genes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from glasscell.models.pathway_net.network import NodeLayer

if TYPE_CHECKING:
    from glasscell.jobs import JobHandle
    from glasscell.models.component import GeneComponents
    from glasscell.models.pathway_net.network import PathwayNetNetwork


@torch.no_grad()
def start_at_components(
    network: PathwayNetNetwork, components: GeneComponents, n_free: int, job: JobHandle
) -> None:
    """Set a set's node to the first component of its genes, free nodes to as many as they are.

    A component's sign is chosen so that its weights sum to more than zero. BatchNorm would make all free
    nodes equally large: they begin as large as their component is beside the first, so that what is noise
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
        layer.norm.weight[rows][: len(axes)] = torch.from_numpy(size / max(size[0], 1e-6)).to(weight_oi)
