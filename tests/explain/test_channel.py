"""A gene's attribution as a channel any view can colour by."""

from __future__ import annotations

import numpy as np
import pytest

from glasscell.data.channel import ChannelRef, channel_kinds, resolve_channel
from glasscell.errors import DataError
from glasscell.explain import attribution_ref
from glasscell.explain.explain import explain
from glasscell.explain.request import ExplainRequest


class Context:
    def __init__(self, dataset, *explanations):
        self.dataset = dataset
        self._known = {explanation.id: explanation for explanation in explanations}

    def explanation(self, name):
        return self._known[name]


def test_resolves_to_values_centred_at_zero(dataset, make_bundle):
    found = explain(
        dataset, make_bundle(), ExplainRequest(target="class:K1", cells=np.arange(30), evidence=False)
    )
    ref = attribution_ref(found, "GENE0001")
    assert ChannelRef.from_json(ref.to_json()) == ref
    column = resolve_channel(Context(dataset, found), ref)
    assert "attribution" in channel_kinds()
    assert column.centre == 0
    assert column.unit == "logit"
    assert column.title == "GENE0001: share in K1"
    assert column.note == "held out"
    np.testing.assert_array_equal(column.values, found.gene("GENE0001").astype(np.float32))
    assert np.isnan(column.values[30:]).all()


def test_training_cells_are_marked(dataset, make_bundle):
    request = ExplainRequest(target="class:K1", nets="fold:0", evidence=False)
    found = explain(dataset, make_bundle(), request)
    column = resolve_channel(Context(dataset, found), attribution_ref(found, "GENE0001"))
    assert column.note == "60 of 90 cells seen in training"


def test_bad_references_get_a_sentence(dataset, make_bundle):
    found = explain(dataset, make_bundle(), ExplainRequest(target="class:K1", evidence=False))
    with pytest.raises(DataError, match="must name its explanation"):
        resolve_channel(Context(dataset, found), ChannelRef.make("attribution", "GENE0001"))
    with pytest.raises(DataError, match="not trained on gene"):
        resolve_channel(Context(dataset, found), attribution_ref(found, "NOPE"))
    other = type("Other", (), {"n_cells": 5})()
    with pytest.raises(DataError, match="another dataset"):
        resolve_channel(Context(other, found), attribution_ref(found, "GENE0001"))
