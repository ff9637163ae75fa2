"""Family ``gan``: generated cells of each kind, and a critic that says how real a cell looks."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.errors import ModelError
from glasscell.models.baseline import principal_axes
from glasscell.models.component import sample_cells
from glasscell.models.gan.dispersion import PRIOR_MEAN, fit_dispersion
from glasscell.models.gan.kind import fit_kinds
from glasscell.models.gan.model import GanModel
from glasscell.models.gan.network import GanNetwork
from glasscell.models.gan.params import GanParams
from glasscell.models.gan.train import AdversaryTask, CodeTask
from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.layer import seed_weights
from glasscell.models.published import filled
from glasscell.models.span import Span
from glasscell.models.vae.count_family import CountFamily
from glasscell.models.vae.train import log_gene_share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.capability.model import Model
    from glasscell.models.family import FoldPlan, TrainingData

__all__ = ["FAMILY", "GanFamily", "GanModel", "GanParams"]

INFO = ModelInfo(
    key="gan",
    title="Generator and critic (WGAN-GP)",
    source="arXiv:1704.00028",
    works_for="Raw counts: generated cells of each kind, how real a cell looks and by which genes.",
    fails_for="Rare kinds of a few cells; testing genes on generated or imputed values.",
    min_cells=100,
    target_kinds=("latent", "realism"),
    needs_labels=False,
    needs_counts=True,
    takes_labels=True,
)
#: Kinds with fewer training cells are not learnt.
FEWEST_CELLS = 5
_BLOCK = 2048
#: How sure latents are before training says: a third as far from their mean as cells are.
_START_LOG_VARIANCE = -2.0


class GanFamily(CountFamily):
    """Trains, measures, takes apart and rebuilds generators with their critics."""

    info = INFO
    params: type[FamilyParams] = GanParams

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[GanModel, Curve, tuple[str, ...]]:
        """Train one network and return an immutable copy of it.

        The curve is that of generator and critic: the generator's loss, and how far generated codes are from
        those of cells set aside (energy distance), which decides when to stop.
        """
        assert isinstance(params, GanParams)
        self.require_counts(data)
        kinds, kind_c, notes = usable_kinds(data, plan)
        fresh = _fresh(data, plan, params, len(kinds), Span(job, 0.0, 0.05, "components"))
        first_plan = replace(plan, valid=plan.valid[:0], epochs=params.max_epochs)
        task = CodeTask(data, first_plan, params)
        coded = task.run(fresh, Span(job, 0.05, 0.43, "autoencoder"))
        network = coded.network
        assert isinstance(network, GanNetwork)
        fit_kinds(network, data, plan.train, kind_c, plan.seed, Span(job, 0.43, 0.45, "kinds"))
        with torch.no_grad():
            dispersion_g = fit_dispersion(
                network, data, plan.train, kind_c, plan.seed, Span(job, 0.45, 0.5, "dispersion")
            )
            network.log_dispersion.copy_(dispersion_g)
        code_cd = hold_codes(network, data, plan, kind_c, Span(job, 0.5, 0.55, "codes"))
        known = plan.train if not kinds else plan.train[kind_c[plan.train] >= 0]
        valid = plan.valid if not kinds else plan.valid[kind_c[plan.valid] >= 0]
        if len(plan.valid) and not len(valid):
            raise ModelError("No cell set aside has a label: label more cells, or train without labels.")
        pair_task = AdversaryTask(
            code_cd, torch.from_numpy(kind_c).to(code_cd.device), known, params, plan.seed + 1
        )
        pair_plan = replace(plan, train=known, valid=valid)
        network.adversary, taught = pair_task.run(
            network.adversary, pair_plan, task.batch_size, Span(job, 0.55, 1.0, "generator and critic")
        )
        column = data.label_column if kinds else ""
        model = GanModel(network.cpu(), self.info, data.genes, data.preprocessing, column, kinds)
        return model, taught.curve, (*coded.notes, *taught.notes, *notes)

    def figures(
        self, model: Model, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
    ) -> Mapping[str, Mapping[str, float]]:
        """Measure how well generated cells pass for cells the net has not seen."""
        from glasscell.models.gan.figure import generation_figures

        assert isinstance(model, GanModel)
        return generation_figures(self.info.key, model, data, held_out, job)

    def aligned(self, twin: Model, order: NDArray[np.int64], sign: NDArray[np.float32]) -> GanModel:
        """Return the model with its latents in another order and sign; what it generates stays the same."""
        assert isinstance(twin, GanModel)
        network = deepcopy(twin.whole)
        network.reorder(torch.from_numpy(order), torch.from_numpy(sign))
        return GanModel(network, self.info, twin.genes, twin.preprocessing, twin.label_column, twin.kinds)

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> GanModel:
        """Rebuild a model that scores bit-equal."""
        assert isinstance(params, GanParams)
        kinds = tuple(description["kinds"])
        network = make_network(params, len(genes), len(kinds))
        # Bundles of before kinds shifted genes have no shifts: zeros decode the same.
        preprocessing = filled(network, {**kept_kinds(network), **tensors}, description)
        return GanModel(network, self.info, genes, preprocessing, description["label_column"], kinds)


def kept_kinds(network: GanNetwork) -> dict[str, Tensor]:
    """Return the shifts of kinds that a network was made with, by the name a bundle has them under."""
    shift = network.decoder.kind
    return {} if shift is None else {"decoder.kind.weight": shift.weight.detach()}


def usable_kinds(
    data: TrainingData, plan: FoldPlan
) -> tuple[tuple[str, ...], NDArray[np.int64], tuple[str, ...]]:
    """Return kinds with enough training cells, each cell's code among them, and what to say of the others."""
    size_k = np.bincount(data.codes[plan.train][data.codes[plan.train] >= 0], minlength=len(data.classes))
    kept = np.flatnonzero(size_k >= FEWEST_CELLS) if len(data.classes) else np.empty(0, np.int64)
    code_of = np.full(len(data.classes) + 1, -1, np.int64)
    code_of[kept] = np.arange(len(kept))
    left_out = [name for number, name in enumerate(data.classes) if number not in set(kept.tolist())]
    notes = (
        (f"Too few cells to generate any of: {', '.join(left_out)} (at least {FEWEST_CELLS} to learn from).",)
        if left_out
        else ()
    )
    if len(data.classes) and not len(kept):
        raise ModelError(f"No class has {FEWEST_CELLS} cells to learn from: choose another column of labels.")
    return tuple(data.classes[number] for number in kept), code_of[data.codes], notes


