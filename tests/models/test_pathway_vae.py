"""The family ``pathway_vae``: decoded by hand, what moves what, pruning, its bundle, what a set is worth."""

from __future__ import annotations

from dataclasses import replace
from math import lgamma, log
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import norm

from glasscell.data.dataset import Dataset
from glasscell.data.gene_set import GeneSet, write_gmt
from glasscell.data.labels import read_labels
from glasscell.data.sample import sample_dataset
from glasscell.errors import DataError, JobCancelled, ModelError, NotCompatible
from glasscell.explain.explain import explain
from glasscell.explain.request import ExplainRequest
from glasscell.jobs import QuietJob
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.capability.first_linear import FirstLinear
from glasscell.models.capability.latent import Decodes, Encodes, NamedLatents
from glasscell.models.capability.structure import Structured
from glasscell.models.capability.technical_batch import UsesBatch
from glasscell.models.fit import FitRequest, fit, fit_twin
from glasscell.models.pathway_vae.difference import activity_difference
from glasscell.models.pathway_vae.family import FAMILY, PathwayModel, PathwayParams, latent_names
from glasscell.models.pathway_vae.leave_out import leave_one_out
from glasscell.models.pathway_vae.pruning import PruningPath, pruning_path
from glasscell.models.preflight import check
from glasscell.models.target import Target
from glasscell.models.vae.figure import DEVIANCE, GENE_MEAN
from glasscell.testing.check import check_model
from glasscell.testing.pathway_activity import PathwayActivity, make_pathway_activity

N_TRUE, N_DECOYS = 4, 3


@pytest.fixture(scope="module")
def planted() -> PathwayActivity:
    return make_pathway_activity(
        10, n_cells=500, n_genes=90, n_true=N_TRUE, n_decoys=N_DECOYS, genes_per_set=12, depth=1500
    )


@pytest.fixture(scope="module")
def gmt(planted: PathwayActivity, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("sets") / "sets.gmt"
    small = GeneSet("SMALL", frozenset(["G0001", "ELSEWHERE"]))
    write_gmt([*planted.sets, small], path)
    return str(path)


@pytest.fixture(scope="module")
def fast(gmt: str) -> PathwayParams:
    return PathwayParams(
        gene_sets=gmt,
        n_free=1,
        group_lasso=0.3,
        kl_weight=1.0,
        input_dropout=0.1,
        hidden=24,
        max_epochs=40,
        patience=15,
        warm_up=5,
        batch_size=64,
        learning_rate=1e-2,
    )


def fitted(planted: PathwayActivity, params: PathwayParams) -> Bundle:
    return fit(planted.dataset, FitRequest(family="pathway_vae", params=params, seed=5))


@pytest.fixture(scope="module")
def bundle(planted: PathwayActivity, fast: PathwayParams) -> Bundle:
    return fitted(planted, fast)


@pytest.fixture(scope="module")
def loose(planted: PathwayActivity, fast: PathwayParams) -> Bundle:
    update = {"mask": "soft", "signed": True, "group_lasso": 0.0, "n_free": 2, "max_epochs": 12}
    return fitted(planted, fast.model_copy(update=update))


@pytest.fixture(params=["bundle", "loose"])
def made(request: pytest.FixtureRequest) -> Bundle:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Bundle)
    return found


def net_of(bundle: Bundle) -> PathwayModel:
    net = bundle.folds[0]
    assert isinstance(net, PathwayModel)
    return net


def test_latents_carry_the_names_of_the_sets(made: Bundle, planted: PathwayActivity) -> None:
    net = net_of(made)
    names = [one.name for one in planted.sets]
    assert list(net.latent_names[: net.n_sets]) == names, "the small set is left out, the order kept"
    assert net.latent_names[net.n_sets :] == ("free 1", "free 2")[: net.n_latent - net.n_sets]
    assert net.targets() == tuple(Target("latent", name) for name in net.latent_names)
    assert "7 of 8 gene sets are used: 1 have fewer than 8" in " ".join(made.notes)
    assert latent_names(("free 1", "a"), 2) == ("free 1", "a", "free 2", "free 3")


