"""Family ``spatial_attention``: cells described with their neighbours, and divided into domains."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from glasscell.data.neighbour import GraphSpec
from glasscell.errors import NotCompatible
from glasscell.models import training_field
from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.published import whole_bundle
from glasscell.models.spatial_attention.domain_net import DomainFamily
from glasscell.models.spatial_attention.model import SpatialModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.capability.model import Model
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.spatial_attention.network import SpatialNetwork

__all__ = ["FAMILY", "SpatialFamily", "SpatialModel", "SpatialParams"]


class SpatialParams(FamilyParams):
    """Settings of the family ``spatial_attention``."""

    n_domains: int = Field(
        7, ge=2, le=60, title="Domains", description="Groups that cells are divided into by their latents."
    )
    graph: Literal["knn", "grid", "radius"] = Field(
        "knn",
        title="Neighbours",
        description="knn: the nearest cells; grid: those that touch on a regular grid; radius: all in it.",
    )
    k: int = Field(
        18,
        ge=1,
        le=100,
        title="Number of neighbours",
        description="Of each cell, where the nearest are taken.",
    )
    radius: float = Field(
        0.0, ge=0, title="Radius", description="In the unit of the positions, where a radius is asked for."
    )
    n_components: int = Field(
        30, ge=2, le=500, title="Components", description="Principal components of expression that are seen."
    )
    n_latent: int = Field(20, ge=2, le=200, title="Latents", description="Numbers each cell is summed up in.")
    hidden: int = Field(128, ge=4, le=2048, title="Hidden units", description="Width of the hidden layers.")
    heads: int = Field(
        1, ge=1, le=16, title="Heads", description="Ways in which neighbours are weighed side by side."
    )
    attention: Literal["learnt", "1/degree"] = Field(
        "learnt",
        title="Attention",
        description="1/degree: all neighbours count the same; the row that learnt weights must beat.",
    )
    own: Literal["a neighbour", "apart"] = Field(
        "a neighbour",
        title="Own expression",
        description="a neighbour: weighed like the others, for domains; apart: with weights of its own, to "
        "see what neighbours add to it.",
    )
    hide_own: float = Field(
        0.8,
        ge=0,
        le=1,
        title="Own expression hidden",
        description="Share of cells foretold from neighbours alone at each step, so that those are used.",
    )
    hide_genes: float = Field(
        0.0,
        ge=0,
        le=0.95,
        title="Genes hidden",
        description="Share of a cell's own genes hidden at each step and foretold from all else; 0: none.",
    )
    starts: int = Field(
        20, ge=1, le=200, title="Mixture starts", description="The likeliest of so many divisions is kept."
    )
    learning_rate: float = training_field.learning_rate(1e-3)
    weight_decay: float = training_field.weight_decay(1e-2)
    batch_size: int = Field(
        4096, ge=8, le=65536, title="Batch size", description="Cells per step, their neighbours not counted."
    )
    max_epochs: int = training_field.max_epochs(400)
    patience: int = Field(
        5,
        ge=1,
        le=1000,
        title="Patience",
        description="Stop after so many epochs in which held-out cells are not foretold better.",
    )


INFO = ModelInfo(
    key="spatial_attention",
    title="Spatial attention",
    source="doi:10.1038/s41467-022-29439-6",
    works_for="Tissue without labels: domains, and which neighbours a cell is described by.",
    fails_for="Dissociated cells; fine cell types, which neighbours blur; attention as proof of signalling.",
    min_cells=100,
    target_kinds=("domain", "latent"),
    needs_labels=False,
    needs_positions=True,
)


class SpatialFamily(DomainFamily):
    """Trains, measures, takes apart and rebuilds networks of neighbours."""

    info = INFO
    params: type[FamilyParams] = SpatialParams

    @property
    def why_not(self) -> str:
        """Why it cannot be used here, in one sentence that front ends show; empty when it can."""
        if importlib.util.find_spec("torch_geometric") is not None:
            return ""
        return f"{self.info.title} needs torch-geometric: install it with pip install 'glasscell[graph]'."

    def graph(self, params: FamilyParams) -> GraphSpec:
        """Return how neighbours are found."""
        assert isinstance(params, SpatialParams)
        return GraphSpec(params.graph, params.k, params.radius or None)

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[SpatialModel, Curve, tuple[str, ...]]:
        """Train one network, divide the cells into domains by its latents, and return an immutable copy.

        The curve is the mean squared error of components of cells foretold from their neighbours.
        """
        from glasscell.models.spatial_attention.train import train_network

        assert isinstance(params, SpatialParams)
        if self.why_not:
            raise NotCompatible(self.why_not)
        network = make_network(params, len(data.genes), *_sizes(params, data, plan), plan.seed)
        result = train_network(network, data, plan, params, job)
        model = SpatialModel(result.network, self.info, data.genes, data.preprocessing, self.graph(params))
        return model, result.curve, result.notes

    def figures(
        self, model: Model, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
    ) -> Mapping[str, Mapping[str, float]]:
        """Measure how well cells the net has not seen are foretold from their neighbours."""
        from glasscell.models.spatial_attention.figure import neighbour_figures

        assert isinstance(model, SpatialModel)
        return neighbour_figures(self.info.key, model, data, held_out, job)

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> SpatialModel:
        """Rebuild a model that scores bit-equal; torch-geometric must be installed."""
        assert isinstance(params, SpatialParams)
        if self.why_not:
            raise NotCompatible(self.why_not)
        network = make_network(params, len(genes), int(description["n_components"]))
        with whole_bundle():
            network.load_state_dict(dict(tensors))
        if network.uniform:
            network.even()
        preprocessing = Preprocessing.from_json(description["preprocessing"])
        graph = GraphSpec.from_json(description["graph"])
        return SpatialModel(network, self.info, genes, preprocessing, graph)


def _sizes(params: SpatialParams, data: TrainingData, plan: FoldPlan) -> tuple[int]:
    """Return the number of components that cells and genes allow."""
    return (max(1, min(params.n_components, len(data.genes), len(plan.train) - 1)),)


def make_network(params: SpatialParams, n_genes: int, n_components: int, seed: int = 0) -> SpatialNetwork:
    """Make a network with seeded weights, leaving the global random state as it was."""
    from glasscell.models.spatial_attention.network import SpatialNetwork

    with torch.random.fork_rng(devices=[]):
        network = SpatialNetwork(
            n_genes,
            n_components,
            hidden=max(1, params.hidden // params.heads) * params.heads,
            n_latent=params.n_latent,
            heads=params.heads,
            n_domains=params.n_domains,
            own_apart=params.own == "apart",
            uniform=params.attention == "1/degree",
        )
    network.seed(seed)
    return network


FAMILY = SpatialFamily()
