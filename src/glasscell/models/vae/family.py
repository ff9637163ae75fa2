"""Family ``vae``: counts through a few latents, by a variational auto-encoder that knows the batch."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from glasscell.errors import ModelError, NotCompatible
from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.layer import seed_weights
from glasscell.models.loop import LoopSettings, fit_loop
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.vae.figure import reconstruction_figures
from glasscell.models.vae.model import VaeModel
from glasscell.models.vae.network import VaeNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.protocol import Model

__all__ = ["FAMILY", "VaeFamily", "VaeModel", "VaeParams"]


class VaeParams(FamilyParams):
    """Settings of the family ``vae``."""

    n_latent: int = Field(10, ge=1, le=200, title="Latents", description="Numbers each cell is summed up in.")
    hidden: int = Field(64, ge=2, le=2048, title="Hidden units", description="Width of each hidden layer.")
    n_layers: int = Field(
        1, ge=1, le=4, title="Hidden layers", description="Of the encoder and of the decoder."
    )
    dropout: float = Field(
        0.2, ge=0, le=0.95, title="Hidden dropout", description="Share of hidden units dropped."
    )
    input_dropout: float = Field(
        0.3,
        ge=0,
        le=0.95,
        title="Gene dropout",
        description="Share of genes hidden from the encoder at each step.",
    )
    encode_batch: bool = Field(
        True,
        title="Tell the encoder the batch",
        description="Takes more of the batch out; off: the decoder alone knows it.",
    )
    kl_weight: float = Field(
        1.0, ge=0, le=100, title="Prior weight", description="Pull of latents towards the prior."
    )
    warm_up: int = Field(
        20, ge=0, le=10000, title="Warm-up", description="Epochs over which that pull is raised from zero."
    )
    learning_rate: float = Field(
        4e-3, ge=1e-6, le=1.0, title="Learning rate", description="Step size of AdamW."
    )
    weight_decay: float = Field(
        1e-4, ge=0, le=10, title="Weight decay", description="Pull of weights towards zero."
    )
    batch_size: int = Field(
        128, ge=8, le=65536, title="Batch size", description="Cells per step; fewer when there are few cells."
    )
    max_epochs: int = Field(
        200, ge=1, le=10000, title="Most epochs", description="Passes over the cells, at most."
    )
    patience: int = Field(
        10,
        ge=1,
        le=1000,
        title="Patience",
        description="Stop after so many epochs without a better validation loss.",
    )


INFO = ModelInfo(
    key="vae",
    title="Variational auto-encoder",
    source="doi:10.1038/s41592-018-0229-2",
    works_for="Raw counts without labels: an embedding, a technical batch taken out, expression made smooth.",
    fails_for="Log-normalised or scaled values; naming its axes, which are found up to a rotation only.",
    min_cells=50,
    target_kinds=("latent",),
    needs_labels=False,
    needs_counts=True,
    takes_batch=True,
)
_STEPS = 8
_SMALLEST_BATCH = 16
_RARE = 0.5


class VaeFamily:
    """Trains, measures, takes apart and rebuilds VAEs."""

    info = INFO
    params: type[FamilyParams] = VaeParams

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[VaeModel, Curve, tuple[str, ...]]:
        """Train one network and return an immutable copy of it.

        The curve is the negative evidence lower bound per cell, divided by the number of genes.
        """
        assert isinstance(params, VaeParams)
        if data.counts is None or data.size is None:
            raise NotCompatible(
                f"{self.info.title} models raw counts and these data have none: choose the layer of counts."
            )
        task = _Task(data, plan, params)
        result = task.run(job)
        network = result.network
        assert isinstance(network, VaeNetwork)
        model = VaeModel(
            network.cpu(), self.info, data.genes, data.preprocessing, data.batch_column, data.batches
        )
        return model, result.curve, result.notes

    def figures(
        self, model: Model, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
    ) -> Mapping[str, Mapping[str, float]]:
        """Measure how well the net foretells a hidden tenth of the counts of cells it has not seen."""
        assert isinstance(model, VaeModel)
        return reconstruction_figures(self.info.key, model, data, held_out, job)

    def aligned(self, twin: Model, order: NDArray[np.int64], sign: NDArray[np.float32]) -> VaeModel:
        """Return the model with its latents in another order and sign; what it decodes stays the same."""
        assert isinstance(twin, VaeModel)
        network = deepcopy(twin.network)
        at, flip = torch.from_numpy(order), torch.from_numpy(sign)
        encoder, first = network.encoder, network.decoder.first
        encoder.mean.weight.copy_(encoder.mean.weight[at] * flip[:, None])
        encoder.mean.bias.copy_(encoder.mean.bias[at] * flip)
        encoder.log_variance.weight.copy_(encoder.log_variance.weight[at].clone())
        encoder.log_variance.bias.copy_(encoder.log_variance.bias[at].clone())
        first.weight.copy_(first.weight[:, at] * flip)
        return VaeModel(network, self.info, twin.genes, twin.preprocessing, twin.batch_column, twin.batches)

    def tensors(self, model: Any) -> Mapping[str, Tensor]:
        """Return all weights and running figures by name."""
        return dict(model.network.state_dict())

    def describe(self, model: Any) -> Mapping[str, Any]:
        """Return preprocessing and batches."""
        return dict(model.description())

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> VaeModel:
        """Rebuild a model that scores bit-equal."""
        assert isinstance(params, VaeParams)
        batches = tuple(description["batches"])
        network = make_network(params, len(genes), len(batches))
        try:
            network.load_state_dict(dict(tensors))
        except RuntimeError as error:
            raise ModelError(
                "The weights do not fit the description of the network: the bundle is damaged."
            ) from error
        preprocessing = Preprocessing.from_json(description["preprocessing"])
        return VaeModel(network, self.info, genes, preprocessing, description["batch_column"], batches)


def make_network(params: VaeParams, n_genes: int, n_batches: int, seed: int = 0) -> VaeNetwork:
    """Make a network with seeded weights, without drawing from the global random state."""
    with torch.device("meta"):
        network = VaeNetwork(
            n_genes,
            params.n_latent,
            n_batches=n_batches,
            hidden=params.hidden,
            n_layers=params.n_layers,
            dropout=params.dropout,
            input_dropout=params.input_dropout,
            encode_batch=params.encode_batch,
        )
    network.to_empty(device="cpu")
    seed_weights(network, seed)
    with torch.no_grad():
        network.log_dispersion.zero_()
        network.steps.zero_()
        network.encoder.log_variance.weight.mul_(0.1)
    return network


class _Task:
    """Data and loss of one net."""

    def __init__(self, data: TrainingData, plan: FoldPlan, params: VaeParams) -> None:
        assert data.counts is not None
        assert data.size is not None
        self.data, self.plan, self.params, self.counts = data, plan, params, data.counts
        device = torch.device(plan.device)
        self.size = torch.from_numpy(data.size).to(device)
        self.batch = None if data.batch is None else torch.from_numpy(data.batch.astype(np.int64)).to(device)
        self.batch_size = min(params.batch_size, max(_SMALLEST_BATCH, len(plan.train) // _STEPS))
        self.warm_up_steps = params.warm_up * max(1, len(plan.train) // self.batch_size)

    def run(self, job: JobHandle) -> Any:
        """Train from a fresh start: gene shares of the mean cell, no batch effect."""
        params, plan = self.params, self.plan
        settings = LoopSettings(
            max_epochs=params.max_epochs,
            batch_size=self.batch_size,
            learning_rate=params.learning_rate,
            weight_decay=params.weight_decay,
            patience=params.patience,
            epochs=plan.epochs,
        )
        network = self._fresh()
        return fit_loop(
            network, self.loss, plan.train, plan.valid, settings, seed=plan.seed, device=plan.device, job=job
        )

    def _fresh(self) -> VaeNetwork:
        data, plan = self.data, self.plan
        network = make_network(self.params, len(data.genes), len(data.batches), plan.seed)
        mean_g, _ = data.rows.moments(plan.train)
        network.encoder.standardise.set_moments(torch.from_numpy(mean_g), torch.ones(len(mean_g)))
        total_g = np.asarray(self.counts.table_cg[plan.train].sum(axis=0), np.float64).ravel() + _RARE
        decoder = network.decoder
        with torch.no_grad():
            decoder.genes.bias.copy_(torch.from_numpy(np.log(total_g / total_g.sum())))
            decoder.genes.weight.mul_(0.1)
            for shift in (decoder.gene_batch, decoder.first_batch, network.encoder.batch):
                if shift is not None:
                    shift.weight.zero_()
        return network

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


FAMILY = VaeFamily()
