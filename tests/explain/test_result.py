"""What results answer: by gene, cell and selection, factored and dense alike, without a table."""

from __future__ import annotations

import tracemalloc
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from scipy import sparse

from glasscell.errors import DataError
from glasscell.explain.dense import DenseAttribution
from glasscell.explain.explain import explain
from glasscell.explain.factored import FactoredAttribution
from glasscell.explain.request import ExplainRequest
from glasscell.explain.result import Provenance, order, rank

PROVENANCE = Provenance(
    method="integrated_gradients",
    target="class:A",
    baseline="zero",
    baseline_text="nothing",
    params={"steps": 8},
    nets="held_out",
    seeds=(0,),
    model="m",
    data="d",
    unit="logit",
    source="arXiv:1703.01365",
    route="factored",
)


def random_factors(n=60, n_genes=25, hidden=5, difference="input - baseline", seed=0, low=0.0):
    rng = np.random.default_rng(seed)
    x_cg = rng.gamma(1, 1, (n, n_genes)) * (rng.random((n, n_genes)) < 0.3)
    return FactoredAttribution(
        provenance=PROVENANCE,
        n_cells=n + 10,
        cells=np.arange(5, n + 5, dtype=np.int32),
        genes=tuple(f"g{i}" for i in range(n_genes)),
        fold_of_cell=(np.arange(n) % 2).astype(np.int32),
        in_training=np.zeros(n, bool),
        inputs_cg=sparse.csr_matrix(x_cg),
        difference=difference,
        baselines_bg=rng.uniform(low, 1, (3, n_genes)),
        baseline_of_cell=(np.arange(n) % 3).astype(np.int32),
        gradients_ch=rng.normal(size=(n, hidden)),
        weights=tuple(rng.normal(size=(hidden, n_genes)) for _ in range(2)),
        net_of_cell=(np.arange(n) % 2).astype(np.int32),
    )


def slow_table(result):
    """Return the whole table, entry by entry."""
    x_cg = result.inputs_cg.toarray()
    table = np.empty_like(x_cg)
    for i in range(len(x_cg)):
        weight = result.weights[result.net_of_cell[i]]
        for g in range(x_cg.shape[1]):
            slope = sum(result.gradients_ch[i, h] * weight[h, g] for h in range(len(weight)))
            start = result.baselines_bg[result.baseline_of_cell[i], g]
            change = {"one": 1.0, "input": x_cg[i, g], "input - baseline": x_cg[i, g] - start}[
                result.difference
            ]
            table[i, g] = change * slope
    return table


@pytest.mark.parametrize("low", [0.0, -1.0])
@pytest.mark.parametrize("difference", ["one", "input", "input - baseline"])
def test_every_question_has_the_same_answer_as_the_table(difference, low):
    result = random_factors(difference=difference, low=low)
    table = slow_table(result)
    mask = np.random.default_rng(1).random(result.n_cells) < 0.4
    rows = np.flatnonzero(mask[5:-5])
    np.testing.assert_allclose(result.block(np.arange(60)), table, atol=1e-12)
    np.testing.assert_allclose(result.gene("g7")[5:-5], table[:, 7], atol=1e-12)
    assert np.isnan(result.gene("g7")[:5]).all()
    np.testing.assert_allclose(result.cell(9), table[4], atol=1e-12)
    np.testing.assert_allclose(result.mean(mask), table[rows].mean(0), atol=1e-12)
    np.testing.assert_allclose(result.row_sums(), table.sum(1), atol=1e-12)
    assert [gene for gene, _ in result.top(3, mask)] == [
        f"g{g}" for g in np.argsort(-table[rows].mean(0))[:3]
    ]
    if difference == "input - baseline":
        above = result.inputs_cg.toarray() > result.baselines_bg[result.baseline_of_cell]
        parts = result.evidence(mask)
        np.testing.assert_allclose(parts.presence_g, np.where(above, table, 0)[rows].mean(0), atol=1e-12)
        np.testing.assert_allclose(parts.absence_g, np.where(above, 0, table)[rows].mean(0), atol=1e-12)


