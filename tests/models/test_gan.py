"""The family ``gan``: its losses written again, slowly; what moves what; impostors its figures tell apart."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest
import torch
from scipy import sparse, stats

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.data.read import read
from glasscell.data.split import split
from glasscell.errors import DataError, ModelError, NotCompatible
from glasscell.jobs import QUIET
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.cell_batch import CellBatch
from glasscell.models.family import FoldPlan, TrainingData
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.gan import dispersion
from glasscell.models.gan.adversary import Adversary, energy_distance, gradient_penalty
from glasscell.models.gan.alarm import alarm_of, alarm_of_generated, alarm_of_imputed
from glasscell.models.gan.code import made_codes
from glasscell.models.gan.family import FAMILY, GanModel, GanParams, make_network, usable_kinds
from glasscell.models.gan.figure import ALARM, COPIES, INDEPENDENT, NEAREST, Yardstick, independent
from glasscell.models.gan.generate import draw, generate
from glasscell.models.gan.imputation import POOL, impute, impute_from
from glasscell.models.gan.kind import fit_kinds
from glasscell.models.gan.network import GanNetwork
from glasscell.models.gan.realism import FEWEST, ranks, realism, realism_of
from glasscell.models.gan.train import AdversaryTask, CodeTask
from glasscell.models.gan.write_back import annotate
from glasscell.models.layer import seed_noise, seed_weights
from glasscell.models.learner import Learner
from glasscell.models.preflight import check
from glasscell.models.row import Rows, normalise
from glasscell.models.target import Target
from glasscell.models.training_data import training_data
from glasscell.testing.hidden_rate import hidden_rate_adata

QUICK = GanParams(
    n_latent=4,
    hidden=16,
    max_epochs=16,
    input_dropout=0.2,
    warm_up=2,
    learning_rate=1e-2,
    noise=8,
    gan_hidden=32,
    gan_epochs=40,
    critic_steps=2,
    gan_rate=2e-3,
)
ONCE = QUICK.model_copy(update={"max_epochs": 1, "gan_epochs": 1})
LABELS = "type"


def ask(dataset: Dataset, params: GanParams = QUICK, *, labels: bool = True) -> FitRequest:
    if not labels:
        return FitRequest(family="gan", params=params, device="cpu")
    known = read_labels(dataset, LABELS)
    folds = split(dataset, "random", n_folds=3, seed=0, labels=known)
    return FitRequest(known, folds, "gan", params, device="cpu")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return Dataset(hidden_rate_adata(240, 40, 3, n_markers=8, depth=200.0, fold=12.0))


@pytest.fixture(scope="module")
def bundle(dataset: Dataset) -> Bundle:
    return fit(dataset, ask(dataset))


@pytest.fixture(scope="module")
def net(bundle: Bundle) -> GanModel:
    made = bundle.folds[0]
    assert isinstance(made, GanModel)
    return made


@pytest.fixture(scope="module")
def data(dataset: Dataset) -> TrainingData:
    return training_data(dataset, ask(dataset), FAMILY, "cpu", labels=read_labels(dataset, LABELS))


@pytest.fixture
def pair() -> Adversary:
    made = Adversary(3, 2, 4, 6)
    seed_weights(made, 0)
    seed_noise(made, 0, torch.device("cpu"))
    return made.double()


# Losses


def test_the_penalty_is_that_of_slopes_found_by_stepping(pair: Adversary) -> None:
    rng = np.random.default_rng(0)
    real, made = (torch.from_numpy(rng.normal(size=(7, 4))) for _ in range(2))
    kinds = torch.eye(2, dtype=torch.float64)[torch.arange(7) % 2]
    mix = torch.from_numpy(rng.uniform(size=(7, 1)))
    ours = gradient_penalty(pair.critic, real, made, kinds, mix)
    total, step = 0.0, 1e-6
    for row in range(7):
        at = mix[row] * real[row] + (1 - mix[row]) * made[row]
        squares = 0.0
        for column in range(4):
            shift = torch.zeros(4, dtype=torch.float64)
            shift[column] = step
            ahead, behind = (
                float(pair.critic((at + sign * shift)[None], kinds[row : row + 1]).detach())
                for sign in (1, -1)
            )
            squares += ((ahead - behind) / (2 * step)) ** 2
        total += (squares**0.5 - 1) ** 2
    assert float(ours.detach()) == pytest.approx(total / 7, rel=1e-6)
    ours.backward()  # it can be learnt from
    assert float(pair.critic.first.weight.grad.abs().sum()) > 0


def test_the_distance_of_distributions_is_the_sum_over_all_pairs() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(5, 3)), rng.normal(1.0, 1.0, size=(6, 3))

    def mean(x: Any, y: Any) -> float:
        return float(np.mean([np.sqrt(((one - other) ** 2).sum()) for one in x for other in y]))

    literal = 2 * mean(a, b) - mean(a, a) - mean(b, b)
    assert float(energy_distance(torch.from_numpy(a), torch.from_numpy(b))) == pytest.approx(literal)
    assert float(energy_distance(torch.from_numpy(a), torch.from_numpy(a))) == pytest.approx(0.0, abs=1e-12)


def test_the_critic_learns_inside_and_the_generator_by_the_loss_alone(pair: Adversary) -> None:
    pair = pair.float()
    codes = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
    task = AdversaryTask(codes, torch.arange(40) % 2, np.arange(40), QUICK, 0)
    before = deepcopy(pair)
    task.loss(Learner(pair, {}, 1), torch.arange(16)).backward()
    for name, weight in pair.generator.named_parameters():
        assert torch.equal(weight, before.generator.get_parameter(name)), name
        assert weight.grad is not None
        assert float(weight.grad.abs().sum()) > 0, name
    moved = [
        not torch.equal(weight, before.critic.get_parameter(name))
        for name, weight in pair.critic.named_parameters()
    ]
    assert all(moved[:2])
    assert all(weight.grad is None and weight.requires_grad for weight in pair.critic.parameters())


def test_the_critic_is_shown_training_cells_only(pair: Adversary) -> None:
    codes = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
    other = codes.clone()
    other[20:] = 1e3
    found = []
    for table in (codes, other):
        one = deepcopy(pair).float()
        seed_noise(one, 0, torch.device("cpu"))
        AdversaryTask(table, torch.arange(40) % 2, np.arange(20), QUICK, 0).loss(
            Learner(one, {}, 1), torch.arange(16)
        )
        found.append(one.critic.first.weight)
    assert torch.equal(*found)


def test_the_mean_of_steps_is_judged_and_kept(pair: Adversary, data: TrainingData, monkeypatch: Any) -> None:
    from glasscell.models.gan import train

    results, fit_loop = [], train.fit_loop
    monkeypatch.setattr(train, "fit_loop", lambda *a, **k: results.append(fit_loop(*a, **k)) or results[-1])
    codes = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))
    task = AdversaryTask(codes, torch.arange(40) % 2, np.arange(30), QUICK, 0)
    plan = FoldPlan(np.arange(30), np.arange(30, 40), 0, "cpu")
    kept, _ = task.run(pair.float(), plan, 8, QUIET)
    learner = results[0].network
    last, mean = (one.generator.last.weight for one in (learner.network, learner.average))
    assert torch.equal(kept.generator.last.weight, mean)
    assert not torch.equal(mean, last)
    learner.eval()
    before = float(task.loss(learner, torch.arange(30, 40)))
    with torch.no_grad():
        learner.network.generator.last.bias += 5
    assert float(task.loss(learner, torch.arange(30, 40))) == before
    with torch.no_grad():
        learner.average.generator.last.bias += 5
    assert float(task.loss(learner, torch.arange(30, 40))) != before

    monkeypatch.undo()
    whole = CodeTask(data, FoldPlan(np.arange(160), np.arange(0), 0, "cpu", epochs=2), QUICK)
    start = make_network(QUICK, 40, 0)
    learners: list[Learner] = []
    monkeypatch.setattr(train, "Learner", lambda *a: learners.append(Learner(*a)) or learners[-1])
    found = whole.run(start, QUIET).network
    assert isinstance(found, GanNetwork)
    assert not torch.equal(found.decoder.genes.weight, start.decoder.genes.weight)
    assert learners[0].average_steps > 1


def test_dispersions_are_weighed_by_the_negative_binomial() -> None:
    rng = np.random.default_rng(2)
    mean_cg = rng.uniform(0.2, 6.0, size=(9, 4))
    counts_cg = rng.poisson(mean_cg).astype(float)
    ours = dispersion.log_likelihoods(torch.from_numpy(counts_cg), torch.from_numpy(np.log(mean_cg))).numpy()
    theirs = []
    for log_theta in dispersion.GRID:
        theta = np.exp(log_theta)
        theirs.append(stats.nbinom.logpmf(counts_cg, theta, theta / (theta + mean_cg)).sum(axis=0))
    gap = ours - np.array(theirs)
    np.testing.assert_allclose(gap, np.tile(gap[:1], (len(gap), 1)), atol=1e-4)  # but for a constant


# The network


def test_codes_are_components_of_training_cells_and_stay_so(
    net: GanModel, bundle: Bundle, data: TrainingData
) -> None:
    train = np.flatnonzero(bundle.cells.fold != 0)
    table = data.rows.table_cg.toarray().astype(float)
    latent = net.encode(CellBatch(data.rows.take(torch.arange(len(table))), torch.arange(len(table)))).numpy()
    left = table - latent @ np.linalg.lstsq(latent, table - table.mean(0), rcond=None)[0]
    axes = np.linalg.svd(table[train] - table[train].mean(0), full_matrices=False)[2][:4]
    best = table - (table - table[train].mean(0)) @ axes.T @ axes
    # As little is left as by components found here.
    assert left.var(axis=0).sum() < 1.1 * best.var(axis=0).sum()
    assert np.abs(np.corrcoef(latent[train].T) - np.eye(4)).max() < 0.25


def test_shares_are_straight_lines_and_what_hidden_units_bend_them_by(net: GanModel) -> None:
    decoder = net.whole.decoder
    rng = np.random.default_rng(4)
    latent = rng.normal(size=(5, 4)).astype(np.float32)
    first, last = (layer.weight.numpy() for layer in (decoder.first, decoder.genes))
    hidden = np.maximum(latent @ first.T + decoder.first.bias.numpy(), 0)
    logit = latent @ last[:, :4].T + hidden @ last[:, 4:].T + decoder.genes.bias.numpy()
    literal = np.exp(logit) / np.exp(logit).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(decoder(torch.from_numpy(latent), None).exp().numpy(), literal, rtol=1e-4)


def test_a_stronger_prior_of_loadings_keeps_them_smaller(data: TrainingData) -> None:
    plan = FoldPlan(np.arange(120), np.arange(120, 160), 3, "cpu")
    size = []
    for prior in (0.0, 1e4):
        made, _, _ = FAMILY.train(data, plan, QUICK.model_copy(update={"loading_prior": prior}), QUIET)
        size.append(float(made.whole.decoder.genes.weight.square().mean()))
    assert size[1] < 0.5 * size[0]


def test_what_latents_vary_by_is_not_counted_as_dispersion_too(data: TrainingData) -> None:
    network = make_network(QUICK, 40, 0)
    rng = np.random.default_rng(5)
    with torch.no_grad():
        network.encoder.log_variance.bias.fill_(0.0)
        network.decoder.genes.weight[:, :4] = torch.from_numpy(rng.normal(0, 0.2, (40, 4)))
        mean_cz, variance_cz = network.encoder(torch.zeros(4000, 40), None)
        around = torch.from_numpy(rng.standard_normal(mean_cz.shape)).float() * variance_cz.sqrt()
        mean_cg = 800 * network.decoder(mean_cz + around, None).exp().numpy()
    counts = sparse.csr_matrix(rng.poisson(rng.gamma(10.0, mean_cg / 10.0)), dtype=np.float32)
    drawn = replace(data, rows=Rows(0 * counts), counts=Rows(counts), size=np.full(4000, 800.0, np.float32))
    nobody = np.full(4000, -1)
    one_more = np.arange(15 * 256 + 1)  # the last block is of one cell
    found = dispersion.fit_dispersion(network, drawn, one_more, nobody, 0, QUIET).exp().numpy()
    assert 7 < np.median(found) < 14, "a tenth, and latents add .04 to .3 more"


def test_a_kinds_shift_is_the_log_of_counts_seen_over_expected(data: TrainingData) -> None:
    """Two kinds alike but for one gene, which the second lacks: latents that say nothing cannot know it."""
    rng = np.random.default_rng(6)
    network = make_network(QUICK, 40, 2)
    kind_c = np.repeat([0, 1, -1], [300, 200, 50])
    mean_cg = np.full((550, 40), 20.0)
    mean_cg[kind_c == 1, 7] = 0
    counts = sparse.csr_matrix(rng.poisson(mean_cg), dtype=np.float32)
    drawn = replace(data, rows=Rows(0 * counts), counts=Rows(counts), size=np.full(550, 800.0, np.float32))
    fit_kinds(network, drawn, np.arange(550), kind_c, 0, QUIET)
    shift_kg = network.decoder.kind.weight.T.numpy().copy()
    assert shift_kg[1, 7] == pytest.approx(-np.log(200 * 20 + 1), rel=1e-3)
    shift_kg[1, 7] = 0
    assert np.abs(shift_kg).max() < 0.06, "Poisson noise of 4,000 and 6,000 counts"
    at = torch.zeros(3, 4)
    share_cg = network.decoder(at, network.kinds(torch.tensor([0, 1, -1]), at)).exp().detach().numpy()
    assert share_cg[0, 7] == pytest.approx(1 / 40, rel=0.1)
    assert share_cg[1, 7] < 1e-5
    np.testing.assert_allclose(network.decoder(at, None).exp().detach().numpy(), 1 / 40, rtol=1e-4)


def test_a_kind_moves_its_own_generated_cells_and_its_own_realism(net: GanModel, dataset: Dataset) -> None:
    moved = net.to()
    moved.whole.adversary.generator.kind_again.weight[:, 1] += 1.0
    kind_c = np.array([0, 1, 2, 1])
    ours, theirs = (made_codes(one.whole, kind_c, torch.Generator().manual_seed(0)) for one in (net, moved))
    assert (np.abs(ours - theirs).max(axis=1) > 0).tolist() == [False, True, False, True]
    np.testing.assert_allclose(theirs[1] - ours[1], 1.0, atol=1e-5)

    batch = make_batch(dataset, net, np.arange(6))
    moved.whole.adversary.critic.kind.weight[:, 2] += 1.0
    for target in net.targets():
        same = torch.equal(net.score(batch, target), moved.score(batch, target))
        assert same == (target != Target("realism", net.kinds[2])), str(target)


def test_realism_is_the_critic_of_latents_and_size_and_knows_no_size_of_others(
    net: GanModel, dataset: Dataset
) -> None:
    batch = make_batch(dataset, net, np.arange(5))
    target = Target("realism", net.kinds[1])
    whole = net.whole
    latent, size = net.encode(batch), torch.from_numpy(dataset.sizes_c[:5]).float()
    code = (torch.cat([latent, size.log()[:, None]], dim=1) - whole.code_mean) / whole.code_scale
    hidden = code
    for layer in (whole.adversary.critic.first, whole.adversary.critic.second):
        hidden = hidden @ layer.weight.T + layer.bias
        hidden = torch.where(hidden > 0, hidden, 0.2 * hidden)
    own = whole.adversary.critic.kind.weight[:, 1]
    value = hidden @ whole.adversary.critic.value.weight[0] + whole.adversary.critic.value.bias
    value = value + hidden @ own / hidden.shape[1] ** 0.5
    torch.testing.assert_close(net.score(batch, target), value, rtol=1e-4, atol=1e-5)
    without = net.score(replace(batch, size=None), target)
    middle = net.score(replace(batch, size=whole.code_mean[-1:].exp().expand(5)), target)
    torch.testing.assert_close(without, middle, rtol=1e-4, atol=1e-4)


def test_latents_in_another_order_generate_and_judge_the_same(net: GanModel, dataset: Dataset) -> None:
    order, sign = np.array([2, 0, 3, 1]), np.array([1, -1, 1, -1], np.float32)
    other = FAMILY.aligned(net, order, sign)
    batch = make_batch(dataset, net, np.arange(8))
    torch.testing.assert_close(other.encode(batch), net.encode(batch)[:, order] * torch.from_numpy(sign))
    for kind in net.kinds:
        target = Target("realism", kind)
        torch.testing.assert_close(other.score(batch, target), net.score(batch, target), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        other.parts()["generated means"], net.parts()["generated means"], rtol=1e-3, atol=1e-4
    )
    torch.testing.assert_close(other.spread(batch)[1], net.spread(batch)[1][:, order], rtol=1e-4, atol=1e-6)
    rng = np.random.default_rng(6)
    code, noise = (torch.from_numpy(rng.normal(size=(3, n))).float() for n in (5, 4))
    flip = torch.from_numpy(sign)
    turned = torch.cat([code[:, order] * flip, code[:, -1:]], dim=1)
    kinds = net.whole.kinds(torch.tensor([0, 2, -1]), code)
    ours = net.whole.decode_code(code, kinds, noise)
    theirs = other.whole.decode_code(turned, kinds, noise[:, order] * flip)
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6)


def test_a_bundle_of_before_kinds_shifted_genes_decodes_by_latents_alone(net: GanModel) -> None:
    tensors = FAMILY.tensors(net)
    assert tensors.pop("decoder.kind.weight").any()
    asked = {"params": QUICK, "genes": net.genes, "classes": ()}
    old = FAMILY.restore(FAMILY.describe(net), tensors, **asked)
    code = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    kinds = net.whole.kinds(torch.arange(4) % 3, code)
    torch.testing.assert_close(old.whole.decode_code(code, kinds), net.whole.decode_code(code, None))


def test_cells_held_out_leave_no_trace_in_the_net(data: TrainingData) -> None:
    plan = FoldPlan(np.arange(120), np.arange(120, 160), 3, "cpu")
    table = data.rows.table_cg.toarray()
    table[160:] = table[160:][::-1] * 3
    counts = data.counts.table_cg.toarray()
    counts[160:] = counts[160:][::-1]
    other = replace(
        data,
        rows=Rows(sparse.csr_matrix(table)),
        counts=Rows(sparse.csr_matrix(counts)),
        codes=np.where(np.arange(240) < 160, data.codes, 0).astype(np.int32),
        size=np.where(np.arange(240) < 160, data.size, 7).astype(np.float32),
    )
    first, _, _ = FAMILY.train(data, plan, ONCE, QUIET)
    again, _, _ = FAMILY.train(other, plan, ONCE, QUIET)
    assert first.fingerprint == again.fingerprint


def test_kinds_of_a_few_cells_are_left_out_and_said(data: TrainingData) -> None:
    codes = np.zeros(240, np.int32)
    codes[:4], codes[4:100] = 1, 2
    few = replace(data, codes=codes, classes=("many", "rare", "some"))
    plan = FoldPlan(np.arange(200), np.arange(200, 240), 0, "cpu")
    kinds, kind_c, notes = usable_kinds(few, plan)
    assert kinds == ("many", "some")
    assert set(kind_c[:4]) == {-1}
    assert set(kind_c[4:100]) == {1}
    assert "rare" in notes[0]
    with pytest.raises(ModelError, match="choose another column"):
        usable_kinds(replace(data, codes=np.full(240, -1, np.int32)), plan)


def test_without_labels_it_generates_any_cell(dataset: Dataset) -> None:
    made = fit(dataset, ask(dataset, ONCE, labels=False))
    net = made.folds[0]
    assert isinstance(net, GanModel)
    assert net.kinds == ()
    assert net.targets()[0] == Target("realism", "any cell")
    assert generate(made, 5).n_obs == 5
    with pytest.raises(ModelError, match="trained without labels"):
        generate(made, 5, "type 1")
    found = realism(made, dataset)
    assert np.isfinite(found.rank_c).all()
    assert alarm_of_generated(made, dataset).kinds == ("all cells",)
    assert alarm_of_imputed(made, dataset, impute(made, dataset)).q_kg.shape == (1, 40)


# Generated cells


def test_generated_cells_are_never_taken_for_counts(bundle: Bundle, tmp_path: Path) -> None:
    made = generate(bundle, 60, seed=4)
    assert made.X is None
    assert list(made.layers) == ["generated"]
    assert made.obs["glasscell.generated"].all()
    assert "never counts" in made.uns["glasscell.generated"]["caution"]
    assert set(made.obs[LABELS]) <= set(bundle.folds[0].kinds)
    made.write_h5ad(tmp_path / "made.h5ad")
    again = read(tmp_path / "made.h5ad")
    assert again.sizes_c is None
    assert again.counts is None
    with pytest.raises(NotCompatible):
        make_batch(again, bundle.folds[0], np.arange(3))
    whole = made.copy()  # somebody rounds them: the flag still says what they are
    whole.X = np.round(made.layers["generated"].toarray())
    assert Dataset(whole).counts is None
    del whole.uns["glasscell.generated"]
    assert Dataset(whole).counts == "X", "the flag is what keeps rounded values from being counts"


def test_the_seed_decides_and_a_label_is_obeyed(bundle: Bundle, dataset: Dataset) -> None:
    kind = bundle.folds[0].kinds[1]
    one, two, other = (generate(bundle, 40, kind, seed).layers["generated"].toarray() for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
    markers = dataset.adata.var["marker_of"].to_numpy()
    own, wrong = one[:, markers == kind].mean(), one[:, markers == bundle.folds[0].kinds[0]].mean()
    assert own > 1.5 * wrong
    with pytest.raises(ModelError, match="generates no 'liver'"):
        generate(bundle, 3, "liver")
    with pytest.raises(ModelError, match="at least"):
        generate(bundle, 0)


# Realism


def test_ranks_are_shares_of_other_held_out_cells_of_the_kind() -> None:
    rng = np.random.default_rng(3)
    value_c, kind_c = rng.normal(size=60).round(1), rng.integers(0, 3, 60)
    held_out = rng.random(60) < 0.5
    held_out[kind_c == 2] = False
    held_out[np.flatnonzero(kind_c == 2)[:FEWEST]] = True
    found = ranks(value_c, kind_c, held_out)
    for cell in range(60):
        among = [
            value_c[other]
            for other in range(60)
            if held_out[other] and kind_c[other] == kind_c[cell] and other != cell
        ]
        if kind_c[cell] == 2:
            assert np.isnan(found[cell])
        else:
            assert found[cell] == pytest.approx(np.mean([value < value_c[cell] for value in among]))


def test_scrambled_cells_look_less_real(bundle: Bundle, net: GanModel, dataset: Dataset) -> None:
    """Each gene from another cell of any kind: the critic was never shown such, and must not like them."""
    found = realism(bundle, dataset)
    counts = dataset.expression_cg("counts").toarray()
    rng = np.random.default_rng(0)
    mixed = np.stack([column[rng.permutation(240)] for column in counts.T], axis=1)
    scrambled = ad.AnnData(mixed, obs=dataset.adata.obs.copy(), var=dataset.adata.var.copy())
    worse = realism(bundle, Dataset(scrambled))
    assert np.nanmean(worse.value_c) < np.nanmean(found.value_c)
    own = [found.rank_c[found.kind_c == kind].mean() for kind in range(3)]
    assert np.mean(own) == pytest.approx(0.5, abs=0.15)
    values = realism_of(net, draw(net, found.kind_c[:20], 0))
    assert values.shape == (20,)
    others = dataset.adata[:20].copy()
    others.obs_names = [f"other {number}" for number in range(20)]
    with pytest.raises(NotCompatible, match="open the file"):
        realism(bundle, Dataset(others))


# Imputation


def test_imputed_values_are_means_over_the_nearest_generated_cells_of_the_kind(
    bundle: Bundle, net: GanModel, dataset: Dataset
) -> None:
    made = impute(bundle, dataset)
    assert (made.kind_p[made.neighbour_ck] == made.kind_c[:, None]).all()
    code_pd = made_codes(net.whole, made.kind_p, torch.Generator().manual_seed(0))
    latent = net.encode(make_batch(dataset, net, np.arange(9)))
    own = ((latent - net.whole.code_mean[:-1]) / net.whole.code_scale[:-1]).numpy()
    with torch.no_grad():
        codes = torch.from_numpy(code_pd)
        share_pg = net.whole.decode_code(codes, net.whole.kinds(torch.from_numpy(made.kind_p), codes))[
            0
        ].numpy()
    for cell in range(9):
        pool = [p for p in range(len(code_pd)) if made.kind_p[p] == made.kind_c[cell]]
        assert len(pool) == POOL
        far = sorted((float(((own[cell] - code_pd[p, :-1]) ** 2).sum()), p) for p in pool)[:10]
        assert sorted(made.neighbour_ck[cell]) == sorted(p for _, p in far)
        literal = share_pg[[p for _, p in far]].mean(axis=0)
        np.testing.assert_allclose(made.share(np.array([cell]))[0], literal, rtol=1e-3, atol=1e-6)
        logged = np.log1p(net.preprocessing.target_sum * literal)
        assert made.gene("GENE3")[cell] == pytest.approx(logged[3], rel=1e-3)
    np.testing.assert_allclose(made.share(np.arange(50)).sum(axis=1), 1, rtol=1e-4)
    counts = dataset.expression_cg("counts")[:, 3].toarray().ravel()
    observed = np.log1p(counts / dataset.sizes_c * net.preprocessing.target_sum)
    np.testing.assert_allclose(made.delta(dataset, "GENE3"), made.gene("GENE3") - observed, atol=1e-5)
    with pytest.raises(DataError, match="not trained on it"):
        made.gene("nobody")


# The alarm


def test_the_alarm_is_fishers_test() -> None:
    rng = np.random.default_rng(4)
    made, held = (sparse.csr_matrix(rng.poisson(rate, size=(n, 6))) for rate, n in ((0.5, 90), (0.2, 40)))
    kinds = np.arange(90) % 2, np.arange(40) % 2
    found = alarm_of((made, kinds[0]), (held, kinds[1]), ("a", "b"), tuple("uvwxyz"))
    p = np.ones((2, 6))
    for kind in range(2):
        for gene in range(6):
            hits = [
                int((table[mask == kind][:, gene] > 0).sum())
                for table, mask in zip((made, held), kinds, strict=True)
            ]
            sizes = [int((mask == kind).sum()) for mask in kinds]
            table = [[hits[0], sizes[0] - hits[0]], [hits[1], sizes[1] - hits[1]]]
            p[kind, gene] = stats.fisher_exact(table, alternative="greater").pvalue
            assert found.made_kg[kind, gene] == pytest.approx(hits[0] / sizes[0])
    np.testing.assert_allclose(
        found.q_kg, stats.false_discovery_control(p.ravel()).reshape(p.shape), rtol=1e-8
    )
    assert np.array_equal(found.fires_kg, (found.q_kg < 0.05) & (found.made_kg > 2 * found.held_kg))


def test_it_fires_on_a_generator_that_gives_a_kind_anothers_markers(
    bundle: Bundle, net: GanModel, dataset: Dataset
) -> None:
    honest = alarm_of_generated(bundle, dataset)
    assert honest.rate <= 0.05
    patched = net.to()
    pair = patched.whole.adversary.generator
    for layer in (pair.kind, pair.kind_again):
        layer.weight[:, 0] = layer.weight[:, 1]
    fooled = replace(bundle, folds=(patched,))
    found = alarm_of_generated(fooled, dataset)
    markers = dataset.adata.var["marker_of"].to_numpy()
    planted = {f"GENE{gene}" for gene in np.flatnonzero(markers == net.kinds[1])}
    named = [one for one in found.found() if one.kind == net.kinds[0]]
    assert len({one.gene for one in named} & planted) >= 4
    assert found.rate > honest.rate
    assert named[0].gene in found.sentence()
    assert named[0].made > 2 * named[0].held


def test_it_fires_on_values_imputed_into_a_kind_without_them(
    bundle: Bundle, net: GanModel, dataset: Dataset
) -> None:
    """A gene taken out of a kind's cells, but not out of what is imputed into it."""
    kinds = dataset.obs[LABELS].to_numpy()
    counts = dataset.expression_cg("counts").toarray()
    gene = int(np.flatnonzero(dataset.adata.var["marker_of"].to_numpy() == net.kinds[0])[0])
    without = counts.copy()
    without[kinds == net.kinds[0], gene] = 0
    bare = Dataset(ad.AnnData(without, obs=dataset.adata.obs.copy(), var=dataset.adata.var.copy()))
    honest = alarm_of_imputed(bundle, dataset, impute(bundle, dataset))
    assert not honest.fires_kg.any()
    code_pd = made_codes(net.whole, np.repeat(np.arange(3), 50), torch.Generator().manual_seed(0))
    made = impute_from(net, code_pd, np.repeat(np.arange(3), 50), bare)
    assert [(one.kind, one.gene) for one in alarm_of_imputed(bundle, bare, made).found()] == [
        (net.kinds[0], f"GENE{gene}")
    ]


