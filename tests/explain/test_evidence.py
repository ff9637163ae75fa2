"""Rankings carry their evidence, say what is missing, and impostors fail where a real map passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glasscell.errors import DataError, ModelError, NotCompatible
from glasscell.explain.check import checks
from glasscell.explain.dense import DenseAttribution
from glasscell.explain.evidence import NO_CLASSES, NO_TWIN, ONE_FOLD, ranking
from glasscell.explain.explain import explain, with_twin
from glasscell.explain.randomise import signed_rank_correlation
from glasscell.explain.request import ExplainRequest
from glasscell.explain.result import rank


def verdicts(explanation, mask=None):
    return {check.name: check.verdict for check in checks(explanation, mask)}


def test_rows_hold_every_column(dataset, truth, make_bundle):
    found = explain(dataset, make_bundle(), ExplainRequest(target="class:K1"))
    mask = truth == 0
    rows = ranking(found, mask, dataset, k=10)
    mean_g = found.mean(mask)
    assert rows.missing == ()
    assert rows.n_cells == mask.sum()
    assert [row.value for row in rows] == sorted(mean_g, reverse=True)[:10]
    for row in rows:
        g = found.gene_index(row.gene)
        assert row.presence + row.absence == pytest.approx(row.value)
        assert row.mean_difference_rank == rank(found.mean_difference_g)[g]
        assert row.twin_rank == rank(found.twin.mean(mask))[g]
        own = [rank(found.mean(mask & (np.arange(dataset.n_cells) % 3 == k)))[g] for k in range(3)]
        assert row.rank_spread == max(own) - min(own)
    lowest = ranking(found, mask, dataset, k=3, direction="lowers")
    assert lowest[0].value == mean_g.min()


def test_mean_difference_by_hand(dataset, truth, make_bundle):
    found = explain(dataset, make_bundle(), ExplainRequest(target="class:K2", evidence=False))
    x_cg = found.inputs_cg.toarray().astype(np.float64)
    np.testing.assert_allclose(found.mean_difference_g, x_cg[truth == 1].mean(0) - x_cg[truth != 1].mean(0))
    pair = explain(dataset, make_bundle(), ExplainRequest(target="contrast:K2/K3", evidence=False))
    np.testing.assert_allclose(pair.mean_difference_g, x_cg[truth == 1].mean(0) - x_cg[truth == 2].mean(0))


def test_what_is_missing_is_said(dataset, make_bundle):
    found = explain(dataset, make_bundle(twin=False), ExplainRequest(target="class:K1"))
    assert ranking(found).missing == (NO_TWIN,)
    assert ranking(found)[0].twin_rank is None
    one_net = np.arange(dataset.n_cells) % 3 == 0
    assert ranking(found, one_net).missing == (NO_TWIN, ONE_FOLD)
    bare = replace(found, mean_difference_g=None)
    assert NO_CLASSES in ranking(bare).missing
    assert verdicts(bare, one_net)["folds"] == "cannot tell"
    assert verdicts(bare)["twin"] == "cannot tell"
    with pytest.raises(DataError, match="another dataset"):
        ranking(found, None, type("Other", (), {"n_cells": 3})())


def test_the_twin_can_come_later(dataset, make_bundle):
    bundle = make_bundle(twin=False)
    found = explain(dataset, bundle, ExplainRequest(target="class:K1", cells=np.arange(40)))
    with pytest.raises(ModelError, match="not there yet"):
        with_twin(found, dataset, bundle)
    whole = make_bundle()
    at_once = explain(dataset, whole, ExplainRequest(target="class:K1", cells=np.arange(40)))
    later = with_twin(found, dataset, whole)
    np.testing.assert_array_equal(later.twin.mean(), at_once.twin.mean())
    assert later.id == found.id
    with pytest.raises(ModelError, match="another model"):
        with_twin(found, dataset, make_bundle(n_nets=2))


def test_bad_requests_get_a_sentence(dataset, make_bundle):
    bundle = make_bundle()
    for request, message in (
        (ExplainRequest(target="class:K9"), "K9"),
        (ExplainRequest(target="gene:CD3E"), "gene"),
        (ExplainRequest(method="magic", target="class:K1"), "no method 'magic'"),
        (ExplainRequest(target="class:K1", nets="fold:7"), "fold:7"),
        (ExplainRequest(target="class:K1", cells=np.array([], int)), "holds no cell"),
        (ExplainRequest(target="class:K1", cells=np.array([5000])), "outside"),
    ):
        with pytest.raises((NotCompatible, ModelError, DataError), match=message):
            explain(dataset, bundle, request)


def table(like, values_cg, **changes):
    """Dress values up as a result, with everything else taken from a real one."""
    shared = ("provenance", "n_cells", "cells", "genes", "fold_of_cell", "in_training", "mean_difference_g")
    fields = {name: getattr(like, name) for name in shared}
    return DenseAttribution(**{**fields, **changes}, values_cg=values_cg, above_cg=values_cg > 0)


@pytest.fixture
def real(trained_planted):
    dataset, bundle = trained_planted
    return dataset, explain(dataset, bundle, ExplainRequest(target="class:K1"))


def test_a_real_map_passes(real):
    dataset, found = real
    mask = np.asarray(dataset.obs["label"] == "K1")
    outcome = verdicts(found, mask)
    assert outcome["completeness"] == "ok"
    assert outcome["random net"] == "ok"
    assert outcome["held out"] == "ok"
    planted = set(np.flatnonzero(dataset.adata.varm["truth"][:, 0]))
    assert planted <= {found.gene_index(gene) for gene, _ in found.top(6, mask)}


def test_impostors_fail_where_the_real_map_passes(real):
    from glasscell.explain.assemble import completeness_gap

    _, found = real
    ours_cg = found.block(np.arange(len(found.cells)))
    delta_c = found.row_sums()
    rng = np.random.default_rng(0)
    x_cg = found.inputs_cg.toarray()
    impostors = {
        "mean difference": np.repeat(found.mean_difference_g[None], len(x_cg), axis=0),
        "constant": np.ones_like(ours_cg),
        "copy of the data": x_cg - found.baselines_bg[0],
        "coin": rng.normal(size=ours_cg.shape),
    }
    assert completeness_gap(ours_cg.sum(1), delta_c) < 0.01
    for name, values_cg in impostors.items():
        gap = completeness_gap(values_cg.sum(1), delta_c)
        fake = table(found, values_cg, diagnostics={"completeness_gap": gap}, twin=None)
        assert verdicts(fake)["completeness"] == "bad", name


def test_maps_of_the_data_do_not_change_with_the_net_and_are_caught(real):
    _, found = real
    copy_cg = found.inputs_cg.toarray() - found.baselines_bg[0]
    same = signed_rank_correlation(copy_cg, copy_cg)
    fake = table(found, copy_cg, diagnostics={"reinitialised_correlation": same}, twin=None)
    assert verdicts(fake)["random net"] == "bad"
    twinned = replace(fake, twin=fake)
    assert verdicts(twinned)["twin"] == "bad"
    plain = table(found, np.repeat(found.mean_difference_g[None], len(copy_cg), axis=0))
    assert verdicts(plain)["plain comparison"] == "warn"
    swapped = np.array(found.mean_difference_g)
    first, second = np.argsort(-swapped)[:2]
    swapped[[first, second]] = swapped[[second, first]]
    near = table(found, np.repeat(swapped[None], len(copy_cg), axis=0))
    assert verdicts(near)["plain comparison"] == "warn"


def test_a_model_that_knows_less_than_its_baselines_is_told(real):
    _, found = real
    figures = {"majority_accuracy": 0.25, "logistic_accuracy": 0.9, "coordinates_accuracy": 0.6}
    for own, verdict in ((0.91, "ok"), (0.89, "ok"), (0.64, "warn"), (0.27, "bad")):
        told = replace(found, diagnostics={**found.diagnostics, "held_out_accuracy": own, **figures})
        assert verdicts(told)["model"] == verdict
    bare = {key: value for key, value in found.diagnostics.items() if not key.endswith("_accuracy")}
    assert "model" not in verdicts(replace(found, diagnostics=bare))


def test_folds_that_disagree_are_told(real):
    _, found = real
    rng = np.random.default_rng(0)
    per_fold = rng.normal(size=(4, len(found.genes)))
    fake = table(found, per_fold[found.fold_of_cell])
    assert verdicts(fake)["folds"] == "bad"
    seen = replace(found, in_training=np.ones(len(found.cells), bool))
    assert verdicts(seen)["held out"] == "warn"


def test_signed_rank_correlation_against_scipy():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(5, 30)), rng.normal(size=(5, 30))
    expected = np.mean([spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)])
    assert signed_rank_correlation(a, b) == pytest.approx(expected)
    assert signed_rank_correlation(a, -a) == pytest.approx(-1)
    assert np.isnan(signed_rank_correlation(np.ones((2, 4)), np.ones((2, 4))))
