"""Family ``additive_vae``: counts through latents whose effects on genes add up and are read off apart."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, cast

import torch

from glasscell.models.additive_vae.model import AdditiveModel
from glasscell.models.additive_vae.network import AdditiveNetwork
from glasscell.models.additive_vae.params import AdditiveParams
from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.layer import seed_weights
from glasscell.models.published import filled
from glasscell.models.vae.count_family import CountFamily
from glasscell.models.vae.layer import reorder_latents
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
    from glasscell.models.vae.network import VaeNetwork

__all__ = ["FAMILY", "AdditiveFamily", "AdditiveModel", "AdditiveParams"]

INFO = ModelInfo(
    key="additive_vae",
    title="Additive auto-encoder",
    source="doi:10.1101/2024.11.06.622266",
    works_for="Raw counts without labels: factors whose effect on each gene is read off one by one.",
    fails_for="Log-normalised or scaled values; the sign of a factor, and factors that few cells have.",
    min_cells=50,
    target_kinds=("latent",),
    needs_labels=False,
    needs_counts=True,
    takes_batch=True,
)
_BLOCK = 4096


class AdditiveFamily(CountFamily):
    """Trains, measures, takes apart and rebuilds additive VAEs."""

    info = INFO
    params: type[FamilyParams] = AdditiveParams

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[AdditiveModel, Curve, tuple[str, ...]]:
        """Train one network and return an immutable copy of it.

        The curve is the negative evidence lower bound per cell, divided by the number of genes.
        """
        assert isinstance(params, AdditiveParams)
        self.require_counts(data)
        result = CountTask(data, plan, params).run(_fresh(data, plan, params), job)
        network = result.network.cpu()
        assert isinstance(network, AdditiveNetwork)
        _set_extremes(network, data, plan.train, job)
        _centre_loadings(network)
        model = _model(network, self.info, data.genes, data.preprocessing, data.batch_column, data.batches)
        notes = result.notes
        if model.vanished.all():
            notes = (*notes, "All factors vanished: lower the prior weight, or train on more cells.")
        return model, result.curve, notes

    def aligned(self, twin: Model, order: NDArray[np.int64], sign: NDArray[np.float32]) -> AdditiveModel:
        """Return the model with its factors in another order and sign; what it decodes stays the same."""
        assert isinstance(twin, AdditiveModel)
        network = deepcopy(twin.additive)
        at, flip = torch.from_numpy(order), torch.from_numpy(sign)
        reorder_latents(network.encoder, (), at, flip)
        network.decoder.factors.reorder(at, flip)
        low, high = network.low[at], network.high[at]
        network.low.copy_(torch.where(flip > 0, low, -high))
        network.high.copy_(torch.where(flip > 0, high, -low))
        return _model(network, self.info, twin.genes, twin.preprocessing, twin.batch_column, twin.batches)

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> AdditiveModel:
        """Rebuild a model that scores bit-equal."""
        assert isinstance(params, AdditiveParams)
        batches = tuple(description["batches"])
        network = make_network(params, len(genes), len(batches))
        preprocessing = filled(network, tensors, description)
        return _model(network, self.info, genes, preprocessing, description["batch_column"], batches)


def make_network(params: AdditiveParams, n_genes: int, n_batches: int, seed: int = 0) -> AdditiveNetwork:
    """Make a network with seeded weights, without drawing from the global random state."""
    with torch.device("meta"):
        network = AdditiveNetwork(
            n_genes,
            params.n_latent,
            n_batches=n_batches,
            hidden=params.hidden,
            n_layers=params.n_layers,
            dropout=params.dropout,
            input_dropout=params.input_dropout,
            encode_batch=params.encode_batch,
            decoder_hidden=params.decoder_hidden,
            linear=params.linear,
        )
    network.to_empty(device="cpu")
    seed_weights(network, seed)
    with torch.no_grad():
        network.decoder.factors.reset(torch.Generator().manual_seed(seed + 1))
        for zeroed in (
            network.log_dispersion,
            network.decoder.gene_bias,
            network.steps,
            network.low,
            network.high,
        ):
            zeroed.zero_()
        network.encoder.log_variance.weight.mul_(0.1)
    return network


def _fresh(data: TrainingData, plan: FoldPlan, params: AdditiveParams) -> AdditiveNetwork:
    """Make a network that starts from gene shares of the mean cell and no batch effect."""
    network = make_network(params, len(data.genes), len(data.batches), plan.seed)
    mean_g, _ = data.rows.moments(plan.train)
    network.encoder.standardise.set_moments(torch.from_numpy(mean_g), torch.ones(len(mean_g)))
    with torch.no_grad():
        network.decoder.gene_bias.copy_(log_gene_share(data, plan.train))
        for shift in (network.decoder.gene_batch, network.encoder.batch):
            if shift is not None:
                shift.weight.zero_()
    return network


@torch.no_grad()
def _set_extremes(
    network: AdditiveNetwork, data: TrainingData, cells: NDArray[np.int64], job: JobHandle
) -> None:
    """Keep the least and largest latent over the cells of the training: effects are asked for up to there."""
    lows, highs = [], []
    for rows in torch.split(torch.from_numpy(cells), _BLOCK):
        job.report(None, "extremes of the factors")
        codes = None if data.batch is None else torch.from_numpy(data.batch.astype("int64"))[rows]
        x_cg = data.rows.take(rows).cpu()
        mean_cz, _ = network.encoder(x_cg, network.batches(codes, x_cg))
        lows.append(mean_cz.amin(dim=0))
        highs.append(mean_cz.amax(dim=0))
    network.low.copy_(torch.stack(lows).amin(dim=0))
    network.high.copy_(torch.stack(highs).amax(dim=0))


@torch.no_grad()
def _centre_loadings(network: AdditiveNetwork) -> None:
    """Take a linear factor's mean over genes away: shares do not change and loadings become unique."""
    if network.linear:
        weight_gk = network.decoder.factors.genes.weight
        weight_gk.sub_(weight_gk.mean(dim=0))


def _model(network: AdditiveNetwork, *words: Any) -> AdditiveModel:
    return AdditiveModel(cast("VaeNetwork", network), *words)


FAMILY = AdditiveFamily()
