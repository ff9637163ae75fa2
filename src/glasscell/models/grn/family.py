"""Family ``grn``: a masked-prediction network whose slopes are directed edges between genes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from glasscell.models.grn.choice import GeneChoice, choose_genes, read_regulators
from glasscell.models.grn.figure import prediction_figures
from glasscell.models.grn.model import GrnModel
from glasscell.models.grn.network import GrnNetwork
from glasscell.models.grn.params import GrnParams
from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.layer import seed_weights
from glasscell.models.loop import LoopSettings, fit_loop
from glasscell.models.preflight_line import PreflightLine
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.published import NetFamily, whole_bundle
from glasscell.models.span import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.capability.model import Model
    from glasscell.models.family import FoldPlan, TrainingData

__all__ = ["FAMILY", "GrnFamily", "GrnModel", "GrnParams"]

INFO = ModelInfo(
    key="grn",
    title="Gene network (masked prediction)",
    source="doi:10.1371/journal.pone.0012776",
    works_for="Which genes foretell which, cell state by cell state, beside correlation and a forest.",
    fails_for="Telling cause from company; straight lines or rank correlation often find as many true edges.",
    min_cells=50,
    target_kinds=("gene",),
    needs_labels=False,
)
_LEAST_SCALE, _STEPS, _SMALLEST_BATCH, _MOST_CELLS = 1e-3, 8, 16, 5000


class GrnFamily(NetFamily):
    """Trains, measures, takes apart and rebuilds gene networks."""

    info = INFO
    params: type[FamilyParams] = GrnParams

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[GrnModel, Curve, tuple[str, ...]]:
        """Train one network and return an immutable copy of it.

        The curve is the squared error in variances of a gene, averaged over genes.
        """
        assert isinstance(params, GrnParams)
        mean_g, sd_g = data.rows.moments(plan.train)
        names = read_regulators(params.regulators)
        chosen = choose_genes(data.genes, mean_g, sd_g, params.n_genes, names)
        model, curve, notes = _train(self.info, data, plan, params, chosen, job)
        return model, curve, (*notes, chosen.sentence)

    def train_like(
        self, model: Model, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> GrnModel:
        """Train a network of the same genes and regulators as the model from a fresh start."""
        assert isinstance(params, GrnParams)
        assert isinstance(model, GrnModel)
        network = model.network
        chosen = GeneChoice(network.used.cpu().numpy(), network.sources.cpu().numpy(), "")
        return _train(self.info, data, plan, params, chosen, job)[0]

    def figures(
        self, model: Model, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
    ) -> Mapping[str, Mapping[str, float]]:
        """Measure how well genes of cells it has not seen are foretold from the others."""
        assert isinstance(model, GrnModel)
        return prediction_figures(self.info.key, model, data, held_out, job)

    def look_ahead(self, dataset: Dataset) -> PreflightLine:
        """Say how many genes would be used."""
        most = GrnParams().n_genes
        if dataset.n_genes < 3:
            return PreflightLine("used genes", "no", "A gene network needs three genes that vary.")
        which = (
            f"All {dataset.n_genes:,} genes are used, as far as they vary."
            if dataset.n_genes <= most
            else f"Of {dataset.n_genes:,} genes the {most:,} most variable are used, or as many as you set, "
            "and all regulators you name."
        )
        return PreflightLine("used genes", "yes", which)

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> GrnModel:
        """Rebuild a model that scores bit-equal."""
        assert isinstance(params, GrnParams)
        with whole_bundle():
            used = torch.zeros(int(description["n_used"]), dtype=torch.int64)
            sources = torch.zeros(int(description["n_sources"]), dtype=torch.int64)
            network = make_network(params, len(genes), used, sources)
            network.load_state_dict(dict(tensors))
            assert int(network.used.max()) < len(genes)
            assert int(network.sources.max()) < len(used)
        preprocessing = Preprocessing.from_json(description["preprocessing"])
        return GrnModel(network, self.info, genes, preprocessing)


def make_network(params: GrnParams, n_genes: int, used: Tensor, sources: Tensor, seed: int = 0) -> GrnNetwork:
    """Make a network with seeded weights that foretells every gene's mean; the random state stays."""
    with torch.random.fork_rng(devices=[]):
        network = GrnNetwork(n_genes, used, sources, hidden=params.hidden, mask_share=params.mask_share)
    seed_weights(network, seed)
    with torch.no_grad():
        network.first.weight.mul_(0.5)
        network.out.weight.mul_(0.1)
    return network


def _train(
    info: ModelInfo,
    data: TrainingData,
    plan: FoldPlan,
    params: GrnParams,
    chosen: GeneChoice,
    job: JobHandle,
) -> tuple[GrnModel, Curve, tuple[str, ...]]:
    network = make_network(
        params, len(data.genes), torch.from_numpy(chosen.used), torch.from_numpy(chosen.sources), plan.seed
    )
    mean_g, sd_g = (moments[chosen.used] for moments in data.rows.moments(plan.train))
    network.standardise.set_moments(
        torch.from_numpy(mean_g), torch.from_numpy(np.maximum(sd_g, _LEAST_SCALE))
    )
    settings = LoopSettings(
        max_epochs=params.max_epochs,
        batch_size=min(params.batch_size, max(_SMALLEST_BATCH, len(plan.train) // _STEPS)),
        learning_rate=params.learning_rate,
        weight_decay=params.weight_decay,
        patience=params.patience,
        epochs=plan.epochs,
    )

    device = torch.device(plan.device)
    used = network.used.to(device)
    mean, scale = network.standardise.mean.to(device), network.standardise.scale.to(device)

    def loss(network: nn.Module, indices: Tensor) -> Tensor:
        """Return the squared error in variances; validation comes in large parts, cut here for memory."""
        total = torch.zeros((), device=device)
        for part in torch.split(indices, settings.batch_size):
            standard_cg = (data.rows.take(part)[:, used] - mean) / scale
            total = total + functional.mse_loss(network(standard_cg), standard_cg) * (
                len(part) / len(indices)
            )
        return total

    result = fit_loop(
        network,
        loss,
        plan.train,
        plan.valid,
        settings,
        seed=plan.seed,
        device=plan.device,
        job=Span(job, 0.0, 0.95),
    )
    assert isinstance(result.network, GrnNetwork)
    model = GrnModel(result.network.cpu(), info, data.genes, data.preprocessing)
    job.report(0.97, "influences")
    cells = torch.from_numpy(plan.train[:: max(1, len(plan.train) // _MOST_CELLS)])
    model.network.mean_gr.copy_(model.mean_influence(data.rows.take(cells).cpu()))
    return model, result.curve, result.notes


FAMILY = GrnFamily()