def test_kinds_of_too_few_held_out_cells_are_not_judged() -> None:
    made, held = sparse.csr_matrix(np.ones((40, 3))), sparse.csr_matrix(np.zeros((24, 3)))
    kinds = np.arange(40) % 2, np.r_[np.zeros(20, int), np.ones(4, int)]
    found = alarm_of((made, kinds[0]), (held, kinds[1]), ("a", "b"), tuple("xyz"))
    assert found.unjudged == ("b",)
    assert found.fires_kg.tolist() == [[True] * 3, [False] * 3]
    assert "Not judged, too few held out: b." in found.sentence()


# Figures and impostors


def test_impostors_fail_by_what_they_lack(data: TrainingData) -> None:
    train, held = np.arange(160), np.arange(160, 240)
    rows = data.rows.table_cg
    yardstick = Yardstick(rows[held], rows[train])
    copies = yardstick.likeness(rows[np.arange(80)])
    assert copies.nearest < 1e-3
    same = sparse.csr_matrix(np.tile(np.asarray(rows[train].mean(axis=0)), (80, 1)))
    assert yardstick.auc(same)["forest"] > 0.95
    nobody = np.zeros(160, np.int64)
    mixed = independent(data, train, nobody, np.zeros(80, np.int64), 0)
    assert yardstick.correlation(mixed) > 1.5 * copies.correlation
    assert abs(copies.auc["logistic"] - 0.5) < 0.2


