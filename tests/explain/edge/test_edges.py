"""Edges: slopes per state, z against permuted genes, what stands beside them, tables and files; impostors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest
from anndata import read_h5ad
from scipy import sparse
from scipy.stats import spearmanr

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.data.selection import parse_selection
from glasscell.data.write import write
from glasscell.errors import DataError, JobCancelled, NotCompatible
from glasscell.explain.edge.beside import forest_importance, rank_correlations
from glasscell.explain.edge.measure import edges, why_no_edges
from glasscell.explain.edge.null import scattered, spread_of_edges
from glasscell.explain.edge.result import CAUTION, Edges
from glasscell.jobs import QUIET, QuietJob
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.family import TrainingData
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.grn.params import GrnParams
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.row import Rows
from glasscell.testing.gene_network import GeneNetwork, make_gene_network

SHORT = {"hidden": 16, "max_epochs": 40, "learning_rate": 1e-2, "batch_size": 64}
COLUMNS = ["regulator", "target", "weight", "z", "spearman", "forest", "state"]


def trained(dataset: Dataset, seed: int = 0, **params: Any) -> Bundle:
    request = FitRequest(family="grn", params=GrnParams(**{**SHORT, **params}), seed=seed, device="cpu")
    return fit(dataset, request)


@pytest.fixture(scope="module")
def made() -> GeneNetwork:
    return make_gene_network(10, n_genes=10, n_cells=400, n_knocked=20, density=0.15)


@pytest.fixture(scope="module")
def dataset(made: GeneNetwork) -> Dataset:
    return made.wild_type()


@pytest.fixture(scope="module")
def bundle(dataset: Dataset) -> Bundle:
    return trained(dataset)


@pytest.fixture(scope="module")
def found(dataset: Dataset, bundle: Bundle) -> Edges:
    return edges(dataset, bundle, read_labels(dataset, "state"), n_nulls=3, trees=10)


def test_each_state_has_its_own_slopes(found: Edges, bundle: Bundle, dataset: Dataset) -> None:
    net: Any = bundle.folds[0]
    assert found.states == ("resting", "driven")
    assert found.n_cells == (200, 200)
    for at, state in enumerate(found.states):
        cells = np.flatnonzero(dataset.obs["state"] == state)
        slope_gr = net.mean_influence(make_batch(dataset, net, cells).expression).numpy()
        ours = np.nan_to_num(found.weight_sgr[at])
        np.testing.assert_allclose(ours, slope_gr, atol=1e-6)
    assert np.abs(np.nan_to_num(found.weight_sgr[0] - found.weight_sgr[1])).max() > 1e-3
    assert np.isnan(found.weight_sgr[:, np.arange(10), np.arange(10)]).all(), "no gene is its own reason"


def test_what_stands_beside_is_what_it_says(found: Edges, dataset: Dataset) -> None:
    values_cg = np.asarray(dataset.adata.X)[np.asarray(dataset.obs["state"] == "driven")]
    row = found.table("driven").iloc[3]
    columns = [found.targets.index(row[name]) for name in ("regulator", "target")]
    assert row["spearman"] == pytest.approx(spearmanr(*values_cg[:, columns].T)[0], abs=1e-5)
    assert found.forest_sgr[1][columns[1], columns[0]] == row["forest"]
    assert np.nansum(found.forest_sgr, axis=2) == pytest.approx(1.0, abs=1e-4)


def test_true_edges_lie_higher_than_drawn_ones(made: GeneNetwork, found: Edges) -> None:
    from sklearn.metrics import average_precision_score

    off = ~np.eye(10, dtype=bool)
    truth = made.truth_rg.T[off]
    size = np.abs(found.z_sgr).mean(axis=0)[off]
    assert average_precision_score(truth, size) > 1.5 * truth.mean()


def test_tables_rank_by_z_and_keep_every_column(found: Edges, tmp_path: Path) -> None:
    table = found.table()
    assert list(table.columns) == COLUMNS
    assert len(table) == 2 * 90
    for _, part in table.groupby("state"):
        assert (np.diff(np.abs(part["z"])) <= 1e-6).all()
    top = found.top(4, "driven")
    assert top.equals(table[table["state"] == "driven"].head(4).reset_index(drop=True))
    both = found.contrast("resting", "driven", 3)
    assert list(both["difference"].abs()) == sorted(both["difference"].abs(), reverse=True)
    assert both["difference"][0] == pytest.approx(both["weight in resting"][0] - both["weight in driven"][0])
    with pytest.raises(DataError, match="There is no state 'high'"):
        found.top(2, "high")
    assert found.notes[-1] == CAUTION


def test_called_edges_go_into_the_file(found: Edges, dataset: Dataset, tmp_path: Path) -> None:
    write(dataset, tmp_path / "out.h5ad", explanations=(found,))
    kept = read_h5ad(tmp_path / "out.h5ad")
    weight, z = (kept.varp[f"glasscell.grn.{name}.driven"].toarray() for name in ("weight", "z"))
    called = np.abs(np.nan_to_num(found.z_sgr[1])) >= 3
    assert called.any()
    assert np.array_equal(z != 0, called.T), "regulators in rows"
    np.testing.assert_allclose(weight.T[called], found.weight_sgr[1][called])
    assert "not that one regulates" in kept.uns["glasscell.grn"]


def test_the_same_seed_gives_the_same_and_a_cancel_nothing(
    dataset: Dataset, bundle: Bundle, found: Edges
) -> None:
    again = edges(dataset, bundle, read_labels(dataset, "state"), n_nulls=3, trees=10)
    assert again.id == found.id
    assert np.array_equal(again.forest_sgr, found.forest_sgr, equal_nan=True)
    some = edges(dataset, bundle, parse_selection("state=driven", dataset), n_nulls=3, trees=1)
    np.testing.assert_allclose(some.weight_sgr[0], found.weight_sgr[1], atol=1e-6)

    class Stop(QuietJob):
        def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
            if "null 2" in text:
                raise JobCancelled("stopped")

    with pytest.raises(JobCancelled):
        edges(dataset, bundle, n_nulls=3, job=Stop())


def test_what_cannot_be_asked_is_said(dataset: Dataset, bundle: Bundle, made: GeneNetwork) -> None:
    with pytest.raises(DataError, match="3 null networks"):
        edges(dataset, bundle, n_nulls=2)
    with pytest.raises(NotCompatible, match="trained on other data"):
        edges(made.dataset, bundle)
    assert "Train a gene network" in why_no_edges(None, dataset)
    few = parse_selection("g00=100..200", dataset)
    with pytest.raises(DataError, match="No state has 20 cells"):
        edges(dataset, bundle, few, n_nulls=3)


def test_spread_is_pooled_over_gene_and_regulator() -> None:
    rng = np.random.default_rng(0)
    gene_g, source_r = rng.uniform(0.5, 2, 30), rng.uniform(0.5, 2, 20)
    sources = np.arange(20)
    null_kgr = rng.normal(size=(8, 30, 20)) * np.outer(gene_g, source_r)
    null_kgr[:, sources, np.arange(20)] = 1e6  # never looked at
    ratio = spread_of_edges(null_kgr, sources) / np.outer(gene_g, source_r)
    assert np.abs(np.log(ratio)).max() < 0.4


def test_genes_are_scattered_one_by_one(dataset: Dataset, bundle: Bundle) -> None:
    table = sparse.csr_matrix(np.asarray(dataset.adata.X))
    codes = np.full(400, -1, np.int32)
    data = TrainingData(Rows(table), None, codes, (), dataset.genes.names, Preprocessing("stored"))
    drawn = scattered(data, np.array([1, 4, 7]), 0, QUIET).rows.table_cg.toarray()
    assert not drawn[:, [0, 2, 3, 5, 6, 8, 9]].any()
    for gene in (1, 4, 7):
        assert np.array_equal(np.sort(drawn[:, gene]), np.sort(table.toarray()[:, gene]))
        assert not np.array_equal(drawn[:, gene], table.toarray()[:, gene])


def test_a_forest_finds_a_curve_that_ranks_do_not() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 4))
    values = np.concatenate([x, (x[:, :1] ** 2) + 0.2 * rng.normal(size=(400, 1)), np.ones((400, 1))], axis=1)
    sources = np.arange(4)
    forest_gr = forest_importance(values, sources, 0, QUIET, 20)
    assert int(np.argmax(forest_gr[4])) == 0
    assert abs(rank_correlations(values, sources)[4, 0]) < 0.2
    assert np.array_equal(forest_gr[5], np.zeros(4)), "a constant gene has no reasons"
    assert np.isnan(forest_gr[sources, sources]).all()


@pytest.mark.slow
def test_impostors_stay_under_the_threshold() -> None:
    """Permuted genes: about one edge in twenty lies beyond 1.96, hardly any beyond 3, over several nets."""
    beyond: list[np.ndarray] = []
    for seed in range(30, 38):
        values = np.asarray(make_gene_network(seed, n_cells=400, n_knocked=1).wild_type().adata.X)
        rng = np.random.default_rng(seed)
        dealt = Dataset(ad.AnnData(np.stack([rng.permutation(one) for one in values.T], axis=1)))
        z_gr = edges(dealt, trained(dealt, seed), n_nulls=5, trees=1).z_sgr[0]
        beyond.append(np.abs(z_gr[np.isfinite(z_gr)]))
    size = np.concatenate(beyond)
    assert 0.02 < (size > 1.96).mean() <= 0.07
    assert (size > 3).mean() <= 0.015


@pytest.mark.slow
def test_a_copy_that_was_dealt_to_other_cells_gets_no_edges(dataset: Dataset) -> None:
    """One gene's values given to other cells say nothing; the same in place are told by the gene alone."""
    values = np.asarray(dataset.adata.X)
    size = np.abs(np.corrcoef(values.T) - np.eye(10)).sum(axis=0)
    most = int(np.argmax(size))
    dealt = np.random.default_rng(3).permutation(values[:, most])

    def of_copy(extra: np.ndarray) -> np.ndarray:
        one = Dataset(ad.AnnData(np.column_stack([values, extra])))
        return edges(one, trained(one), n_nulls=4, trees=1).z_sgr[0][-1, :-1]

    assert (np.abs(of_copy(dealt)) > 3).mean() <= 0.1
    true = np.abs(of_copy(values[:, most]))
    assert int(np.argmax(true)) == most
    assert true[most] > 5


def test_rank_correlation_of_a_constant_is_zero() -> None:
    values = np.column_stack([np.arange(9.0), np.ones(9)])
    assert rank_correlations(values, np.array([0, 1]))[1, 0] == 0
