"""Families of the toys that attend, and bundles of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from glasscell.data.labels import read_labels
from glasscell.errors import NotCompatible
from glasscell.models.batch import preprocessing_for
from glasscell.models.bundle import Curve
from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.preprocessing import Preprocessing
from glasscell.testing.attending_toy import (
    EDGE_INFO,
    TOKEN_INFO,
    EdgeNetwork,
    TokenNetwork,
    ToyNeighbours,
    ToyTokens,
    toy_neighbours,
    toy_tokens,
)
from glasscell.testing.toy_net import ToyModel, toy_bundle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle


class ToyFamily:
    """Takes toys apart and rebuilds them, so that they can be re-initialised and saved."""

    params: type[FamilyParams] = FamilyParams

    def __init__(self, info: ModelInfo, model: str) -> None:
        self.info = info
        self._model = model

    def train(self, data: Any, plan: Any, params: Any, job: Any) -> Any:
        """Refuse: toys are made, not trained."""
        raise NotCompatible(f"{self.info.title} is made by tests and learns nothing: choose another model.")

    def tensors(self, model: Any) -> Mapping[str, Tensor]:
        """Return all weights by name; which genes make a token is no weight."""
        return {name: value for name, value in model.network.state_dict().items() if name != "mask"}

    def describe(self, model: Any) -> Mapping[str, Any]:
        """Return sizes, sets of genes and preprocessing."""
        network = model.network
        mask = network.mask.tolist() if hasattr(network, "mask") else []
        return {
            "heads": network.heads,
            "layers": getattr(network, "n_layers", 1),
            "mask": mask,
            "preprocessing": model.preprocessing.to_json(),
        }

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> ToyModel:
        """Rebuild a toy with these weights."""
        recipe = Preprocessing.from_json(description["preprocessing"])
        heads = int(description["heads"])
        with torch.random.fork_rng():
            if self._model == "tokens":
                mask_tg = torch.tensor(description["mask"], dtype=tensors["scale"].dtype)
                sets = [torch.nonzero(row)[:, 0].tolist() for row in mask_tg]
                network: nn.Module = TokenNetwork(
                    sets, len(genes), len(classes), int(description["layers"]), heads
                )
                network = network.to(mask_tg.dtype)
                network.load_state_dict({**tensors, "mask": mask_tg})
                return ToyTokens(network, genes, classes, recipe).to(dtype=tensors["scale"].dtype)
            network = EdgeNetwork(len(genes), len(classes), heads)
            network.load_state_dict(dict(tensors))
        return ToyNeighbours(network, genes, classes, recipe).to(dtype=tensors["lift"].dtype)


TOKEN_FAMILY = ToyFamily(TOKEN_INFO, "tokens")
EDGE_FAMILY = ToyFamily(EDGE_INFO, "edges")


def attending_bundle(
    dataset: Dataset, column: str, kind: str, *, n_nets: int = 1, sets: int = 5, double: bool = False
) -> Bundle:
    """Put toys with random weights, and a twin, into a bundle of a dataset.

    Parameters
    ----------
    column
        Obs column whose values are the classes.
    kind
        ``tokens`` or ``neighbours``.
    sets
        Tokens; each holds as many genes of the dataset.
    double
        Whether the nets count in double precision.
    """
    labels, genes = read_labels(dataset, column), [str(name) for name in dataset.genes.names]
    recipe, each = preprocessing_for(dataset), len(genes) // sets
    groups = [list(range(each * number, each * (number + 1))) for number in range(sets)]

    def net(seed: int) -> ToyModel:
        made: ToyModel = (
            toy_tokens(genes, labels.classes, groups, seed, recipe)
            if kind == "tokens"
            else toy_neighbours(genes, labels.classes, seed, recipe)
        )
        return made.to(dtype=torch.float64) if double else made

    nets = [net(seed) for seed in range(n_nets)]
    made = toy_bundle(dataset, nets, labels.codes.tolist(), labels.classes, net(99))
    curves = tuple(Curve((1.0,), (1.0,), 1, "made by hand") for _ in nets)
    return replace(made, family=nets[0].info.key, labels_name=column, curves=curves)
