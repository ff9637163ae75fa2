"""What the picture of the tissue changes: the same network asked without it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from glasscell.data.neighbour import neighbour_graph
from glasscell.errors import NotCompatible
from glasscell.jobs import QUIET
from glasscell.models.batch import make_batch
from glasscell.models.spagcn.kernel import find_length

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.spagcn.model import SpagcnModel

_BLOCK = 512


@dataclass(frozen=True, eq=False)
class HistologyEffect:
    """Domains with and without the picture.

    Parameters
    ----------
    with_c, without_c
        Domain of each cell, ``(n_cells,)``.
    moved_c
        How much of a cell's shares went to other domains, 0 to 1, ``(n_cells,)``.
    """

    with_c: NDArray[np.int32]
    without_c: NDArray[np.int32]
    moved_c: NDArray[np.float32]

    @property
    def changed(self) -> float:
        """Share of cells whose domain depends on the picture."""
        return float((self.with_c != self.without_c).mean())


def histology_effect(dataset: Dataset, model: SpagcnModel, job: JobHandle = QUIET) -> HistologyEffect:
    """Ask a network that was trained with the picture what it says without.

    Neighbours are found by their coordinates alone, and l anew, so that they keep their weight p: what is
    left is what the picture adds to where cells lie.

    Raises
    ------
    NotCompatible
        The network was trained without the picture.
    """
    if not model.graph.histology:
        raise NotCompatible("This model knows nothing of the picture: train one with histology above 0.")
    graph = replace(model.graph, histology=0.0)
    plain = model.with_kernel(graph, find_length(neighbour_graph(dataset, graph), model.share))
    shares = [_shares(dataset, one, job) for one in (model, plain)]
    moved_c = np.abs(shares[0] - shares[1]).sum(axis=1) / 2
    with_c, without_c = (np.asarray(share_ck.argmax(axis=1), np.int32) for share_ck in shares)
    return HistologyEffect(with_c, without_c, moved_c.astype(np.float32))


@torch.no_grad()
def _shares(dataset: Dataset, model: SpagcnModel, job: JobHandle) -> NDArray[np.float32]:
    """Return the share of each domain in each cell, ``(n_cells, n_domains)``."""
    parts = []
    for start in range(0, dataset.n_cells, _BLOCK):
        job.report(start / dataset.n_cells, "asking without the picture")
        cells = np.arange(start, min(start + _BLOCK, dataset.n_cells))
        batch = make_batch(dataset, model, cells)
        parts.append(torch.softmax(model.domain_logits(batch), dim=1).cpu().numpy())
    return np.concatenate(parts)
