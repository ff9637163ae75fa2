"""Family ``vae``: counts through a few latents, by a variational auto-encoder that knows the batch."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch

from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.layer import seed_weights
from glasscell.models.published import filled
from glasscell.models.vae.count_family import CountFamily
from glasscell.models.vae.layer import reorder_latents
from glasscell.models.vae.model import VaeModel
from glasscell.models.vae.network import VaeNetwork
from glasscell.models.vae.params import VaeParams
from glasscell.models.vae.train import CountTask, log_gene_share

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.capability.model import Model
    from glasscell.models.family import FoldPlan, TrainingData

__all__ = ["FAMILY", "VaeFamily", "VaeModel", "VaeParams"]


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


class VaeFamily(CountFamily):
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
        self.require_counts(data)
        result = CountTask(data, plan, params).run(_fresh(data, plan, params), job)
        network = result.network
        assert isinstance(network, VaeNetwork)
        model = VaeModel(
            network.cpu(), self.info, data.genes, data.preprocessing, data.batch_column, data.batches
        )
        return model, result.curve, result.notes

    def aligned(self, twin: Model, order: NDArray[np.int64], sign: NDArray[np.float32]) -> VaeModel:
        """Return the model with its latents in another order and sign; what it decodes stays the same."""
        assert isinstance(twin, VaeModel)
        network = deepcopy(twin.network)
        at, flip = torch.from_numpy(order), torch.from_numpy(sign)
        reorder_latents(network.encoder, [network.decoder.first.weight], at, flip)
        return VaeModel(network, self.info, twin.genes, twin.preprocessing, twin.batch_column, twin.batches)

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
        preprocessing = filled(network, tensors, description)
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


def _fresh(data: TrainingData, plan: FoldPlan, params: VaeParams) -> VaeNetwork:
    """Make a network that starts from gene shares of the mean cell and no batch effect."""
    network = make_network(params, len(data.genes), len(data.batches), plan.seed)
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


FAMILY = VaeFamily()
