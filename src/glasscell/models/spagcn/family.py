"""Family ``spagcn``: expression smoothed over the tissue by a Gaussian kernel, divided into domains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from glasscell.data.neighbour import GraphSpec
from glasscell.models import training_field
from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.published import filled
from glasscell.models.spagcn.model import SpagcnModel
from glasscell.models.spatial_attention.domain_net import DomainFamily

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.capability.model import Model
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.spagcn.network import SpagcnNetwork

__all__ = ["FAMILY", "SpagcnFamily", "SpagcnModel", "SpagcnParams"]


class SpagcnParams(FamilyParams):
    """Settings of the family ``spagcn``."""

    n_domains: int = Field(7, ge=2, le=60, title="Domains", description="Groups that cells are divided into.")
    p: float = Field(
        0.0,
        ge=0,
        le=90,
        title="Neighbours' weight p",
        description="What neighbours weigh together, the cell itself weighing 1; 0: chosen without labels "
        "from 0.5, 1, 3, 6 and 12 by how well smoothed counts foretell held-out ones.",
    )
    k: int = Field(
        36,
        ge=1,
        le=100,
        title="Number of neighbours",
        description="The nearest cells, which the kernel weighs by distance; all others weigh nothing.",
    )
    histology: float = Field(
        0.0,
        ge=0,
        le=10,
        title="Histology",
        description="How much the colour of the tissue's picture counts beside a coordinate; 0: not at all.",
    )
    n_components: int = Field(
        15, ge=2, le=500, title="Components", description="Principal components of expression that are seen."
    )
    weights: Literal["mean", "sum"] = Field(
        "mean",
        title="Weights",
        description="mean: divided by their sum; sum: as published, so that cells at the border take less.",
    )
    alpha: float = Field(
        0.2,
        ge=0.01,
        le=100,
        title="Tails",
        description="Of the Student's t around domains: smaller ones have longer tails.",
    )
    starts: int = Field(
        20, ge=1, le=200, title="Mixture starts", description="The likeliest of so many divisions is refined."
    )
    learning_rate: float = training_field.learning_rate(5e-3)
    tolerance: float = Field(
        5e-3,
        ge=0,
        le=1,
        title="Tolerance",
        description="Stop when a smaller share of held-out cells changes domain.",
    )
    batch_size: int = Field(65536, ge=8, le=1_000_000, title="Batch size", description="Cells per step.")
    max_epochs: int = training_field.max_epochs(200)


INFO = ModelInfo(
    key="spagcn",
    title="SpaGCN",
    source="doi:10.1038/s41592-021-01255-8",
    works_for="Domains of tissue without labels, their probabilities, and genes that mark them.",
    fails_for="Dissociated cells; tissue where neighbouring cells are of many kinds, as p is then small.",
    min_cells=100,
    target_kinds=("domain", "latent"),
    needs_labels=False,
    uses_counts=True,
    needs_positions=True,
)


class SpagcnFamily(DomainFamily):
    """Trains, measures, takes apart and rebuilds networks of smoothed expression."""

    info = INFO
    params: type[FamilyParams] = SpagcnParams

    def graph(self, params: FamilyParams) -> GraphSpec:
        """Return how neighbours are found."""
        assert isinstance(params, SpagcnParams)
        return GraphSpec("knn", params.k, histology=params.histology, scaled=True)

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[SpagcnModel, Curve, tuple[str, ...]]:
        """Train one network and return an immutable copy.

        The curve is the divergence from the sharpened shares and, of held-out cells, the share of those that
        changed domain.
        """
        from glasscell.models.spagcn.train import train_network

        assert isinstance(params, SpagcnParams)
        n_components = max(1, min(params.n_components, len(data.genes), len(plan.train) - 1))
        network = make_network(params, len(data.genes), n_components)
        result = train_network(network, data, plan, params, job)
        model = SpagcnModel(result.network, self.info, data.genes, data.preprocessing, self.graph(params))
        return model, result.curve, result.notes

    def figures(
        self, model: Model, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
    ) -> Mapping[str, Mapping[str, float]]:
        """Measure how well cells are foretold from their neighbours by the kernel."""
        from glasscell.models.spagcn.figure import kernel_figures

        assert isinstance(model, SpagcnModel)
        return kernel_figures(self.info.key, model, data, held_out, job)

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> SpagcnModel:
        """Rebuild a model that scores bit-equal."""
        assert isinstance(params, SpagcnParams)
        network = make_network(
            params, len(genes), int(description["n_components"]), int(description["n_tried"])
        )
        preprocessing = filled(network, tensors, description)
        graph = GraphSpec.from_json(description["graph"])
        return SpagcnModel(network, self.info, genes, preprocessing, graph)


def make_network(params: SpagcnParams, n_genes: int, n_components: int, n_tried: int = 0) -> SpagcnNetwork:
    """Make an untrained network, leaving the global random state as it was."""
    from glasscell.models.spagcn.network import SpagcnNetwork

    with torch.random.fork_rng(devices=[]):
        return SpagcnNetwork(
            n_genes,
            n_components,
            n_domains=params.n_domains,
            mean=params.weights == "mean",
            alpha=params.alpha,
            n_tried=n_tried,
        )


FAMILY = SpagcnFamily()
