"""A small dataset and bundles of toy nets around it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from glasscell.data.dataset import Dataset
from glasscell.models.batch import preprocessing_for
from glasscell.models.bundle import Bundle
from glasscell.testing.planted import planted_dataset
from glasscell.testing.toy_net import SquaredFirst, ToyFactored, ToyModel, toy_bundle, toy_network

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


@pytest.fixture(scope="session")
def trained_planted() -> tuple[Dataset, Bundle]:
    """Train a real classifier, twin included, on planted markers."""
    from glasscell.data.labels import read_labels
    from glasscell.data.split import split
    from glasscell.models import fit as fitting
    from glasscell.models.classifier.family import ClassifierParams
    from glasscell.models.fit import FitRequest, fit, fit_twin

    made = planted_dataset(n_cells=600, n_genes=60, n_classes=3, seed=1)
    labels = read_labels(made, "label")
    params = ClassifierParams(max_epochs=40)
    request = FitRequest(labels, split(made, "random", labels=labels), params=params)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "baseline_rows", lambda *args: {})
        bundle = fit(made, request)
    return made, fit_twin(bundle, made, request)
