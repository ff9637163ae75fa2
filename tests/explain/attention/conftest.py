"""Toys that attend, as bundles of a small dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.labels import Labels, read_labels
from glasscell.models.bundle import Bundle
from glasscell.models.registry import FAMILIES
from glasscell.testing.attending_family import EDGE_FAMILY, TOKEN_FAMILY, attending_bundle
from glasscell.testing.planted import planted_dataset


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
def make_bundle(dataset: Dataset) -> Callable[..., Bundle]:
    """Return a function that makes a bundle of toys in double precision."""

    def make(kind: str, n_nets: int = 1, twin: bool = True) -> Bundle:
        made = attending_bundle(dataset, "label", kind, n_nets=n_nets, double=True)
        return made if twin else replace(made, twin=None)

    return make