def test_keeps_the_promises_of_a_model(made: Bundle, planted: PathwayActivity) -> None:
    net = net_of(made)
    check_model(net, make_batch(planted.dataset, net, np.arange(6)))
    for protocol in (FirstLinear, Encodes, Decodes, UsesBatch, Structured, NamedLatents):
        assert isinstance(net, protocol)
    with pytest.raises(NotCompatible, match="has no latent 'NOWHERE'"):
        net.score(make_batch(planted.dataset, net, np.arange(2)), Target("latent", "NOWHERE"))


def test_decodes_as_by_hand(made: Bundle, planted: PathwayActivity) -> None:
    net = net_of(made)
    batch = make_batch(planted.dataset, net, np.arange(4))
    latent = net.encode(batch)
    state = {name: tensor.double().numpy() for name, tensor in net.network.state_dict().items()}
    weight, bias = state["decoder.sets.weight"], state["decoder.gene_bias"]
    expected = np.empty((4, len(net.genes)))
    for c in range(4):
        for g in range(len(net.genes)):
            total = bias[g]
            for k in range(net.n_latent):
                if state["decoder.sets.open_oi"][g, k]:
                    total += float(latent[c, k]) * weight[g, k]
            expected[c, g] = np.exp(min(0.0, total))
    np.testing.assert_allclose(net.share(latent, batch).numpy(), expected, rtol=1e-4)
    scale = net.preprocessing.target_sum or 1.0
    np.testing.assert_allclose(net.decode(latent, batch).numpy(), np.log1p(scale * expected), rtol=1e-4)


def test_a_set_moves_its_own_genes_and_no_other(bundle: Bundle, planted: PathwayActivity) -> None:
    """Structure: what the model calls a set is the set, gene by gene."""
    net = net_of(bundle)
    batch = make_batch(planted.dataset, net, np.arange(3))
    latent = net.encode(batch)
    base = net.decode(latent, batch)
    genes = {one.name: one.genes for one in planted.sets}
    for k, name in enumerate(net.latent_names[: net.n_sets]):
        moved = latent.clone()
        moved[:, k] += 0.5
        change = (net.decode(moved, batch) - base).abs().amax(dim=0).numpy()
        touched = {net.genes[g] for g in np.flatnonzero(change)}
        assert touched <= genes[name]
        assert touched == {net.genes[g] for g in np.flatnonzero(net.weights_kg[k])}
        assert (net.weights_kg[k] >= 0).all(), "up only"
    assert (net.weights_kg[-1] != 0).all(), "the free latent reaches every gene"


def test_signed_and_soft_weights(loose: Bundle) -> None:
    net = net_of(loose)
    sets = net.weights_kg[: net.n_sets]
    assert (sets < 0).any()
    assert ((sets * net.mask_pg).sum(axis=1) >= 0).all(), "more of a set is more of its genes"
    outside = sets[~net.mask_pg]
    assert (outside == 0).any(), "pulled to exactly zero"
    wanted, idle = net.conflicts("TRUE_1")
    assert wanted
    assert not set(wanted) & {net.genes[g] for g in np.flatnonzero(net.mask_pg[0])}
    assert set(idle) <= {net.genes[g] for g in np.flatnonzero(net.mask_pg[0])}


def test_a_hard_mask_has_no_outsiders(bundle: Bundle) -> None:
    net = net_of(bundle)
    assert not (net.weights_kg[: net.n_sets][~net.mask_pg]).any()
    assert net.conflicts("TRUE_1")[0] == ()


