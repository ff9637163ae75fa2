"""How well counts are foretold from their own thinned copy: the figure a model of counts is judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from glasscell.data.thin import split_counts
from glasscell.models.cell_batch import CellBatch
from glasscell.models.row import normalise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.jobs import JobHandle
    from glasscell.models.family import TrainingData
    from glasscell.models.vae.model import VaeModel

Floats = NDArray[np.floating[Any]]

HIDDEN_SHARE = 0.1
DEVIANCE = "Poisson deviance"
GENE_MEAN = "gene mean x size"
_SMALLEST = 1e-12
_BLOCK = 512


def poisson_deviance(counts_cg: Floats, mean_cg: Floats) -> float:
    """Return 2 (x log(x / mean) - x + mean) averaged over all entries, zeros included."""
    x, mean = np.asarray(counts_cg, np.float64), np.maximum(np.asarray(mean_cg, np.float64), _SMALLEST)
    log_part = np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0) / mean), 0.0)
    return float(2 * np.mean(log_part - x + mean))


def reconstruction_figures(
    name: str, model: VaeModel, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
) -> Mapping[str, Mapping[str, float]]:
    """Hide a tenth of the counts of held-out cells and foretell them from the rest.

    Parameters
    ----------
    name
        Of the model's row; the other row foretells each gene's share in the training cells.
    held_out
        Cells the net was not trained on, ``(n,)``.

    Returns
    -------
    Mean Poisson deviance over all entries, of the model and of the gene mean.
    """
    assert data.counts is not None
    table_cg = data.counts.table_cg
    rest = np.setdiff1d(np.arange(table_cg.shape[0]), held_out)
    share_g = np.asarray(table_cg[rest].sum(axis=0), np.float64).ravel() + 0.5
    share_g /= share_g.sum()
    left, hidden = split_counts(table_cg[held_out], HIDDEN_SHARE, np.random.default_rng([0, 0x7417]))
    codes = None if data.batch is None else data.batch[held_out]
    sums, ratio = np.zeros(2), HIDDEN_SHARE / (1 - HIDDEN_SHARE)
    for start in range(0, len(held_out), _BLOCK):
        job.report(start / len(held_out))
        rows = slice(start, start + _BLOCK)
        x_cg = hidden[rows].toarray()
        size_c = np.asarray(left[rows].sum(axis=1), np.float64).ravel()
        decoded_cg = decoded_share(model, left[rows], None if codes is None else codes[rows])
        for at, part_cg in enumerate((decoded_cg, share_g[None])):
            sums[at] += poisson_deviance(x_cg, size_c[:, None] * ratio * part_cg) * len(x_cg)
    own, cheap = sums / len(held_out)
    return {name: {DEVIANCE: float(own)}, GENE_MEAN: {DEVIANCE: float(cheap)}}


@torch.no_grad()
def decoded_share(
    model: VaeModel, counts_cg: sparse.csr_matrix, batch_c: NDArray[np.int32] | None = None
) -> Floats:
    """Return each gene's share as the model decodes it from raw counts, ``(n, n_genes)``."""
    size_c = np.asarray(counts_cg.sum(axis=1), np.float64).ravel()
    rows = normalise(
        sparse.csr_matrix(counts_cg, dtype=np.float32), size_c, model.preprocessing.target_sum or 1.0
    )
    codes = None if batch_c is None else torch.from_numpy(np.asarray(batch_c, np.int64)).to(model.device)
    batch = CellBatch(
        expression=torch.from_numpy(rows.toarray()).to(model.device, model.dtype),
        indices=torch.arange(len(size_c), device=model.device),
        batch=codes,
    )
    return np.asarray(model.share(model.encode(batch), batch).cpu().numpy())
