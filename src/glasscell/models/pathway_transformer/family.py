"""Family ``pathway_transformer``: gene sets as tokens, and a class token that attends to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor, nn
from torch.nn import functional

from glasscell.data.gene_set import gene_mask, read_gmt
from glasscell.errors import ModelError
from glasscell.models.classifier.network import class_weights
from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.learner import Learner
from glasscell.models.loop import LoopResult, LoopSettings, fit_loop
from glasscell.models.pathway_transformer.model import TransformerModel
from glasscell.models.pathway_transformer.network import TransformerNetwork, seed_network
from glasscell.models.pathway_transformer.params import TransformerParams
from glasscell.models.pathway_transformer.start import start_at_components
from glasscell.models.pathway_transformer.token import FREE, TokenSets, token_sets
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.published import DAMAGED, NetFamily, whole_bundle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData

__all__ = ["FAMILY", "TransformerFamily", "TransformerModel", "TransformerParams", "make_network"]

INFO = ModelInfo(
    key="pathway_transformer",
    title="Pathway transformer",
    source="doi:10.1038/s41467-023-35923-4",
    works_for="Labels that follow from a cell's own pathways, read off the sets its class token attends to.",
    fails_for="Sets of another species or panels with few genes of each set; attention is no proof of use.",
    min_cells=50,
    target_kinds=("class", "contrast", "latent"),
)
_MIN_SCALE = 1e-2
_BLOCK = 2048
_STEPS = 8
_SMALLEST_BATCH = 16


class TransformerFamily(NetFamily):
    """Trains, takes apart and rebuilds transformers over gene sets."""

    info = INFO
    params: type[FamilyParams] = TransformerParams

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[TransformerModel, Curve, tuple[str, ...]]:
        """Train one network and return an immutable copy of it.

        Raises
        ------
        DataError
            The file of gene sets cannot be read, or none of its sets is measured here.
        ModelError
            Only one of them is.
        """
        assert isinstance(params, TransformerParams)
        sets, said = read_token_sets(data.genes, params)
        task = _Task(data, plan, params, sets)
        result = task.run(job)
        assert isinstance(result.network, Learner)
        network = result.network.average.eval()
        assert isinstance(network, TransformerNetwork)
        temperature = task.temperature(network) if len(plan.valid) else 1.0
        model = TransformerModel(
            network.cpu(),
            self.info,
            data.genes,
            data.classes,
            (*sets.names, FREE),
            data.preprocessing,
            temperature,
            params.unknown_below,
        )
        return model, result.curve, (*result.notes, said)

    def describe(self, model: Any) -> Mapping[str, Any]:
        """Return temperature, preprocessing, the names of the tokens and what the class token begins with."""
        return {**model.description(), "begins": FREE}

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> TransformerModel:
        """Rebuild a model that scores bit-equal; its gene sets come from the bundle, not from their file."""
        assert isinstance(params, TransformerParams)
        if description.get("begins") != FREE:
            raise ModelError(
                "This transformer was trained when its class token began otherwise, and would score other "
                "than it did: train it again."
            )
        tokens = tuple(str(name) for name in description["tokens"])
        with whole_bundle():
            index, member = tensors["embedding.index"].numpy(), tensors["embedding.member"].numpy()
            if index.size and not 0 <= index.min() <= index.max() < len(genes):
                raise ModelError(DAMAGED)
            network = make_network(params, TokenSets(tokens[:-1], index, member), len(genes), len(classes))
            network.load_state_dict(dict(tensors))
        return TransformerModel(
            network,
            self.info,
            genes,
            classes,
            tokens,
            Preprocessing.from_json(description["preprocessing"]),
            float(description["temperature"]),
            params.unknown_below,
        )


def read_token_sets(genes: tuple[str, ...], params: TransformerParams) -> tuple[TokenSets, str]:
    """Read the sets that the settings name, find their genes, and say how many of them are of use."""
    mask = gene_mask(
        read_gmt(params.gene_sets), genes, min_genes=params.min_genes, max_genes=params.max_genes
    )
    sets = token_sets(mask, params.max_tokens)
    total = len(mask.names) + len(mask.too_small) + len(mask.too_large)
    within = len(np.unique(sets.index[sets.member]))
    said = (
        f"{len(sets.names)} of {total} gene sets are tokens: {len(mask.too_small)} have fewer than "
        f"{params.min_genes} measured genes, {len(mask.too_large)} more than {params.max_genes}"
    )
    beyond = len(mask.names) - len(sets.names)
    said += f", {beyond} are smaller than the {params.max_tokens} largest" if beyond else ""
    return sets, f"{said}. They hold {within:,} of {len(genes):,} genes; only {FREE} sees the others."


def make_network(
    params: TransformerParams, sets: TokenSets, n_genes: int, n_classes: int, seed: int = 0
) -> TransformerNetwork:
    """Make a network with seeded weights, without drawing from the global random state."""
    n_sets, largest = sets.index.shape
    with torch.device("meta"):
        network = TransformerNetwork(
            n_sets,
            largest,
            n_genes,
            n_classes,
            width=params.width,
            depth=params.depth,
            heads=params.heads,
            input_dropout=params.input_dropout,
            dropout=params.dropout,
            token_dropout=params.token_dropout,
            free_dropout=params.free_dropout,
        )
    network.to_empty(device="cpu")
    network.embedding.index.copy_(torch.tensor(sets.index))
    network.embedding.member.copy_(torch.tensor(sets.member))
    seed_network(network, seed)
    return network


def gene_pace(network: TransformerNetwork, gene_rate: float) -> dict[str, Tensor]:
    """Return which share of a step the weights of genes take: ``gene_rate / sqrt(genes)`` of a token."""
    embedding = network.embedding
    size_t = embedding.member.sum(dim=1).clamp(min=1).to(embedding.weight)
    return {
        "embedding.weight": gene_rate * size_t[:, None, None].rsqrt(),
        "embedding.free.weight": torch.tensor(gene_rate * embedding.free.in_features**-0.5),
    }


class _Task:
    """Data, loss and calibration of one fold."""

    def __init__(
        self, data: TrainingData, plan: FoldPlan, params: TransformerParams, sets: TokenSets
    ) -> None:
        self.data, self.plan, self.params, self.sets = data, plan, params, sets
        device = torch.device(plan.device)
        self.codes = torch.from_numpy(data.codes.astype(np.int64)).to(device)
        train = torch.from_numpy(plan.train).to(device)
        weight_k = class_weights(self.codes[train].cpu(), len(data.classes), params.class_weight)
        self.weight_k = weight_k.to(device)

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
        learner = Learner(network, gene_pace(network, params.gene_rate), params.average_steps)
        return fit_loop(
            learner, self.loss, plan.train, plan.valid, settings, seed=plan.seed, device=plan.device, job=job
        )

    def _fresh(self, job: JobHandle) -> TransformerNetwork:
        data = self.data
        network = make_network(self.params, self.sets, len(data.genes), len(data.classes), self.plan.seed)
        mean_g, sd_g = data.rows.moments(self.plan.train)
        unit = data.preprocessing.kind == "stored"
        scale_g = np.maximum(sd_g, _MIN_SCALE) if unit else np.ones_like(sd_g)
        network.standardise.set_moments(torch.from_numpy(mean_g), torch.from_numpy(scale_g))
        start_at_components(network, data.rows.table_cg, self.plan.train, seed=self.plan.seed, job=job)
        return network

    def loss(self, network: nn.Module, indices: Tensor) -> Tensor:
        """Return the class-weighted cross-entropy."""
        truth = self.codes[indices.to(self.codes.device)]
        return functional.cross_entropy(network(self.data.rows.take(indices)), truth, weight=self.weight_k)

    @torch.no_grad()
    def temperature(self, network: nn.Module) -> float:
        """Find the temperature that makes validation probabilities most likely; 1 where it does not help.

        References
        ----------
        Guo et al. 2017, arXiv:1706.04599, section 4.2.
        """
        valid = torch.from_numpy(self.plan.valid)
        parts = [network(self.data.rows.take(part)) for part in torch.split(valid, _BLOCK)]
        logits_ck = torch.cat(parts).double()
        truth = self.codes[valid.to(self.codes.device)]

        def surprise(log_temperature: float) -> float:
            return float(functional.cross_entropy(logits_ck / np.exp(log_temperature), truth))

        found = minimize_scalar(surprise, bounds=(np.log(0.5), np.log(10.0)), method="bounded")
        return float(np.exp(found.x)) if found.fun < surprise(0.0) else 1.0


FAMILY = TransformerFamily()
