"""Family ``pathway_net``: a classifier whose nodes are gene sets and groups of sets, after P-NET and KPNN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.errors import ModelError
from glasscell.models.classifier.network import class_weights
from glasscell.models.component import GeneComponents, sample_cells
from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.learner import Learner
from glasscell.models.loop import LoopResult, LoopSettings, fit_loop
from glasscell.models.pathway_net.model import PathwayNetModel
from glasscell.models.pathway_net.network import PathwayNetNetwork, seed_network
from glasscell.models.pathway_net.params import PathwayNetParams
from glasscell.models.pathway_net.start import start_at_components, start_heads
from glasscell.models.pathway_net.structure import Structure, read_structure
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.published import DAMAGED, NetFamily, whole_bundle
from glasscell.models.temperature import best_temperature

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData

__all__ = ["FAMILY", "PathwayNetFamily", "PathwayNetModel", "PathwayNetParams", "make_network"]

INFO = ModelInfo(
    key="pathway_net",
    title="Pathway network",
    source="doi:10.1038/s41586-021-03922-4",
    works_for="Labels that follow from a cell's own pathways; which sets matter, beside control networks.",
    fails_for="Sets that share most genes (which of them matters cannot be told); panels with few genes.",
    min_cells=50,
    target_kinds=("class", "contrast", "latent"),
)
_MIN_SCALE = 1e-2
_BLOCK = 4096
_STEPS = 8
_SMALLEST_BATCH = 16


class PathwayNetFamily(NetFamily):
    """Trains, takes apart and rebuilds pathway networks."""

    info = INFO
    params: type[FamilyParams] = PathwayNetParams

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[PathwayNetModel, Curve, tuple[str, ...]]:
        """Train one network and return an immutable copy of it.

        Raises
        ------
        DataError
            A file of sets or groups cannot be read, or none of its sets is measured here.
        """
        assert isinstance(params, PathwayNetParams)
        job.report(0.0, "reading gene sets")
        structure, said = read_structure(data.genes, params)
        model, curve, notes = self._train(data, plan, params, structure, job)
        return model, curve, (*said, *notes)

    def train_like(
        self, model: Any, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> PathwayNetModel:
        """Train a net with the connections of a trained one; its files of sets are not needed."""
        assert isinstance(model, PathwayNetModel)
        assert isinstance(params, PathwayNetParams)
        former = model.network.n_linear < model.n_free[0]
        structure = Structure(model.layers, model.masks, model.n_free, former)
        return self._train(data, plan, params, structure, job)[0]

    def _train(
        self,
        data: TrainingData,
        plan: FoldPlan,
        params: PathwayNetParams,
        structure: Structure,
        job: JobHandle,
    ) -> tuple[PathwayNetModel, Curve, tuple[str, ...]]:
        task = _Task(data, plan, params, structure)
        result = task.run(job)
        assert isinstance(result.network, Learner)
        network = result.network.average.eval()
        assert isinstance(network, PathwayNetNetwork)
        temperature = task.temperature(network) if len(plan.valid) else 1.0
        words = (data.genes, data.classes, structure.layers, structure.n_free, data.preprocessing)
        model = PathwayNetModel(network.cpu(), self.info, *words, temperature)
        return model, result.curve, result.notes

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> PathwayNetModel:
        """Rebuild a model that scores bit-equal; its sets come from the bundle, not from their files."""
        assert isinstance(params, PathwayNetParams)
        layers = tuple(tuple(str(name) for name in layer) for layer in description["layers"])
        with whole_bundle():
            masks = [tensors[f"layers.{place}.linear.open_oi"] for place in range(len(layers))]
            if [mask.shape[0] for mask in masks] != [len(layer) for layer in layers]:
                raise ModelError(DAMAGED)
            if masks[0].shape[1] != len(genes):
                raise ModelError(DAMAGED)
            network = make_network(params, masks, len(classes), int(description.get("n_linear", 0)))
            network.load_state_dict(dict(tensors))
        return PathwayNetModel(
            network,
            self.info,
            genes,
            classes,
            layers,
            tuple(int(count) for count in description["n_free"]),
            Preprocessing.from_json(description["preprocessing"]),
            float(description["temperature"]),
        )


def make_network(
    params: PathwayNetParams, masks: Sequence[Tensor], n_classes: int, n_linear: int = 0, seed: int = 0
) -> PathwayNetNetwork:
    """Make a network with seeded weights, without drawing from the global random state."""
    dropout = {"input_dropout": params.input_dropout, "dropout": params.dropout}
    with torch.random.fork_rng(devices=[]):
        network = PathwayNetNetwork(masks, n_classes, n_linear=n_linear, **dropout)
    seed_network(network, seed)
    return network


class _Task:
    """Data, loss and calibration of one fold."""

    def __init__(
        self, data: TrainingData, plan: FoldPlan, params: PathwayNetParams, structure: Structure
    ) -> None:
        self.data, self.plan, self.params, self.structure = data, plan, params, structure
        device = torch.device(plan.device)
        self.codes = torch.from_numpy(data.codes.astype(np.int64)).to(device)
        train = torch.from_numpy(plan.train).to(device)
        weight_k = class_weights(self.codes[train].cpu(), len(data.classes), params.class_weight)
        self.weight_k = weight_k.to(device)
        weight_l = params.deeper ** torch.arange(len(structure.layers), dtype=torch.float32)
        self.weight_l = (weight_l / weight_l.sum()).tolist()

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
        network = self._fresh(job)
        genes_o = torch.tensor(self.structure.masks[0].sum(axis=1, keepdims=True)).clamp(min=1)
        pace = {"layers.0.linear.weight": params.gene_rate * genes_o.rsqrt()}
        learner = Learner(network, pace, params.average_steps)
        return fit_loop(
            learner, self.loss, plan.train, plan.valid, settings, seed=plan.seed, device=plan.device, job=job
        )

    def _fresh(self, job: JobHandle) -> PathwayNetNetwork:
        data, n_free = self.data, self.structure.n_free[0]
        masks = [torch.tensor(mask) for mask in self.structure.masks]
        n_linear = 0 if self.structure.former else n_free
        network = make_network(self.params, masks, len(data.classes), n_linear, self.plan.seed)
        mean_g, sd_g = data.rows.moments(self.plan.train)
        unit = data.preprocessing.kind == "stored"
        scale_g = np.maximum(sd_g, _MIN_SCALE) if unit else np.ones_like(sd_g)
        network.standardise.set_moments(torch.from_numpy(mean_g), torch.from_numpy(scale_g))
        if self.structure.former:
            return network
        cells = sample_cells(self.plan.train, self.plan.seed)
        components = GeneComponents(data.rows.stored(cells), mean_g, scale_g, seed=self.plan.seed)
        start_at_components(network, components, n_free, job)
        at = torch.from_numpy(cells)
        rows = [data.rows.take(part).cpu() for part in torch.split(at, _BLOCK)]
        start_heads(network, rows, data.codes[cells], job)
        return network

    def loss(self, network: nn.Module, indices: Tensor) -> Tensor:
        """Return the class-weighted cross-entropy of every head, deeper ones counting more."""
        truth = self.codes[indices.to(self.codes.device)]
        logits_lck: Tensor = network(self.data.rows.take(indices))
        total = torch.zeros((), device=logits_lck.device)
        for weight, logits_ck in zip(self.weight_l, logits_lck, strict=True):
            total = total + weight * functional.cross_entropy(logits_ck, truth, weight=self.weight_k)
        return total

    @torch.no_grad()
    def temperature(self, network: PathwayNetNetwork) -> float:
        """Find the temperature of the mean of the heads on cells that were not trained on."""
        valid = torch.from_numpy(self.plan.valid)
        parts = [network(self.data.rows.take(part)).mean(dim=0) for part in torch.split(valid, _BLOCK)]
        return best_temperature(torch.cat(parts), self.codes[valid.to(self.codes.device)])


FAMILY = PathwayNetFamily()
