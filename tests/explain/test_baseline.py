"""Baselines by name, each worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from glasscell.errors import NotCompatible
from glasscell.explain.baseline import Training, make_baseline
from glasscell.explain.explain import explain
from glasscell.explain.request import ExplainRequest
from glasscell.models.target import Target

A = Target("class", "a")


@pytest.fixture
def training():
    rng = np.random.default_rng(0)
    x_cg = rng.random((60, 7)) * (rng.random((60, 7)) < 0.5)
    codes = np.repeat([0, 1, 1, 2, 2, -1], 10).astype(np.int32)
    trained = (codes >= 0) & (np.arange(60) % 5 != 0)
    return Training(
        sparse.csr_matrix(x_cg), codes, ("a", "b", "c"), trained, rng.integers(50, 500, 60).astype(float)
    )


def by_hand(training, *codes):
    x_cg = training.inputs_cg.toarray()
    return np.mean([x_cg[training.trained & (training.codes == code)].mean(0) for code in codes], axis=0)


def test_other_classes_count_the_same_whatever_their_size(training):
    made = make_baseline("other_classes", training, A)
    np.testing.assert_allclose(made.values_bg, by_hand(training, 1, 2)[None], rtol=1e-12)
    assert not made.of_cell.any()
    assert "b, c" in made.text


def test_a_contrast_is_compared_with_the_class_it_names(training):
    against = make_baseline("other_classes", training, Target("contrast", "a", "c"))
    np.testing.assert_allclose(against.values_bg[0], by_hand(training, 2), rtol=1e-12)
    everyone = make_baseline("other_classes", training, Target("contrast", "a"))
    np.testing.assert_allclose(everyone.values_bg[0], by_hand(training, 1, 2), rtol=1e-12)


def test_a_target_that_is_no_class_is_compared_with_all(training):
    made = make_baseline("other_classes", training, Target("latent", "3"))
    np.testing.assert_allclose(made.values_bg[0], by_hand(training, 0, 1, 2), rtol=1e-12)


def test_zero_mean_and_one_class(training):
    assert not make_baseline("zero", training, A).values_bg.any()
    mean = training.inputs_cg.toarray()[training.trained].mean(0)
    np.testing.assert_allclose(make_baseline("mean", training, A).values_bg[0], mean, rtol=1e-12)
    np.testing.assert_allclose(
        make_baseline("class:b", training, A).values_bg[0], by_hand(training, 1), rtol=1e-12
    )


def test_depth_matched_follows_depth():
    rng = np.random.default_rng(0)
    size = np.exp(rng.uniform(3, 6, 900))
    codes = np.repeat([0, 1, 2], 300).astype(np.int32)
    x_cg = np.repeat(np.log(size)[:, None], 4, axis=1)
    training = Training(sparse.csr_matrix(x_cg), codes, ("a", "b", "c"), np.ones(900, bool), size)
    made = make_baseline("depth_matched", training, A)
    assert len(made.values_bg) == 8
    of_cell = made.values_bg[made.of_cell, 0]
    assert np.corrcoef(of_cell, np.log(size))[0, 1] > 0.97
    assert np.abs(of_cell - np.log(size)).max() < 0.5


def test_bad_names_and_missing_data_get_a_sentence(training):
    with pytest.raises(NotCompatible, match="no baseline 'nothing'"):
        make_baseline("nothing", training, A)
    with pytest.raises(NotCompatible, match="no class 'z' to compare with; there are a, b, c"):
        make_baseline("class:z", training, A)
    with pytest.raises(NotCompatible, match="needs counts"):
        make_baseline("depth_matched", Training(*_parts(training), None), A)
    alone = Training(training.inputs_cg, training.codes, training.classes, training.codes == 0)
    with pytest.raises(NotCompatible, match="no training cells of other classes"):
        make_baseline("other_classes", alone, A)


def _parts(training):
    return training.inputs_cg, training.codes, training.classes, training.trained


@pytest.mark.parametrize("name", ["other_classes", "mean", "zero", "class:K2", "depth_matched"])
@pytest.mark.parametrize("factored", [True, False])
def test_every_baseline_gives_a_complete_account(dataset, make_bundle, name, factored):
    request = ExplainRequest(target="class:K1", baseline=name, params={"steps": 512}, evidence=False)
    found = explain(dataset, make_bundle(factored=factored), request)
    assert found.completeness_gap < 0.01
    assert found.provenance.baseline_text
