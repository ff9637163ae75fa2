"""Toys that attend, as bundles of a small dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from glasscell.data.dataset import Dataset
from glasscell.data.labels import Labels, read_labels
from glasscell.models.batch import preprocessing_for
from glasscell.models.bundle import Bundle
from glasscell.models.registry import FAMILIES
from glasscell.testing.attending_toy import EDGE_FAMILY, TOKEN_FAMILY, toy_neighbours, toy_tokens
from glasscell.testing.planted import planted_dataset
from glasscell.testing.toy_net import toy_bundle

CLASSES = ("K1", "K2", "K3")
SETS = [list(range(8 * k, 8 * k + 8)) for k in range(5)]


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return planted_dataset(n_cells=60, n_genes=40, n_classes=3, n_sections=2, seed=3)


@pytest.fixture(scope="session")
def by(dataset: Dataset) -> Labels:
    return read_labels(dataset, "label")


@pytest.fixture(autouse=True)
def _toy_families() -> Iterator[None]:
    for family in (TOKEN_FAMILY, EDGE_FAMILY):
        FAMILIES.register(family)
    yield
    for family in (TOKEN_FAMILY, EDGE_FAMILY):
        FAMILIES.unregister(family.info.key)


@pytest.fixture
def make_bundle(dataset: Dataset, by: Labels) -> Callable[..., Bundle]:
    """Return a function that makes a bundle of toys in double precision."""

    def make(kind: str, n_nets: int = 1, twin: bool = True) -> Bundle:
        genes, recipe = [str(name) for name in dataset.genes.names], preprocessing_for(dataset)

        def net(seed: int):
            made = (
                toy_tokens(genes, CLASSES, SETS, seed, recipe)
                if kind == "tokens"
                else toy_neighbours(genes, CLASSES, seed, recipe)
            )
            return made.to(dtype=torch.float64)

        nets = [net(seed) for seed in range(n_nets)]
        made = toy_bundle(dataset, nets, np.asarray(by.codes), CLASSES, net(99) if twin else None)
        return replace(made, family=nets[0].info.key)

    return make
