"""Training of the family ``saucie``: the loss, then the codes that the trained units make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.latent_metric import principal_components
from glasscell.models.loop import LoopResult, LoopSettings, fit_loop
from glasscell.models.saucie.code import find_codes, find_toggles
from glasscell.models.saucie.counterpart import counterparts
from glasscell.models.saucie.penalty import code_entropy, discrepancy, within_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.saucie.network import SaucieNetwork
    from glasscell.models.saucie.params import SaucieParams

MIN_SCALE = 1e-3
#: A unit is on in a code when more than this share of its cells have it on.
MOST = 0.5
_FIRST_STEP = 0.1
_COMPONENTS, _BLOCK, _STEPS, _SMALLEST_BATCH = 10, 4096, 8, 32


def set_scale(network: SaucieNetwork, data: TrainingData, train: NDArray[np.int64]) -> None:
    """Bring each gene to a range of 1 around its mean over the training cells."""
    table_cg = data.rows.table_cg[train]
    low_g, high_g = (
        np.asarray(one.todense(), np.float64).ravel() for one in (table_cg.min(0), table_cg.max(0))
    )
    mean_g, sd_g = data.rows.moments(train)
    range_g = np.maximum(high_g - low_g, MIN_SCALE)
    network.standardise.set_moments(torch.from_numpy(mean_g), torch.from_numpy(range_g))
    with torch.no_grad():
        network.first.weight.div_(max(float(np.sqrt(np.mean((sd_g / range_g) ** 2))), MIN_SCALE))
        network.genes.weight.mul_(_FIRST_STEP)


class SaucieTask:
    """Data and loss of one net."""

    def __init__(
        self,
        data: TrainingData,
        network: SaucieNetwork,
        plan: FoldPlan,
        params: SaucieParams,
        job: JobHandle,
    ) -> None:
        self.data, self.plan, self.params = data, plan, params
        device = torch.device(plan.device)
        self.low_g = network.standardise.mean.to(device)
        self.range_g = network.standardise.scale.to(device)
        _, sd_g = data.rows.moments(plan.train)
        variance = float(np.mean((sd_g / network.standardise.scale.numpy()) ** 2))
        self.variance = max(variance, 1e-12)
        self.batch_size = min(params.batch_size, max(_SMALLEST_BATCH, len(plan.train) // _STEPS))
        self.warm_up_steps = params.warm_up * max(1, len(plan.train) // self.batch_size)
        self.batch: Tensor | None = None
        self.weight: Tensor | None = None
        if data.batch is not None:
            shared = np.ones(len(data.rows), np.bool_)
            if params.align == "counterparts" and params.lambda_b > 0:
                shared = self._shared(network, job)
            self.batch = torch.from_numpy(data.batch.astype(np.int64)).to(device)
            self.weight = torch.from_numpy(shared.astype(np.float32)).to(device)

    @property
    def aligned_share(self) -> float:
        """Share of the training cells that are laid over those of other batches."""
        if self.weight is None:
            return 1.0
        return float(self.weight[torch.from_numpy(self.plan.train).to(self.weight.device)].mean())

    def run(self, network: SaucieNetwork, job: JobHandle) -> LoopResult:
        """Train a freshly made network."""
        params, plan = self.params, self.plan
        settings = LoopSettings(
            max_epochs=params.max_epochs,
            batch_size=self.batch_size,
            learning_rate=params.learning_rate,
            weight_decay=params.weight_decay,
            patience=params.patience,
            epochs=plan.epochs,
        )
        return fit_loop(
            network, self.loss, plan.train, plan.valid, settings, seed=plan.seed, device=plan.device, job=job
        )

    def scaled(self, indices: Tensor) -> Tensor:
        """Return expression of some cells, scaled to 0 to 1, ``(n, n_genes)``."""
        return (self.data.rows.take(indices) - self.low_g) / self.range_g

    def loss(self, network: nn.Module, indices: Tensor) -> Tensor:
        """Return squared error and pulls, in units of the mean variance of a gene.

        Pulls are of pairs of cells, so that they are worked out for as many at a time as in training.
        """
        total, raised = torch.zeros((), device=self.low_g.device), 1.0
        if network.training:
            steps = network.steps
            assert isinstance(steps, Tensor)
            raised = min(1.0, float(steps) / max(1, self.warm_up_steps))
            steps += 1
        for part in torch.split(indices, self.batch_size):
            total = total + self._loss(network, part, raised) * (len(part) / len(indices))
        return total / self.variance

    def _loss(self, network: nn.Module, indices: Tensor, raised: float) -> Tensor:
        params, x_cg = self.params, self.scaled(indices)
        batch = None if self.batch is None else self.batch[indices.to(self.batch.device)]
        latent_cz, active_cu, decoded_cg = network(x_cg, batch)
        total = functional.mse_loss(decoded_cg, x_cg)
        if params.lambda_c > 0:
            total = total + raised * params.lambda_c * code_entropy(active_cu)
        if params.lambda_d > 0:
            total = total + raised * params.lambda_d * within_code(active_cu, x_cg)
        if params.lambda_b > 0 and batch is not None and self.weight is not None:
            weight = self.weight[indices.to(self.weight.device)]
            total = total + params.lambda_b * discrepancy(latent_cz, batch, weight)
        return total

    def _shared(self, network: SaucieNetwork, job: JobHandle) -> NDArray[np.bool_]:
        """Say which cells have their like in the other batches; none is asked that does not train or stop."""
        from scipy import sparse

        used = np.concatenate([self.plan.train, self.plan.valid])
        scale_g = network.standardise.scale.numpy()
        rows_cg = sparse.csr_matrix(self.data.rows.table_cg[used].multiply(1.0 / scale_g))
        job.report(None, "principal components")
        place_cz = principal_components(rows_cg, _COMPONENTS, self.plan.seed % (1 << 31))
        assert self.data.batch is not None
        shared = np.zeros(len(self.data.rows), np.bool_)
        shared[used] = counterparts(place_cz, self.data.batch[used], job)
        return shared


@torch.no_grad()
def set_codes(
    network: SaucieNetwork, data: TrainingData, plan: FoldPlan, params: SaucieParams, job: JobHandle
) -> NDArray[np.int64]:
    """Find which units are on in each cell that trained or stopped the net, and keep frequent codes.

    Returns
    -------
    Code of each of those cells, in the order of ``plan.train`` and ``plan.valid``; -1 for none.
    """
    cells = np.concatenate([plan.train, plan.valid])
    drive_cu = torch.cat(_drives(network, data, cells, job))
    active_cu = drive_cu.clamp(min=0.0)
    network.threshold_u.copy_(params.on_above * active_cu.amax(dim=0))
    over_cu = drive_cu - network.threshold_u
    network.softness_u.copy_(over_cu.square().mean(dim=0).sqrt().clamp(min=1e-6))
    on_cu = drive_cu > network.threshold_u
    network.on_u.copy_((active_cu * on_cu).sum(dim=0) / on_cu.sum(dim=0).clamp(min=1))
    code_of_cell = find_codes(on_cu.numpy(), max(1, round(params.smallest * len(cells))))
    keep_codes(network, active_cu, code_of_cell, int(code_of_cell.max(initial=-1)) + 1)
    table_cg = data.rows.table_cg
    for k in range(len(network.size_k)):
        job.report(None, "signatures of codes")
        mine = code_of_cell == k
        for into, some in ((network.mean_kg, mine), (network.rest_kg, ~mine)):
            if some.any():
                into[k] = torch.from_numpy(np.asarray(table_cg[cells[some]].mean(axis=0)).ravel())
    return code_of_cell


@torch.no_grad()
def keep_codes(
    network: SaucieNetwork, active_cu: Tensor, code_of_cell: NDArray[np.integer[Any]], n_codes: int
) -> None:
    """Keep the units that most cells of each code have on, the toggles that tell codes apart, and activities.

    Parameters
    ----------
    active_cu
        Activities of the code's units, ``(n, n_units)``.
    code_of_cell
        Code of each of these cells, -1 for none, ``(n,)``.
    """
    on_cu = (active_cu > network.threshold_u).numpy()
    cells_of = [np.flatnonzero(code_of_cell == k) for k in range(n_codes)]
    size_k = np.array([len(cells) for cells in cells_of], np.int64)
    shares = [on_cu[cells].mean(axis=0) if len(cells) else np.zeros(on_cu.shape[1]) for cells in cells_of]
    code_ku = np.reshape(shares, (n_codes, on_cu.shape[1])) > MOST
    bit_ju = find_toggles(code_ku, size_k)
    network.set_sizes(n_codes, len(bit_ju))
    network.code_ku.copy_(torch.from_numpy(code_ku))
    network.bit_ju.copy_(torch.from_numpy(bit_ju))
    network.size_k.copy_(torch.from_numpy(size_k))
    for k, cells in enumerate(cells_of):
        if len(cells):
            network.active_ku[k] = active_cu[torch.from_numpy(cells)].mean(dim=0)


def _drives(
    network: SaucieNetwork, data: TrainingData, cells: NDArray[np.int64], job: JobHandle
) -> list[Tensor]:
    parts = []
    for rows in torch.split(torch.from_numpy(cells), _BLOCK):
        job.report(None, "codes of cells")
        codes = None if data.batch is None else torch.from_numpy(data.batch.astype(np.int64))[rows]
        x_cg = network.standardise(data.rows.take(rows).cpu())
        parts.append(network.drive(network.encode(x_cg, network.batches(codes, x_cg))))
    return parts
