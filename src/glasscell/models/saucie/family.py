"""Family ``saucie``: a map in two dimensions, binary codes as clusters, batches laid over each other."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.layer import seed_weights
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.published import NetFamily, whole_bundle
from glasscell.models.saucie.figure import map_figures
from glasscell.models.saucie.model import SaucieModel
from glasscell.models.saucie.network import SaucieNetwork
from glasscell.models.saucie.params import SaucieParams
from glasscell.models.saucie.signature import CAUTION
from glasscell.models.saucie.train import SaucieTask, keep_codes, set_codes, set_scale
from glasscell.models.span import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.capability.model import Model
    from glasscell.models.family import FoldPlan, TrainingData

__all__ = ["FAMILY", "SaucieFamily", "SaucieModel", "SaucieParams"]

INFO = ModelInfo(
    key="saucie",
    title="SAUCIE",
    source="doi:10.1038/s41592-019-0576-7",
    works_for="Many cells without labels: a picture in two dimensions, and clusters that are on-off codes.",
    fails_for="Rare kinds, which share a code; distances on the picture, which tears; small differences.",
    min_cells=100,
    target_kinds=("domain", "latent"),
    needs_labels=False,
    takes_batch=True,
)
#: Genes named for a code in what is said after the training.
_NAMED = 3
_MOST_SAID = 12


class SaucieFamily(NetFamily):
    """Trains, measures, takes apart and rebuilds SAUCIEs."""

    info = INFO
    params: type[FamilyParams] = SaucieParams

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[SaucieModel, Curve, tuple[str, ...]]:
        """Train one network, keep the codes that many cells share, and return an immutable copy.

        The curve is the squared error with all pulls, in units of the mean variance of a scaled gene.
        """
        assert isinstance(params, SaucieParams)
        network = make_network(params, len(data.genes), len(data.batches), seed=plan.seed)
        set_scale(network, data, plan.train)
        task = SaucieTask(data, network, plan, params, Span(job, 0.0, 0.05))
        result = task.run(network, Span(job, 0.05, 0.95))
        trained = result.network.cpu()
        assert isinstance(trained, SaucieNetwork)
        code_of_cell = set_codes(trained, data, plan, params, Span(job, 0.95, 1.0))
        model = SaucieModel(
            trained, self.info, data.genes, data.preprocessing, data.batch_column, data.batches
        )
        notes = (*result.notes, *_said(model, code_of_cell), *_aligned(task, params))
        return model, result.curve, notes

    def figures(
        self, model: Model, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
    ) -> Mapping[str, Mapping[str, float]]:
        """Measure how much of cells the net has not seen its map keeps."""
        assert isinstance(model, SaucieModel)
        return map_figures(self.info.key, model, data, held_out, job)

    def aligned(self, twin: Model, order: NDArray[np.int64], sign: NDArray[np.float32]) -> SaucieModel:
        """Return the model with the axes of its map in another order and sign; all else stays the same."""
        assert isinstance(twin, SaucieModel)
        network = deepcopy(twin.network)
        at, flip = torch.from_numpy(order), torch.from_numpy(sign)
        last, first = network.down[-1], network.up[0]
        assert isinstance(last, nn.Linear)
        assert isinstance(first, nn.Linear)
        last.weight.copy_(last.weight[at] * flip[:, None])
        last.bias.copy_(last.bias[at] * flip)
        first.weight.copy_(first.weight[:, at] * flip)
        return twin.remade(network, twin.domain_names)

    def with_domains_of(
        self, twin: Model, model: Model, domain_c: NDArray[np.int32], latent_cz: NDArray[np.float32]
    ) -> SaucieModel:
        """Return the twin with the model's codes by name: units that most cells of a code have on in it."""
        assert isinstance(twin, SaucieModel)
        assert isinstance(model, SaucieModel)
        network = deepcopy(twin.network)
        active_cu = twin.active(torch.from_numpy(np.array(latent_cz)))
        keep_codes(network, active_cu, domain_c, model.n_domains)
        network.mean_kg.copy_(model.network.mean_kg)
        network.rest_kg.copy_(model.network.rest_kg)
        return twin.remade(network, model.domain_names)

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> SaucieModel:
        """Rebuild a model that scores bit-equal."""
        assert isinstance(params, SaucieParams)
        batches, codes = tuple(description["batches"]), tuple(description["codes"])
        network = make_network(params, len(genes), len(batches))
        with whole_bundle():
            network.set_sizes(len(codes), int(description["n_bits"]))
            network.load_state_dict(dict(tensors))
        preprocessing = Preprocessing.from_json(description["preprocessing"])
        column = description["batch_column"]
        return SaucieModel(network, self.info, genes, preprocessing, column, batches, codes)


def make_network(params: SaucieParams, n_genes: int, n_batches: int, seed: int = 0) -> SaucieNetwork:
    """Make a network with seeded weights, in which batches do nothing yet; the global random state stays."""
    with torch.random.fork_rng(devices=[]):
        network = SaucieNetwork(n_genes, params.n_latent, hidden=params.hidden, n_batches=n_batches)
    seed_weights(network, seed)
    with torch.no_grad():
        for layer in (network.batch, network.gene_scale, network.gene_shift):
            if layer is not None:
                layer.weight.zero_()
    return network


def _said(model: SaucieModel, code_of_cell: NDArray[np.int64]) -> tuple[str, ...]:
    """Say which codes there are and what tells each from the other cells."""
    if not model.n_domains:
        return ("No code is shared by enough cells: raise lambda_c, or lower the smallest cluster.",)
    parts = model.parts()
    said = [
        f"{model.n_domains} codes hold {(code_of_cell >= 0).mean():.0%} of the cells, the others have "
        f"codes of their own; {CAUTION}."
    ]
    for row in range(min(model.n_domains, _MOST_SAID)):
        change_g = parts["difference"][row]
        most = [g for g in np.argsort(-change_g, kind="stable")[:_NAMED] if change_g[g] > 0]
        genes = ", ".join(model.genes[g] for g in most) or "no gene"
        said.append(f"{parts['codes'][row]}: {parts['cells'][row]:,} cells, higher in {genes}.")
    return tuple(said)


def _aligned(task: SaucieTask, params: SaucieParams) -> tuple[str, ...]:
    if task.weight is None or params.align != "counterparts" or params.lambda_b <= 0:
        return ()
    return (
        f"{task.aligned_share:.0%} of the cells have their like in every other batch and are laid over it.",
    )


FAMILY = SaucieFamily()
