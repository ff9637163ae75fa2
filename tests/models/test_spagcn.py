"""SpaGCN: kernel, l, the choice of p, shares and domains against their formulas; sparse; promises."""

import resource
import subprocess
import sys

import anndata as ad
import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from glasscell.data.dataset import Dataset
from glasscell.data.neighbour import GraphSpec, find_neighbours, neighbour_graph
from glasscell.data.thin import split_counts
from glasscell.errors import DataError, JobCancelled, ModelError, NotCompatible
from glasscell.models.batch import make_batch, preprocessing_for
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.capability.attention import Attends
from glasscell.models.capability.domain import FindsDomains
from glasscell.models.capability.first_linear import FirstLinear
from glasscell.models.capability.intervention import Intervenes
from glasscell.models.capability.latent import Decodes, Encodes
from glasscell.models.capability.model import Model
from glasscell.models.capability.neighbour import UsesNeighbours
from glasscell.models.capability.structure import Structured
from glasscell.models.cell_batch import Intervention
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.prediction import prediction_table
from glasscell.models.preflight import check
from glasscell.models.refine import refine_domains, touching
from glasscell.models.row import input_rows
from glasscell.models.spagcn.choice import choose_share
from glasscell.models.spagcn.family import SpagcnParams
from glasscell.models.spagcn.histology import histology_effect
from glasscell.models.spagcn.kernel import find_length, kernel_matrix, neighbour_share
from glasscell.models.spagcn.train import sharpened
from glasscell.models.target import Target
from glasscell.testing.check import check_model
from glasscell.testing.wavy_layer import wavy_layers

SMALL = SpagcnParams(n_domains=4, n_components=8, k=18, starts=3)
SIZES = {"side": 20, "n_layers": 4, "n_genes": 120, "markers": 15, "depth": 300, "faint": 0.2}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return wavy_layers(1, stain=0.3, **SIZES)


def train(dataset: Dataset, **settings):
    params = SMALL.model_copy(update=settings)
    return fit(dataset, FitRequest(family="spagcn", params=params, seed=0, device="cpu"))


@pytest.fixture(scope="module")
def bundle(dataset: Dataset):
    return train(dataset)


@pytest.fixture(scope="module")
def net(bundle):
    return bundle.folds[0]


def layers(dataset: Dataset, bundle) -> float:
    found = refine_domains(prediction_table(bundle)["domain"].to_numpy(), touching(dataset))
    return adjusted_rand_score(dataset.obs["layer"], found)


def test_it_keeps_the_promises_of_a_model(dataset, net):
    for protocol in (Model, UsesNeighbours, Encodes, Structured, Intervenes, FindsDomains):
        assert isinstance(net, protocol)
    for protocol in (FirstLinear, Decodes, Attends):
        assert not isinstance(net, protocol)
    check_model(net, make_batch(dataset, net, np.arange(9)))


@pytest.mark.parametrize("weights", ["mean", pytest.param("sum", marks=pytest.mark.slow)])
def test_shares_are_the_formula_with_a_dense_kernel(dataset, weights):
    """Hu et al. 2021 with all pairs, in float64; Student's t of Xie et al. 2016, exponent (alpha + 1) / 2."""
    bundle = train(dataset, weights=weights, k=99, p=2.0, max_epochs=6, alpha=0.4)
    double = bundle.folds[0].to(dtype=torch.float64)
    kept = {name: tensor.numpy() for name, tensor in double.network.state_dict().items()}
    x_cg = input_rows(dataset, preprocessing_for(dataset)).toarray().astype(np.float64)
    z_cg = np.clip((x_cg - kept["standardise.mean"]) / kept["standardise.scale"], -10, 10)
    parts_cp = z_cg @ kept["loadings"].T / kept["unit"]
    far_cc = np.linalg.norm(dataset.positions_cd[:, None] - dataset.positions_cd[None], axis=2)
    far_cc /= np.median(np.sort(far_cc, axis=1)[:, 1])
    kernel_cc = np.exp(-(far_cc**2) / (2 * kept["length"] ** 2))
    assert kernel_cc.sum(axis=1).mean() - 1 == pytest.approx(2.0, abs=1e-3)
    smooth_cp = kernel_cc @ parts_cp
    if weights == "mean":
        smooth_cp /= kernel_cc.sum(axis=1, keepdims=True)
    h_cz = smooth_cp @ kept["layer.weight"].T + kept["layer.bias"]
    q_ck = np.array(
        [[(1 + ((h - mu) ** 2).sum() / 0.4) ** (-1.4 / 2) for mu in kept["domain_mean"]] for h in h_cz]
    )
    q_ck /= q_ck.sum(axis=1, keepdims=True)
    batch = make_batch(dataset, double, np.arange(0, dataset.n_cells, 3))
    logits_mk = double.domain_logits(batch)
    assert torch.softmax(logits_mk, dim=1).numpy() == pytest.approx(q_ck[::3], abs=2e-5)
    assert logits_mk.mean(dim=1).abs().max() < 1e-12
    log_ck = np.log(q_ck[::3])
    score = double.score(batch, Target("domain", "1")).numpy()
    assert score == pytest.approx(log_ck[:, 1] - log_ck.mean(axis=1), abs=1e-4)


