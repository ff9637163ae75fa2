"""Training of the autoencoder, and of generator and critic on its codes, through the shared loop."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from glasscell.models.gan.adversary import energy_distance, gradient_penalty
from glasscell.models.learner import Learner
from glasscell.models.loop import LoopResult, LoopSettings, fit_loop
from glasscell.models.vae.layer import one_hot
from glasscell.models.vae.train import CountTask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.gan.adversary import Adversary
    from glasscell.models.gan.network import GanNetwork
    from glasscell.models.gan.params import GanParams

#: Steps of the autoencoder that the mean reaches back, about.
_AVERAGED_STEPS = 100
#: Generated codes for each one of a cell set aside when training asks whether to stop.
_MADE_EACH = 4
#: How far apart kinds are put when distributions of codes are compared, in standard deviations of codes.
_KINDS_APART = 3.0


class CodeTask(CountTask):
    """Counts decoded from codes; loadings of genes are thought to be small beforehand (a normal prior)."""

    def __init__(self, data: TrainingData, plan: FoldPlan, params: GanParams) -> None:
        super().__init__(data, plan, params)
        self.pull = params.loading_prior / len(plan.train) / len(data.genes)

    def run(self, network: nn.Module, job: JobHandle) -> LoopResult:
        """Train a freshly made network; the mean of its last steps is returned."""
        result = super().run(Learner(network, {}, _AVERAGED_STEPS), job)
        return replace(result, network=_learnt(result.network, mean=True).requires_grad_(True))

    def loss(self, network: nn.Module, indices: Tensor) -> Tensor:
        """Return the negative evidence lower bound per gene, in training with that of the loadings."""
        whole = cast("GanNetwork", _learnt(network, mean=not network.training))
        bound = super().loss(whole, indices)
        if not network.training:
            return bound
        return bound + 0.5 * self.pull * whole.decoder.genes.weight.square().sum()


class AdversaryTask:
    """Codes of real cells, and what one step of the generator is: the critic learns first, several steps.

    Parameters
    ----------
    code_cd
        Standardised codes of all cells, ``(n, width)`` float32, on the device.
    kind_c
        Kind of each cell, ``(n,)`` int64, -1 for none.
    cells
        Rows the critic may learn from.
    """

    def __init__(
        self,
        code_cd: Tensor,
        kind_c: Tensor,
        cells: NDArray[np.int64],
        params: GanParams,
        seed: int,
    ) -> None:
        self.code_cd, self.kind_c, self.params, self.seed = code_cd, kind_c, params, seed
        self.cells = torch.from_numpy(cells).to(code_cd.device)
        self._critic: nn.Module | None = None
        self._optimiser: torch.optim.Optimizer | None = None

    def run(
        self, network: Adversary, plan: FoldPlan, batch_size: int, job: JobHandle
    ) -> tuple[Adversary, LoopResult]:
        """Train a freshly made pair; ``plan`` names the rows. The mean of its last steps is returned.

        Generator and critic circle around each other for ever; their mean stands still.
        """
        params = self.params
        settings = LoopSettings(
            max_epochs=params.gan_epochs,
            batch_size=batch_size,
            learning_rate=params.gan_rate,
            weight_decay=0.0,
            patience=params.gan_patience,
            epochs=plan.epochs,
        )
        learner = Learner(network, {}, params.average_steps)
        result = fit_loop(
            learner, self.loss, plan.train, plan.valid, settings, seed=self.seed, device=plan.device, job=job
        )
        return cast("Adversary", _learnt(result.network, mean=True)), result

    def loss(self, network: nn.Module, indices: Tensor) -> Tensor:
        """Return the generator's loss after the critic has learnt; in evaluation how far codes are off.

        That is the energy distance between codes of cells set aside and generated ones of the same kinds,
        from the same noise each time.
        """
        pair = cast("Adversary", _learnt(network, mean=not network.training))
        at = indices.to(self.code_cd.device)
        kind_ck = self._kinds(pair, at)
        if not network.training:
            return self._off(pair, self.code_cd[at], kind_ck)
        for _ in range(self.params.critic_steps):
            self._teach(pair, len(at))
        noise_cn = pair.source.normal(len(at), pair.noise, self.code_cd)
        pair.critic.requires_grad_(False)
        value: Tensor = -pair.critic(pair.generator(noise_cn, kind_ck), kind_ck).mean()
        pair.critic.requires_grad_(True)
        return value

    def _teach(self, pair: Adversary, n: int) -> None:
        """Take one step of the critic on as many real and generated codes."""
        at = self.cells[pair.source.rows(n, len(self.cells), self.cells.device)]
        real_cd, kind_ck = self.code_cd[at], self._kinds(pair, at)
        with torch.no_grad():
            made_cd = pair.generator(pair.source.normal(n, pair.noise, real_cd), kind_ck)
        mix_c = pair.source.uniform(n, real_cd)
        optimiser = self._own_optimiser(pair.critic)
        optimiser.zero_grad()
        gap = pair.critic(made_cd, kind_ck).mean() - pair.critic(real_cd, kind_ck).mean()
        penalty = gradient_penalty(pair.critic, real_cd, made_cd, kind_ck, mix_c)
        (gap + self.params.penalty * penalty).backward()
        optimiser.step()
        optimiser.zero_grad()

    def _own_optimiser(self, critic: nn.Module) -> torch.optim.Optimizer:
        """Return the critic's optimiser; the loop may start again with another copy of the network."""
        if self._critic is not critic or self._optimiser is None:
            self._critic = critic
            self._optimiser = torch.optim.Adam(critic.parameters(), lr=self.params.gan_rate, betas=(0.0, 0.9))
        return self._optimiser

    def _kinds(self, pair: Adversary, at: Tensor) -> Tensor | None:
        return one_hot(self.kind_c[at], pair.n_kinds, self.code_cd[at])

    def _off(self, pair: Adversary, code_cd: Tensor, kind_ck: Tensor | None) -> Tensor:
        each = code_cd.repeat(_MADE_EACH, 1)
        kinds = None if kind_ck is None else kind_ck.repeat(_MADE_EACH, 1)
        drawn = torch.Generator().manual_seed(self.seed)
        made_cd = pair.generator(torch.randn(len(each), pair.noise, generator=drawn).to(each), kinds)
        if kind_ck is not None and kinds is not None:
            made_cd = torch.cat([made_cd, _KINDS_APART * kinds], dim=1)
            code_cd = torch.cat([code_cd, _KINDS_APART * kind_ck], dim=1)
        return energy_distance(made_cd, code_cd)


def _learnt(network: nn.Module, *, mean: bool) -> nn.Module:
    """Return the network of a learner, which the loop may have wrapped, or the mean of its steps."""
    learner = cast("Learner", getattr(network, "module", network))
    return learner.average if mean else learner.network
