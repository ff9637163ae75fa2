"""What ``scgnn`` gives beside its network: regulatory states, channels, and the table that is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from glasscell.data.channel import ChannelRef, resolve_channel
from glasscell.data.column import DataContext
from glasscell.data.dataset import Dataset
from glasscell.data.read import read
from glasscell.data.write import write
from glasscell.errors import DataError, NotCompatible
from glasscell.models.bundle import Bundle
from glasscell.models.fit import fit
from glasscell.models.scgnn.imputation import impute
from glasscell.models.scgnn.regulation import (
    _below,
    censored_log_likelihood,
    fit_states,
    regulatory_states,
)
from glasscell.models.scgnn.write_back import annotate
from glasscell.session import Session
from glasscell.testing.toy_family import toy_dataset, toy_request
from glasscell.views.colour_presenter import list_hits


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return toy_dataset()


@pytest.fixture(scope="module")
def bundle(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return fit(dataset, toy_request("scgnn", dataset, tmp_path_factory.mktemp("sets")))


def two_states(n: int = 800, seed: int = 0) -> np.ndarray:
    """Values of two states of which the lower is mostly undetected."""
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(n) < 0.6, rng.normal(0.2, 0.6, n), rng.normal(3.0, 0.5, n))
    return np.where(values > 0.8, values, 0.0)


# Regulatory states


def test_the_likelihood_is_that_of_the_paper_term_by_term() -> None:
    x, cut = np.array([1.2, 2.0, 3.5]), 1.0
    weight, mean, sd = np.array([0.3, 0.7]), np.array([0.5, 2.5]), np.array([0.7, 0.9])
    expected = 0.0
    for value in x:
        expected += np.log(
            sum(a * stats.norm.pdf(value, m, s) for a, m, s in zip(weight, mean, sd, strict=True))
        )
    below = sum(a * stats.norm.cdf((cut - m) / s) for a, m, s in zip(weight, mean, sd, strict=True))
    expected += 4 * np.log(below)
    assert censored_log_likelihood(x, 4, cut, weight, mean, sd) == pytest.approx(expected)


def test_moments_below_the_cut_are_those_of_a_truncated_normal() -> None:
    mean, sd = np.array([0.0, 2.0, -1.0]), np.array([1.0, 0.5, 2.0])
    got_mean, got_var = _below(0.7, mean, sd)
    for place in range(3):
        law = stats.truncnorm(-np.inf, (0.7 - mean[place]) / sd[place], mean[place], sd[place])
        assert got_mean[place] == pytest.approx(law.mean(), abs=1e-6)
        assert got_var[place] == pytest.approx(law.var(), abs=1e-6)


def test_planted_states_are_found_with_their_means() -> None:
    values = two_states()
    found = fit_states(values, gene="G", cut=0.8)
    assert found.n_states == 2
    assert found.mean_k == pytest.approx([0.2, 3.0], abs=0.25)
    assert found.weight_k == pytest.approx([0.6, 0.4], abs=0.05)
    assert np.mean((found.codes_c == 1) == (values > 1.8)) > 0.97
    assert set(found.codes_c[values == 0]) == {0}
    naive = values[values > 0].mean()  # an average of what is seen says nothing of the lower state
    assert abs(found.mean_k[0] - 0.2) < 0.2 * abs(naive - 0.2)


def test_nothing_nearby_is_likelier() -> None:
    values = two_states(400, 1)
    found = fit_states(values, cut=0.8)
    x, n_low = values[values > 0.8], int((values <= 0.8).sum())

    def cost(theta: np.ndarray) -> float:
        share = 1 / (1 + np.exp(-theta[0]))
        return -censored_log_likelihood(
            x, n_low, 0.8, np.array([share, 1 - share]), theta[1:3], np.exp(theta[3:5])
        )

    start = np.array([np.log(found.weight_k[0] / found.weight_k[1]), *found.mean_k, *np.log(found.sd_k)])
    best = optimize.minimize(cost, start, method="Nelder-Mead", options={"maxiter": 3000, "maxfev": 3000})
    assert best.fun > cost(start) - 0.3
    assert -cost(start) == pytest.approx(found.log_likelihood, abs=1e-6)


def test_one_bell_is_one_state_and_order_is_by_mean() -> None:
    rng = np.random.default_rng(2)
    assert fit_states(np.maximum(rng.normal(3.0, 0.7, 400), 0.0)).n_states == 1
    three = np.concatenate([rng.normal(m, 0.3, 150) for m in (7.0, 1.5, 4.0)])
    found = fit_states(three, cut=0.1)
    assert found.n_states == 3
    assert found.mean_k == pytest.approx([1.5, 4.0, 7.0], abs=0.1)
    assert found.bic_k[2] == min(found.bic_k)


def test_genes_that_tell_nothing_are_refused(dataset: Dataset) -> None:
    with pytest.raises(DataError, match="QUIET is above its detection limit in 0 cells"):
        fit_states(np.zeros(50), gene="QUIET")
    with pytest.raises(DataError, match="not numbers"):
        fit_states(np.array([1.0, np.nan] * 20))
    assert fit_states(np.array([0.0] * 20 + [1.0] * 5 + [2.0] * 30)).n_states >= 1  # a value with no spread
    with pytest.raises(DataError):
        regulatory_states(dataset, ["no such gene"])


# Channels


def column(dataset: Dataset, bundle: Bundle, kind: str, key: str, **params: Any) -> Any:
    context = DataContext(dataset, bundles={bundle.id: bundle})
    return resolve_channel(context, ChannelRef.make(kind, key, model=bundle.id, **params))


def test_the_delta_is_a_channel_and_nothing_imputed_is_called_counts(
    dataset: Dataset, bundle: Bundle
) -> None:
    import glasscell.session.resolve  # noqa: F401 - registers the channels

    gene = str(dataset.genes.names[2])
    made = impute(bundle, dataset)
    delta = column(dataset, bundle, "imputed", gene, what="delta")
    assert delta.centre == 0.0
    assert "imputed minus observed" in delta.title
    np.testing.assert_allclose(delta.values, made.gene(gene) - made.observed(dataset, gene), atol=1e-6)
    imputed = column(dataset, bundle, "imputed", gene, what="imputed")
    for values in (delta, imputed):
        assert "not counted" in values.note
        assert "counts" not in values.unit
        assert "imputed" in values.title
    state = column(dataset, bundle, "imputed", gene, what="state")
    (found,) = regulatory_states(dataset, [gene])
    assert np.array_equal(state.codes, found.codes_c)
    assert len(state.categories) == found.n_states
    with pytest.raises(DataError, match="not 'guess'"):
        column(dataset, bundle, "imputed", gene, what="guess")
    with pytest.raises(DataError):
        column(dataset, bundle, "imputed", "no such gene")


def test_clusters_and_kept_neighbours_are_channels(dataset: Dataset, bundle: Bundle) -> None:
    net: Any = bundle.folds[0]
    cluster = column(dataset, bundle, "cell_graph", "cluster")
    assert np.array_equal(cluster.codes, net.cluster_c)
    kept = column(dataset, bundle, "cell_graph", "kept")
    assert kept.values.tolist() == net.graph.kept_ck.sum(axis=1).tolist()
    some = dataset.adata[[5, 3, 100]].copy()
    assert (
        column(Dataset(some), bundle, "cell_graph", "cluster").codes.tolist()
        == net.cluster_c[[5, 3, 100]].tolist()
    )
    some.obs_names = ["x", "y", "z"]
    with pytest.raises(DataError, match="train it on these"):
        column(Dataset(some), bundle, "cell_graph", "cluster")
    with pytest.raises(DataError, match="not 'edges'"):
        column(dataset, bundle, "cell_graph", "edges")


def test_search_finds_them_and_a_session_shows_them(dataset: Dataset, bundle: Bundle) -> None:
    session = Session()
    session.open_dataset(dataset)
    session.hold("bundle", bundle)
    session.update(model=bundle.id)
    gene = str(dataset.genes.names[0])
    hits = {hit.title: hit.ref for hit in list_hits(session)}
    wanted = [f"{gene}, {words}" for words in ("imputed", "imputed minus observed", "regulatory state")]
    for title in (*wanted, "cluster of the cell graph", "neighbours kept in the cell graph"):
        values = session.resolve(hits[title]).values
        assert len(values) == dataset.n_cells
    session.update(channel=hits[wanted[1]])
    assert session.state.colouring.channel == hits[wanted[1]]
    assert session.close()


# The table


def test_what_is_written_is_marked_and_leaves_counts_alone(
    dataset: Dataset, bundle: Bundle, tmp_path: Any
) -> None:
    gene = str(dataset.genes.names[1])
    before = dataset.adata.X.copy()
    made = annotate(dataset, bundle, [gene])
    assert not [name for name in dataset.obs.columns if name.startswith("glasscell.scgnn")]
    again = read(write(made, tmp_path / "out.h5ad")).adata
    assert (before != again.X).nnz == 0
    assert set(again.layers) == set(dataset.adata.layers), "no imputed layer"
    net: Any = bundle.folds[0]
    assert (again.obsp["glasscell.scgnn.graph"] != net.graph.adjacency()).nnz == 0
    assert again.obs["glasscell.scgnn.cluster"].tolist() == [f"cluster {c}" for c in net.cluster_c]
    np.testing.assert_allclose(
        again.obs[f"glasscell.scgnn.imputed.{gene}"], impute(bundle, dataset).gene(gene)
    )
    assert f"glasscell.scgnn.delta.{gene}" in again.obs
    assert f"glasscell.scgnn.state.{gene}" in again.obs
    assert "not counted" in again.uns["glasscell.scgnn"]["imputed"]


def test_a_name_with_a_slash_can_be_written(dataset: Dataset, bundle: Bundle, tmp_path: Any) -> None:
    renamed = dataset.adata.copy()
    first = str(renamed.var_names[0])
    renamed.var_names = ["A/B", *renamed.var_names[1:]]
    net: Any = bundle.folds[0]
    twin = type(net)(net.network, net.info, ("A/B", *net.genes[1:]), net.preprocessing)
    made = annotate(Dataset(renamed), replace(bundle, folds=(twin,)), ["A/B"])
    again = read(write(made, tmp_path / "slash.h5ad")).adata
    plain = annotate(dataset, bundle, [first]).adata
    key = "glasscell.scgnn.imputed."
    np.testing.assert_allclose(again.obs[key + "A_B"], plain.obs[key + first], rtol=1e-6)


def test_order_of_cells_does_not_matter_and_strangers_are_refused(dataset: Dataset, bundle: Bundle) -> None:
    backwards = Dataset(dataset.adata[::-1].copy())
    made = annotate(backwards, bundle).adata
    net: Any = bundle.folds[0]
    assert made.obs["glasscell.scgnn.cluster"].cat.codes.tolist() == net.cluster_c[::-1].tolist()
    assert (made.obsp["glasscell.scgnn.graph"] != net.graph.adjacency()[::-1][:, ::-1]).nnz == 0
    strangers = dataset.adata.copy()
    strangers.obs_names = [f"stranger {number}" for number in range(dataset.n_cells)]
    with pytest.raises(NotCompatible, match="train on it"):
        annotate(Dataset(strangers), bundle)