def test_finds_activities_and_prunes_decoys_first(bundle: Bundle, planted: PathwayActivity) -> None:
    net, latent = net_of(bundle), bundle.cells.latent_cz
    assert latent is not None
    for k in range(N_TRUE):
        assert np.corrcoef(latent[:, k], planted.activity_cp[:, k])[0, 1] > 0.6
    assert net.norms_k[:N_TRUE].min() > net.norms_k[N_TRUE : N_TRUE + N_DECOYS].max()
    assert not set(net.pruned) & {f"TRUE_{k + 1}" for k in range(N_TRUE)}


def test_shuffled_names_find_nothing(planted: PathwayActivity, fast: PathwayParams, tmp_path: Path) -> None:
    """An impostor: sets of the same shape whose genes are others."""
    write_gmt(planted.shuffled(1), tmp_path / "shuffled.gmt")
    found = fitted(planted, fast.model_copy(update={"gene_sets": str(tmp_path / "shuffled.gmt")}))
    latent = found.cells.latent_cz
    assert latent is not None
    true = [
        abs(float(np.corrcoef(latent[:, k], planted.activity_cp[:, k])[0, 1]))
        for k in range(N_TRUE)
        if latent[:, k].std() > 0
    ]
    assert np.mean(true) < 0.45


def test_parts_are_read_only_and_name_their_rows(made: Bundle) -> None:
    net = net_of(made)
    parts = net.parts()
    assert parts["latent_names"] == net.latent_names
    assert parts["weights"].shape == (net.n_latent, len(net.genes))
    assert parts["mask"].shape == (net.n_sets, len(net.genes))
    for name in ("weights", "mask", "norms", "jaccard"):
        assert not parts[name].flags.writeable
    one, two, shared = net.redundant(0.0)[0]
    a, b = (net.mask_pg[net.latent_names.index(name)] for name in (one, two))
    assert shared == pytest.approx((a & b).sum() / (a | b).sum())


def test_what_a_set_is_worth_by_hand(made: Bundle, planted: PathwayActivity) -> None:
    net, cells = net_of(made), np.array([3, 1, 7])
    found = leave_one_out(net, planted.dataset, cells)
    batch = make_batch(planted.dataset, net, cells)
    mean, variance = net.spread(batch)
    counts = planted.dataset.expression_cg("counts")[cells].toarray()
    theta = net.network.log_dispersion.clamp(-8, 10).exp().double().numpy()

    def fit_of(latent: torch.Tensor) -> float:
        share, total = net.share(latent, batch).double().numpy(), 0.0
        for c in range(3):
            size = max(1.0, float(counts[c].sum()))
            for g in range(len(net.genes)):
                x, mu, t = float(counts[c, g]), size * share[c, g], theta[g]
                total += lgamma(x + t) - lgamma(t) - lgamma(x + 1)
                total += t * log(t / (t + mu)) + x * log(mu / (t + mu))
        return total

    for k in (0, N_TRUE, net.n_latent - 1):
        without = mean.clone()
        without[:, k] = 0
        m, v = mean[:, k].double().numpy(), variance[:, k].double().numpy()
        cost = float((0.5 * (m**2 + v - 1 - np.log(v))).sum())
        expected = (fit_of(mean) - fit_of(without) - cost) / 3
        assert found[k] == pytest.approx(expected, abs=2e-3)


def test_sets_at_work_are_worth_more_than_decoys(bundle: Bundle, planted: PathwayActivity) -> None:
    found = leave_one_out(net_of(bundle), planted.dataset, np.flatnonzero(bundle.cells.fold == 0))
    assert found[:N_TRUE].min() > found[N_TRUE : N_TRUE + N_DECOYS].max()