def test_the_independent_sampler_keeps_genes_and_loses_their_company(data: TrainingData) -> None:
    kind_c, wanted = data.codes[:160].astype(np.int64), np.arange(90) % 3
    drawn = independent(data, np.arange(160), kind_c, wanted, 0)
    counts = data.counts.table_cg.toarray()[:160]
    for kind in range(3):
        seen = (counts[kind_c == kind] > 0).any(axis=0)
        assert not (drawn[wanted == kind].toarray()[:, ~seen] > 0).any()
    assert np.isfinite(drawn.data).all()


def test_figures_put_impostors_beside(bundle: Bundle) -> None:
    assert list(bundle.figures) == ["gan", INDEPENDENT, COPIES]
    assert bundle.figures[COPIES][NEAREST] > 1e3
    assert bundle.figures["gan"][NEAREST] < 2
    assert bundle.figures["gan"][ALARM] <= 0.05


# Written back


def test_what_was_found_is_written_and_no_layer_with_it(bundle: Bundle, dataset: Dataset) -> None:
    written = annotate(dataset, bundle, ["GENE3"]).adata
    assert set(written.layers) == set(dataset.adata.layers)
    prefix = "glasscell.gan"
    for name in ("realism", "realism_rank", "imputed.GENE3", "delta.GENE3"):
        assert f"{prefix}.{name}" in written.obs
        assert f"{prefix}.{name}" not in dataset.adata.obs
    assert "do not test genes" in written.uns[prefix]["imputed"]
    assert written.uns[prefix]["alarm_generated"].startswith("The alarm fires at")
    size_c = np.asarray(dataset.sizes_c)
    observed = normalise(dataset.expression_cg("counts"), size_c, bundle.folds[0].preprocessing.target_sum)
    gap = written.obs[f"{prefix}.imputed.GENE3"] - written.obs[f"{prefix}.delta.GENE3"]
    np.testing.assert_allclose(gap, observed[:, 3].toarray().ravel(), atol=1e-5)


def test_labels_are_refused_where_a_family_takes_none(dataset: Dataset) -> None:
    request = replace(ask(dataset, ONCE), family="vae", params=None)
    with pytest.raises(NotCompatible, match="leave the labels out"):
        fit(dataset, request)


def test_labels_are_looked_at_before_training_where_there_are_some(dataset: Dataset) -> None:
    said = [
        next(line.sentence for line in check("gan", dataset, labels).lines if line.name == "labels")
        for labels in ("", LABELS)
    ]
    assert "without labels" in said[0]
    assert "3 classes" in said[1]
