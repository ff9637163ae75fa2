"""Family ``scgnn``: counts through a cell graph that is pruned, embedded, clustered and found again."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, cast

import torch

from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.layer import seed_weights
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.published import whole_bundle
from glasscell.models.scgnn.cluster import discriminant
from glasscell.models.scgnn.model import ScgnnModel
from glasscell.models.scgnn.network import FeatureNetwork, ScgnnNetwork
from glasscell.models.scgnn.params import ScgnnParams
from glasscell.models.scgnn.train import Pipeline
from glasscell.models.vae.count_family import CountFamily
from glasscell.models.vae.layer import reorder_latents
from glasscell.models.vae.train import log_gene_share

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.capability.model import Model
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.scgnn.train import Trained
    from glasscell.models.vae.network import VaeNetwork

__all__ = ["FAMILY", "ScgnnFamily", "ScgnnModel", "ScgnnParams"]

INFO = ModelInfo(
    key="scgnn",
    title="Cell graph (scGNN)",
    source="doi:10.1038/s41467-021-22197-x",
    works_for="Raw counts without labels: a pruned graph of like cells, clusters, imputed values.",
    fails_for="Testing genes on imputed values, which go together by construction; very rare cells.",
    min_cells=100,
    target_kinds=("domain", "latent"),
    needs_labels=False,
    needs_counts=True,
)


class ScgnnFamily(CountFamily):
    """Trains, measures, takes apart and rebuilds cell-graph models."""

    info = INFO
    params: type[FamilyParams] = ScgnnParams

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[ScgnnModel, Curve, tuple[str, ...]]:
        """Train one network and return an immutable copy of it.

        The curve is that of the feature autoencoder's first round: the negative bound per gene.
        """
        assert isinstance(params, ScgnnParams)
        self.require_counts(data)
        trained = Pipeline(data, plan, params).run(_fresh(data, plan, params), job)
        network = _whole(trained, params, len(data.genes))
        model = ScgnnModel(cast("VaeNetwork", network), self.info, data.genes, data.preprocessing)
        return model, trained.curve, trained.notes

    def figures(
        self, model: Model, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
    ) -> Mapping[str, Mapping[str, float]]:
        """Measure how well a hidden tenth of the counts of unseen cells is imputed."""
        from glasscell.models.scgnn.figure import imputation_figures

        assert isinstance(model, ScgnnModel)
        return imputation_figures(self.info.key, model, data, held_out, job)

    def aligned(self, twin: Model, order: NDArray[np.int64], sign: NDArray[np.float32]) -> ScgnnModel:
        """Return the model with its latents in another order and sign; what it decodes stays the same."""
        assert isinstance(twin, ScgnnModel)
        network = deepcopy(twin.whole)
        at, flip = torch.from_numpy(order), torch.from_numpy(sign)
        readers = [network.decoder.first.weight, network.imputer.first.weight, network.domain_weight]
        reorder_latents(network.encoder, readers, at, flip)
        network.cell_latent.copy_(network.cell_latent[:, at] * flip)
        return ScgnnModel(cast("VaeNetwork", network), self.info, twin.genes, twin.preprocessing)

    def with_domains_of(
        self, twin: Model, model: Model, domain_c: NDArray[np.int32], latent_cz: NDArray[np.float32]
    ) -> ScgnnModel:
        """Return the twin with the model's clusters, told by the twin's own latents of the same cells."""
        assert isinstance(twin, ScgnnModel)
        assert isinstance(model, ScgnnModel)
        network = deepcopy(twin.whole)
        weight_kz, offset_k = discriminant(latent_cz, domain_c, model.n_domains)
        network.domain_weight = torch.from_numpy(weight_kz).to(twin.device, twin.dtype)
        network.domain_offset = torch.from_numpy(offset_k).to(twin.device, twin.dtype)
        network.cluster = model.whole.cluster.clone()
        return ScgnnModel(cast("VaeNetwork", network), self.info, twin.genes, twin.preprocessing)

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> ScgnnModel:
        """Rebuild a model that scores bit-equal."""
        assert isinstance(params, ScgnnParams)
        network = make_network(params, len(genes), int(description["n_clusters"]))
        with whole_bundle():
            network.hold(tensors)
            network.load_state_dict(dict(tensors))
        preprocessing = Preprocessing.from_json(description["preprocessing"])
        return ScgnnModel(cast("VaeNetwork", network), self.info, genes, preprocessing)


def make_network(params: ScgnnParams, n_genes: int, n_clusters: int) -> ScgnnNetwork:
    """Make a network without drawing from the global random state; its cell graph is still to come."""
    with torch.random.fork_rng(devices=[]):
        network = ScgnnNetwork(
            n_genes,
            params.n_latent,
            hidden=params.hidden,
            n_clusters=n_clusters,
            own=params.own,
            prune=params.prune,
            dropout=params.dropout,
            input_dropout=params.input_dropout,
        )
    return network


def make_features(params: ScgnnParams, n_genes: int, seed: int) -> FeatureNetwork:
    """Make a feature autoencoder with seeded weights, without drawing from the global random state."""
    with torch.device("meta"):
        network = FeatureNetwork(
            n_genes,
            params.n_latent,
            hidden=params.hidden,
            dropout=params.dropout,
            input_dropout=params.input_dropout,
        )
    network.to_empty(device="cpu")
    seed_weights(network, seed)
    with torch.no_grad():
        network.steps.zero_()
        network.encoder.log_variance.weight.mul_(0.1)
    return network


def _fresh(data: TrainingData, plan: FoldPlan, params: ScgnnParams) -> FeatureNetwork:
    """Make a feature autoencoder that starts from gene shares of the mean cell."""
    network = make_features(params, len(data.genes), plan.seed)
    mean_g, _ = data.rows.moments(plan.train)
    network.encoder.standardise.set_moments(torch.from_numpy(mean_g), torch.ones(len(mean_g)))
    with torch.no_grad():
        network.decoder.genes.bias.copy_(log_gene_share(data, plan.train))
        network.decoder.genes.weight.mul_(0.1)
    return network


@torch.no_grad()
def _whole(trained: Trained, params: ScgnnParams, n_genes: int) -> ScgnnNetwork:
    """Put what was trained into one network."""
    network = make_network(params, n_genes, len(trained.offset_k))
    network.encoder.load_state_dict(trained.feature.encoder.state_dict())
    network.decoder.load_state_dict(trained.feature.decoder.state_dict())
    network.imputer.load_state_dict(trained.imputer.state_dict())
    network.domain_weight.copy_(torch.from_numpy(trained.weight_kz))
    network.domain_offset.copy_(torch.from_numpy(trained.offset_k))
    network.hold(trained.per_cell)
    return network


FAMILY = ScgnnFamily()
