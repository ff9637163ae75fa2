"""How ``svae`` and ``ivae`` are trained: shifts first, then the mask, then everything else once more."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from glasscell.errors import NotCompatible
from glasscell.models.layer import seed_weights
from glasscell.models.loop import LoopResult, LoopSettings, fit_loop
from glasscell.models.span import Span
from glasscell.models.svae.network import ShiftNetwork
from glasscell.models.svae.params import SvaeParams
from glasscell.models.svae.rotation import sparsest_rotation
from glasscell.models.vae.train import CountTask, log_gene_share

_BLOCK = 4096

if TYPE_CHECKING:
    from glasscell.jobs import JobHandle
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.svae.params import IvaeParams


def make_network(
    params: IvaeParams, n_genes: int, n_batches: int, n_actions: int, control: int, seed: int = 0
) -> ShiftNetwork:
    """Make a network with seeded weights, without drawing from the global random state."""
    with torch.device("meta"):
        network = ShiftNetwork(
            n_genes,
            params.n_latent,
            n_actions,
            control,
            sparse=params.sparse,
            n_batches=n_batches,
            hidden=params.hidden,
            n_layers=params.n_layers,
            dropout=params.dropout,
            input_dropout=params.input_dropout,
            encode_batch=params.encode_batch,
        )
    network.to_empty(device="cpu")
    seed_weights(network, seed)
    network.start()
    with torch.no_grad():
        network.log_dispersion.zero_()
        network.steps.zero_()
        network.encoder.log_variance.weight.mul_(0.1)
    return network


class ShiftTask(CountTask):
    """Data and loss of one net; cells that say nothing of what was done to them are left out."""

    def __init__(self, data: TrainingData, plan: FoldPlan, params: IvaeParams) -> None:
        assert data.action is not None
        train, valid = (rows[data.action[rows] >= 0] for rows in (plan.train, plan.valid))
        if not len(train) or (len(plan.valid) and not len(valid)):
            raise NotCompatible("No cell says what was done to it: choose another column of actions.")
        super().__init__(data, replace(plan, train=train, valid=valid), params)
        self.shift_params, self.slower = params, params.slower
        self.masking = False
        self.action = torch.from_numpy(data.action.astype(np.int64)).to(self.size.device)

    def train(self, job: JobHandle) -> LoopResult:
        """Train without a mask, turn, train with it, decide it, and go on until validation says stop.

        Gates that close before latents lie along the axes of the shifts cost whole latents: a mask is a
        choice of axes, and the dense model finds the space but not these.
        """
        params, network = self.shift_params, self._fresh()
        if not isinstance(params, SvaeParams):
            last = self.run(network, job)
            return replace(last, network=self.settled(last.network))
        notes: tuple[str, ...] = ()
        if params.dense_epochs:
            dense = self._for_epochs(network, params.dense_epochs, Span(job, 0.0, 0.3, "shifts"))
            network, notes = self.turned(dense.network), dense.notes
        self.masking = True
        first = self._for_epochs(network, params.mask_epochs, Span(job, 0.3, 0.5, "mask"))
        decided = first.network
        assert isinstance(decided, ShiftNetwork)
        decided.decided.fill_(True)
        last = self.run(decided, Span(job, 0.5, 1.0))
        notes = tuple(dict.fromkeys((*notes, *first.notes, *last.notes)))
        return LoopResult(self.settled(last.network), last.curve, notes)

    def _for_epochs(self, network: ShiftNetwork, epochs: int, job: JobHandle) -> LoopResult:
        """Train for a given time; validation has no say."""
        params, plan = self.shift_params, self.plan
        settings = LoopSettings(
            max_epochs=epochs,
            batch_size=self.batch_size,
            learning_rate=params.learning_rate,
            weight_decay=params.weight_decay,
            patience=params.patience,
            epochs=epochs,
        )
        nobody = np.empty(0, np.int64)
        return fit_loop(
            network, self.loss, plan.train, nobody, settings, seed=plan.seed, device=plan.device, job=job
        )

    def turned(self, network: nn.Module) -> ShiftNetwork:
        """Return the network with its latents along the axes that make its shifts sparsest."""
        network = self.settled(network)
        others = network.free[:, 0] > 0
        shift_az = network.shifts()[others].detach().cpu().numpy().astype(np.float64)
        turn_zz = sparsest_rotation(shift_az, seed=self.plan.seed)
        network.turn(torch.from_numpy(turn_zz).to(network.shift_weights))
        network.steps.clamp_(max=self.warm_up_steps)
        return network

    @torch.no_grad()
    def settled(self, network: nn.Module) -> ShiftNetwork:
        """Return the network with shifts and origin at their best values, which have a closed form.

        With encoder, decoder and gates as they are, the bound asks of shifts and origin only that they lie
        near the mean latents: the origin is put at those of the cells that a latent's gates do not shift
        (controls among them), a shift at those of its action's cells. What is decoded of a cell stays.
        """
        assert isinstance(network, ShiftNetwork)
        network = deepcopy(network).eval()
        inner = network.shift_weights
        n_actions, n_latent = inner.shape
        sum_az = torch.zeros((n_actions, n_latent), dtype=torch.float64, device=inner.device)
        n_a = torch.zeros(n_actions, dtype=torch.float64, device=inner.device)
        for rows in torch.split(torch.from_numpy(self.plan.train), _BLOCK):
            at = rows.to(self.size.device)
            codes = None if self.batch is None else self.batch[at]
            x_cg = self.data.rows.take(rows)
            mean_cz, _ = network.encoder(x_cg, network.batches(codes, x_cg))
            sum_az.index_add_(0, self.action[at], mean_cz.double())
            n_a += torch.bincount(self.action[at], minlength=n_actions)
        shut_az = (network.gates() < 0.5).double()
        n_shut_z = (shut_az * n_a[:, None]).sum(dim=0)
        origin_z = (shut_az * sum_az).sum(dim=0) / n_shut_z.clamp(min=1.0)
        known = (n_a > 0)[:, None]
        shift_az = torch.where(known, sum_az / n_a.clamp(min=1.0)[:, None] - origin_z, 0.0)
        network.move_origin(origin_z.to(inner.dtype), shift_az.to(inner.dtype))
        return network

    def _fresh(self) -> ShiftNetwork:
        """Start at the gene shares of the mean cell, with no batch effect and no shifts."""
        data, plan = self.data, self.plan
        control = data.actions.index(data.control)
        network = make_network(
            self.shift_params, len(data.genes), len(data.batches), len(data.actions), control, plan.seed
        )
        mean_g, _ = data.rows.moments(plan.train)
        network.encoder.standardise.set_moments(torch.from_numpy(mean_g), torch.ones(len(mean_g)))
        decoder = network.decoder
        with torch.no_grad():
            decoder.genes.bias.copy_(log_gene_share(data, plan.train))
            decoder.genes.weight.mul_(0.1)
            for shift in (decoder.gene_batch, decoder.first_batch, network.encoder.batch):
                if shift is not None:
                    shift.weight.zero_()
        return network

    def loss(self, network: nn.Module, indices: Tensor) -> Tensor:
        """Return the negative bound per gene; in training the prior's pull and then the mask's are warmed up.

        The mask's prior is one term for all cells, so a cell bears its share of it, 1 / n of the training
        cells.
        """
        inner = getattr(network, "module", network)
        assert isinstance(inner, ShiftNetwork)
        at = indices.to(self.size.device)
        fit_c, divergence_c = network(
            self.data.rows.take(indices),
            self.counts.take(indices),
            self.size[at],
            None if self.batch is None else self.batch[at],
            self.action[at],
        )
        pull, closing = self.shift_params.kl_weight, self.shift_params.closing
        if network.training and not bool(inner.decided):
            inner.steps += 1
            warmed = float(inner.steps) / max(1, self.warm_up_steps)
            pull *= min(1.0, warmed)
            closing *= min(1.0, max(0.0, warmed - 1.0)) if self.masking else 0.0
        bound: Tensor = (pull * divergence_c - fit_c).mean()
        if closing:
            bound = bound + closing * inner.closing() / len(self.plan.train)
        return bound / len(self.data.genes)
