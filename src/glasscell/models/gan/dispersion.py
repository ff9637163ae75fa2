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
_DRAWS = 4
_SMALLEST = 1e-12


@torch.no_grad()
def fit_dispersion(
    network: GanNetwork,
    data: TrainingData,
    cells: NDArray[np.int64],
    kind_c: NDArray[np.int64],
    seed: int,
    job: JobHandle,
) -> Tensor:
    """Return the log of each gene's inverse dispersion that its counts make likeliest, ``(n_genes,)``.

    Beside the weights the dispersion moves too slowly to get there in the few epochs a decoder can be trained
    before it learns single cells by heart; generated cells then vary too much. It is found where each cell
    is expected; what latents drawn around there vary by comes off again, since cells are generated with that
    too, and a tiny rest stands for none. A gene with few counts and small loadings stays near the prior.

    Parameters
    ----------
    cells
        Rows the counts are taken of.
    kind_c
        Kind of every row of the data, -1 for none.
    """
    assert data.counts is not None
    assert data.size is not None
    device = data.rows.device
    noise = torch.Generator().manual_seed(seed)
    size_c = torch.from_numpy(data.size).to(device)
    n_genes = len(data.genes)
    score_tg = torch.zeros(len(GRID), n_genes, dtype=torch.float64)
    drawn_g, square_g = (torch.zeros(n_genes, dtype=torch.float64) for _ in range(2))
    network.to(device).eval()
    for start in range(0, len(cells), _BLOCK):
        job.report(start / len(cells))
        rows = torch.from_numpy(cells[start : start + _BLOCK])
        log_size_c1 = size_c[rows.to(device)].clamp(min=1.0).log()[:, None]
        mean_cz, variance_cz = network.encoder(data.rows.take(rows), None)
        kind_ck = network.kinds(torch.from_numpy(kind_c[rows.numpy()]).to(device), mean_cz)
        log_mean_cg = network.decoder(mean_cz, kind_ck) + log_size_c1
        score_tg += log_likelihoods(data.counts.take(rows), log_mean_cg).cpu()
        means = []
        for _ in range(_DRAWS):
            noise_cz = torch.randn(mean_cz.shape, generator=noise).to(mean_cz)
            log_share_cg = network.decoder(mean_cz + variance_cz.sqrt() * noise_cz, kind_ck)
            means.append((log_share_cg + log_size_c1).exp())
        mean_ncg = torch.stack(means)
        drawn_g += mean_ncg.var(dim=0).sum(dim=0).cpu()
        square_g += mean_ncg.mean(dim=0).square().sum(dim=0).cpu()
    grid = torch.tensor(GRID, dtype=torch.float64)
    score_tg -= (0.5 * ((grid - PRIOR_MEAN) / PRIOR_SPREAD) ** 2)[:, None]
    dispersion_g = (-grid[score_tg.argmax(dim=0)]).exp()
    left_g = dispersion_g - drawn_g / square_g.clamp(min=_SMALLEST)
    return -left_g.clamp(min=float(np.exp(-GRID[-1]))).log().float()


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
