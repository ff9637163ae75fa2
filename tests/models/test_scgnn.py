"""The family ``scgnn``: its graph, autoencoders and imputation written again, slowly; and what moves what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anndata as ad
import numpy as np
import pytest
import torch
from scipy import sparse, stats

from glasscell.data.dataset import Dataset
from glasscell.errors import DataError, ModelError, NotCompatible
from glasscell.jobs import QUIET
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.family import FoldPlan, TrainingData
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.scgnn import cluster_autoencoder, train
from glasscell.models.scgnn.cluster import discriminant, number_of_clusters
from glasscell.models.scgnn.cluster_autoencoder import fit_clusters, only
from glasscell.models.scgnn.family import FAMILY, INFO, ScgnnParams, make_features
from glasscell.models.scgnn.graph import CellGraph, changed_share, find_graph, pruned, smoothed
from glasscell.models.scgnn.graph_autoencoder import GraphAutoencoder, fit_graph_autoencoder, message_passing
from glasscell.models.scgnn.imputation import decode_imputed, impute
from glasscell.models.scgnn.model import ScgnnModel
from glasscell.models.scgnn.network import poisson_fit
from glasscell.models.scgnn.task import CountTarget, ImputationTarget
from glasscell.models.training_data import training_data
from glasscell.models.vae.figure import DEVIANCE
from glasscell.testing.hidden_rate import SHARE, hidden_rate_adata

QUICK = ScgnnParams(
    n_latent=4,
    hidden=16,
    k=8,
    rounds=2,
    max_epochs=12,
    warm_up=2,
    graph_epochs=40,
    cluster_epochs=2,
    refine_epochs=3,
    graph_hidden=8,
    graph_latent=4,
    starts=3,
    learning_rate=1e-2,
    patience=4,
    n_clusters=3,
)


ONCE = QUICK.model_copy(
    update={"cluster_epochs": 1, "refine_epochs": 1, "max_epochs": 1, "graph_epochs": 3, "starts": 1}
)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return Dataset(hidden_rate_adata(240, 40, 3, n_markers=8, depth=200.0))


@pytest.fixture(scope="module")
def bundle(dataset: Dataset) -> Bundle:
    return fit(dataset, FitRequest(family="scgnn", params=QUICK, device="cpu"))


@pytest.fixture(scope="module")
def net(bundle: Bundle) -> ScgnnModel:
    made = bundle.folds[0]
    assert isinstance(made, ScgnnModel)
    return made


@pytest.fixture(scope="module")
def data(dataset: Dataset) -> TrainingData:
    return training_data(dataset, FitRequest(family="scgnn"), FAMILY, "cpu")


def other_cells(dataset: Dataset, n_cells: int = 30) -> Dataset:
    """The first cells under names that no model knows."""
    made = dataset.adata[:n_cells].copy()
    made.obs_names = [f"other {number}" for number in range(n_cells)]
    return Dataset(made)


# The graph


def test_nearest_cells_and_pruning_cell_by_cell() -> None:
    latent_cz = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    latent_cz[7] = latent_cz[8]  # two cells in one place: neither is its own neighbour
    graph = find_graph(latent_cz, 6, 0.5)
    for cell, own in enumerate(latent_cz):
        distance = [float(np.sqrt(((own - other) ** 2).sum())) for other in latent_cz]
        order = sorted((d, j) for j, d in enumerate(distance) if j != cell)[:6]
        assert cell not in graph.neighbour_ck[cell]
        np.testing.assert_allclose(graph.distance_ck[cell], [d for d, _ in order], atol=1e-5)
        mean = sum(d for d, _ in order) / 6
        sd = (sum((d - mean) ** 2 for d, _ in order) / 6) ** 0.5
        kept = [d <= mean + 0.5 * sd for d, _ in order]
        kept[0] = True
        assert graph.kept_ck[cell].tolist() == kept
    assert 0 < (~graph.kept_ck).sum() < graph.kept_ck.size / 2


def test_an_outlying_edge_is_cut_and_equal_ones_are_not() -> None:
    kept = pruned(np.array([[1.0, 1.0, 1.0, 9.0], [2.0, 2.0, 2.0, 2.0]]), 1.0)
    assert kept.tolist() == [[True, True, True, False], [True] * 4]
    assert pruned(np.array([[3.0, 1.0, 2.0]]), -2.0).tolist() == [[False, True, False]]  # the nearest stays


def test_means_and_adjacency_of_kept_edges() -> None:
    graph = CellGraph(
        np.array([[1, 2], [2, 0], [1, 0]]),
        np.ones((3, 2), np.float32),
        np.array([[True, True], [True, False], [True, False]]),
    )
    assert graph.averaging(3).toarray().tolist() == [[0, 0.5, 0.5], [0, 0, 1], [0, 1, 0]]
    assert graph.adjacency().toarray().tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    values = np.array([[1.0], [2.0], [4.0]])
    assert smoothed(values, graph, values, 0.25).ravel().tolist() == [0.25 + 0.75 * 3, 3.5, 2.5]
    assert changed_share(graph, graph) == 0
    fewer = replace(graph, kept_ck=np.array([[True, False], [True, False], [True, False]]))
    assert changed_share(graph, fewer) == pytest.approx(2 / 6)


def test_a_graph_convolution_written_out() -> None:
    rng = np.random.default_rng(1)
    graph = find_graph(rng.normal(size=(12, 2)), 3, 1.0)
    adjacency = graph.adjacency()
    whole = adjacency.toarray() + np.eye(12)
    root = np.diag(whole.sum(axis=1) ** -0.5)
    passing = message_passing(adjacency)
    np.testing.assert_allclose(passing.to_dense().numpy(), root @ whole @ root, atol=1e-6)
    network = GraphAutoencoder(4, 5, 2)
    features = torch.from_numpy(rng.normal(size=(12, 4)).astype(np.float32))
    mean_cz, _ = network(passing, features)
    dense = passing.to_dense()
    by_hand = dense @ torch.relu(dense @ features @ network.first.weight.T) @ network.centre.weight.T
    torch.testing.assert_close(mean_cz, by_hand)


@pytest.mark.slow
def test_a_graph_convolution_is_that_of_torch_geometric() -> None:
    nn = pytest.importorskip("torch_geometric.nn")
    rng = np.random.default_rng(1)
    adjacency = find_graph(rng.normal(size=(12, 2)), 3, 1.0).adjacency()
    network = GraphAutoencoder(4, 5, 2)
    features = torch.from_numpy(rng.normal(size=(12, 4)).astype(np.float32))
    conv = nn.GCNConv(4, 5, bias=False)
    with torch.no_grad():
        conv.lin.weight.copy_(network.first.weight)
    edges = torch.from_numpy(np.stack(adjacency.nonzero()).astype(np.int64))
    ours = message_passing(adjacency).to_dense() @ features @ network.first.weight.T
    torch.testing.assert_close(conv(features, edges), ours)


def test_the_graph_autoencoder_tells_who_is_joined() -> None:
    rng = np.random.default_rng(2)
    kind = np.arange(60) % 3
    features = np.eye(3)[kind] * 3 + rng.normal(size=(60, 3)) * 0.3
    graph = find_graph(features, 6, 1.0)
    made = fit_graph_autoencoder(
        features, graph.adjacency(), hidden=8, n_latent=4, epochs=100, seed=0, job=QUIET
    )
    with torch.no_grad():
        mean_cz = made(message_passing(graph.adjacency()), torch.from_numpy(features.astype(np.float32)))[0]
    product = (mean_cz @ mean_cz.T).numpy()
    joined = graph.adjacency().toarray() > 0
    assert product[joined].mean() > product[(kind[:, None] != kind) & ~joined].mean() + 1


# The autoencoders


def test_the_fit_is_a_poisson_likelihood_up_to_a_constant_and_linear_in_counts() -> None:
    rng = np.random.default_rng(3)
    counts = rng.poisson(2.0, (4, 6)).astype(float)
    ours, theirs = [], []
    for _ in range(2):
        share = rng.dirichlet(np.ones(6), 4)
        log_share = torch.from_numpy(np.log(share))
        ours.append(poisson_fit(torch.from_numpy(counts), log_share).numpy())
        theirs.append(stats.poisson.logpmf(counts, counts.sum(1, keepdims=True) * share).sum(axis=1))
    np.testing.assert_allclose(ours[1] - ours[0], theirs[1] - theirs[0])
    more = torch.from_numpy(rng.poisson(2.0, (4, 6)).astype(float))
    mixed = poisson_fit(0.7 * torch.from_numpy(counts) + 0.3 * more, log_share)
    torch.testing.assert_close(mixed, 0.7 * torch.from_numpy(ours[1]) + 0.3 * poisson_fit(more, log_share))


def with_counts(data: TrainingData, cells: list[int]) -> TrainingData:
    """The same data with everything of some cells drawn anew."""
    assert data.counts is not None
    rng = np.random.default_rng(9)
    rows, counts = data.rows.table_cg.toarray(), data.counts.table_cg.toarray()
    rows[cells] = rng.exponential(2.0, (len(cells), rows.shape[1]))
    counts[cells] = rng.poisson(5.0, (len(cells), rows.shape[1]))
    made: Any = type(data.rows)
    return replace(
        data,
        rows=made(sparse.csr_matrix(rows, dtype=np.float32)),
        counts=made(sparse.csr_matrix(counts, dtype=np.float32)),
    )


def trained_clusters(data: TrainingData, cluster_c: np.ndarray, cells: np.ndarray) -> Any:
    start = make_features(ONCE, len(data.genes), 4)
    return fit_clusters(start, data, cells, cluster_c, ONCE, seed=1, device="cpu", job=QUIET), start


def test_cluster_autoencoders_see_only_their_own_cells(data: TrainingData) -> None:
    cells = np.arange(5, 235)
    cluster_c = (np.arange(230) % 3).astype(np.int32)  # members are scattered, not the first rows
    plain, _ = trained_clusters(data, cluster_c, cells)
    for changed in range(3):
        at = int(cells[cluster_c == changed][4])
        other, _ = trained_clusters(with_counts(data, [at]), cluster_c, cells)
        same = [
            torch.equal(ours.weight, theirs.weight) and torch.equal(ours.bias, theirs.bias)
            for ours, theirs in zip(plain.weights, other.weights, strict=True)
        ]
        assert same == [number != changed for number in range(3)]
    outside, _ = trained_clusters(with_counts(data, [0, 1, 2, 3, 4, 235, 239]), cluster_c, cells)
    for ours, theirs in zip(plain.weights, outside.weights, strict=True):
        assert torch.equal(ours.weight, theirs.weight), "cells held out were learnt from"


def test_each_cluster_is_handed_its_own_rows_in_order(
    data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, cluster_c = np.arange(240), (np.arange(240) % 2).astype(np.int32)
    handed: list[TrainingData] = []
    real = cluster_autoencoder.fit_cluster

    def spy(start: Any, own: TrainingData, *args: Any, **kwargs: Any) -> Any:
        handed.append(own)
        return real(start, own, *args, **kwargs)

    monkeypatch.setattr(cluster_autoencoder, "fit_cluster", spy)
    trained_clusters(data, cluster_c, cells)
    assert data.counts is not None
    for number, own in enumerate(handed):
        assert own.counts is not None
        expected = data.counts.table_cg[cells[cluster_c == number]]
        assert len(own.rows) == 120
        assert (own.counts.table_cg != expected).nnz == 0


def test_what_clusters_say_is_put_back_to_their_own_cells(data: TrainingData) -> None:
    cells = np.arange(5, 235)
    cluster_c = np.where(np.arange(230) < 12, 2, np.arange(230) % 2).astype(np.int32)
    said, start = trained_clusters(data, cluster_c, cells)
    indices = torch.tensor([100, 6, 31, 234])
    share_cg = said.share(indices)
    torch.testing.assert_close(share_cg.sum(dim=1), torch.ones(4))
    own = only(data, cells[cluster_c == 0])
    again = cluster_autoencoder.fit_cluster(start, own, ONCE, seed=1, device="cpu", job=QUIET)
    for place, cell in enumerate(indices.tolist()):
        number = int(cluster_c[cell - 5])
        if number == 1:
            continue
        network = again if number == 0 else start.eval()  # twelve cells are too few for one of their own
        with torch.no_grad():
            latent = network.encoder(data.rows.take(torch.tensor([cell])), None)[0]
            torch.testing.assert_close(share_cg[place : place + 1], network.decoder(latent, None).exp())


def test_what_is_taught_and_that_validation_is_on_counts(data: TrainingData) -> None:
    assert data.counts is not None
    assert data.size is not None

    class Says:
        def share(self, indices: torch.Tensor) -> torch.Tensor:
            return torch.full((len(indices), len(data.genes)), 1 / len(data.genes))

    target = CountTarget(data, 1.0, taught=Says(), teach=0.3)  # type: ignore[arg-type]
    rows = torch.tensor([3, 50])
    counts = data.counts.take(rows)
    flat = torch.from_numpy(data.size[[3, 50]])[:, None] / len(data.genes)
    torch.testing.assert_close(target.target(rows, training=True), 0.7 * counts + 0.3 * flat)
    assert torch.equal(target.target(rows, training=False), counts)


def test_the_imputation_learns_from_neighbours_and_cluster_entry_by_entry(data: TrainingData) -> None:
    assert data.counts is not None
    counts = data.counts.table_cg.toarray().astype(float)
    size = counts.sum(axis=1)
    n = len(counts)
    averaging = sparse.lil_matrix((n, n))
    averaging[2, [5, 9]] = 0.5
    cluster_c = np.full(n, -1)
    cluster_c[[2, 5, 7]] = 0
    cluster_c[[9, 11]] = 1
    task = ImputationTarget(
        data, np.zeros((n, 2), np.float32), sparse.csr_matrix(averaging), cluster_c, 0.3, 0.1
    )
    near = 0.5 * counts[5] / size[5] + 0.5 * counts[9] / size[9]
    mean = sum(counts[c] / size[c] for c in (2, 5, 7)) / 3
    expected = (counts[2] + size[2] * (0.3 * near + 0.1 * mean)) / 1.4
    got = task.target(torch.tensor([2]), training=True).numpy()[0]
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert got.sum() == pytest.approx(size[2], rel=1e-5)  # as deep as the cell itself
    assert np.array_equal(task.target(torch.tensor([2]), training=False).numpy()[0], counts[2])


def test_the_discriminant_is_that_of_one_covariance() -> None:
    rng = np.random.default_rng(5)
    kind = rng.integers(0, 3, 300)
    values = rng.normal(size=(300, 2)) @ np.array([[1.0, 0.4], [0.0, 0.6]]) + np.eye(3)[kind][:, :2] * 4
    weight, offset = discriminant(values, kind, 4)
    logits = values @ weight.T + offset
    lda = pytest.importorskip("sklearn.discriminant_analysis").LinearDiscriminantAnalysis()
    assert np.mean(logits.argmax(axis=1) == lda.fit(values, kind).predict(values)) > 0.99
    assert (logits.argmax(axis=1) < 3).all(), "a cluster without cells takes none"


def test_as_many_clusters_as_communities() -> None:
    kind = np.repeat(np.arange(4), 30)
    values = (
        np.random.default_rng(6).normal(size=(120, 2)) * 0.2
        + np.array([[0, 0], [9, 0], [0, 9], [9, 9]])[kind]
    )
    adjacency = find_graph(values, 12, 1.0).adjacency()
    assert number_of_clusters(adjacency, 0.3, 0) == 4


# The whole


def test_held_out_cells_train_nothing(dataset: Dataset, data: TrainingData) -> None:
    plan = FoldPlan(np.arange(0, 180), np.arange(180, 210), 3, "cpu")
    one, _, _ = FAMILY.train(data, plan, ONCE, QUIET)
    two, _, _ = FAMILY.train(with_counts(data, list(range(210, 240))), plan, ONCE, QUIET)
    for name, ours in one.network.named_parameters():
        assert torch.equal(ours, dict(two.network.named_parameters())[name]), name


def test_clusters_are_found_and_told_by_the_cell_alone(
    bundle: Bundle, net: ScgnnModel, dataset: Dataset
) -> None:
    from sklearn.metrics import adjusted_rand_score

    truth = dataset.obs["type"].cat.codes.to_numpy()
    assert adjusted_rand_score(truth, net.cluster_c) > 0.7
    latent = torch.from_numpy(np.array(bundle.cells.latent_cz))
    said = net.logits_of(latent).argmax(dim=1).numpy()
    assert np.mean(said == net.cluster_c) > 0.9
    assert adjusted_rand_score(truth, np.random.default_rng(0).permutation(net.cluster_c)) < 0.1
    assert "cell graph of" in bundle.notes[0]
    assert bundle.figures["scgnn"][DEVIANCE] < bundle.figures["gene mean x size"][DEVIANCE]
    assert list(bundle.figures) == ["scgnn", "without neighbours", "gene mean x size"]


def test_parts_are_read_only_and_agree(net: ScgnnModel, dataset: Dataset) -> None:
    parts = net.parts()
    n, k = dataset.n_cells, QUICK.k
    assert parts["edges"].shape == (2, n * k)
    assert parts["kept"].shape == parts["distances"].shape == (n * k,)
    assert 0.02 < 1 - parts["kept"].mean() < 0.5
    assert parts["clusters"].shape == (n,)
    assert parts["graph latents"].shape == (n, QUICK.graph_latent)
    assert parts["cluster flow"].shape[1] == n
    assert len(parts["rounds"]) == len(parts["cluster flow"])
    assert parts["rounds"][0].tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        parts["clusters"][0] = 1


def test_imputed_values_written_out(bundle: Bundle, net: ScgnnModel, dataset: Dataset) -> None:
    made = impute(bundle, dataset)
    assert np.mean(made.graph.neighbour_ck == net.graph.neighbour_ck) > 0.999
    cells = np.array([0, 17, 200])
    np.testing.assert_allclose(made.share(cells).sum(axis=1), 1.0, atol=1e-5)
    latent_cz = np.array(bundle.cells.latent_cz)
    for cell in cells:
        kept = net.graph.neighbour_ck[cell][net.graph.kept_ck[cell]]
        assert made.suppliers(int(cell)).tolist() == kept.tolist()
        assert cell not in kept
        mixed = net.own * latent_cz[cell] + (1 - net.own) * latent_cz[kept].mean(axis=0)
        with torch.no_grad():
            share = net.whole.imputer(torch.from_numpy(mixed[None].astype(np.float32)), None).exp()
        np.testing.assert_allclose(made.share(cells[cells == cell])[0], share.numpy()[0], rtol=1e-4)
        gene = dataset.genes.names[7]
        total = net.preprocessing.target_sum
        assert made.gene(gene)[cell] == pytest.approx(np.log1p(total * float(share[0, 7])), rel=1e-4)
        counts = dataset.expression_cg("counts")[cell].toarray()[0]
        observed = np.log1p(counts[7] / counts.sum() * total)
        assert made.delta(dataset, gene)[cell] == pytest.approx(made.gene(gene)[cell] - observed, abs=1e-4)
    with pytest.raises(DataError, match="was not imputed"):
        made.gene("NO SUCH GENE")


def test_kept_neighbours_move_imputed_values_and_cut_ones_do_not(bundle: Bundle, net: ScgnnModel) -> None:
    latent_cz, graph = np.array(bundle.cells.latent_cz), net.graph
    plain = decode_imputed(net, latent_cz, graph, latent_cz).share(np.arange(len(latent_cz)))
    cell = int(np.flatnonzero((~graph.kept_ck).any(axis=1))[0])
    cut = int(graph.neighbour_ck[cell][~graph.kept_ck[cell]][0])
    kept = int(graph.neighbour_ck[cell][graph.kept_ck[cell]][0])
    for other, moves in ((cut, False), (kept, True)):
        changed_cz = latent_cz.copy()
        changed_cz[other] += 3.0
        after = decode_imputed(net, latent_cz, graph, changed_cz).share(np.arange(len(latent_cz)))
        moved = np.abs(after - plain).max(axis=1) > 1e-6
        assert moved[cell] == moves
        joined = (graph.neighbour_ck == other) & graph.kept_ck
        assert np.array_equal(moved, joined.any(axis=1)), "cells that it does not supply stay as they were"


def test_cells_of_another_file_are_joined_to_the_graph(
    bundle: Bundle, dataset: Dataset, net: ScgnnModel
) -> None:
    other = other_cells(dataset)
    made = impute(bundle, other)
    assert len(made) == 30
    assert (made.graph.neighbour_ck[:, 0] == np.arange(30)).mean() > 0.9  # strangers may meet their likes
    own = impute(bundle, dataset)
    assert np.corrcoef(made.share(np.arange(30)).ravel(), own.share(np.arange(30)).ravel())[0, 1] > 0.95
    fewer = Dataset(dataset.adata[:, :30].copy())
    with pytest.raises(NotCompatible, match="lacks 10 of the 40 genes"):
        impute(bundle, fewer)
    stored = dataset.adata.copy()
    stored.X = np.log1p(stored.X) * 1.3
    with pytest.raises(NotCompatible, match="counts"):
        impute(bundle, Dataset(stored))


def test_another_family_has_no_cell_graph(bundle: Bundle, dataset: Dataset) -> None:
    class Other:
        info = INFO

    with pytest.raises(NotCompatible, match="has no cell graph"):
        impute(replace(bundle, folds=(Other(),)), dataset)  # type: ignore[arg-type]


def test_too_few_cells_and_values_that_are_no_counts_are_refused(dataset: Dataset) -> None:
    with pytest.raises(ModelError, match="too few"):
        fit(other_cells(dataset), FitRequest(family="scgnn"))
    stored = dataset.adata.copy()
    stored.X = np.log1p(stored.X) * 1.3
    with pytest.raises(NotCompatible, match="raw counts"):
        fit(Dataset(stored), FitRequest(family="scgnn"))


def test_a_damaged_bundle_says_so(bundle: Bundle, net: ScgnnModel) -> None:
    tensors = dict(FAMILY.tensors(net))
    del tensors["neighbour"]
    words = FAMILY.describe(net)
    with pytest.raises(ModelError, match="damaged"):
        FAMILY.restore(words, tensors, params=bundle.params, genes=net.genes, classes=())


def test_a_twin_in_another_order_says_the_same_and_takes_over_clusters(
    bundle: Bundle, net: ScgnnModel, dataset: Dataset
) -> None:
    order, sign = np.array([2, 0, 3, 1]), np.array([1, -1, -1, 1], np.float32)
    turned = FAMILY.aligned(net, order, sign)
    batch = make_batch(dataset, net, np.arange(20))
    with torch.no_grad():
        ours, theirs = net.encode(batch), turned.encode(batch)
        torch.testing.assert_close(theirs, ours[:, order] * torch.from_numpy(sign))
        torch.testing.assert_close(turned.share(theirs, batch), net.share(ours, batch))
        torch.testing.assert_close(turned.domain_logits(batch), net.domain_logits(batch))
    again = impute(replace(bundle, folds=(turned,)), dataset)
    np.testing.assert_allclose(
        again.share(np.arange(5)), impute(bundle, dataset).share(np.arange(5)), rtol=1e-3
    )
    latent_cz = np.array(bundle.cells.latent_cz)
    given = FAMILY.with_domains_of(turned, net, net.cluster_c, latent_cz[:, order] * sign)
    assert given.n_domains == net.n_domains
    with torch.no_grad():
        said = given.domain_logits(make_batch(dataset, given, np.arange(240))).argmax(dim=1).numpy()
    assert np.mean(said == net.cluster_c) > 0.9
    words = FAMILY.describe(given)
    back = FAMILY.restore(words, FAMILY.tensors(given), params=bundle.params, genes=net.genes, classes=())
    assert back.fingerprint == given.fingerprint


def test_imputation_survives_the_disk(bundle: Bundle, dataset: Dataset, tmp_path: Any) -> None:
    again = load_bundle(save_bundle(bundle, tmp_path / "saved"))
    ours, theirs = impute(bundle, dataset), impute(again, dataset)
    assert np.array_equal(ours.share(np.arange(9)), theirs.share(np.arange(9)))


def test_it_stops_where_clusters_stand_still(data: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = FoldPlan(np.arange(200), np.arange(200, 240), 3, "cpu")
    short = ONCE.model_copy(update={"rounds": 4})
    monkeypatch.setattr(train, "SAME_EDGES", 1.0)
    _, _, notes = FAMILY.train(data, plan, short, QUIET)
    assert "it stood still after 2 rounds" in notes[-2]


@pytest.mark.slow
def test_imputed_values_are_nearer_the_truth_and_make_differences_that_are_not_there() -> None:
    made = hidden_rate_adata(600, 120, 4)
    dataset, share_cg = Dataset(made), np.asarray(made.layers[SHARE], float)
    params = ScgnnParams(n_latent=6, hidden=32, graph_epochs=100, starts=4, max_epochs=60)
    bundle = fit(dataset, FitRequest(family="scgnn", params=params, device="cpu"))
    imputed_cg = impute(bundle, dataset).share(np.arange(600)).astype(float)
    counts_cg = dataset.expression_cg("counts").toarray().astype(float)
    observed_cg = counts_cg / counts_cg.sum(axis=1, keepdims=True)
    mean_cg = np.tile(counts_cg.sum(axis=0) / counts_cg.sum(), (600, 1))

    def off(found_cg: np.ndarray) -> float:
        return float(np.abs(found_cg - share_cg).mean())

    wrong = off(np.roll(imputed_cg, 1, axis=0))
    print(f"\nS8 mean |share - truth|: imputed {off(imputed_cg):.2e}, observed {off(observed_cg):.2e}, ")
    print(f"gene mean {off(mean_cg):.2e}, another cell's imputed {wrong:.2e}")
    assert off(imputed_cg) < 0.8 * off(mean_cg)
    assert off(imputed_cg) < off(observed_cg)
    assert wrong > off(mean_cg)
    null = np.asarray(made.var["marker_of"] == "")
    first = (made.obs["type"] == "type 0").to_numpy()
    called = {
        name: np.mean(stats.ttest_ind(values[first][:, null], values[~first][:, null]).pvalue < 0.01)
        for name, values in (("imputed", np.log(imputed_cg)), ("observed", observed_cg))
    }
    print(f"null genes called at .01: {called}")
    assert called["imputed"] > 3 * max(called["observed"], 0.01), "why imputed values must not be tested"


def test_the_simulator_keeps_its_truth() -> None:
    made = hidden_rate_adata(200, 50, 3, n_markers=10)
    share_cg = np.asarray(made.layers[SHARE])
    np.testing.assert_allclose(share_cg.sum(axis=1), 1.0, rtol=1e-5)
    kind = made.obs["type"].to_numpy()
    for name in ("type 0", "type 1", "type 2"):
        markers = (made.var["marker_of"] == name).to_numpy()
        inside, outside = share_cg[kind == name][0], share_cg[kind != name][0]
        assert ((inside / outside)[markers] > 2).all()
    null = (made.var["marker_of"] == "").to_numpy()
    assert np.ptp(share_cg[:, null], axis=0).max() < 1e-7
    assert (np.asarray(made.var["marker_of"]) == "").sum() == 20
    assert isinstance(made, ad.AnnData)
    again: Callable[..., ad.AnnData] = hidden_rate_adata
    assert np.array_equal(np.asarray(again(200, 50, 3, n_markers=10).X), np.asarray(made.X))
