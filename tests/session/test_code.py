"""Codes with their names and toggles as channels, found by search, and kept apart from what is no code."""

from __future__ import annotations

import numpy as np
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.errors import DataError
from glasscell.explain.perturbation.perturb import perturb
from glasscell.explain.perturbation.request import PerturbationRequest
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.saucie.params import SaucieParams
from glasscell.session import Session
from glasscell.session.attending import DOMAINS, grouping
from glasscell.session.code import resolve_toggle
from glasscell.testing.scaled_mixture import make_scaled_mixture
from glasscell.views.colour_presenter import list_hits


@pytest.fixture(scope="module")
def dataset():
    return make_scaled_mixture(0, n_cells=300, n_genes=24, n_components=3).dataset


@pytest.fixture(scope="module")
def bundle(dataset):
    params = SaucieParams(hidden=16, max_epochs=40, patience=40, learning_rate=5e-3, batch_size=64)
    return fit(dataset, FitRequest(family="saucie", params=params, device="cpu"))


@pytest.fixture
def session(dataset, bundle):
    made = Session()
    made.open_dataset(dataset)
    made.hold("bundle", bundle)
    made.update(model=bundle.id)
    yield made
    assert made.close()


def test_codes_go_by_name_and_other_cells_by_none(session, dataset, bundle):
    net = bundle.folds[0]
    values = session.resolve(ChannelRef.make("domain", "label", model=bundle.id)).values
    assert values.categories == net.domain_names
    assert all(name.startswith("code ") for name in values.categories)
    assert len(set(values.categories)) == net.n_domains > 1
    assert values.codes.min() >= -1
    for k in range(net.n_domains):
        some = np.flatnonzero(values.codes == k)
        bits = [
            session.resolve(ChannelRef.make("toggle", str(j), model=bundle.id)).values
            for j in range(net.bit_kj.shape[1])
        ]
        for j, toggle in enumerate(bits):
            assert toggle.categories == ("off", "on")
            assert (toggle.codes[some] == net.bit_kj[k, j]).all()
    titles = [hit.title for hit in list_hits(session)]
    assert "toggle 0" in titles
    assert "domain" in titles


def test_groups_and_perturbations_go_by_the_same_names(session, dataset, bundle):
    net = bundle.folds[0]
    values = session.resolve(ChannelRef.make("domain", "label", model=bundle.id)).values
    labels = grouping(DOMAINS, dataset, bundle)
    assert labels.classes == net.domain_names
    assert np.array_equal(labels.codes, values.codes)
    few = {"controls": 1, "control_cells": 10}
    found = perturb(dataset, bundle, PerturbationRequest(net.genes[:1], cells=np.arange(20), params=few))
    assert found.classes == net.domain_names


def test_what_is_no_toggle_is_said(session, bundle):
    for key in ("99", "first", "-1"):
        with pytest.raises(DataError, match="has no toggle"):
            resolve_toggle(session.context, ChannelRef.make("toggle", key, model=bundle.id))