def test_l_gives_p_and_edges_of_the_kernel_sum_to_it(dataset, net):
    near = neighbour_graph(dataset, net.graph)
    for share in (0.5, 3.0, 12.0):
        length = find_length(near, share)
        slow = np.mean([np.exp(-(near.distances[a:b] ** 2) / (2 * length**2)).sum() for a, b in pairs(near)])
        assert slow == pytest.approx(share, rel=1e-6)
        assert neighbour_share(near, length) == pytest.approx(share, rel=1e-6)
        rows = kernel_matrix(near, length)
        assert rows.sum(axis=1).mean() == pytest.approx(share + 1, rel=1e-5)
    with pytest.raises(ModelError, match="smaller p"):
        find_length(near, 18.0)
    batch = make_batch(dataset, net, np.arange(dataset.n_cells))
    assert float(net.edge_weights(batch).sum()) / dataset.n_cells == pytest.approx(net.share, rel=1e-4)


def pairs(near):
    return zip(near.indptr[:-1], near.indptr[1:], strict=True)


def test_counts_are_thinned_without_loss_and_p_is_the_smallest_within_one_error(dataset):
    counts_cg = sparse.csr_matrix(dataset.expression_cg("counts"))
    kept_cg, held_cg = split_counts(counts_cg, 0.1, np.random.default_rng(0))
    assert abs(kept_cg + held_cg - counts_cg).max() == 0
    assert held_cg.sum() == pytest.approx(0.1 * counts_cg.sum(), rel=0.02)
    near = neighbour_graph(dataset, GraphSpec("knn", 18))
    choice = choose_share(counts_cg, near, seed=4)
    kept_cg, held_cg = split_counts(counts_cg, 0.1, np.random.default_rng([4, 0x7417]))
    kept, held = kept_cg.toarray().astype(float), held_cg.toarray().astype(float)
    mean_g = (kept.sum(0) + 0.5) / (kept.sum(0) + 0.5).sum()
    prior = 0.05 * np.median(kept.sum(1))
    found = []
    for share in choice.shares:
        weight_cc = kernel_matrix(near, find_length(near, share)).toarray()
        rate = (weight_cc @ kept + prior * mean_g) / (weight_cc @ kept.sum(1) + prior)[:, None]
        mu = rate * held.sum(1, keepdims=True)
        log = held * np.log(np.where(held > 0, held, 1) / mu)
        found.append((2 * (log - (held - mu))).mean(axis=1))  # every entry, zeros too
    assert choice.deviance_p == pytest.approx([part.mean() for part in found], rel=1e-4)
    best = int(np.argmin(choice.deviance_p))
    error = found[best].std(ddof=1) / np.sqrt(len(held))
    assert choice.error == pytest.approx(error, rel=1e-4)
    least = found[best].mean() + error
    allowed = [p for p, d in zip(choice.shares, choice.deviance_p, strict=True) if d <= least]
    assert choice.share == min(allowed)


def test_where_neighbours_are_of_other_kinds_p_is_small():
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 400)
    rate = np.where(np.arange(30) % 3 == kind[:, None], 12.0, 0.3)
    points = rng.random((400, 2)) * 20
    near = find_neighbours(points, np.zeros(400, int), GraphSpec("knn", 18))
    counts = sparse.csr_matrix(rng.poisson(rate).astype(np.float32))
    assert choose_share(counts, near).share == 0.5
    alike = sparse.csr_matrix(rng.poisson(np.full((400, 30), 0.3)).astype(np.float32))
    assert choose_share(alike, near).share >= 3


