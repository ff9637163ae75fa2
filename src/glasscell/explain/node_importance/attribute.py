"""What each node of a layered network adds to a class: integrated gradients from one layer on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from glasscell.explain.network import gradient_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.models.capability.structure import HasNodes
    from glasscell.models.cell_batch import CellBatch

#: Points on the path from the start to the cell; heads are linear and tanh is smooth, so few are enough.
STEPS = 8


def node_attributions(
    net: HasNodes, batch: CellBatch, start_g: Tensor, code: int, steps: int = STEPS
) -> tuple[Tensor, ...]:
    """Attribute the logit of a class, less the mean of the other classes', to the nodes of each layer.

    Along a straight path from the nodes' values at the start to those of the cell. Of the first layer the
    attributions of a cell sum to the change of the score; of a later layer to the change of what its own and
    later heads give, as the heads before it do not pass through it.

    Parameters
    ----------
    batch
        Cells.
    start_g
        Expression that cells are compared with, ``(n_genes,)``.
    code
        Which class.

    Returns
    -------
    One table per layer, ``(n, n_nodes)``, in logits.

    References
    ----------
    Sundararajan et al. 2017, arXiv:1703.01365, equation 1, on hidden nodes in place of inputs.
    """
    with torch.no_grad():
        ends = net.node_values(batch)
        row = batch.expression[:1]
        starts = net.node_values(
            type(batch)(start_g.to(row)[None], torch.zeros(1, dtype=torch.int64, device=row.device))
        )
    places, weights = np.polynomial.legendre.leggauss(steps)
    found = []
    for layer, (end_cn, start_1n) in enumerate(zip(ends, starts, strict=True)):

        def over_others(values_cn: Tensor, layer: int = layer) -> Tensor:
            logits_ck = net.logits_from(layer, values_cn)
            logit_c = logits_ck[:, code]
            return logit_c - (logits_ck.sum(dim=1) - logit_c) / (logits_ck.shape[1] - 1)

        gradient = gradient_of(over_others)
        way_cn = end_cn - start_1n
        mean_cn = torch.zeros_like(way_cn)
        for place, weight in zip(places, weights, strict=True):
            mean_cn += float(weight) / 2 * gradient(start_1n + float(place + 1) / 2 * way_cn)
        found.append(way_cn * mean_cn)
    return tuple(found)


def shares(size_nk: NDArray[np.float64], layer_n: NDArray[np.int32]) -> NDArray[np.float64]:
    """Divide the size of each node's attributions by the sum over its layer, class by class.

    Nets differ in how sure they are; shares of nets can be compared. NaN for a class without cells.
    """
    share_nk = np.full(size_nk.shape, np.nan)
    for layer in np.unique(layer_n):
        mine = layer_n == layer
        total_k = size_nk[mine].sum(axis=0)
        share_nk[mine] = np.where(total_k > 0, size_nk[mine] / np.where(total_k > 0, total_k, 1.0), np.nan)
    return share_nk
