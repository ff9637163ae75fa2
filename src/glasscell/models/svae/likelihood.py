"""How likely cells are under what was done to them: the importance-weighted bound."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from glasscell.models.svae.posterior import log_likelihood, refine

if TYPE_CHECKING:
    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.svae.model import ShiftModel

_BLOCK = 20_000


@torch.no_grad()
def weighted_bound(
    model: ShiftModel, batch: CellBatch, counts_cg: Tensor, *, n_samples: int = 1000, seed: int = 0
) -> Tensor:
    """Return a lower bound of each cell's log-likelihood that grows tight with the number of draws.

    Latents are drawn around what suits each cell best (``refine``), not around what the encoder says of cells
    it may never have seen the like of; the noise that fits them is other noise than that they are weighed by.

    Parameters
    ----------
    batch
        Cells whose ``action`` is known to the model, ``(n,)``.
    counts_cg
        Their counts, ``(n, n_genes)``.
    n_samples
        Draws of latents per cell.
    seed
        The same seed gives the same draws.

    Returns
    -------
    In nats, ``(n,)`` float64: log of the mean over draws z of p(x | z) p(z | action) / q(z | x).

    References
    ----------
    Burda et al. 2016, arXiv:1509.00519, eq. 8.
    """
    assert batch.action is not None
    assert batch.size is not None
    mean_cz, variance_cz = refine(model, batch, counts_cg, model.spread(batch), seed=seed + 1)
    prior_cz = model.network.effects()[batch.action]
    theta_g = model.network.log_dispersion.clamp(-8.0, 10.0).exp()
    constant_c = (
        torch.lgamma(counts_cg + theta_g) - torch.lgamma(theta_g) - torch.lgamma(counts_cg + 1)
    ).sum(dim=1) + (theta_g * theta_g.log()).sum()
    generator = torch.Generator(model.device).manual_seed(seed)
    step = max(1, _BLOCK // n_samples)
    found = []
    for start in range(0, len(mean_cz), step):
        at = slice(start, start + step)
        mean_czs, variance_czs = mean_cz[at, None], variance_cz[at, None]
        shape = (len(mean_czs), n_samples, mean_cz.shape[1])
        noise = torch.randn(shape, generator=generator, device=model.device, dtype=model.dtype)
        latent = mean_czs + variance_czs.sqrt() * noise
        weight = -0.5 * ((latent - prior_cz[at, None]) ** 2 - noise**2 - variance_czs.log()).sum(dim=2)
        fit = log_likelihood(model, latent, batch, counts_cg[at, None], at)
        total = (fit + weight).double() + constant_c[at, None].double()
        found.append(torch.logsumexp(total, dim=1) - math.log(n_samples))
    return torch.cat(found)
