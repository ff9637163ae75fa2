"""A small dataset and bundles of toy nets around it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from glasscell.data.dataset import Dataset
from glasscell.models.batch import preprocessing_for
from glasscell.models.bundle import Bundle
from glasscell.testing.planted import planted_dataset
from glasscell.testing.toy_net import SquaredFirst, ToyFactored, ToyModel, toy_bundle, toy_network
from torch import nn

SHAPES = {"one layer": (8,), "two layers": (8, 6), "wide": (40,)}
ACTIVATIONS = {"relu": nn.ReLU, "softplus": nn.Softplus, "tanh": nn.Tanh}


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return planted_dataset(n_cells=90, n_genes=40, n_classes=3, seed=3)


@pytest.fixture(scope="session")
def truth(dataset: Dataset) -> np.ndarray:
    return np.asarray(dataset.obs["label"].cat.codes, np.int32)


MakeBundle = Callable[..., Bundle]


@pytest.fixture
def make_bundle(dataset: Dataset, truth: np.ndarray) -> MakeBundle:
    """Return a function that makes a bundle of toy nets by shape, activation, dtype and route."""

    def make(
        hidden: tuple[int, ...] = (8,),
        activation: type[nn.Module] = nn.ReLU,
        dtype: torch.dtype = torch.float64,
        n_nets: int = 3,
        factored: bool = True,
        twin: bool = True,
    ) -> Bundle:
        recipe = preprocessing_for(dataset)
        sizes = (dataset.n_genes, *hidden, 3)

        def net(seed: int) -> ToyModel:
            network: nn.Module = toy_network(sizes, activation, seed)
            kind = ToyFactored if factored else ToyModel
            network = network if factored else SquaredFirst(network)
            genes = [str(name) for name in dataset.genes.names]
            return kind(network, genes, ("K1", "K2", "K3"), recipe).to(dtype=dtype)

        nets = [net(seed) for seed in range(n_nets)]
        return toy_bundle(dataset, nets, truth, ("K1", "K2", "K3"), net(99) if twin else None)

    return make
