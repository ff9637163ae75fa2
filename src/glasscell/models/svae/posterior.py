"""Latents of single cells fitted one by one: what the encoder says is a start, and no more than that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from glasscell.jobs import QUIET

if TYPE_CHECKING:
    from glasscell.jobs import JobHandle
    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.svae.model import ShiftModel

#: Step of Adam in units of the prior's standard deviation; a fifth of it at the end, for this share of steps.
_RATE, _SLOW, _SLOW_SHARE = 0.05, 0.2, 0.3
_DRAWS = 8
_BLOCK = 512


def refine(
    model: ShiftModel,
    batch: CellBatch,
    counts_cg: Tensor,
    start: tuple[Tensor, Tensor],
    *,
    together: bool = False,
    n_steps: int = 60,
    seed: int = 0,
    job: JobHandle = QUIET,
) -> tuple[Tensor, Tensor]:
    """Return means and variances of latents that make each cell's own bound largest, ``(n, n_latent)`` each.

    An encoder foretells latents of cells like those it was trained on; of cells that got something new it is
    off.

    Parameters
    ----------
    batch
        Cells whose ``action`` is known to the model, ``(n,)``.
    counts_cg
        Their counts, ``(n, n_genes)``.
    start
        Mean and variance to begin at, as the encoder gives them.
    together
        Whether the cells got one thing whose shift nobody knows: their prior then lies around their own mean,
        whatever ``batch.action`` says.
    n_steps
        Steps of Adam.
    seed
        The same seed gives the same draws.
    job
        Told after every step.

    References
    ----------
    Cremer et al. 2018, arXiv:1801.03558 (amortisation gap); Kim et al. 2018, arXiv:1802.02550.
    """
    block = len(counts_cg) if together else _BLOCK
    parts = [
        _refined(model, batch, counts_cg, start, slice(at, at + block), together, n_steps, seed, job)
        for at in range(0, len(counts_cg), block)
    ]
    means, variances = zip(*parts, strict=True)
    return torch.cat(means), torch.cat(variances)


def _refined(
    model: ShiftModel,
    batch: CellBatch,
    counts_cg: Tensor,
    start: tuple[Tensor, Tensor],
    at: slice,
    together: bool,
    n_steps: int,
    seed: int,
    job: JobHandle,
) -> tuple[Tensor, Tensor]:
    counts = counts_cg[at, None]
    if not together:
        assert batch.action is not None
        prior_cz = model.network.effects()[batch.action[at]].detach()
    mean_cz = start[0][at].detach().clone().requires_grad_(True)
    log_variance_cz = start[1][at].detach().log().requires_grad_(True)
    optimiser = torch.optim.Adam([mean_cz, log_variance_cz], lr=_RATE)
    generator = torch.Generator(model.device).manual_seed(seed)
    shape = (len(mean_cz), _DRAWS, mean_cz.shape[1])
    with torch.enable_grad():
        for step in range(n_steps):
            job.report(min(1.0, (at.start + len(counts) * step / n_steps) / len(counts_cg)))
            if step == int(n_steps * (1 - _SLOW_SHARE)):
                optimiser.param_groups[0]["lr"] = _RATE * _SLOW
            noise = torch.randn(shape, generator=generator, device=model.device, dtype=model.dtype)
            latent = mean_cz[:, None] + (0.5 * log_variance_cz).exp()[:, None] * noise
            fit_c = log_likelihood(model, latent, batch, counts, at).mean(dim=1)
            around_cz = mean_cz.mean(dim=0) if together else prior_cz
            apart_cz = (mean_cz - around_cz) ** 2 + log_variance_cz.exp() - log_variance_cz - 1
            loss = 0.5 * apart_cz.sum() - fit_c.sum()
            mean_cz.grad, log_variance_cz.grad = torch.autograd.grad(loss, [mean_cz, log_variance_cz])
            optimiser.step()
    return mean_cz.detach(), log_variance_cz.detach().exp()


def log_likelihood(model: ShiftModel, latent: Tensor, batch: CellBatch, counts: Tensor, at: slice) -> Tensor:
    """Return how likely counts are at drawn latents, but for what no latent changes, ``(n, n_draws)`` nats.

    Parameters
    ----------
    latent
        ``(n, n_draws, n_latent)``.
    counts
        ``(n, 1, n_genes)``.
    at
        Which cells of the batch these are.
    """
    assert batch.size is not None
    network = model.network
    theta_g = network.log_dispersion.clamp(-8.0, 10.0).exp()
    flat = latent.flatten(0, 1)
    codes = None if batch.batch is None else batch.batch[at].repeat_interleave(latent.shape[1])
    log_share = network.decoder(flat, network.batches(codes, flat)).view(*latent.shape[:2], -1)
    log_mean = log_share + batch.size[at].clamp(min=1.0).log()[:, None, None]
    fit: Tensor = (counts * log_mean - (counts + theta_g) * (theta_g + log_mean.exp()).log()).sum(dim=2)
    return fit
