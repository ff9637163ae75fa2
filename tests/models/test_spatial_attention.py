"""Cells described with their neighbours: the network against its formula, the domains, the promises."""

import itertools

import anndata as ad
import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.metrics import adjusted_rand_score

from glasscell.data.dataset import Dataset
from glasscell.errors import JobCancelled, NotCompatible
from glasscell.explain.evidence import has_evidence, ranking
from glasscell.explain.explain import explain
from glasscell.explain.request import ExplainRequest
from glasscell.models.batch import make_batch
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.capability.attention import Attends
from glasscell.models.capability.first_linear import FirstLinear
from glasscell.models.capability.intervention import Intervenes
from glasscell.models.capability.latent import Decodes, Encodes
from glasscell.models.capability.model import Model
from glasscell.models.capability.neighbour import UsesNeighbours
from glasscell.models.capability.structure import Structured
from glasscell.models.cell_batch import CellBatch, Intervention
from glasscell.models.fit import fit, fit_twin
from glasscell.models.fit_request import FitRequest
from glasscell.models.preflight import check
from glasscell.models.spatial_attention.family import FAMILY, SpatialParams, make_network
from glasscell.models.target import Target
from glasscell.testing.check import check_model

SMALL = SpatialParams(
    n_domains=3,
    n_components=8,
    n_latent=5,
    hidden=16,
    heads=2,
    k=5,
    starts=3,
    hide_own=0.5,
    learning_rate=1e-2,
)


