"""Training of the family ``spagcn``: choose p, find l, smooth, divide, and sharpen the division."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.linalg import solve_triangular
from torch import Tensor, nn

from glasscell.errors import NotCompatible
from glasscell.models.loop import LoopSettings, fit_loop
from glasscell.models.mixture import TiedMixture, fit_mixture
from glasscell.models.spagcn.choice import ShareChoice, choose_share
from glasscell.models.spagcn.kernel import find_length, kernel_matrix
from glasscell.models.span import Span
from glasscell.models.spatial_attention.component import component_table, set_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.neighbour import Neighbours
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.spagcn.family import SpagcnParams
    from glasscell.models.spagcn.network import SpagcnNetwork

#: The target is made anew after so many steps, as published.
REFRESH = 3
_TINY = 1e-12


@dataclass(frozen=True)
class Trained:
    """The trained network, its curve, and sentences worth showing."""

    network: SpagcnNetwork
    curve: Curve
    notes: tuple[str, ...]


def train_network(
    network: SpagcnNetwork, data: TrainingData, plan: FoldPlan, params: SpagcnParams, job: JobHandle
) -> Trained:
    """Train one network.

    Components and weights come from the training cells. Domains are a description of this tissue: their
    start, a mixture over smoothed components, is made from all cells.
    """
    assert data.neighbours is not None
    set_components(network, data, plan.train, plan.seed, Span(job, 0.0, 0.05))
    parts_cp = component_table(network, data, plan.device, Span(job, 0.05, 0.1)).cpu().numpy()
    choice = None
    if params.p == 0:
        choice = _choose(data, plan.seed, Span(job, 0.1, 0.3, "choosing p"))
    share = params.p if choice is None else choice.share
    length = find_length(data.neighbours, share)
    _remember(network, share, length, choice)
    job.report(0.3, "smoothing")
    smooth_cp = smoothed(parts_cp, data.neighbours, length, network.mean)
    mixture = fit_mixture(smooth_cp, params.n_domains, plan.seed, params.starts, Span(job, 0.3, 0.5))
    start_domains(network, mixture)
    task = _Task(torch.from_numpy(smooth_cp).to(plan.device), params.tolerance)
    settings = LoopSettings(
        max_epochs=params.max_epochs,
        batch_size=params.batch_size,
        learning_rate=params.learning_rate,
        weight_decay=0.0,
        patience=REFRESH + 1,
        epochs=plan.epochs,
    )
    result = fit_loop(
        network.cpu(),
        task.loss,
        plan.train,
        plan.valid,
        settings,
        seed=plan.seed,
        device=plan.device,
        job=Span(job, 0.5, 1.0),
    )
    trained = result.network.cpu()
    number_by_size(trained, torch.from_numpy(smooth_cp))  # type: ignore[arg-type]
    notes = [] if choice is None else [choice.sentence()]
    alone = int((data.neighbours.degree == 0).sum())
    if alone:
        notes.append(f"{alone:,} cells have no neighbours and are described alone.")
    return Trained(trained, result.curve, (*notes, *result.notes))  # type: ignore[arg-type]


def smoothed(
    parts_cp: NDArray[np.float32], neighbours: Neighbours, length: float, mean: bool
) -> NDArray[np.float32]:
    """Return components added up over each cell and its neighbours, ``(n_cells, n_components)``.

    Parameters
    ----------
    mean
        Divide by the sum of weights.
    """
    kernel = kernel_matrix(neighbours, length)
    total_cp = kernel @ parts_cp
    if mean:
        total_cp /= np.asarray(kernel.sum(axis=1))
    return np.asarray(total_cp, np.float32)


@torch.no_grad()
def start_domains(network: SpagcnNetwork, mixture: TiedMixture) -> None:
    """Let the layer whiten smoothed components by the mixture's covariance, and domains start at its means.

    Distances to domains are then those the mixture goes by.
    """
    n = len(mixture.factor_zz)
    white_zp = solve_triangular(mixture.factor_zz, np.eye(n), lower=True)
    network.layer.weight.copy_(torch.from_numpy(white_zp))
    network.layer.bias.zero_()
    network.domain_mean.copy_(torch.from_numpy(mixture.mean_kz @ white_zp.T))


@torch.no_grad()
def number_by_size(network: SpagcnNetwork, smooth_cp: Tensor) -> None:
    """Give domains numbers by the cells they have, largest first."""
    size_k = torch.bincount(network(smooth_cp).argmax(dim=1), minlength=len(network.domain_mean))
    order = torch.argsort(size_k, descending=True, stable=True)
    network.domain_mean.copy_(network.domain_mean[order].clone())


def sharpened(share_ck: Tensor, of: Tensor) -> Tensor:
    """Return the target of shares: squared, over how much each domain has, rows summing to one.

    Parameters
    ----------
    of
        Shares of all training cells, from which the size of domains is taken.

    References
    ----------
    Xie et al. 2016, arXiv:1511.06335, eq. 3.
    """
    target_ck = share_ck.square() / of.sum(dim=0).clamp(min=_TINY)
    return target_ck / target_ck.sum(dim=1, keepdim=True)


def _choose(data: TrainingData, seed: int, job: JobHandle) -> ShareChoice:
    assert data.neighbours is not None
    if data.counts is None:
        raise NotCompatible(
            "Without counts nothing can be held out to choose p by: give p yourself (3, say), or "
            "choose the layer that holds counts."
        )
    return choose_share(data.counts.table_cg, data.neighbours, seed=seed, job=job)


@torch.no_grad()
def _remember(network: SpagcnNetwork, share: float, length: float, choice: ShareChoice | None) -> None:
    network.share.fill_(share)
    network.length.fill_(length)
    if choice is None:
        return
    network.tried = torch.tensor(choice.shares)
    network.deviance = torch.from_numpy(choice.deviance_p).float()


class _Task:
    """Shares of domains against their sharpened selves, and how many cells still change domain.

    Parameters
    ----------
    smooth_cp
        Smoothed components of all cells, on the device of training.
    tolerance
        Share of cells below which changes no longer count.
    """

    def __init__(self, smooth_cp: Tensor, tolerance: float) -> None:
        self.smooth_cp, self.tolerance = smooth_cp, tolerance
        self.step = 0
        self.target_ck = self.domain_c = self.changed_c = torch.empty(0)

    def loss(self, network: nn.Module, indices: Tensor) -> Tensor:
        """Return the divergence from the target; in evaluation the share of cells that changed domain.

        That share counts as the tolerance at least: once below it, training is no better for more.
        """
        at = indices.to(self.smooth_cp.device)
        if not network.training:
            return self.changed_c[at].mean().clamp(min=self.tolerance)
        if self.step % REFRESH == 0:
            self._renew(network)
        self.step += 1
        log_ck, target_ck = network(self.smooth_cp[at]), self.target_ck[at]
        gap_ck: Tensor = target_ck * (target_ck.clamp(min=_TINY).log() - log_ck)
        return gap_ck.sum(dim=1).mean()

    @torch.no_grad()
    def _renew(self, network: nn.Module) -> None:
        share_ck = network(self.smooth_cp).exp()
        self.target_ck = sharpened(share_ck, share_ck)
        before, self.domain_c = self.domain_c, share_ck.argmax(dim=1)
        first = len(before) == 0
        self.changed_c = torch.ones_like(share_ck[:, 0]) if first else (before != self.domain_c).float()
