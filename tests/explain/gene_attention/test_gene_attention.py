"""Attention between genes by group: sums over the nets that held cells out, removal beside every pair."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import spearmanr

from glasscell.data.labels import read_labels
from glasscell.data.split import split
from glasscell.errors import DataError, JobCancelled, NotCompatible
from glasscell.explain.gene_attention import measure
from glasscell.explain.gene_attention.measure import gene_attention, why_no_gene_attention
from glasscell.explain.gene_attention.result import CO_EXPRESSION, GeneAttention
from glasscell.jobs import QuietJob
from glasscell.models.batch import make_batch
from glasscell.models.cell_batch import Intervention
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.registry import family
from glasscell.testing.planted import planted_dataset

TINY = {"n_tokens": 12, "width": 8, "heads": 2, "pretrain_epochs": 2, "max_epochs": 1}


@pytest.fixture(scope="module")
def dataset():
    return planted_dataset(n_cells=120, n_genes=24, seed=2, depth=60.0)


@pytest.fixture(scope="module")
def labels(dataset):
    return read_labels(dataset, "label")


def trained(dataset, labels, key="gene_transformer", **settings):
    folds = split(dataset, "random", n_folds=2, seed=0, labels=labels)
    params = family(key).params(**settings)
    return fit(dataset, FitRequest(labels, folds, key, params, 3, "cpu", baselines=False))


@pytest.fixture(scope="module")
def bundle(dataset, labels):
    return trained(dataset, labels, **TINY)


@pytest.fixture(scope="module")
def found(dataset, bundle, labels) -> GeneAttention:
    return gene_attention(dataset, bundle, labels, top=5, heads=True)


def test_it_is_the_sum_over_cells_of_the_nets_that_held_them_out(dataset, bundle, labels, found):
    assert found.groups == labels.classes
    assert found.n_cells_g.sum() == 120
    for place, code in enumerate(range(len(labels.classes))):
        cells = np.flatnonzero(labels.codes == code)
        net_of_cell = bundle.net_for_cells(dataset, cells)
        weight, even, both = np.zeros((12, 12)), np.zeros((12, 12)), np.zeros((12, 12))
        first, first_both = np.zeros((2, 12, 12)), np.zeros((12, 12))
        for cell, number in zip(cells, net_of_cell, strict=True):
            net = bundle.folds[number]
            parts = net.summed_attention(make_batch(dataset, net, np.array([cell])))
            by_head, presence, one = (part.numpy() for part in parts)
            weight += by_head.mean(axis=(0, 1))
            even += presence
            both += one
            if number == 0:
                first += by_head[0]
                first_both += one
        there = both > 0
        np.testing.assert_array_equal(found.both_gtt[place], both)
        own = np.diag(both)[:, None]
        np.testing.assert_allclose(found.weight_gtt[place][there], (weight / own)[there], rtol=1e-5)
        np.testing.assert_allclose(found.relative_gtt[place][there], (weight / even)[there], rtol=1e-5)
        expected = first / np.diag(first_both)[None, :, None]
        np.testing.assert_allclose(found.head_ghtt[place], expected, rtol=1e-5, atol=1e-12)
    assert found.head_ghtt.shape == (3, 2, 12, 12), "one layer whose genes ask, two heads"


def test_every_pair_has_its_removal_and_its_correlation(dataset, bundle, labels, found, monkeypatch):
    pair = found.top(found.groups[0], 1)[0]
    i, j = found.genes.index(pair.gene), found.genes.index(pair.attends_to)
    assert pair.weight == pytest.approx(found.weight_gtt[0, i, j])
    assert pair.n_cells == found.both_gtt[0, i, j] >= measure.LEAST_BOTH
    assert i != j
    cells = np.flatnonzero(labels.codes == 0)
    batch = make_batch(dataset, bundle.folds[0], cells)
    column = [bundle.folds[0].genes.index(gene) for gene in (pair.gene, pair.attends_to)]
    values = batch.expression.numpy()[:, column]
    assert pair.correlation == pytest.approx(spearmanr(*values.T).statistic, abs=1e-6)

    monkeypatch.setattr(measure, "REMOVED_IN", 10_000)  # all cells: nothing is drawn
    again = gene_attention(dataset, bundle, labels, top=5)
    same = next(one for one in again.pairs if (one.gene, one.attends_to) == (pair.gene, pair.attends_to))
    together = cells[(values != 0).all(axis=1)]
    change = []
    for number in (0, 1):
        net = bundle.folds[number]
        own = together[bundle.net_for_cells(dataset, together) == number]
        before = make_batch(dataset, net, own)
        after = net.apply(before, Intervention(drop_tokens=(j,)))
        change.append((net.guess(after, i) - net.guess(before, i)).numpy())
    assert same.removed == pytest.approx(float(np.concatenate(change).mean()), rel=1e-4)
    assert again.head_ghtt is None


def test_the_most_attended_to_come_first_and_some_by_chance(found):
    for place, group in enumerate(found.groups):
        fit_pairs = (found.both_gtt[place] >= measure.LEAST_BOTH) & ~np.eye(12, dtype=bool)
        best = np.sort(found.relative_gtt[place][fit_pairs])[::-1][:5]
        np.testing.assert_allclose([pair.relative for pair in found.top(group, 5)], best)
        assert len(found.top(group, 1000)) > 5, "pairs by chance are measured, too"
    assert CO_EXPRESSION in found.notes
    assert list(found.table()["group"].unique()) == list(found.groups)
    assert ((found.agreement_g >= -1) & (found.agreement_g <= 1)).all()
    assert not found.weight_gtt.flags.writeable


def test_the_same_seed_draws_the_same(dataset, bundle, labels, found):
    assert gene_attention(dataset, bundle, labels, top=5, heads=True).pairs == found.pairs


def test_what_cannot_be_asked_is_refused_in_a_sentence(dataset, bundle, labels, found):
    assert "Train a model" in why_no_gene_attention(None)
    assert not why_no_gene_attention(bundle)
    flat = trained(dataset, labels, **{**TINY, "depth": 1, "pretrain_epochs": 0})
    with pytest.raises(NotCompatible, match="two layers or more"):
        gene_attention(dataset, flat, labels)
    other = trained(dataset, labels, "classifier", hidden=4, max_epochs=1)
    with pytest.raises(NotCompatible, match="train the family gene_transformer"):
        gene_attention(dataset, other, labels)
    with pytest.raises(DataError, match="no group"):
        found.top("no such group")
    few = planted_dataset(n_cells=30, n_genes=24, seed=2)
    with pytest.raises(DataError, match="another dataset"):
        gene_attention(few, bundle, labels)


def test_attention_without_removal_cannot_be_made(found):
    values = {name: getattr(found, name) for name in GeneAttention.__dataclass_fields__}
    with pytest.raises(DataError, match="measure that too"):
        GeneAttention(**{**values, "pairs": ()})


def test_values_that_are_no_counts_are_asked_where_they_are_zero(dataset):
    """Two genes that are never both other than zero: every gene is there all the same."""
    logged = dataset.adata.copy()
    values = np.log1p(sparse.csr_matrix(logged.X, dtype=np.float32).toarray() / 7)
    values[::2, ::2] = 0
    values[1::2, 1::2] = 0
    logged.X = sparse.csr_matrix(values)
    logged.layers.clear()
    stored = type(dataset)(logged)
    assert stored.sizes_c is None
    labels = read_labels(stored, "label")
    found = gene_attention(stored, trained(stored, labels, **TINY), labels, top=200)
    assert found.groups == labels.classes
    assert all(np.isfinite(pair.removed) for pair in found.pairs)
    for place, size in enumerate(found.n_cells_g):
        assert (found.both_gtt[place] == size).all()


def test_cells_are_read_a_few_at_a_time(dataset, bundle, labels, found, monkeypatch):
    sizes = []

    def noted(data, net, cells):
        sizes.append(len(cells))
        return make_batch(data, net, cells)

    monkeypatch.setattr(measure, "make_batch", noted)
    monkeypatch.setattr(measure, "_BLOCK", 7)
    monkeypatch.setattr(measure, "REMOVED_IN", 5)
    some = gene_attention(dataset, bundle, labels, top=5)
    assert max(sizes) == 7 < found.n_cells_g.min()
    places = [(pair.group, pair.gene, pair.attends_to) for pair in found.pairs]
    assert [(pair.group, pair.gene, pair.attends_to) for pair in some.pairs][:5] == places[:5]
    assert [pair.correlation for pair in some.pairs][:5] == [pair.correlation for pair in found.pairs][:5]


def test_it_can_be_cancelled(dataset, bundle, labels):
    class Stopped(QuietJob):
        def report(self, fraction, text="", **metrics):
            raise JobCancelled("stopped")

    with pytest.raises(JobCancelled):
        gene_attention(dataset, bundle, labels, job=Stopped())
