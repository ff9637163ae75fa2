"""Families ``svae`` and ``ivae``: their bound by hand, which unit moves what, and perturbations not seen."""

from __future__ import annotations

import itertools
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.errors import DataError, JobCancelled, ModelError, NotCompatible
from glasscell.explain.explain import explain
from glasscell.explain.request import ExplainRequest
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.capability.action import GivesActions, UsesAction
from glasscell.models.capability.intervention import Intervenes
from glasscell.models.capability.latent import Decodes, Encodes
from glasscell.models.capability.structure import Structured
from glasscell.models.cell_batch import CellBatch, Intervention
from glasscell.models.family import FoldPlan
from glasscell.models.fit import FitRequest, fit, fit_twin
from glasscell.models.preflight import check
from glasscell.models.svae.family import SVAE, IvaeParams, ShiftModel, SvaeParams
from glasscell.models.svae.likelihood import weighted_bound
from glasscell.models.svae.network import gated_divergence
from glasscell.models.svae.new_action import fit_action, with_action
from glasscell.models.svae.posterior import refine
from glasscell.models.svae.rotation import sparsest_rotation
from glasscell.models.svae.shift_prior import ShiftPrior
from glasscell.models.svae.train import ShiftTask, make_network
from glasscell.models.training_data import training_data
from glasscell.testing.check import check_model
from glasscell.testing.sparse_shift import ShiftSizes, sparse_shift_adata

SIZES = ShiftSizes(n_actions=6, n_cells=30, n_latent=3, n_genes=24, depth=400.0)
SMALL = {"n_latent": 3, "hidden": 16, "n_layers": 1, "warm_up": 3, "batch_size": 32, "learning_rate": 1e-2}
FAST = SvaeParams(**SMALL, sparsity=5.0, dense_epochs=6, mask_epochs=12, max_epochs=8, patience=4)


@pytest.fixture(scope="module")
def shifted() -> Dataset:
    adata = sparse_shift_adata(SIZES, seed=1)
    names = {"P001": "A", "P002": "B"}
    adata.obs["action"] = adata.obs["action"].cat.rename_categories(names)
    return Dataset(adata)


@pytest.fixture(scope="module")
def request_svae(shifted: Dataset) -> FitRequest:
    return FitRequest(family="svae", params=FAST, seed=5, action=read_labels(shifted, "action"))


@pytest.fixture(scope="module")
def svae(shifted: Dataset, request_svae: FitRequest) -> Bundle:
    return fit(shifted, request_svae)


@pytest.fixture(scope="module")
def net(svae: Bundle) -> ShiftModel:
    model = svae.folds[0]
    assert isinstance(model, ShiftModel)
    return model


def test_divergence_is_the_mean_over_all_masks() -> None:
    rng = torch.Generator().manual_seed(0)
    mean, shift = (torch.randn(4, 3, generator=rng, dtype=torch.float64) for _ in range(2))
    variance, gate = (torch.rand(4, 3, generator=rng, dtype=torch.float64) + 0.05 for _ in range(2))
    gate = gate / 1.1
    expected = torch.zeros(4, dtype=torch.float64)
    posterior = torch.distributions.Normal(mean, variance.sqrt())
    for mask in itertools.product((0.0, 1.0), repeat=3):
        coins = torch.tensor(mask, dtype=torch.float64)
        chance = (coins * gate + (1 - coins) * (1 - gate)).prod(dim=1)
        prior = torch.distributions.Normal(coins * shift, torch.ones_like(shift))
        expected += chance * torch.distributions.kl_divergence(posterior, prior).sum(dim=1)
    torch.testing.assert_close(gated_divergence(mean, variance, gate, shift), expected)


def test_a_shift_is_expected_as_a_sum_over_targets_and_widths_says() -> None:
    """Against the plain sum over all sets of targets and all widths, with densities of torch."""
    prior, found_z = ShiftPrior(0.3, 9.0), torch.tensor([0.2, -3.0, 0.7], dtype=torch.float64)
    variance_z = torch.tensor([0.1, 0.2, 0.05], dtype=torch.float64)
    total, targeted = torch.zeros((2, 3), dtype=torch.float64)
    weights = 0.0
    for width in (np.arange(40) + 0.5) / 40:
        for targets in itertools.product((False, True), repeat=3):
            wide_z = torch.where(torch.tensor(targets), 9.0, width**2)
            seen = torch.distributions.Normal(torch.zeros(3).double(), (wide_z + variance_z).sqrt())
            n = sum(targets)
            weight = float(seen.log_prob(found_z).sum().exp()) * 0.3**n * 0.7 ** (3 - n)
            total += weight * found_z * wide_z / (wide_z + variance_z)
            targeted += weight * torch.tensor(targets)
            weights += weight
    expected_z, target_z = prior.expected(found_z, variance_z)
    torch.testing.assert_close(expected_z, total / weights)
    torch.testing.assert_close(target_z, targeted / weights)


