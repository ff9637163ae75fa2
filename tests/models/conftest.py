"""One small trained bundle for all tests of this folder: planted markers, two sections, spatial blocks."""

from __future__ import annotations

import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.data.split import split
from glasscell.models.bundle import Bundle
from glasscell.models.classifier.family import ClassifierParams
from glasscell.models.fit import FitRequest, fit, fit_twin
from glasscell.testing.planted import planted_dataset

FAST = ClassifierParams(hidden=16, max_epochs=12, patience=4, batch_size=32, learning_rate=1e-2)


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return planted_dataset(n_cells=400, n_genes=40, n_sections=2, seed=3)


@pytest.fixture(scope="session")
def request_for(dataset: Dataset) -> FitRequest:
    labels = read_labels(dataset, "label")
    return FitRequest(labels, split(dataset, "random", n_folds=3, seed=0, labels=labels), params=FAST, seed=5)


@pytest.fixture(scope="session")
def bundle(dataset: Dataset, request_for: FitRequest) -> Bundle:
    return fit_twin(fit(dataset, request_for), dataset, request_for)