def layered(n_side: int = 18, n_genes: int = 30, seed: int = 0, positions: bool = True) -> Dataset:
    """Three layers of tissue; a third of the genes is higher in each."""
    rng = np.random.default_rng(seed)
    points = np.stack(np.divmod(np.arange(n_side**2), n_side), axis=1) + rng.normal(0, 0.05, (n_side**2, 2))
    layer = np.minimum(2, (points[:, 0].clip(0) * 3 // n_side).astype(int))
    rate = np.ones((n_side**2, n_genes)) * 1.5
    rate[np.arange(n_genes) % 3 == layer[:, None]] *= 2.5
    table = ad.AnnData(rng.poisson(rate).astype(np.float32), obsm={"spatial": points} if positions else {})
    table.obs["layer"] = [f"layer {number}" for number in layer]
    return Dataset(table)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return layered()


@pytest.fixture(scope="module")
def bundle(dataset: Dataset):
    return fit(dataset, FitRequest(family="spatial_attention", params=SMALL, seed=0))


@pytest.fixture(scope="module")
def net(bundle):
    return bundle.folds[0]


def test_it_keeps_the_promises_of_a_model(dataset, net):
    for protocol in (Model, UsesNeighbours, Attends, Encodes, Decodes, Structured, Intervenes):
        assert isinstance(net, protocol)
    assert not isinstance(net, FirstLinear)
    check_model(net, make_batch(dataset, net, np.arange(9)))


def test_the_latent_is_the_formula(dataset, net):
    """GATv2, eq. 7 of arXiv:2105.14491, head by head and edge by edge, in float64."""
    double = net.to(dtype=torch.float64)
    cells = np.array([40, 3, 200])
    batch = make_batch(dataset, double, cells)
    weights = {name: tensor.numpy() for name, tensor in double.network.state_dict().items()}
    x = batch.expression.numpy()
    z = np.clip((x - weights["standardise.mean"]) / weights["standardise.scale"], -10, 10)
    p = z @ weights["loadings"].T / weights["unit"]
    w_l, b_l = weights["conv.lin_l.weight"], weights["conv.lin_l.bias"]
    w_r, b_r = weights["conv.lin_r.weight"], weights["conv.lin_r.bias"]
    a, wide = weights["conv.att"][0], weights["conv.att"].shape[2]
    found_cz, found_eh = double.encode(batch).numpy(), double.attention(batch).numpy()[:, 0]
    normed_eh = double.norm_weighted(batch).numpy()[:, 0]
    for row, centre in enumerate(batch.centre.tolist()):
        into = [e for e in range(batch.edges.shape[1]) if int(batch.edges[1, e]) == centre]
        senders = [int(batch.edges[0, e]) for e in into] + [centre]
        seen = []
        for head in range(2):
            part = slice(head * wide, (head + 1) * wide)
            sent = [(w_l @ p[j] + b_l)[part] for j in senders]
            got = (w_r @ p[centre] + b_r)[part]
            sums = [s + got for s in sent]
            logits = np.array([a[head] @ np.where(s > 0, s, 0.2 * s) for s in sums])
            alpha = np.exp(logits) / np.exp(logits).sum()
            assert found_eh[into, head] == pytest.approx(alpha[:-1], abs=1e-12)
            sizes = [np.linalg.norm(s) for s in sent[:-1]]
            assert normed_eh[into, head] == pytest.approx(alpha[:-1] * sizes, abs=1e-12)
            seen.append(sum(weight * s for weight, s in zip(alpha, sent, strict=True)))
        h = np.concatenate(seen) + weights["conv.bias"]
        h = np.where(h > 0, h, np.exp(h) - 1)
        assert found_cz[row] == pytest.approx(
            weights["latent.weight"] @ h + weights["latent.bias"], abs=1e-10
        )


def test_a_cell_depends_on_itself_and_its_neighbours_and_on_no_other(dataset, net):
    batch = make_batch(dataset, net, np.array([60, 61]))
    target = Target("latent", "0")
    x = batch.expression.clone().requires_grad_()
    net.score(batch.with_expression(x), target)[0].backward()
    moved = set(torch.nonzero(x.grad.abs().sum(dim=1) > 0).ravel().tolist())
    wanted = {int(s) for s, r in batch.edges.T.tolist() if r == 0} | {0}
    assert moved == wanted
    assert len(wanted) == 6


def test_batches_alone_and_together_give_the_same(dataset, bundle, net):
    cells = np.array([5, 100, 5, 323])
    together = net.encode(make_batch(dataset, net, cells)).numpy()
    alone = np.concatenate([net.encode(make_batch(dataset, net, cells[i : i + 1])).numpy() for i in range(4)])
    assert together == pytest.approx(alone, abs=1e-5)
    assert together == pytest.approx(bundle.cells.latent_cz[cells], abs=1e-5)


def test_an_edge_removed_is_gone_and_only_it(dataset, net):
    batch = make_batch(dataset, net, np.array([50, 120]))
    first = [e for e in range(batch.edges.shape[1]) if int(batch.edges[1, e]) == 0]
    fewer = net.apply(batch, Intervention(drop_edges=(first[2],)))
    assert fewer.edges.shape[1] == batch.edges.shape[1] - 1
    before, after = net.attention(batch), net.attention(fewer)
    kept = [e for e in range(batch.edges.shape[1]) if e != first[2]]
    share = before[kept][:5] / (1 - before[first[2]])  # softmax over what is left
    others = [place for place, e in enumerate(kept) if e in first]
    assert torch.allclose(after[others], (before[kept] / (1 - before[first[2]]))[others], atol=1e-6)
    assert share.shape[0] == 5
    change = (net.encode(fewer) - net.encode(batch)).abs().sum(dim=1)
    assert change[0] > 1e-4
    assert change[1] < 1e-6
    lonely = net.apply(batch, Intervention(drop_edges=tuple(range(batch.edges.shape[1]))))
    own = net.encode(
        CellBatch(batch.expression[batch.centre], batch.indices[batch.centre], edges=lonely.edges)
    )
    assert torch.allclose(net.encode(lonely), own, atol=1e-6)


def test_it_saves_loads_and_scores_bit_equal(dataset, bundle, net, tmp_path):
    back = load_bundle(save_bundle(bundle, tmp_path / "model")).folds[0]
    batch = make_batch(dataset, net, np.arange(30))
    assert back.fingerprint == net.fingerprint
    for target in net.targets():
        assert torch.equal(back.score(batch, target), net.score(batch, target))
    again = fit(dataset, FitRequest(family="spatial_attention", params=SMALL, seed=0))
    assert again.folds[0].fingerprint == net.fingerprint
    other = fit(dataset, FitRequest(family="spatial_attention", params=SMALL, seed=1))
    assert other.folds[0].fingerprint != net.fingerprint


def test_lining_up_latents_and_domains_changes_their_order_and_nothing_else(dataset, net):
    order, sign = np.array([3, 0, 4, 1, 2]), np.array([1, -1, -1, 1, 1], np.float32)
    domains = np.array([2, 0, 1])
    turned = FAMILY.domains_aligned(FAMILY.aligned(net, order, sign), domains)
    batch = make_batch(dataset, net, np.arange(20))
    latent_cz = net.encode(batch).numpy()
    assert turned.encode(batch).numpy() == pytest.approx(latent_cz[:, order] * sign, abs=1e-6)
    assert turned.domain_logits(batch).numpy() == pytest.approx(
        net.domain_logits(batch).numpy()[:, domains], abs=1e-4
    )
    decoded = net.decode(net.encode(batch), batch)
    assert torch.allclose(turned.decode(turned.encode(batch), batch), decoded, atol=1e-5)
    whole = multivariate_normal(net.parts()["domain means"][2], net.parts()["domain covariance"])
    same = multivariate_normal(turned.parts()["domain means"][0], turned.parts()["domain covariance"])
    assert same.logpdf(turned.encode(batch).numpy()) == pytest.approx(whole.logpdf(latent_cz), abs=1e-3)


@pytest.mark.parametrize("counted", [True, False])
def test_its_twin_learns_from_redrawn_values_and_is_numbered_alike(dataset, bundle, counted):
    if not counted:
        table = dataset.adata.copy()
        table.X = np.log1p(table.X) + 0.37
        dataset = Dataset(table)
        bundle = fit(dataset, FitRequest(family="spatial_attention", params=SMALL, seed=0))
        assert bundle.folds[0].preprocessing.kind == "stored"
    twinned = fit_twin(bundle, dataset, FitRequest(family="spatial_attention", params=SMALL, seed=0))
    assert twinned.twin is not None
    batch = make_batch(dataset, twinned.twin, np.arange(dataset.n_cells))
    own_c, twin_c = (
        one.domain_logits(batch).argmax(dim=1).numpy() for one in (bundle.folds[0], twinned.twin)
    )
    shared = [(own_c[twin_c == k] == k).sum() for k in range(3)]
    for other in itertools.permutations(range(3)):
        assert sum(shared) >= sum((own_c[twin_c == k] == o).sum() for k, o in enumerate(other))
    asked = ExplainRequest(target="domain:1", cells=np.arange(0, 324, 20), baseline="mean")
    explained = explain(dataset, twinned, asked)
    assert has_evidence(explained)
    assert all(row.twin_rank is not None for row in ranking(explained)), "genes of a domain can be ranked"
    layer = dataset.obs["layer"]
    assert adjusted_rand_score(layer, own_c) > adjusted_rand_score(layer, twin_c) + 0.3


def test_what_it_needs_is_said_before_and_at_training():
    dataset = layered(positions=False)
    assert any("looks at neighbours" in reason for reason in check("spatial_attention", dataset).reasons)
    with pytest.raises(NotCompatible, match="looks at neighbours"):
        fit(dataset, FitRequest(family="spatial_attention", params=SMALL))


def test_making_a_network_draws_no_random_number():
    state = torch.random.get_rng_state()
    one, two = (make_network(SMALL, 30, 8, 4) for _ in range(2))
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(
        torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    )
    assert FAMILY.why_not == ""


class Stop:
    """A job that is cancelled at its n-th report."""

    def __init__(self, left: int) -> None:
        self.left, self.said = left, []

    def report(self, fraction, text="", **metrics):
        self.left -= 1
        self.said.append(text)
        if self.left < 0:
            raise JobCancelled("stopped")


@pytest.mark.parametrize("left", [2, 8, 30])
def test_training_can_be_cancelled_anywhere(dataset, left):
    with pytest.raises(JobCancelled):
        fit(dataset, FitRequest(family="spatial_attention", params=SMALL), Stop(left))


def test_it_stops_when_held_out_cells_are_foretold_no_better(bundle):
    curve = bundle.curves[0]
    assert curve.best_epoch < SMALL.max_epochs
    assert curve.valid_loss[curve.best_epoch - 1] < min(curve.valid_loss) + 2e-4
    assert curve.valid_loss[-1] > min(curve.valid_loss)
    figures = bundle.figures
    assert list(figures) == ["spatial_attention", "mean of the neighbours"]
    ours, cheap = (row["unexplained variance"] for row in figures.values())
    assert ours < min(1.0, cheap)


def test_domains_are_the_layers_and_their_logits_the_mixture(dataset, bundle, net):
    logits = net.logits_of(torch.from_numpy(bundle.cells.latent_cz.copy())).numpy()
    assert adjusted_rand_score(dataset.obs["layer"], logits.argmax(axis=1)) > 0.8
    assert np.abs(logits.mean(axis=1)).max() < 1e-3
    parts = net.parts()
    slow = np.stack(
        [
            multivariate_normal(mean, parts["domain covariance"]).logpdf(bundle.cells.latent_cz)
            for mean in parts["domain means"].astype(np.float64)
        ],
        axis=1,
    )
    gap = (logits[:, 0] - logits[:, 1]) - (slow[:, 0] - slow[:, 1])
    assert np.ptp(gap) < 1e-2  # what is left is the difference of log weights
    assert not parts["domain means"].flags.writeable


def test_even_weights_are_one_over_degree_also_after_loading(dataset, tmp_path):
    even = SMALL.model_copy(update={"attention": "1/degree"})
    bundle = fit(dataset, FitRequest(family="spatial_attention", params=even, seed=0))
    net = load_bundle(save_bundle(bundle, tmp_path / "even")).folds[0]
    batch = make_batch(dataset, net, np.array([7, 99]))
    assert net.attention(batch).numpy() == pytest.approx(1 / 6)  # five neighbours and the cell itself


def test_own_expression_apart_leaves_all_attention_to_neighbours(dataset):
    apart = SMALL.model_copy(update={"own": "apart", "hide_own": 0.0, "hide_genes": 0.5, "max_epochs": 5})
    net = fit(dataset, FitRequest(family="spatial_attention", params=apart)).folds[0]
    check_model(net, make_batch(dataset, net, np.arange(4)))
    batch = make_batch(dataset, net, np.array([7, 99]))
    into_first = net.attention(batch)[batch.edges[1] == 0]
    assert into_first.sum(dim=0).numpy() == pytest.approx(1.0, abs=1e-5)
    lonely = net.apply(batch, Intervention(drop_edges=tuple(range(batch.edges.shape[1]))))
    assert torch.isfinite(net.encode(lonely)).all()


def test_interventions_change_what_they_say_and_refuse_the_rest(dataset, net):
    batch = make_batch(dataset, net, np.array([60, 200]))
    gene = net.genes[3]
    out = net.apply(batch, Intervention(genes={gene: 0.0}))
    assert (out.expression[batch.centre, 3] == 0).all()
    halo = torch.ones(len(batch), dtype=torch.bool)
    halo[batch.centre] = False
    assert torch.equal(out.expression[halo], batch.expression[halo])
    swap = torch.arange(len(batch))
    swap[batch.centre] = batch.centre.flip(0)
    swapped = net.apply(batch, Intervention(neighbours=swap.tolist()))
    first = set(batch.edges[0][batch.edges[1] == 0].tolist())
    assert set(swapped.edges[0][swapped.edges[1] == 1].tolist()) == first
    for wrong in (
        Intervention(latents={0: 1.0}),
        Intervention(drop_tokens=(0,)),
        Intervention(genes={"no": 0.0}),
    ):
        with pytest.raises(NotCompatible, match=r"cannot change|does not know"):
            net.apply(batch, wrong)


def test_training_leaves_the_random_state_and_sections_apart(dataset):
    table = dataset.adata.copy()
    table.obs["section"] = np.where(np.arange(dataset.n_cells) < 160, "a", "b")
    two = Dataset(table)
    state = torch.random.get_rng_state()
    quick = SMALL.model_copy(update={"max_epochs": 2})
    net = fit(two, FitRequest(family="spatial_attention", params=quick)).folds[0]
    assert torch.equal(state, torch.random.get_rng_state())
    batch = make_batch(two, net, np.arange(150, 170))
    side = batch.indices >= 160
    assert torch.equal(side[batch.edges[0]], side[batch.edges[1]])


def test_without_torch_geometric_it_is_greyed_with_the_reason(dataset, monkeypatch):
    from glasscell.models.spatial_attention import family as module

    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    assert "glasscell[graph]" in FAMILY.why_not
    with pytest.raises(NotCompatible, match="torch-geometric"):
        fit(dataset, FitRequest(family="spatial_attention", params=SMALL))
