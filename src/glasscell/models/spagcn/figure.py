"""How well cells are foretold from their neighbours by the kernel, beside their plain mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from glasscell.models.spatial_attention.figure import NEIGHBOUR_MEAN, UNEXPLAINED
from glasscell.models.training_data import batch_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import TrainingData
    from glasscell.models.spagcn.model import SpagcnModel

_BLOCK = 2048


@torch.no_grad()
def kernel_figures(
    name: str, model: SpagcnModel, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
) -> Mapping[str, Mapping[str, float]]:
    """Foretell held-out cells from their neighbours alone, in the components the model sees.

    Cells without neighbours are left out.

    Parameters
    ----------
    name
        Of the model's row: neighbours weighed by the kernel.
    held_out
        Cells the net was not trained on, ``(n,)``.

    Returns
    -------
    Share of the variance around the mean cell that is left, of the kernel and of the plain mean of the same
    neighbours; lower is better, 1 is the mean cell.
    """
    assert data.neighbours is not None
    cells = held_out[data.neighbours.degree[held_out] > 0]
    if not len(cells):
        return {}
    network = model.network
    wrong, total = np.zeros(2), 0.0
    for start in range(0, len(cells), _BLOCK):
        job.report(start / len(cells))
        batch = batch_of(data, torch.from_numpy(cells[start : start + _BLOCK]), model)
        assert batch.edges is not None
        assert batch.centre is not None
        parts_cp = network.components(batch.expression)
        truth_cp, kernel_e = parts_cp[batch.centre], model.edge_weights(batch)
        for at, weight_e in enumerate((kernel_e, torch.ones_like(kernel_e))):
            into_np = torch.zeros_like(parts_cp)
            into_np.index_add_(0, batch.edges[1], weight_e[:, None] * parts_cp[batch.edges[0]])
            sum_n = torch.zeros_like(parts_cp[:, 0]).index_add_(0, batch.edges[1], weight_e)
            guess_cp = (into_np / sum_n.clamp(min=1e-12)[:, None])[batch.centre]
            wrong[at] += float((guess_cp - truth_cp).square().sum())
        total += float(truth_cp.square().sum())
    own, cheap = wrong / max(total, 1e-12)
    return {name: {UNEXPLAINED: float(own)}, NEIGHBOUR_MEAN: {UNEXPLAINED: float(cheap)}}