def test_differences_of_activity(bundle: Bundle, planted: PathwayActivity) -> None:
    net, activity = net_of(bundle), planted.activity_cp[:, 0]
    high = activity > np.median(activity)
    found = activity_difference(net, planted.dataset, high, ~high)
    assert np.argmax(found.effect_k[: net.n_sets]) == 0
    assert np.argmax(found.log_bayes_k[: net.n_sets]) == 0
    other = activity_difference(net, planted.dataset, np.flatnonzero(~high), np.flatnonzero(high))
    np.testing.assert_allclose(other.shift_k, -found.shift_k)
    np.testing.assert_allclose(other.log_bayes_k, -found.log_bayes_k)
    drawn, rng = [], np.random.default_rng(0)
    for cells in (high, ~high):
        spread = net.spread(make_batch(planted.dataset, net, np.flatnonzero(cells)))
        mean, variance = (part[:, 0].double().numpy() for part in spread)
        drawn.append(rng.permutation(rng.normal(mean, np.sqrt(variance), size=(400, len(mean))).ravel()))
    gap = drawn[0].mean() - drawn[1].mean()
    assert found.shift_k[0] == pytest.approx(gap, abs=0.02)
    more = norm.cdf(gap / np.sqrt(drawn[0].var() + drawn[1].var()))
    assert found.log_bayes_k[0] == pytest.approx(np.log(more / (1 - more)), abs=0.05)
    n = min(map(len, drawn))
    assert np.mean(drawn[0][:n] > drawn[1][:n]) == pytest.approx(more, abs=0.05)
    with pytest.raises(DataError, match="has no cells"):
        activity_difference(net, planted.dataset, high, np.zeros(len(high), bool))


def test_the_pruning_path_empties(planted: PathwayActivity, fast: PathwayParams) -> None:
    short = fast.model_copy(update={"max_epochs": 8})
    found = pruning_path(planted.dataset, FitRequest(family="pathway_vae", params=short), (3.0, 0.0))
    assert found.strengths == (0.0, 3.0)
    assert (found.norms_sp[0] > 0).all()
    assert (found.norms_sp[1] == 0).all()
    assert found.names == tuple(one.name for one in planted.sets)
    assert (found.survives_p == 0.0).all()
    assert np.isfinite(found.deviance_s).all()
    never = PruningPath((0.1, 0.2), ("a",), np.zeros((2, 1), np.float32), np.zeros(2))
    assert never.survives_p.tolist() == [-1.0]
    with pytest.raises(ModelError, match="Only pathway_vae"):
        pruning_path(planted.dataset, FitRequest(family="vae"))
    with pytest.raises(ModelError, match="name at least one"):
        pruning_path(planted.dataset, FitRequest(family="pathway_vae", params=short), ())


def test_saved_and_read_back_bit_equal_without_the_gmt(
    made: Bundle, planted: PathwayActivity, tmp_path: Path
) -> None:
    folder = save_bundle(made, tmp_path / "model")
    params = made.params
    assert isinstance(params, PathwayParams)
    gmt = Path(params.gene_sets)
    hidden = gmt.rename(gmt.with_suffix(".hidden"))
    try:
        again = load_bundle(folder)
    finally:
        hidden.rename(gmt)
    assert again.fingerprint == made.fingerprint
    net, other = net_of(made), net_of(again)
    assert other.latent_names == net.latent_names
    batch = make_batch(planted.dataset, net, np.arange(5))
    for target in net.targets():
        assert torch.equal(other.score(batch, target), net.score(batch, target))
    assert torch.equal(other.decode(other.encode(batch), batch), net.decode(net.encode(batch), batch))
    for name in ("weights", "mask", "norms", "jaccard"):
        np.testing.assert_array_equal(other.parts()[name], net.parts()[name])


def test_figures_and_seeds(bundle: Bundle, planted: PathwayActivity, fast: PathwayParams) -> None:
    assert list(bundle.figures) == ["pathway_vae", GENE_MEAN]
    assert bundle.figures["pathway_vae"][DEVIANCE] < bundle.figures[GENE_MEAN][DEVIANCE]
    short = FitRequest(family="pathway_vae", params=fast.model_copy(update={"max_epochs": 2}), seed=1)
    state = torch.random.get_rng_state()
    data = planted.dataset
    one, two, three = fit(data, short), fit(data, short), fit(data, replace(short, seed=2))
    assert one.fingerprint == two.fingerprint != three.fingerprint
    assert torch.equal(torch.random.get_rng_state(), state)