def test_few_cells_are_believed_less_and_many_are_believed() -> None:
    prior = ShiftPrior(0.2, 16.0)
    found_z = torch.tensor([0.3, -0.3, 0.2, -0.1, 0.25, 4.0], dtype=torch.float64)

    def kept(variance: float) -> torch.Tensor:
        return prior.expected(found_z, torch.full_like(found_z, variance))[0] / found_z

    few, many = kept(1 / 5), kept(1 / 5000)
    assert bool((few[:5] < 0.35).all())
    assert float(few[5]) > 0.97
    assert float(many.min()) > 0.99
    dense, target_z = ShiftPrior(1.0, 16.0).expected(found_z, torch.full_like(found_z, 0.2))
    torch.testing.assert_close(dense, found_z * 16 / 16.2)  # without a mask all latents count alike
    assert target_z.tolist() == [1.0] * 6


def test_what_is_expected_is_learnt_from_the_known_perturbations(net: ShiftModel) -> None:
    parts, prior = net.parts(), ShiftPrior.of(net.network)
    others = np.arange(len(net.actions)) != net.actions.index(net.control)
    gates, effects = parts["gates"][others] > 0.5, parts["effects"][others]
    assert prior.share == pytest.approx((gates.sum() + 1) / (gates.size + 1))
    assert prior.variance == pytest.approx((effects[gates] ** 2).mean(), rel=1e-5)


def test_what_is_learnt_later_does_not_hang_on_the_order(net: ShiftModel, shifted: Dataset) -> None:
    """Impostor: a prior that also counts what was learnt later, shrunk as it is."""
    first, second = (np.flatnonzero(np.asarray(shifted.obs["action"] == name)) for name in ("P003", "P004"))

    def learnt(*cells: np.ndarray) -> ShiftModel:
        model = net
        for number, one in enumerate(cells):
            model = fit_action(model, shifted, one[:8], f"new {number}")
        return model

    forth, back = learnt(first, second).parts(), learnt(second, first).parts()
    for name in ("effects", "gates"):
        np.testing.assert_array_equal(forth[name][-2:], back[name][-2:][::-1])
    more = learnt(first, second)
    assert ShiftPrior.of(more.network) == ShiftPrior.of(net.network)
    spoilt = deepcopy(more.network)
    spoilt.n_trained = len(more.actions)
    assert ShiftPrior.of(spoilt) != ShiftPrior.of(net.network)
    gates_z, effects_z = more.parts()["gates"][-1], more.parts()["effects"][-1]
    assert ((gates_z > 0) & (gates_z < 1)).any()
    assert np.abs(effects_z).argmax() == gates_z.argmax()
    assert effects_z.all(), "latents that are no targets keep what they are shifted"


@pytest.mark.parametrize("n_train", [60, 120])
def test_the_prior_of_the_mask_is_one_term_for_all_cells(
    shifted: Dataset, request_svae: FitRequest, n_train: int
) -> None:
    """Summed over the training cells the loss holds -log Beta(gate; 1, K0) once, whatever their number.

    An impostor that adds it to the mean of a batch has it n times: at 1,000 cells and more every gate closes.
    """
    data = training_data(shifted, request_svae, SVAE, "cpu")
    task = ShiftTask(data, FoldPlan(np.arange(n_train), np.empty(0, np.int64), 3, "cpu"), FAST)
    network = make_network(FAST, len(data.genes), 0, len(data.actions), data.actions.index(data.control), 3)
    network.train().steps.fill_(10 * task.warm_up_steps)
    assert network.gate_weights is not None
    with torch.no_grad():
        network.gate_weights.copy_(torch.linspace(-0.4, 0.4, network.gate_weights.numel()).view(-1, 3))
    losses = []
    for masking in (False, True):
        task.masking = masking
        with torch.random.fork_rng():
            torch.manual_seed(0)
            losses.append(float(task.loss(deepcopy(network), torch.arange(40)).detach().double()))
    gate = torch.sigmoid(network.gate_logits().detach().double())[
        np.arange(len(data.actions)) != network.control
    ]
    beta = torch.distributions.Beta(torch.ones_like(gate), FAST.sparsity)
    wanted = float((np.log(FAST.sparsity) - beta.log_prob(gate)).sum())
    assert (losses[1] - losses[0]) * n_train * len(data.genes) == pytest.approx(wanted, rel=1e-3)


