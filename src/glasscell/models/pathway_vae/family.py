"""Family ``pathway_vae``: counts through latents that are gene sets, each moving its own genes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch

from glasscell.data.gene_set import gene_mask, read_gmt
from glasscell.errors import DataError
from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.layer import seed_weights
from glasscell.models.pathway_vae.model import PathwayModel
from glasscell.models.pathway_vae.network import PathwayNetwork
from glasscell.models.pathway_vae.params import PathwayParams
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.published import whole_bundle
from glasscell.models.vae.count_family import CountFamily
from glasscell.models.vae.train import CountTask, log_gene_share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.capability.model import Model
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.vae.network import VaeNetwork

__all__ = ["FAMILY", "PathwayFamily", "PathwayModel", "PathwayParams"]

INFO = ModelInfo(
    key="pathway_vae",
    title="Pathway auto-encoder",
    source="doi:10.1038/s41467-022-33235-3",
    works_for="Raw counts and gene sets (a GMT file): how active each set is in each cell, by name.",
    fails_for="Sets of which few genes were measured; telling apart sets that share most of their genes.",
    min_cells=50,
    target_kinds=("latent",),
    needs_labels=False,
    needs_counts=True,
    takes_batch=True,
)
_FIRST_WEIGHT = 0.2


class PathwayFamily(CountFamily):
    """Trains, measures, takes apart and rebuilds pathway VAEs."""

    info = INFO
    params: type[FamilyParams] = PathwayParams

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[PathwayModel, Curve, tuple[str, ...]]:
        """Train one network and return an immutable copy of it.

        The curve is the negative evidence lower bound per cell, divided by the number of genes.

        Raises
        ------
        DataError
            The gene sets cannot be read, or too few of their genes were measured.
        """
        assert isinstance(params, PathwayParams)
        self.require_counts(data)
        network, notes = _fresh(data, plan, params)
        result = CountTask(data, plan, params).run(network, job)
        trained = result.network.cpu()
        assert isinstance(trained, PathwayNetwork)
        if params.signed:
            _turn_up(trained)
        model = _model(trained, self.info, data.genes, data.preprocessing, data.batch_column, data.batches)
        if len(model.pruned) == model.n_sets:
            notes = (*notes, "All gene sets were pruned: lower the pruning, or train on more cells.")
        return model, result.curve, (*notes, *result.notes)

    def aligned(self, twin: Model, order: NDArray[np.int64], sign: NDArray[np.float32]) -> PathwayModel:
        """Return the twin as it is: its latents are the same sets."""
        assert isinstance(twin, PathwayModel)
        return twin

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> PathwayModel:
        """Rebuild a model that scores bit-equal; the GMT file is not needed."""
        assert isinstance(params, PathwayParams)
        batches, names = tuple(description["batches"]), tuple(description["latents"])
        with whole_bundle():
            network = make_network(params, tensors["member_pg"], names, len(batches))
            network.load_state_dict(dict(tensors))
        preprocessing = Preprocessing.from_json(description["preprocessing"])
        return _model(network, self.info, genes, preprocessing, description["batch_column"], batches)


def make_network(
    params: PathwayParams, member_pg: Tensor, names: Sequence[str], n_batches: int, seed: int = 0
) -> PathwayNetwork:
    """Make a network with seeded weights, without drawing from the global random state."""
    with torch.random.fork_rng(devices=[]):
        network = PathwayNetwork(
            member_pg,
            tuple(names),
            n_free=params.n_free,
            soft=params.mask == "soft",
            positive=not params.signed,
            group_lasso=params.group_lasso,
            soft_strength=params.soft_strength,
            n_batches=n_batches,
            hidden=params.hidden,
            n_layers=params.n_layers,
            dropout=params.dropout,
            input_dropout=params.input_dropout,
        )
    seed_weights(network, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        weight_gk = network.decoder.sets.weight
        drawn_gk = torch.rand(weight_gk.shape, generator=generator)
        start_gk = torch.zeros_like(weight_gk)
        start_gk[:, : network.n_sets] = _FIRST_WEIGHT * (0.5 + drawn_gk[:, : network.n_sets])
        start_gk[:, : network.n_sets] *= member_pg.T
        start_gk[:, network.n_sets :] = 0.1 * (drawn_gk[:, network.n_sets :] - 0.5)
        weight_gk.copy_(start_gk)
        network.encoder.log_variance.weight.mul_(0.1)
    return network


def latent_names(sets: Sequence[str], n_free: int) -> tuple[str, ...]:
    """Return names of all latents: the sets' own, then ``free 1``, ``free 2``, ... none of them twice."""
    taken, number = set(sets), 0
    free: list[str] = []
    while len(free) < n_free:
        number += 1
        if f"free {number}" not in taken:
            free.append(f"free {number}")
    return (*sets, *free)


def _fresh(
    data: TrainingData, plan: FoldPlan, params: PathwayParams
) -> tuple[PathwayNetwork, tuple[str, ...]]:
    """Make a network that starts from gene shares of the mean cell, and say which sets were left out."""
    if params.max_genes < params.min_genes:
        raise DataError("The most genes of a set are fewer than the fewest: change one of them.")
    found = gene_mask(
        read_gmt(params.gene_sets), data.genes, min_genes=params.min_genes, max_genes=params.max_genes
    )
    names = latent_names(found.names, params.n_free)
    network = make_network(params, torch.from_numpy(found.mask_pg), names, len(data.batches), plan.seed)
    mean_g, _ = data.rows.moments(plan.train)
    network.encoder.standardise.set_moments(torch.from_numpy(mean_g), torch.ones(len(mean_g)))
    with torch.no_grad():
        network.decoder.gene_bias.copy_(log_gene_share(data, plan.train))
        for shift in (network.decoder.gene_batch, network.encoder.batch):
            if shift is not None:
                shift.weight.zero_()
    total = len(found.names) + len(found.too_small) + len(found.too_large)
    said = (
        f"{len(found.names)} of {total} gene sets are used: {len(found.too_small)} have fewer than "
        f"{params.min_genes} measured genes, {len(found.too_large)} more than {params.max_genes}."
    )
    return network, (said,)


@torch.no_grad()
def _turn_up(network: PathwayNetwork) -> None:
    """Turn each latent so that more of it means more of its genes, on the whole."""
    weight_gk = network.decoder.sets.weight
    in_set_gk = torch.cat([network.member_pg.T, torch.ones_like(weight_gk[:, network.n_sets :])], dim=1)
    flip_k = torch.where((network.weight_gk * in_set_gk).sum(dim=0) < 0, -1.0, 1.0)
    weight_gk.mul_(flip_k)
    network.encoder.mean.weight.mul_(flip_k[:, None])
    network.encoder.mean.bias.mul_(flip_k)


def _model(network: PathwayNetwork, *words: Any) -> PathwayModel:
    return PathwayModel(cast("VaeNetwork", network), *words)


FAMILY = PathwayFamily()