def test_factored_and_dense_answer_alike():
    factored = random_factors()
    table = slow_table(factored)
    above = factored.inputs_cg.toarray() > factored.baselines_bg[factored.baseline_of_cell]
    shared = {
        name: getattr(factored, name)
        for name in ("provenance", "n_cells", "cells", "genes", "fold_of_cell", "in_training")
    }
    dense = DenseAttribution(**shared, values_cg=table, above_cg=above)
    mask = np.arange(factored.n_cells) % 3 == 0
    np.testing.assert_allclose(dense.gene("g3"), factored.gene("g3"), atol=1e-12)
    np.testing.assert_allclose(dense.cell(20), factored.cell(20), atol=1e-12)
    for ours, theirs in zip(dense.evidence(mask), factored.evidence(mask), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)
    np.testing.assert_allclose(dense.row_sums(), factored.row_sums(), atol=1e-12)
    assert dense.top_of_cell(20, 4)[0].gene == factored.top_of_cell(20, 4)[0].gene
    assert dense.id == factored.id


def test_large_results_never_build_a_table():
    n, n_genes, hidden = 20_000, 4_000, 16
    rng = np.random.default_rng(0)
    inputs = sparse.random(n, n_genes, 0.02, "csr", dtype=np.float32, random_state=0)
    result = FactoredAttribution(
        provenance=PROVENANCE,
        n_cells=n,
        cells=np.arange(n, dtype=np.int32),
        genes=tuple(map(str, range(n_genes))),
        fold_of_cell=np.zeros(n, np.int32),
        in_training=np.zeros(n, bool),
        inputs_cg=inputs,
        difference="input - baseline",
        baselines_bg=rng.random((1, n_genes)).astype(np.float32),
        baseline_of_cell=np.zeros(n, np.int32),
        gradients_ch=rng.normal(size=(n, hidden)).astype(np.float32),
        weights=(rng.normal(size=(hidden, n_genes)).astype(np.float32),),
        net_of_cell=np.zeros(n, np.int32),
    )
    table_bytes = n * n_genes * 4
    tracemalloc.start()
    result.mean(), result.gene("17"), result.top(5), result.cell(3), result.row_sums()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < table_bytes / 4
    assert result.nbytes < table_bytes / 4


def test_results_are_frozen_and_need_provenance():
    result = random_factors()
    with pytest.raises(FrozenInstanceError):
        result.n_cells = 3
    with pytest.raises(ValueError, match="read-only"):
        result.cells[0] = 1
    with pytest.raises(DataError, match="needs its provenance: target"):
        replace(PROVENANCE, target="")
    with pytest.raises(TypeError, match="provenance"):
        FactoredAttribution()
    with pytest.raises(DataError, match="sorted"):
        replace(result, cells=result.cells[::-1].copy())
    with pytest.raises(DataError, match="weights do not fit"):
        replace(result, weights=(np.ones((3, 3)),))


def test_bad_questions_get_a_sentence():
    result = random_factors()
    with pytest.raises(DataError, match="not trained on gene 'nope'"):
        result.gene("nope")
    with pytest.raises(DataError, match="Cell 2 was not explained"):
        result.cell(2)
    with pytest.raises(DataError, match="None of the selected cells was explained"):
        result.mean(np.arange(result.n_cells) < 3)
    with pytest.raises(DataError, match="selection of 70 cells is needed"):
        result.mean(np.ones(4, bool))


def test_order_and_rank_keep_ties_in_gene_order():
    values_g = np.array([1.0, 3.0, 1.0, 2.0])
    assert order(values_g).tolist() == [1, 3, 0, 2]
    assert rank(values_g).tolist() == [3, 1, 4, 2]


def test_the_id_changes_with_what_the_result_depends_on(dataset, make_bundle):
    bundle = make_bundle()
    requests = [
        ExplainRequest(target="class:K1", evidence=False),
        ExplainRequest(target="class:K2", evidence=False),
        ExplainRequest(target="class:K1", baseline="zero", evidence=False),
        ExplainRequest(target="class:K1", params={"steps": 9}, evidence=False),
        ExplainRequest(target="class:K1", cells=np.arange(9), evidence=False),
        ExplainRequest(target="class:K1", nets="fold:0", evidence=False),
    ]
    assert len({explain(dataset, bundle, request).id for request in requests}) == len(requests)
