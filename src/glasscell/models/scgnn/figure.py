"""How well hidden counts of unseen cells are imputed: with neighbours, from the cell alone, by the mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import sparse

from glasscell.data.thin import split_counts
from glasscell.models.cell_batch import CellBatch
from glasscell.models.row import normalise
from glasscell.models.scgnn.graph import find_graph
from glasscell.models.scgnn.imputation import decode_imputed
from glasscell.models.span import Span
from glasscell.models.vae.figure import DEVIANCE, HIDDEN_SHARE, poisson_deviance, reconstruction_figures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import TrainingData
    from glasscell.models.scgnn.model import ScgnnModel

#: Row of the feature autoencoder, which looks at no other cell.
ALONE = "without neighbours"
_BLOCK = 512


@torch.no_grad()
def imputation_figures(
    name: str, model: ScgnnModel, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
) -> Mapping[str, Mapping[str, float]]:
    """Hide a tenth of the counts of held-out cells and impute them from the rest.

    Neighbours are looked for among the other cells only, by what is left of the counts.

    Parameters
    ----------
    name
        Of the row of imputed values; the others are the feature autoencoder alone and the gene mean.
    held_out
        Cells the net was not trained on, ``(n,)``.

    Returns
    -------
    Mean Poisson deviance over all entries.
    """
    assert data.counts is not None
    cheap = reconstruction_figures(ALONE, model, data, held_out, Span(job, 0.0, 0.4))
    left, hidden = split_counts(
        data.counts.table_cg[held_out], HIDDEN_SHARE, np.random.default_rng([0, 0x7417])
    )
    size_c = np.asarray(left.sum(axis=1), np.float64).ravel()
    rows = normalise(sparse.csr_matrix(left), size_c, model.preprocessing.target_sum or 1.0)
    parts = []
    for start in range(0, len(held_out), _BLOCK):
        x_cg = torch.from_numpy(rows[start : start + _BLOCK].toarray()).to(model.device, model.dtype)
        batch = CellBatch(expression=x_cg, indices=torch.arange(len(x_cg)))
        parts.append(model.encode(batch).cpu().float().numpy())
    latent_cz = np.concatenate(parts)
    others = np.setdiff1d(np.arange(model.n_cells), held_out)
    among_cz = model.whole.cell_latent.cpu().float().numpy()[others]
    graph = find_graph(
        latent_cz,
        model.graph.neighbour_ck.shape[1],
        model.prune,
        among_cz=among_cz,
        own_c=np.full(len(latent_cz), -1),
        job=Span(job, 0.4, 0.5),
    )
    imputed = decode_imputed(model, latent_cz, graph, among_cz, Span(job, 0.5, 0.7))
    total, ratio = 0.0, HIDDEN_SHARE / (1 - HIDDEN_SHARE)
    for start in range(0, len(held_out), _BLOCK):
        job.report(0.7 + 0.3 * start / len(held_out))
        cells = np.arange(start, min(start + _BLOCK, len(held_out)))
        mean_cg = size_c[cells, None] * ratio * imputed.share(cells)
        total += poisson_deviance(hidden[cells].toarray(), mean_cg) * len(cells)
    return {name: {DEVIANCE: total / len(held_out)}, **cheap}