def test_batches_shift_genes(dataset: Dataset, tmp_path: Path) -> None:
    names = [str(name) for name in dataset.genes.names]
    write_gmt(
        [GeneSet("A", frozenset(names[:15])), GeneSet("B", frozenset(names[10:30]))], tmp_path / "a.gmt"
    )
    params = PathwayParams(gene_sets=str(tmp_path / "a.gmt"), hidden=16, max_epochs=5, learning_rate=1e-2)
    made = fit(
        dataset, FitRequest(family="pathway_vae", params=params, batch=read_labels(dataset, "section"))
    )
    net = net_of(made)
    batch = make_batch(dataset, net, np.arange(4))
    assert batch.batch is not None
    check_model(net, batch)
    latent = net.encode(batch)
    assert not torch.equal(net.share(latent, batch), net.share(latent, replace(batch, batch=1 - batch.batch)))


def test_explained_by_the_name_of_a_set(
    bundle: Bundle, planted: PathwayActivity, fast: PathwayParams
) -> None:
    request = FitRequest(family="pathway_vae", params=fast, seed=5)
    twinned = fit_twin(bundle, planted.dataset, request)
    assert twinned.twin is not None
    assert twinned.twin.latent_names == net_of(bundle).latent_names
    found = explain(planted.dataset, twinned, ExplainRequest(target="latent:TRUE_2", params={"steps": 64}))
    assert found.genes == net_of(bundle).genes
    mean_g = np.abs(found.block(np.arange(40))).mean(axis=0)
    member_g = net_of(bundle).mask_pg[1]
    assert mean_g[member_g].mean() > 3 * mean_g[~member_g].mean(), "the encoder reads a set from its genes"
    assert FAMILY.aligned(net_of(bundle), np.arange(2), np.ones(2, np.float32)) is net_of(bundle)


def test_the_sample_fits_from_the_defaults() -> None:
    sample = sample_dataset()
    made = fit(sample, FitRequest(family="pathway_vae", params=PathwayParams(max_epochs=1)))
    assert net_of(made).n_sets == 15
    assert check("pathway_vae", sample)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gene_sets": "nowhere.gmt"}, "There is no file"),
        ({"gene_sets": ""}, "No gene sets are named"),
        ({"min_genes": 50, "max_genes": 60}, "None of 8 gene sets"),
        ({"min_genes": 50, "max_genes": 20}, "fewer than the fewest"),
    ],
)
def test_bad_sets_are_refused(
    planted: PathwayActivity, fast: PathwayParams, change: dict[str, object], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        fitted(planted, fast.model_copy(update=change))


def test_cancel_and_values_that_are_no_counts(planted: PathwayActivity, fast: PathwayParams) -> None:
    class Stop(QuietJob):
        def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
            if "epoch 2" in text:
                raise JobCancelled("stopped")

    with pytest.raises(JobCancelled):
        fit(planted.dataset, FitRequest(family="pathway_vae", params=fast), Stop())
    adata = planted.dataset.adata.copy()
    adata.X = adata.X / 3.3
    with pytest.raises(NotCompatible, match="raw counts"):
        fit(Dataset(adata), FitRequest(family="pathway_vae", params=fast))


def test_a_damaged_bundle_is_one_sentence(bundle: Bundle) -> None:
    net = net_of(bundle)
    tensors = {**FAMILY.tensors(net), "member_pg": torch.ones(2, 3, dtype=torch.bool)}
    with pytest.raises(ModelError, match="bundle is damaged"):
        FAMILY.restore(FAMILY.describe(net), tensors, params=bundle.params, genes=net.genes, classes=())
