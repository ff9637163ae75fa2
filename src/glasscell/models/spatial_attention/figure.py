"""How well a cell is foretold from its neighbours: the figure a model of neighbours is judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from glasscell.models.training_data import batch_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import TrainingData
    from glasscell.models.spatial_attention.model import SpatialModel

UNEXPLAINED = "unexplained variance"
NEIGHBOUR_MEAN = "mean of the neighbours"
_BLOCK = 2048


@torch.no_grad()
def neighbour_figures(
    name: str, model: SpatialModel, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
) -> Mapping[str, Mapping[str, float]]:
    """Foretell held-out cells from their neighbours alone, in the components the model sees.

    A model that only averages does as well as the second row. Cells without neighbours are left out.

    Parameters
    ----------
    name
        Of the model's row.
    held_out
        Cells the net was not trained on, ``(n,)``.

    Returns
    -------
    Share of the variance around the mean cell that is left, of the model and of the neighbours' mean; lower
    is better, 1 is the mean cell.
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
        truth_cp = parts_cp[batch.centre]
        unseen = torch.zeros(len(batch.centre), dtype=torch.bool, device=parts_cp.device)
        _, foretold_cp = network(parts_cp, batch.edges, batch.centre, truth_cp, unseen)
        into = torch.zeros_like(parts_cp).index_add_(0, batch.edges[1], parts_cp[batch.edges[0]])
        degree = torch.bincount(batch.edges[1], minlength=len(parts_cp)).clamp(min=1)
        mean_cp = (into / degree[:, None])[batch.centre]
        for at, guess_cp in enumerate((foretold_cp, mean_cp)):
            wrong[at] += float((guess_cp - truth_cp).square().sum())
        total += float(truth_cp.square().sum())
    own, cheap = wrong / max(total, 1e-12)
    return {name: {UNEXPLAINED: float(own)}, NEIGHBOUR_MEAN: {UNEXPLAINED: float(cheap)}}