def test_turns_shifts_back_to_planted_axes() -> None:
    rng = np.random.default_rng(2)
    sparse_az = np.where(rng.random((60, 8)) < 0.2, rng.choice([-5.0, 5.0], (60, 8)), 0.0)
    hidden_az = sparse_az @ stats.ortho_group.rvs(8, random_state=3)
    turn_zz = sparsest_rotation(hidden_az + rng.normal(0, 0.1, hidden_az.shape))
    np.testing.assert_allclose(turn_zz.T @ turn_zz, np.eye(8), atol=1e-10)
    match_zz = np.abs(np.corrcoef((hidden_az @ turn_zz).T, sparse_az.T)[:8, 8:])
    assert sorted(match_zz.argmax(axis=1)) == list(range(8))
    assert match_zz.max(axis=1).min() > 0.99
    np.testing.assert_array_equal(sparsest_rotation(np.zeros((4, 3))), np.eye(3))


def test_turning_changes_axes_and_nothing_else(net: ShiftModel, shifted: Dataset) -> None:
    """Decoded shares and distances from each action's prior stay; latents and shifts turn alike."""
    network = deepcopy(net.network)
    assert network.gate_weights is not None
    network.gate_weights.data.fill_(1.0)
    turn_zz = torch.from_numpy(stats.ortho_group.rvs(3, random_state=4)).float()
    full = net.with_network(deepcopy(network))
    network.turn(turn_zz)
    turned = net.with_network(network)
    batch = make_batch(shifted, net, np.arange(0, shifted.n_cells, 20))
    torch.testing.assert_close(turned.encode(batch), full.encode(batch) @ turn_zz)
    torch.testing.assert_close(
        turned.decode(turned.encode(batch), batch), full.decode(full.encode(batch), batch)
    )
    torch.testing.assert_close(network.effects(), full.network.effects() @ turn_zz)
    for code in range(len(net.actions)):
        torch.testing.assert_close(turned.given(batch, code), full.given(batch, code) @ turn_zz)


def test_keeps_the_promises_of_a_model(net: ShiftModel, shifted: Dataset) -> None:
    batch = make_batch(shifted, net, np.arange(0, shifted.n_cells, 40))
    assert batch.action is not None
    names = np.asarray(shifted.obs["action"].astype(str))[::40]
    assert [net.actions[code] for code in batch.action] == names.tolist()
    check_model(net, batch)
    for protocol in (Encodes, Decodes, UsesAction, Structured, Intervenes, GivesActions):
        assert isinstance(net, protocol)


def test_only_the_prior_knows_the_action(net: ShiftModel, shifted: Dataset) -> None:
    batch = make_batch(shifted, net, np.arange(8))
    assert batch.action is not None
    other = replace(batch, action=(batch.action + 1) % len(net.actions))
    assert torch.equal(net.encode(batch), net.encode(other))
    latent = net.encode(batch)
    assert torch.equal(net.decode(latent, batch), net.decode(latent, other))


def test_an_action_moves_the_latents_its_gates_name(net: ShiftModel, shifted: Dataset) -> None:
    parts = net.parts()
    gates, effects = parts["gates"], parts["effects"]
    assert set(np.unique(gates)) <= {0.0, 1.0}
    np.testing.assert_allclose(effects, gates * parts["shifts"])
    assert not gates[net.action_code("control")].any(), "shifts are changes from the control"
    controls = np.flatnonzero(np.asarray(shifted.obs["action"] == "control"))
    batch = make_batch(shifted, net, controls)
    latent = net.encode(batch)
    for code in range(len(net.actions)):
        moved = net.given(batch, code) - latent
        torch.testing.assert_close(moved, torch.tensor(effects[code]).expand_as(moved), atol=1e-5, rtol=0)
        assert not moved[:, gates[code] == 0].any()
    one = make_batch(shifted, net, np.flatnonzero(np.asarray(shifted.obs["action"] == "A")))
    torch.testing.assert_close(net.given(one, net.action_code("A")), net.encode(one), atol=1e-5, rtol=0)


