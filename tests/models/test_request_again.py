"""A model trained again as it was: the same bits, labels of families that may do without them among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.data.split import split
from glasscell.errors import DataError
from glasscell.models.additive_vae.family import AdditiveParams
from glasscell.models.bundle import Bundle
from glasscell.models.classifier.family import ClassifierParams
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.gan.params import GanParams
from glasscell.models.request_again import request_of
from glasscell.testing.toy_family import RECIPES, toy_dataset

GAN = GanParams(n_latent=3, hidden=8, max_epochs=2, gan_epochs=2, noise=4, gan_hidden=8, critic_steps=1)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return toy_dataset(n_cells=150)


@pytest.fixture(scope="module")
def gan(dataset: Dataset) -> Bundle:
    request = FitRequest(read_labels(dataset, "label"), None, "gan", GAN, seed=4, device="cpu")
    return fit(dataset, request)


def test_a_generator_of_kinds_is_trained_again_with_its_kinds(dataset: Dataset, gan: Bundle) -> None:
    assert gan.classes == ()
    again = request_of(dataset, gan)
    assert again.labels is not None
    assert (again.labels.name, again.seed, again.device) == ("label", 4, "cpu")
    assert fit(dataset, again).fingerprint == gan.fingerprint, "the same bits"
    del (bare := Dataset(dataset.adata.copy())).adata.obs["label"]
    with pytest.raises(DataError, match="label"):
        request_of(bare, gan)


def test_batch_and_settings_are_those_of_the_training(dataset: Dataset) -> None:
    params = AdditiveParams(**{**RECIPES["additive_vae"], "max_epochs": 2})
    batch = read_labels(dataset, "label")
    bundle = fit(dataset, FitRequest(family="additive_vae", params=params, seed=5, batch=batch, device="cpu"))
    again = request_of(dataset, bundle)
    assert (again.family, again.params, again.seed, again.labels) == ("additive_vae", params, 5, None)
    assert again.batch is not None
    assert again.batch.name == "label"
    assert fit(dataset, again).fingerprint == bundle.fingerprint, "the same bits"


def test_classes_are_those_of_the_bundle_and_a_device_that_is_not_there_is_let_go(dataset: Dataset) -> None:
    labels = read_labels(dataset, "label")
    folds = split(dataset, "random", n_folds=2, labels=labels)
    params = ClassifierParams(hidden=4, max_epochs=1)
    bundle = fit(dataset, FitRequest(labels, folds, params=params, device="cpu", baselines=False))
    again = request_of(dataset, bundle)
    assert again.labels is not None
    assert again.labels.classes == bundle.classes
    np.testing.assert_array_equal(again.labels.codes, bundle.cells.truth)
    elsewhere = replace(bundle, provenance={**bundle.provenance, "device": "a machine of old"})
    assert request_of(dataset, elsewhere).device == "auto"
