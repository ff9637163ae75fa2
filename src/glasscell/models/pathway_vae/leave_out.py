"""What each gene set is worth to a pathway model: how much worse it explains the counts without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.errors import NotCompatible
from glasscell.jobs import QuietJob
from glasscell.models.batch import gene_columns, make_batch
from glasscell.models.vae.layer import negative_binomial

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.pathway_vae.model import PathwayModel

_BLOCK = 512


@torch.no_grad()
def leave_one_out(
    model: PathwayModel, dataset: Dataset, cells: NDArray[Any], job: JobHandle | None = None
) -> NDArray[np.float64]:
    """Return the evidence lower bound lost when a latent is set to its prior mean, in nats per cell.

    The net is not trained anew: what other sets could take over is not counted, so two sets with the same
    genes can both be dear here and neither be needed. Negative: the latent costs more than it explains.

    Parameters
    ----------
    cells
        Row numbers; cells held out of the training say most.

    Returns
    -------
    ``(n_latent,)``; for a pruned set what its latent still differs from the prior, negative.

    Raises
    ------
    NotCompatible
        The file has no counts.
    """
    if dataset.sizes_c is None:
        raise NotCompatible("Leaving gene sets out needs raw counts: choose the layer that holds counts.")
    job = job or QuietJob()
    columns = gene_columns(dataset, model.genes)
    rows, total_k = np.asarray(cells, np.int64), np.zeros(model.n_latent)
    reached = [torch.from_numpy(np.flatnonzero(weight_g)) for weight_g in model.weights_kg]
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        batch = make_batch(dataset, model, part)
        raw_cg = dataset.expression_cg("counts")[part][:, columns].toarray()
        counts_cg = torch.from_numpy(raw_cg).to(model.device, model.dtype)
        assert batch.size is not None
        mean_ck, variance_ck = model.spread(batch)
        log_size_c = batch.size.clamp(min=1.0).log()[:, None]
        log_mean_cg = model.share(mean_ck, batch).log() + log_size_c
        cost_ck = 0.5 * (mean_ck**2 + variance_ck - 1 - variance_ck.log())
        for k, genes in enumerate(reached):
            job.report(start / len(rows), "leaving gene sets out")
            lost = 0.0
            if len(genes):
                without = log_mean_cg[:, genes] - mean_ck[:, k : k + 1] * model.pathways.weight_gk[genes, k]
                lost = _fit(model, counts_cg, log_mean_cg[:, genes], genes)
                lost -= _fit(model, counts_cg, without, genes)
            total_k[k] += lost - float(cost_ck[:, k].sum())
    return total_k / max(1, len(rows))


def _fit(model: PathwayModel, counts_cg: Tensor, log_mean_cm: Tensor, genes: Tensor) -> float:
    """Return the log-likelihood of some genes' counts, summed."""
    dispersion = model.network.log_dispersion.clamp(-8.0, 10.0)[genes]
    return float(negative_binomial(counts_cg[:, genes], log_mean_cm, dispersion).sum())