def test_origin_and_shifts_lie_at_mean_latents(svae: Bundle, net: ShiftModel, shifted: Dataset) -> None:
    """Each latent's mean over cells it is not shifted in is zero."""
    assert svae.cells.latent_cz is not None
    used = svae.cells.fold < 0  # validation cells are among these
    gates = net.parts()["gates"]
    code = np.asarray([net.actions.index(name) for name in shifted.obs["action"].astype(str)])
    for k in range(3):
        shut = gates[code, k] == 0
        assert abs(svae.cells.latent_cz[used & shut, k].mean()) < 0.2


def test_bundle_opens_as_it_was(svae: Bundle, net: ShiftModel, shifted: Dataset, tmp_path: Path) -> None:
    save_bundle(svae, tmp_path / "bundle")
    again = load_bundle(tmp_path / "bundle")
    model = again.folds[0]
    assert isinstance(model, ShiftModel)
    assert again.fingerprint == svae.fingerprint
    assert (model.actions, model.control, model.action_column) == (net.actions, "control", "action")
    batch = make_batch(shifted, net, np.arange(20))
    assert torch.equal(model.encode(batch), net.encode(batch))
    assert torch.equal(model.given(batch, 1), net.given(batch, 1))
    for name in ("gates", "shifts", "effects"):
        np.testing.assert_array_equal(model.parts()[name], net.parts()[name])


def test_the_twin_is_lined_up_with_its_shifts(
    svae: Bundle, net: ShiftModel, request_svae: FitRequest, shifted: Dataset
) -> None:
    assert fit_twin(svae, shifted, request_svae).twin is not None
    order, sign = np.array([2, 0, 1]), np.array([1, -1, -1], np.float32)
    turned = SVAE.aligned(net, order, sign)
    batch = make_batch(shifted, net, np.arange(6))
    signs = torch.from_numpy(sign)
    torch.testing.assert_close(turned.given(batch, 2), net.given(batch, 2)[:, order] * signs)
    torch.testing.assert_close(
        turned.decode(turned.encode(batch), batch), net.decode(net.encode(batch), batch)
    )


def test_a_new_perturbation_leaves_the_rest_as_it_is(net: ShiftModel, shifted: Dataset) -> None:
    cells = np.flatnonzero(np.asarray(shifted.obs["action"] == "P003"))
    more = fit_action(net, shifted, cells, "new")
    batch = make_batch(shifted, net, np.arange(10))
    assert torch.equal(more.encode(batch), net.encode(batch))
    for code in range(len(net.actions)):
        assert torch.equal(more.given(batch, code), net.given(batch, code))
    assert more.actions == (*net.actions, "new")
    batch = as_given(make_batch(shifted, net, cells), more, "new")
    latents, _ = refine(more, batch, counts_of(shifted, cells), more.spread(batch))
    np.testing.assert_allclose(more.parts()["effects"][-1], latents.mean(dim=0).numpy(), atol=0.06)
    with pytest.raises(NotCompatible, match="already"):
        fit_action(net, shifted, cells, "A")
    with pytest.raises(ModelError, match="too few"):
        fit_action(net, shifted, cells[:2], "new")


def as_given(batch: CellBatch, model: ShiftModel, action: str) -> CellBatch:
    return replace(batch, action=torch.full_like(batch.indices, model.action_code(action)))


