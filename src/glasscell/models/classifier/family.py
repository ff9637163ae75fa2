"""Family ``classifier``: the class of a cell from its expression, by a small multilayer perceptron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from pydantic import Field
from scipy.optimize import minimize_scalar
from torch import Tensor, nn
from torch.nn import functional

from glasscell.errors import ModelError
from glasscell.models import training_field
from glasscell.models.classifier.model import ClassifierModel, depth_covariate
from glasscell.models.classifier.network import ClassifierNetwork, class_weights
from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.layer import seed_weights
from glasscell.models.loop import LoopResult, LoopSettings, fit_loop
from glasscell.models.published import NetFamily, filled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData

__all__ = ["FAMILY", "ClassifierFamily", "ClassifierModel", "ClassifierParams"]


class ClassifierParams(FamilyParams):
    """Settings of the family ``classifier``."""

    hidden: int = Field(64, ge=2, le=1024, title="Hidden units", description="Width of each hidden layer.")
    n_layers: int = Field(
        1, ge=1, le=4, title="Hidden layers", description="One keeps gene rankings most stable."
    )
    batch_norm: bool = Field(True, title="Batch normalisation", description="Normalise each hidden layer.")
    input_dropout: float = Field(
        0.3,
        ge=0,
        le=0.95,
        title="Gene dropout",
        description="Share of genes hidden from the network at each step.",
    )
    dropout: float = training_field.dropout(0.5)
    scaling: Literal["auto", "centre", "unit variance"] = Field(
        "auto",
        title="Gene scaling",
        description="auto: centre log-normalised counts, and give other values unit variance.",
    )
    class_weight: float = training_field.class_weight(1.0)
    depth_covariate: bool = Field(
        False,
        title="Depth as covariate",
        description="Give the network each cell's total counts beside its genes.",
    )
    learning_rate: float = training_field.learning_rate(1e-3)
    weight_decay: float = training_field.weight_decay(1e-2)
    batch_size: int = training_field.batch_size(256)
    max_epochs: int = training_field.max_epochs(200)
    patience: int = training_field.patience(10)


INFO = ModelInfo(
    key="classifier",
    title="Classifier",
    source="",
    works_for="Labels that follow from a cell's own expression: cell types, layers, regions, groups.",
    fails_for="Labels made from the same counts (accuracy is then circular), or explained by neighbours.",
    min_cells=50,
    target_kinds=("class", "contrast", "latent"),
)
_MIN_SCALE = 1e-2
_BLOCK = 4096
_STEPS = 8
_SMALLEST_BATCH = 16


class ClassifierFamily(NetFamily):
    """Trains, takes apart and rebuilds classifiers."""

    info = INFO
    params: type[FamilyParams] = ClassifierParams

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[ClassifierModel, Curve, tuple[str, ...]]:
        """Train one network and return an immutable copy of it."""
        assert isinstance(params, ClassifierParams)
        task = _Task(data, plan, params)
        result = task.run(job)
        network = result.network
        assert isinstance(network, ClassifierNetwork)
        temperature = task.temperature(network) if len(plan.valid) else 1.0
        model = ClassifierModel(
            network.cpu(), self.info, data.genes, data.classes, data.preprocessing, temperature
        )
        return model, result.curve, result.notes

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> ClassifierModel:
        """Rebuild a model that scores bit-equal."""
        assert isinstance(params, ClassifierParams)
        network = make_network(params, len(genes), len(classes))
        preprocessing = filled(network, tensors, description)
        return ClassifierModel(
            network, self.info, genes, classes, preprocessing, float(description["temperature"])
        )


def make_network(params: ClassifierParams, n_genes: int, n_classes: int, seed: int = 0) -> ClassifierNetwork:
    """Make a network with seeded weights, without drawing from the global random state."""
    with torch.device("meta"):
        network = ClassifierNetwork(
            n_genes,
            n_classes,
            hidden=params.hidden,
            n_layers=params.n_layers,
            n_covariates=1 if params.depth_covariate else 0,
            batch_norm=params.batch_norm,
            input_dropout=params.input_dropout,
            dropout=params.dropout,
        )
    network.to_empty(device="cpu")
    seed_weights(network, seed)
    return network


class _Task:
    """Data, loss and calibration of one fold."""

    def __init__(self, data: TrainingData, plan: FoldPlan, params: ClassifierParams) -> None:
        self.data, self.plan, self.params = data, plan, params
        device = torch.device(plan.device)
        self.codes = torch.from_numpy(data.codes.astype(np.int64)).to(device)
        train = torch.from_numpy(plan.train).to(device)
        self.weight_k = class_weights(self.codes[train].cpu(), len(data.classes), params.class_weight).to(
            device
        )
        self.covariates: Tensor | None = None
        if params.depth_covariate:
            if data.size is None:
                raise ModelError(
                    "Depth cannot be a covariate: this file has no counts. Switch the setting off."
                )
            self.covariates = depth_covariate(torch.from_numpy(data.size).to(device))

    def run(self, job: JobHandle) -> LoopResult:
        """Train from a fresh start."""
        params, plan = self.params, self.plan
        settings = LoopSettings(
            max_epochs=params.max_epochs,
            batch_size=min(params.batch_size, max(_SMALLEST_BATCH, len(plan.train) // _STEPS)),
            learning_rate=params.learning_rate,
            weight_decay=params.weight_decay,
            patience=params.patience,
            epochs=plan.epochs,
        )
        network = self._fresh()
        return fit_loop(
            network, self.loss, plan.train, plan.valid, settings, seed=plan.seed, device=plan.device, job=job
        )

    def _fresh(self) -> ClassifierNetwork:
        data, params = self.data, self.params
        network = make_network(params, len(data.genes), len(data.classes), self.plan.seed)
        mean_g, sd_g = data.rows.moments(self.plan.train)
        unit = params.scaling == "unit variance" or (
            params.scaling == "auto" and data.preprocessing.kind == "stored"
        )
        scale_g = np.maximum(sd_g, _MIN_SCALE) if unit else np.ones_like(sd_g)
        network.standardise.set_moments(torch.from_numpy(mean_g), torch.from_numpy(scale_g))
        if self.covariates is not None and network.covariate_standardise is not None:
            column = self.covariates[torch.from_numpy(self.plan.train).to(self.covariates.device)]
            network.covariate_standardise.set_moments(column.mean(0), column.std(0).clamp(min=_MIN_SCALE))
        return network

    def logits(self, network: nn.Module, indices: Tensor) -> Tensor:
        """Return logits of some cells, ``(n, n_classes)``."""
        covariates = None if self.covariates is None else self.covariates[indices.to(self.covariates.device)]
        logits_ck: Tensor = network(self.data.rows.take(indices), covariates)
        return logits_ck

    def loss(self, network: nn.Module, indices: Tensor) -> Tensor:
        """Return the class-weighted cross-entropy."""
        truth = self.codes[indices.to(self.codes.device)]
        return functional.cross_entropy(self.logits(network, indices), truth, weight=self.weight_k)

    @torch.no_grad()
    def temperature(self, network: nn.Module) -> float:
        """Find the temperature that makes validation probabilities most likely; 1 where it does not help.

        References
        ----------
        Guo et al. 2017, arXiv:1706.04599, section 4.2.
        """
        valid = torch.from_numpy(self.plan.valid)
        logits_ck = torch.cat([self.logits(network, part) for part in torch.split(valid, _BLOCK)]).double()
        truth = self.codes[valid.to(self.codes.device)]

        def surprise(log_temperature: float) -> float:
            return float(functional.cross_entropy(logits_ck / np.exp(log_temperature), truth))

        found = minimize_scalar(surprise, bounds=(np.log(0.5), np.log(10.0)), method="bounded")
        return float(np.exp(found.x)) if found.fun < surprise(0.0) else 1.0


FAMILY = ClassifierFamily()