def test_the_target_of_shares_is_the_formula():
    q = torch.rand(7, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    q /= q.sum(dim=1, keepdim=True)
    slow = np.zeros((7, 3))
    for i in range(7):
        for j in range(3):
            slow[i, j] = q[i, j] ** 2 / q[:, j].sum()
        slow[i] /= slow[i].sum()
    assert sharpened(q, q).numpy() == pytest.approx(slow, abs=1e-12)


def test_domains_are_the_layers_where_expression_alone_is_not(dataset, bundle):
    table = input_rows(dataset, preprocessing_for(dataset)).toarray()
    alone = KMeans(4, n_init=5, random_state=0).fit_predict(PCA(8, random_state=0).fit_transform(table))
    assert layers(dataset, bundle) > 0.8
    assert layers(dataset, bundle) > adjusted_rand_score(dataset.obs["layer"], alone) + 0.1
    sizes = prediction_table(bundle)["domain"].value_counts()
    assert list(sizes.index) == sorted(sizes.index)


@pytest.mark.slow
def test_shuffled_places_find_no_layers(dataset):
    """A model that ignored the tissue would not notice."""
    table = dataset.adata.copy()
    order = np.random.default_rng(0).permutation(table.n_obs)
    table.obsm["spatial"] = table.obsm["spatial"][order]
    shuffled = Dataset(table)
    assert layers(shuffled, train(shuffled, p=6.0)) < 0.3
    assert layers(dataset, train(dataset, p=6.0)) > 0.8


def test_a_cell_depends_on_itself_and_its_neighbours_and_on_no_other(dataset, net):
    batch = make_batch(dataset, net, np.array([60, 61]))
    x = batch.expression.clone().requires_grad_()
    net.score(batch.with_expression(x), Target("domain", "0"))[0].backward()
    moved = set(torch.nonzero(x.grad.abs().sum(dim=1) > 0).ravel().tolist())
    assert moved == {int(s) for s, r in batch.edges.T.tolist() if r == 0} | {0}
    near = batch.edges[0][(batch.edges[1] == 0)][batch.distances[batch.edges[1] == 0].argsort()]
    size = x.grad.abs().sum(dim=1)
    assert size[0] > size[near[0]] > size[near[-1]] > 0  # nearer ones count more


def test_an_edge_removed_takes_its_weight_along_and_neighbours_are_swapped_with_theirs(dataset, net):
    batch = make_batch(dataset, net, np.array([50, 120]))
    dropped = tuple(range(batch.edges.shape[1]))
    lonely = net.apply(batch, Intervention(drop_edges=dropped))
    assert lonely.distances.shape == (0,)
    own = net.network.latents(net.network.components(batch.expression[batch.centre]))
    assert torch.allclose(net.encode(lonely), own, atol=1e-5)
    swap = torch.arange(len(batch))
    swap[batch.centre] = batch.centre.flip(0)
    swapped = net.apply(batch, Intervention(neighbours=swap.tolist()))
    before = net.edge_weights(batch)[batch.edges[1] == 1].sort().values
    assert torch.allclose(net.edge_weights(swapped)[swapped.edges[1] == 0].sort().values, before)


@pytest.mark.slow
def test_sections_stay_apart_and_units_do_not_matter(dataset):
    table = dataset.adata.copy()
    table.obsm["spatial"] = table.obsm["spatial"] * 0.37
    small = Dataset(table)
    one, other = train(dataset, p=3.0), train(small, p=3.0)
    assert other.folds[0].length == pytest.approx(one.folds[0].length, rel=1e-6)
    assert other.cells.latent_cz == pytest.approx(one.cells.latent_cz, abs=0.1)  # rounding decides on ties
    table.obs["section"] = np.where(np.arange(table.n_obs) < 200, "a", "b")
    two = Dataset(table)
    net = train(two, max_epochs=2).folds[0]
    batch = make_batch(two, net, np.arange(190, 210))
    side = batch.indices >= 200
    assert torch.equal(side[batch.edges[0]], side[batch.edges[1]])


def test_refinement_is_the_rule_literally(dataset):
    rng = np.random.default_rng(1)
    true = dataset.obs["layer"].cat.codes.to_numpy()
    codes = np.where(rng.random(len(true)) < 0.15, rng.integers(0, 4, len(true)), true).astype(np.int32)
    codes[5] = -1
    near = touching(dataset)
    assert int(np.median(near.degree)) == 6  # hexagons
    slow = codes.copy()
    for cell in range(len(codes)):
        around = [int(codes[j]) for j in near.of(cell) if codes[j] >= 0] + [int(codes[cell])]
        half = len(near.of(cell)) / 2
        most = max(range(4), key=around.count)
        if codes[cell] >= 0 and around.count(codes[cell]) < half and around.count(most) > half:
            slow[cell] = most
    refined = refine_domains(codes, near)
    assert np.array_equal(refined, slow)
    assert refined[5] == -1
    assert (refined != true).sum() < (codes != true).sum() / 2
    assert np.array_equal(refine_domains(np.full(400, -1), near), np.full(400, -1))


def test_the_picture_counts_when_asked_and_its_share_is_told(dataset):
    plain = wavy_layers(1, **SIZES)
    with pytest.raises(DataError, match="set histology to 0"):
        train(plain, histology=1.0)
    bundle = train(dataset, histology=2.0, p=6.0)
    net = bundle.folds[0]
    assert layers(dataset, bundle) > 0.8
    near, flat = neighbour_graph(dataset, net.graph), neighbour_graph(dataset, GraphSpec("knn", 18))
    layer = dataset.obs["layer"].cat.codes.to_numpy()
    same = [(layer[graph.indices] == layer[graph.edges()[1]]).mean() for graph in (near, flat)]
    assert same[0] > same[1] + 0.03  # neighbours of the same colour come first
    effect = histology_effect(dataset, net)
    assert effect.with_c == pytest.approx(prediction_table(bundle)["domain"].to_numpy())
    assert 0 < effect.changed < 0.5
    assert effect.moved_c.max() <= 1 + 1e-6
    with pytest.raises(NotCompatible, match="knows nothing of the picture"):
        histology_effect(dataset, train(dataset, max_epochs=2).folds[0])


def test_it_saves_loads_and_scores_bit_equal(dataset, bundle, net, tmp_path):
    back = load_bundle(save_bundle(bundle, tmp_path / "model")).folds[0]
    batch = make_batch(dataset, net, np.arange(30))
    assert (back.fingerprint, back.share, back.length) == (net.fingerprint, net.share, net.length)
    for target in net.targets():
        assert torch.equal(back.score(batch, target), net.score(batch, target))
    parts = back.parts()
    assert len(parts["tried p"]) == len(parts["deviance of held-out counts"]) >= 4
    assert not parts["domain means"].flags.writeable


def test_what_it_needs_is_said_before_and_at_training(dataset):
    table = dataset.adata.copy()
    table.X = np.log1p(table.X.toarray()) / 3
    with pytest.raises(NotCompatible, match="give p yourself"):
        train(Dataset(table))
    assert train(Dataset(table), p=3.0).folds[0].share == 3.0
    bare = Dataset(ad.AnnData(dataset.adata.X.copy()))
    assert any("looks at neighbours" in reason for reason in check("spagcn", bare).reasons)


def test_it_stops_when_cells_change_no_more_and_can_be_cancelled(dataset, bundle):
    curve = bundle.curves[0]
    assert curve.stopped == "validation loss stopped falling"
    assert curve.valid_loss[-1] >= SMALL.tolerance - 1e-6

    class Stop:
        left = 9

        def report(self, fraction, text="", **metrics):
            self.left -= 1
            if self.left < 0:
                raise JobCancelled("stopped")

    with pytest.raises(JobCancelled):
        fit(dataset, FitRequest(family="spagcn", params=SMALL), Stop())


_MANY = """
import resource, sys
import anndata as ad, numpy as np
from scipy import sparse
from glasscell.data.dataset import Dataset
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.spagcn.family import SpagcnParams
n, g = int(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(0)
rate = 0.05 * g / 100
X = sparse.random(n, g, density=0.1, format="csr", dtype=np.float32, random_state=0)
X.data = rng.integers(1, 5, len(X.data)).astype(np.float32)
table = ad.AnnData(X, obsm={"spatial": rng.random((n, 2)) * n**0.5})
params = SpagcnParams(n_domains=7, starts=2, max_epochs=6)
bundle = fit(Dataset(table), FitRequest(family="spagcn", params=params, device="cpu"))
assert bundle.cells.latent_cz.shape == (n, 15)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def peak_bytes(n_cells: int, n_genes: int) -> int:
    """Return the most memory a process took that trained on so many cells."""
    found = subprocess.run(
        [sys.executable, "-c", _MANY, str(n_cells), str(n_genes)], capture_output=True, text=True, check=True
    )
    return int(found.stdout.split()[-1])


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(resource, "getrusage"), reason="needs getrusage")
def test_memory_grows_with_edges_not_with_pairs():
    """All pairs of 20,000 cells would take 1.6 GB in float32, of 50,000 cells 10 GB."""
    small, large = (peak_bytes(n, 200) for n in (2_000, 20_000))
    assert large - small < 0.6e9