@torch.no_grad()
def hold_codes(
    network: GanNetwork,
    data: TrainingData,
    plan: FoldPlan,
    kind_c: NDArray[np.int64],
    job: JobHandle,
) -> Tensor:
    """Encode all cells, keep the scale of training cells' codes in the network, return standardised codes."""
    assert data.size is not None
    device = data.rows.device
    network.to(device).eval()
    means, spreads = [], []
    n_cells = len(data.rows)
    for start in range(0, n_cells, _BLOCK):
        job.report(start / n_cells)
        rows = torch.arange(start, min(start + _BLOCK, n_cells))
        mean_cz, variance_cz = network.encoder(data.rows.take(rows), None)
        means.append(mean_cz)
        spreads.append(variance_cz)
    latent_cz, variance_cz = torch.cat(means), torch.cat(spreads)
    size_c = torch.from_numpy(data.size).to(device)
    network.hold(
        torch.zeros(network.encoder.n_latent + 1),
        torch.ones(network.encoder.n_latent + 1),
        variance_cz[torch.from_numpy(plan.train).to(device)].mean(dim=0).sqrt(),
        torch.from_numpy(_shares(kind_c[plan.train], network.adversary.n_kinds)),
    )
    plain_cd = network.code(latent_cz, size_c)
    own_cd = plain_cd[torch.from_numpy(plan.train).to(device)]
    network.code_mean.copy_(own_cd.mean(dim=0))
    network.code_scale.copy_(own_cd.std(dim=0).clamp(min=1e-3))
    return network.code(latent_cz, size_c)


def _shares(kind_c: NDArray[np.int64], n_kinds: int) -> NDArray[np.float64]:
    size_k = np.bincount(kind_c[kind_c >= 0], minlength=n_kinds)[:n_kinds]
    return np.asarray(size_k / max(1, size_k.sum()), np.float64)


def make_network(params: GanParams, n_genes: int, n_kinds: int, seed: int = 0) -> GanNetwork:
    """Make a network with seeded weights, without drawing from the global random state."""
    with torch.device("meta"):
        network = GanNetwork(
            n_genes,
            params.n_latent,
            hidden=params.hidden,
            input_dropout=params.input_dropout,
            noise=params.noise,
            n_kinds=n_kinds,
            gan_hidden=params.gan_hidden,
        )
    network.to_empty(device="cpu")
    seed_weights(network, seed)
    width = params.n_latent + 1
    with torch.no_grad():
        network.log_dispersion.zero_()
        network.steps.zero_()
        network.decoder.genes.weight.zero_()
        if network.decoder.kind is not None:
            network.decoder.kind.weight.zero_()
        network.encoder.log_variance.weight.zero_()
        network.encoder.log_variance.bias.fill_(_START_LOG_VARIANCE)
    network.hold(torch.zeros(width), torch.ones(width), torch.zeros(width - 1), torch.zeros(n_kinds))
    return network


@torch.no_grad()
def _fresh(data: TrainingData, plan: FoldPlan, params: GanParams, n_kinds: int, job: JobHandle) -> GanNetwork:
    """Make a network whose codes are components of training cells and that decodes all to the mean cell."""
    network = make_network(params, len(data.genes), n_kinds, plan.seed)
    cells = sample_cells(plan.train, plan.seed)
    mean_g, axes_gz = principal_axes(
        data.rows.table_cg[cells], params.n_latent, seed=plan.seed, job=job, fraction=0.0
    )
    encoder, found = network.encoder, axes_gz.shape[1]
    encoder.standardise.set_moments(torch.from_numpy(mean_g), torch.ones(len(mean_g)))
    places_cz = data.rows.table_cg[cells] @ axes_gz - mean_g @ axes_gz
    encoder.mean.weight.zero_()
    encoder.mean.weight[:found] = torch.from_numpy((axes_gz / np.maximum(places_cz.std(axis=0), 1e-6)).T)
    network.decoder.genes.bias.copy_(log_gene_share(data, plan.train))
    network.log_dispersion.fill_(PRIOR_MEAN)
    return network


FAMILY = GanFamily()
