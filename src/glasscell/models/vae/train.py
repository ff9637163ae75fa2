"""How a family that models counts through latents is trained: loss, warm-up and the loop's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from glasscell.models.loop import LoopResult, LoopSettings, fit_loop

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import FoldPlan, TrainingData

_STEPS = 8
_SMALLEST_BATCH = 16
_RARE = 0.5


class CountSettings(Protocol):
    """What the settings of a family must hold to be trained on counts."""

    @property
    def kl_weight(self) -> float:
        """Pull of latents towards the prior."""
        ...

    @property
    def warm_up(self) -> int:
        """Epochs over which it is raised from zero."""
        ...

    @property
    def learning_rate(self) -> float:
        """Step size."""
        ...

    @property
    def weight_decay(self) -> float:
        """Pull of weights towards zero."""
        ...

    @property
    def batch_size(self) -> int:
        """Cells per step."""
        ...

    @property
    def max_epochs(self) -> int:
        """Passes over the cells, at most."""
        ...

    @property
    def patience(self) -> int:
        """Epochs without a better loss before it stops."""
        ...


class CountTask:
    """Data and loss of one net that gives each cell's log-likelihood and its divergence from the prior."""

    #: How often training goes on with a tenth of the step; see ``LoopSettings``.
    slower = 0

    def __init__(self, data: TrainingData, plan: FoldPlan, params: CountSettings) -> None:
        assert data.counts is not None
        assert data.size is not None
        self.data, self.plan, self.params, self.counts = data, plan, params, data.counts
        device = torch.device(plan.device)
        self.size = torch.from_numpy(data.size).to(device)
        self.batch = None if data.batch is None else torch.from_numpy(data.batch.astype(np.int64)).to(device)
        self.batch_size = min(params.batch_size, max(_SMALLEST_BATCH, len(plan.train) // _STEPS))
        self.warm_up_steps = params.warm_up * max(1, len(plan.train) // self.batch_size)

    def run(self, network: nn.Module, job: JobHandle) -> LoopResult:
        """Train a freshly made network."""
        params, plan = self.params, self.plan
        settings = LoopSettings(
            max_epochs=params.max_epochs,
            batch_size=self.batch_size,
            learning_rate=params.learning_rate,
            weight_decay=params.weight_decay,
            patience=params.patience,
            epochs=plan.epochs,
            slower=self.slower,
        )
        return fit_loop(
            network, self.loss, plan.train, plan.valid, settings, seed=plan.seed, device=plan.device, job=job
        )

    def loss(self, network: nn.Module, indices: Tensor) -> Tensor:
        """Return the negative evidence lower bound per gene, the prior's pull warmed up in training."""
        at = indices.to(self.size.device)
        fit_c, divergence_c = network(
            self.data.rows.take(indices),
            self.counts.take(indices),
            self.size[at],
            None if self.batch is None else self.batch[at],
        )
        weight = self.params.kl_weight
        if network.training:
            steps = network.steps
            assert isinstance(steps, Tensor)
            steps += 1
            weight *= min(1.0, float(steps) / max(1, self.warm_up_steps))
        bound: Tensor = (weight * divergence_c - fit_c).mean() / len(self.data.genes)
        return bound


def log_gene_share(data: TrainingData, cells: NDArray[np.int64]) -> Tensor:
    """Return the log of each gene's share in the counts of some cells, ``(n_genes,)``."""
    assert data.counts is not None
    total_g = np.asarray(data.counts.table_cg[cells].sum(axis=0), np.float64).ravel() + _RARE
    return torch.from_numpy(np.log(total_g / total_g.sum()))