def counts_of(dataset: Dataset, cells: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(dataset.expression_cg("counts")[cells].toarray())


def test_a_new_shift_does_not_inherit_what_the_encoder_gets_wrong(net: ShiftModel, shifted: Dataset) -> None:
    """Impostors: the mean of what the encoder says, the control's shift and another perturbation's."""
    cells = np.flatnonzero(np.asarray(shifted.obs["action"] == "P003"))
    off = net.to()
    with torch.no_grad():
        off.network.encoder.mean.bias += torch.tensor([0.7, -0.7, 0.7])
    known = fit_action(off, shifted, cells[::2], "new")
    said_z = off.encode(make_batch(shifted, off, cells[::2])).mean(dim=0)
    by_encoder = with_action(off, "new", said_z, torch.ones_like(said_z))
    rest, counts = make_batch(shifted, net, cells[1::2]), counts_of(shifted, cells[1::2])

    def bound(model: ShiftModel, action: str) -> float:
        return float(weighted_bound(model, as_given(rest, model, action), counts, n_samples=200).mean())

    right_z = fit_action(net, shifted, cells[::2], "new").parts()["effects"][-1]
    assert np.abs(known.parts()["effects"][-1] - right_z).max() < 0.2
    assert np.abs(by_encoder.parts()["effects"][-1] - right_z).max() > 0.5
    ours = bound(known, "new")
    off_by_more = with_action(off, "new", 2 * said_z - torch.tensor(right_z), torch.ones_like(said_z))
    assert ours > bound(off_by_more, "new") + 0.2, "15 cells tell a shift twice as wrong, .7 is within chance"
    assert ours > bound(known, "control") + 1
    assert ours > bound(known, "A") + 1


def test_fitted_latents_make_the_bound_larger_and_keep_the_prior_in_mind(
    net: ShiftModel, shifted: Dataset
) -> None:
    """Latents far off come back to what Newton's method finds; without counts they go to the prior."""
    batch = make_batch(shifted, net, np.arange(40, 44))
    counts = counts_of(shifted, np.arange(40, 44))
    mean, variance = net.spread(batch)
    near, width = refine(net, batch, counts, (mean, variance), n_steps=200)
    far, _ = refine(net, batch, counts, (mean + 1.0, variance), n_steps=200)
    torch.testing.assert_close(near, far, atol=0.1, rtol=0)
    assert batch.size is not None
    nothing = replace(batch, size=torch.full_like(batch.size, 1e-6))
    prior, spread = refine(net, nothing, 0 * counts, (mean, variance), n_steps=400)
    # A size below one counts as one, so a molecule is still expected: nearly the prior, not quite.
    assert batch.action is not None
    effects = torch.from_numpy(np.array(net.parts()["effects"]))[batch.action]
    torch.testing.assert_close(prior, effects, atol=0.15, rtol=0)
    torch.testing.assert_close(spread, torch.ones_like(spread), atol=0.2, rtol=0)
    assert (width < spread).all()


def test_pairs_it_has_not_seen_are_refused(net: ShiftModel) -> None:
    with pytest.raises(NotCompatible, match=r"A\+B together.*cannot be added"):
        net.action_code("A+B")
    with pytest.raises(NotCompatible, match="has not seen the perturbation 'Z'"):
        net.action_code("Z")


def test_gives_cells_an_action_and_nothing_else(net: ShiftModel, shifted: Dataset) -> None:
    batch = make_batch(shifted, net, np.arange(0, shifted.n_cells, 30))
    assert batch.action is not None
    code = net.action_code("A")
    changed = net.apply(batch, Intervention(action=code))
    assert changed.action is not None
    assert (changed.action == code).all()
    same = batch.action == code
    assert torch.equal(changed.expression[same], batch.expression[same]), "those that have it stay measured"
    expected = net.decode(net.given(batch, code), batch)
    torch.testing.assert_close(changed.expression[~same], expected[~same])
    with pytest.raises(NotCompatible, match="that only"):
        net.apply(batch, Intervention(genes={"g000": 0.0}))
    with pytest.raises(NotCompatible, match="no action number 99"):
        net.given(batch, 99)


def test_weighted_bound_by_hand(net: ShiftModel, shifted: Dataset) -> None:
    batch = make_batch(shifted, net, np.arange(28, 34))
    counts = shifted.expression_cg("counts")[28:34].toarray()
    got = weighted_bound(net, batch, torch.from_numpy(counts), n_samples=4, seed=3)
    assert batch.action is not None
    assert batch.size is not None
    mean, variance = refine(net, batch, torch.from_numpy(counts), net.spread(batch), seed=4)
    noise = torch.randn((6, 4, 3), generator=torch.Generator().manual_seed(3))
    theta = net.network.log_dispersion.clamp(-8, 10).exp().double().numpy()
    effects = net.parts()["effects"]
    for cell in range(6):
        terms = []
        for draw in range(4):
            z = mean[cell] + variance[cell].sqrt() * noise[cell, draw]
            rate = (net.share(z[None], batch_of_one(batch, cell))[0] * batch.size[cell]).double().numpy()
            fit_ = stats.nbinom.logpmf(counts[cell], theta, theta / (theta + rate)).sum()
            prior = stats.norm.logpdf(z.numpy(), effects[batch.action[cell]], 1.0).sum()
            own = stats.norm.logpdf(z.numpy(), mean[cell].numpy(), variance[cell].sqrt().numpy()).sum()
            terms.append(fit_ + prior - own)
        assert float(got[cell]) == pytest.approx(np.logaddexp.reduce(terms) - np.log(4), rel=1e-4)


def batch_of_one(batch, cell):
    return replace(batch, expression=batch.expression[cell : cell + 1], batch=None)


def test_latents_can_be_attributed(svae: Bundle, shifted: Dataset) -> None:
    request = ExplainRequest(method="integrated_gradients", target="latent:1", cells=np.arange(10))
    found = explain(shifted, svae, request)
    assert np.abs(found.block(np.arange(10))).max() > 0


def test_dense_model_opens_every_gate_but_the_controls(shifted: Dataset) -> None:
    params = IvaeParams(**SMALL, max_epochs=3)
    bundle = fit(shifted, FitRequest(family="ivae", params=params, action=read_labels(shifted, "action")))
    model = bundle.folds[0]
    assert isinstance(model, ShiftModel)
    gates = model.parts()["gates"]
    control = np.asarray(model.actions) == "control"
    assert (gates[~control] == 1).all()
    assert not gates[control].any()


def test_what_it_needs_is_said(shifted: Dataset) -> None:
    action = read_labels(shifted, "action")
    with pytest.raises(NotCompatible, match="name the column of actions"):
        fit(shifted, FitRequest(family="svae", params=FAST))
    with pytest.raises(NotCompatible, match="knows no actions"):
        fit(shifted, FitRequest(family="vae", action=action))
    with pytest.raises(DataError, match="No cell has the action 'nothing'"):
        fit(shifted, FitRequest(family="svae", params=FAST, action=action, control="nothing"))
    assert not check("svae", shifted)
    assert "name the column" in " ".join(check("svae", shifted).reasons)
    found = check("svae", shifted, action="action")
    assert found
    said = next(line.sentence for line in found.lines if line.name == "actions")
    assert "6 actions and control" in said
    assert "No cell has the action" in " ".join(check("svae", shifted, action="action", control="x").reasons)


def test_can_be_cancelled(shifted: Dataset, request_svae: FitRequest) -> None:
    class Stop:
        def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
            if metrics:
                raise JobCancelled

    with pytest.raises(JobCancelled):
        fit(shifted, request_svae, Stop())


def test_cells_of_no_known_action_are_not_learnt_from(shifted: Dataset) -> None:
    action = read_labels(shifted, "action")
    codes = action.codes.copy()
    codes[:20] = -1
    params = IvaeParams(**SMALL, max_epochs=2)
    bundle = fit(shifted, FitRequest(family="ivae", params=params, action=replace(action, codes=codes)))
    assert any("20 cells say nothing" in note for note in bundle.notes)


@pytest.mark.slow
def test_finds_planted_targets_and_not_shuffled_ones() -> None:
    """Impostor: with actions dealt out anew there is nothing to find, and gates close."""
    dataset = Dataset(sparse_shift_adata(ShiftSizes(30, 100, 6, 50, 600.0), seed=4))
    action = read_labels(dataset, "action")
    params = SvaeParams(
        n_latent=6, hidden=64, warm_up=8, dense_epochs=30, mask_epochs=30, max_epochs=10, batch_size=128
    )
    truth = fit(dataset, FitRequest(family="svae", params=params, action=action)).folds[0]
    mixed = np.random.default_rng(0).permutation(action.codes).astype(np.int32)
    shuffled = replace(action, codes=mixed)
    impostor = fit(dataset, FitRequest(family="svae", params=params, action=shuffled)).folds[0]
    assert isinstance(truth, ShiftModel)
    assert isinstance(impostor, ShiftModel)
    assert 0.1 < truth.parts()["gates"][1:].mean() < 0.7
    assert impostor.parts()["gates"].mean() < 0.02
