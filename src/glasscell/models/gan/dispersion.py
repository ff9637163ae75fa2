"""How much each gene varies beyond its expected counts: the likeliest dispersion once the rest stands."""

from __future__ import annotations

from math import lgamma
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import TrainingData
    from glasscell.models.gan.network import GanNetwork

#: Logs of the inverse dispersion that are tried, and the normal they are thought to come from beforehand.
GRID = tuple(float(value) for value in np.arange(-2.0, 6.1, 0.5))
PRIOR_MEAN, PRIOR_SPREAD = 2.5, 2.0
_BLOCK = 256


@torch.no_grad()
def fit_dispersion(
    network: GanNetwork, data: TrainingData, cells: NDArray[np.int64], seed: int, job: JobHandle
) -> Tensor:
    """Return the log of each gene's inverse dispersion that its counts make likeliest, ``(n_genes,)``.

    Beside the weights the dispersion moves too slowly to get there in the few epochs a decoder can be trained
    before it learns single cells by heart; generated cells then vary too much. Means are decoded from latents
    drawn as they are in training; a gene with few counts stays near the prior.

    Parameters
    ----------
    cells
        Rows the counts are taken of.
    """
    assert data.counts is not None
    assert data.size is not None
    device = data.rows.device
    noise = torch.Generator().manual_seed(seed)
    size_c = torch.from_numpy(data.size).to(device)
    score_tg = torch.zeros(len(GRID), len(data.genes), dtype=torch.float64)
    network.to(device).eval()
    for start in range(0, len(cells), _BLOCK):
        job.report(start / len(cells))
        rows = torch.from_numpy(cells[start : start + _BLOCK])
        mean_cz, variance_cz = network.encoder(data.rows.take(rows), None)
        drawn_cz = torch.randn(mean_cz.shape, generator=noise).to(mean_cz)
        log_mean_cg = network.decoder(mean_cz + variance_cz.sqrt() * drawn_cz, None)
        log_mean_cg = log_mean_cg + size_c[rows.to(device)].clamp(min=1.0).log()[:, None]
        score_tg += log_likelihoods(data.counts.take(rows), log_mean_cg).cpu()
    grid = torch.tensor(GRID, dtype=torch.float64)
    score_tg -= (0.5 * ((grid - PRIOR_MEAN) / PRIOR_SPREAD) ** 2)[:, None]
    return grid[score_tg.argmax(dim=0)].float()


def log_likelihoods(counts_cg: Tensor, log_mean_cg: Tensor) -> Tensor:
    """Return each gene's log-likelihood at each dispersion of the grid, summed over cells.

    Terms that no dispersion changes are left out.

    Returns
    -------
    ``(n_grid, n_genes)`` float64.
    """
    mean_cg = log_mean_cg.exp()
    row, gene = counts_cg.nonzero(as_tuple=True)
    x = counts_cg[row, gene]
    found = []
    for log_theta in GRID:
        theta = float(np.exp(log_theta))
        zero_g = -((counts_cg + theta) * torch.log1p(mean_cg / theta)).sum(dim=0).double()
        here = torch.lgamma(x + theta) - lgamma(theta) - x * log_theta
        found.append(zero_g.index_add(0, gene, here.double()))
    return torch.stack(found)
