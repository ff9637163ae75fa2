"""The family ``additive_vae``: each factor's effect by hand, its promises, its bundle, what moves what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.errors import JobCancelled, NotCompatible
from glasscell.explain.explain import explain
from glasscell.explain.request import ExplainRequest
from glasscell.explain.traversal import TraverseRequest, traverse
from glasscell.explain.traversal.effect import possible_effects
from glasscell.models.additive_vae.effect import (
    PSEUDO_SHARE,
    effects_of_curves,
    effects_of_lines,
    present_effects,
    vanished,
)
from glasscell.models.additive_vae.family import FAMILY, AdditiveModel, AdditiveParams
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.capability.first_linear import FirstLinear
from glasscell.models.capability.latent import Decodes, Encodes
from glasscell.models.capability.structure import Structured
from glasscell.models.capability.technical_batch import UsesBatch
from glasscell.models.cell_batch import CellBatch
from glasscell.models.fit import FitRequest, fit, fit_twin
from glasscell.models.target import Target
from glasscell.models.vae.figure import DEVIANCE, GENE_MEAN
from glasscell.testing.check import check_model

FAST = AdditiveParams(
    n_latent=4,
    hidden=24,
    decoder_hidden=8,
    n_layers=2,
    max_epochs=30,
    patience=8,
    warm_up=5,
    batch_size=32,
    learning_rate=1e-2,
)
LINEAR = FAST.model_copy(update={"linear": True})


def request_for(dataset: Dataset, params: AdditiveParams) -> FitRequest:
    return FitRequest(family="additive_vae", params=params, seed=5, batch=read_labels(dataset, "section"))


@pytest.fixture(scope="module")
def curved(dataset: Dataset) -> Bundle:
    return fit(dataset, request_for(dataset, FAST))


@pytest.fixture(scope="module")
def straight(dataset: Dataset) -> Bundle:
    return fit(dataset, request_for(dataset, LINEAR))


@pytest.fixture(params=["curved", "straight"])
def made(request: pytest.FixtureRequest) -> Bundle:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Bundle)
    return found


def net_of(bundle: Bundle) -> AdditiveModel:
    net = bundle.folds[0]
    assert isinstance(net, AdditiveModel)
    return net


def by_hand(net: AdditiveModel, latent_cz: np.ndarray, codes: list[int]) -> np.ndarray:
    """Decode cell by cell, factor by factor and gene by gene, with plain numbers."""
    state = {name: tensor.double().numpy() for name, tensor in net.network.state_dict().items()}
    share_cg = np.empty((len(latent_cz), len(net.genes)))
    for c, latent_z in enumerate(latent_cz.astype(np.float64)):
        for g in range(len(net.genes)):
            base = state["decoder.gene_bias"][g] + state["decoder.gene_batch.weight"][g, codes[c]]
            terms = []
            for k, value in enumerate(latent_z):
                if net.linear:
                    terms.append(value * state["decoder.factors.genes.weight"][g, k])
                    continue
                hidden = value * state["decoder.factors.weight_zh"][k] + state["decoder.factors.offset_zh"][k]
                hidden = np.where(hidden > 0, hidden, np.expm1(hidden))
                hidden = state["decoder.factors.body.1.weight"] @ hidden
                hidden = hidden + state["decoder.factors.body.1.bias"]
                hidden = np.where(hidden > 0, hidden, np.expm1(hidden))
                terms.append(float(hidden @ state["decoder.factors.genes.weight"][g]))
            added = sum(terms) if net.linear else np.log(sum(np.exp(term) for term in terms))
            share_cg[c, g] = np.exp(base + added)
    return share_cg / share_cg.sum(axis=1, keepdims=True)


def test_decodes_as_by_hand(made: Bundle, dataset: Dataset) -> None:
    net = net_of(made)
    batch = make_batch(dataset, net, np.arange(4))
    batch = replace(batch, batch=torch.tensor([0, 1, 1, 0]))
    latent = net.encode(batch)
    expected = by_hand(net, latent.numpy(), [0, 1, 1, 0])
    np.testing.assert_allclose(net.share(latent, batch).numpy(), expected, rtol=2e-4)
    total = net.preprocessing.target_sum or 1.0
    np.testing.assert_allclose(net.decode(latent, batch).numpy(), np.log1p(total * expected), rtol=2e-4)


def test_keeps_the_promises_of_a_model(made: Bundle, dataset: Dataset) -> None:
    net = net_of(made)
    batch = make_batch(dataset, net, np.arange(6))
    assert batch.batch is not None, "the model asks for the section"
    check_model(net, batch)
    for protocol in (FirstLinear, Encodes, Decodes, UsesBatch, Structured):
        assert isinstance(net, protocol)
    assert net.targets() == tuple(Target("latent", str(k)) for k in range(4))
    with pytest.raises(NotCompatible, match="one latent per cell"):
        net.log_rate(net.encode(batch)[:2], batch)


def test_one_latent_moves_its_own_curve_only(made: Bundle, dataset: Dataset) -> None:
    """Structure: the other factors and the batch have no say in what a factor gives."""
    net = net_of(made)
    batch = make_batch(dataset, net, np.arange(5))
    latent = net.encode(batch)
    moved = latent.clone()
    moved[:, 2] += 1.5
    before, after = net.split_log_rates(latent, batch), net.split_log_rates(moved, batch)
    others = [0, 1, 3]
    assert torch.equal(before[:, others], after[:, others])
    assert (before[:, 2] - after[:, 2]).abs().max() > 1e-3
    other_batch = replace(batch, batch=1 - batch.batch)
    step = after[:, 2] - before[:, 2]
    elsewhere = net.split_log_rates(moved, other_batch)[:, 2] - net.split_log_rates(latent, other_batch)[:, 2]
    torch.testing.assert_close(step, elsewhere, atol=1e-5, rtol=0)
    assert not torch.equal(net.share(latent, batch), net.share(latent, other_batch)), "the batch is decoded"


def test_what_factors_give_adds_up(curved: Bundle, straight: Bundle, dataset: Dataset) -> None:
    net = net_of(curved)
    batch = make_batch(dataset, net, np.arange(5))
    latent = net.encode(batch)
    added = torch.logsumexp(net.split_log_rates(latent, batch), dim=1)
    torch.testing.assert_close(added, net.log_rate(latent, batch))
    torch.testing.assert_close(torch.softmax(added, dim=1), net.share(latent, batch))
    line = net_of(straight)
    latent = line.encode(batch)
    base = line.log_rate(torch.zeros_like(latent), batch)
    torch.testing.assert_close(
        line.split_log_rates(latent, batch).sum(dim=1) + base, line.log_rate(latent, batch)
    )


def test_a_linear_decoder_is_its_loadings_to_a_millionth(straight: Bundle, dataset: Dataset) -> None:
    net = net_of(straight).to(dtype=torch.float64)
    batch = make_batch(dataset, net, np.arange(7))
    latent = net.encode(batch)
    loadings_kg = net.parts()["loadings"]
    np.testing.assert_allclose(loadings_kg.mean(axis=1), 0, atol=1e-7)
    for k in range(net.n_latent):
        tangent = torch.zeros_like(latent)
        tangent[:, k] = 1
        _, slope = torch.func.jvp(lambda z: net.log_rate(z, batch), (latent,), (tangent,))
        np.testing.assert_allclose(slope.numpy(), np.tile(loadings_kg[k], (7, 1)), atol=1e-6)
        # The same from decoded expression alone: its log share, centred over genes.
        moved = latent + 0.7 * tangent
        total = net.preprocessing.target_sum
        logs = [(net.decode(z, batch).expm1() / total).log() for z in (latent, moved)]
        change = (logs[1] - logs[0]) / 0.7
        change = change - change.mean(dim=1, keepdim=True)
        np.testing.assert_allclose(change.numpy(), np.tile(loadings_kg[k], (7, 1)), atol=1e-6)


def test_a_curved_decoder_has_no_loadings(curved: Bundle) -> None:
    with pytest.raises(NotCompatible, match="train it with linear on"):
        net_of(curved).loadings()
    assert "loadings" not in net_of(curved).parts()


def slow_effects(log_rate_kdsg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DRVI's maximum and minimum possible effect, one number at a time."""
    rate = np.exp(log_rate_kdsg.astype(np.float64))
    n_factors, n_sides, _, n_genes = rate.shape
    highest, lowest = np.empty((n_factors, n_sides, n_genes)), np.empty((n_factors, n_sides, n_genes))
    for k in range(n_factors):
        for d in range(n_sides):
            for g in range(n_genes):
                least, most = min(rate[k, d, :, g]), max(rate[k, d, :, g])
                low = sum(min(rate[j, :, :, g].ravel()) for j in range(n_factors) if j != k)
                high = sum(max(rate[j, :, :, g].ravel()) for j in range(n_factors) if j != k)
                highest[k, d, g] = np.log((low + most) / (low + least))
                lowest[k, d, g] = np.log((high + most) / (high + least))
    return highest, lowest


def test_possible_effects_are_those_by_hand(curved: Bundle) -> None:
    rng = np.random.default_rng(0)
    net = net_of(curved)
    values, curves = net.factor_curves(steps=5)
    np.testing.assert_allclose(values[:, 0, -1], np.maximum(net.high, 0))
    np.testing.assert_allclose(values[:, 1, -1], np.minimum(net.low, 0))
    np.testing.assert_array_equal(values[:, :, 0], 0)
    for log_rate in (rng.normal(size=(3, 2, 4, 6)), rng.normal(size=(1, 2, 4, 6)), curves[:, :, :, :7]):
        highest, lowest = slow_effects(log_rate)
        found = effects_of_curves(log_rate)
        np.testing.assert_allclose(found.highest_kdg, highest, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found.lowest_kdg, lowest, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found.combined_kdg, highest * lowest, rtol=1e-3, atol=1e-6)
        assert (found.lowest_kdg <= found.highest_kdg + 1e-6).all()
    rates = np.exp(curves.astype(np.float64))
    rates /= rates[:, 0, 0].sum()
    for pseudo in (0.0, 1e-4):
        same, own = possible_effects(rates[:, 0], rates[:, 1], pseudo), effects_of_curves(curves, pseudo)
        np.testing.assert_allclose(own.highest_kdg, same.highest_kdg, atol=1e-4)
        np.testing.assert_allclose(own.lowest_kdg, same.lowest_kdg, atol=1e-4)
    far = effects_of_curves(rng.normal(size=(2, 2, 3, 4)) * 400)
    assert np.isfinite(far.highest_kdg).all(), "worked out in logs"


def test_a_traversal_takes_the_exact_effects(made: Bundle, dataset: Dataset) -> None:
    found = traverse(dataset, made, TraverseRequest(sample=8))
    net = net_of(made)
    np.testing.assert_array_equal(found.highest_kdg, net.parts()["highest"])
    if not net.linear:
        exact = effects_of_curves(net.factor_curves()[1], PSEUDO_SHARE)
        np.testing.assert_array_equal(found.lowest_kdg, exact.lowest_kdg)


def test_effects_of_lines_do_not_depend_on_others() -> None:
    loadings = np.array([[1.0, -2.0], [0.5, 0.0]])
    found = effects_of_lines(loadings, np.array([-1.0, 0.2]), np.array([3.0, 4.0]))
    expected = [[[3, 6], [1, 2]], [[2, 0], [0, 0]]]
    np.testing.assert_allclose(found.highest_kdg, expected)
    np.testing.assert_allclose(found.lowest_kdg, expected)
    np.testing.assert_allclose(found.specificity_kdg[:, :, 0], [[0.5, 1 / 6], [1 / 3, 0]], rtol=1e-6)


def test_specificity_is_a_share(made: Bundle) -> None:
    parts = net_of(made).parts()
    np.testing.assert_allclose(parts["specificity"].sum(axis=(0, 1)), 1, rtol=1e-4)
    for name in ("highest", "lowest", "combined", "specificity"):
        assert parts[name].shape == (4, 2, 40)
        assert not parts[name].flags.writeable
    assert effects_of_curves(np.zeros((2, 2, 3, 4))).specificity_kdg.max() == 0, "nothing moves: no share"


def test_present_effect_is_what_a_cell_loses(curved: Bundle, dataset: Dataset) -> None:
    net = net_of(curved)
    batch = make_batch(dataset, net, np.arange(3))
    found = net.present_effects(batch)
    rate = net.split_log_rates(net.encode(batch), batch).double().exp().numpy()
    rate /= rate.sum(axis=(1, 2), keepdims=True)
    for k in range(4):
        rest = rate.sum(axis=1) - rate[:, k]
        np.testing.assert_allclose(found[:, k], np.log((rate.sum(axis=1) + 1e-6) / (rest + 1e-6)), atol=1e-4)
    assert np.isfinite(present_effects(np.array([[[0.0], [-800.0]]]))).all()


def test_vanished_factors_by_hand() -> None:
    low, high = np.array([-0.49, -0.5, -0.1, -3.0]), np.array([0.49, 0.0, 0.6, -0.1])
    assert vanished(low, high).tolist() == [True, False, False, False]


def test_factors_that_nothing_needs_vanish(dataset: Dataset) -> None:
    many = FAST.model_copy(update={"n_latent": 8, "n_layers": 1})
    net = net_of(fit(dataset, request_for(dataset, many)))
    assert 2 <= (~net.vanished).sum() <= 4, "three planted classes need two of eight, not eight"
    reach = net.parts()["highest"].max(axis=(1, 2))
    assert reach[~net.vanished].min() > reach[net.vanished].max(), "they move genes less"


def test_extremes_are_those_of_the_training_cells(curved: Bundle, dataset: Dataset) -> None:
    net = net_of(curved)
    latent = curved.cells.latent_cz
    assert latent is not None
    assert (latent.min(axis=0) <= net.low + 1e-4).all()
    assert (latent.max(axis=0) >= net.high - 1e-4).all()
    assert (net.low < net.high).all()


def test_a_bundle_without_labels(made: Bundle, dataset: Dataset) -> None:
    assert made.cells.latent_cz is not None
    assert made.cells.latent_cz.shape == (dataset.n_cells, 4)
    assert list(made.figures) == ["additive_vae", GENE_MEAN]
    assert made.figures["additive_vae"][DEVIANCE] < made.figures[GENE_MEAN][DEVIANCE]


def test_saved_and_read_back_bit_equal(made: Bundle, dataset: Dataset, tmp_path: Path) -> None:
    again = load_bundle(save_bundle(made, tmp_path / "model"))
    assert again.fingerprint == made.fingerprint
    net, other = net_of(made), net_of(again)
    batch = make_batch(dataset, net, np.arange(5))
    for target in net.targets():
        assert torch.equal(other.score(batch, target), net.score(batch, target))
    assert torch.equal(other.decode(other.encode(batch), batch), net.decode(net.encode(batch), batch))
    for name, values in net.parts().items():
        np.testing.assert_array_equal(other.parts()[name], values)


def test_the_same_seed_gives_the_same_bits(dataset: Dataset) -> None:
    short = request_for(dataset, FAST.model_copy(update={"max_epochs": 2}))
    state = torch.random.get_rng_state()
    one, two, three = fit(dataset, short), fit(dataset, short), fit(dataset, replace(short, seed=6))
    assert one.fingerprint == two.fingerprint != three.fingerprint
    assert torch.equal(torch.random.get_rng_state(), state)


def test_lining_up_factors_changes_their_order_and_nothing_else(made: Bundle, dataset: Dataset) -> None:
    order, sign = np.array([2, 0, 3, 1]), np.array([1, -1, 1, -1], np.float32)
    net = net_of(made)
    turned = FAMILY.aligned(net, order, sign)
    batch = make_batch(dataset, net, np.arange(5))
    torch.testing.assert_close(turned.encode(batch), net.encode(batch)[:, order] * torch.from_numpy(sign))
    torch.testing.assert_close(turned.share(turned.encode(batch), batch), net.share(net.encode(batch), batch))
    highest, turned_highest = net.parts()["highest"][order], turned.parts()["highest"]
    swapped = np.where(sign[:, None, None] > 0, highest, highest[:, ::-1])
    np.testing.assert_allclose(turned_highest, swapped, atol=1e-5)


def test_explained_with_all_evidence(made: Bundle, dataset: Dataset) -> None:
    request = request_for(dataset, FAST if not net_of(made).linear else LINEAR)
    twinned = fit_twin(made, dataset, request)
    found = explain(dataset, twinned, ExplainRequest(target="latent:1", params={"steps": 256}))
    assert found.diagnostics["completeness_gap"] < 0.05
    assert found.provenance.route == "factored"
    assert "reinitialised_correlation" in found.diagnostics


@pytest.mark.parametrize("method", ["saliency", "input_x_gradient", "integrated_gradients"])
def test_every_method_explains_it_and_leaves_no_trace(made: Bundle, dataset: Dataset, method: str) -> None:
    net = net_of(made)
    before = {name: tensor.clone() for name, tensor in net.network.state_dict().items()}
    request = ExplainRequest(method=method, target="latent:0", cells=np.arange(20), evidence=False)
    first, again = explain(dataset, made, request), explain(dataset, made, request)
    np.testing.assert_array_equal(first.block(np.arange(20)), again.block(np.arange(20)))
    after = net.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not any(module.training for module in net.network.modules())
    assert not any(parameter.requires_grad for parameter in net.network.parameters())


def test_a_batch_not_seen_is_decoded_half_way(made: Bundle, dataset: Dataset) -> None:
    net = net_of(made)
    seen = make_batch(dataset, net, np.arange(3))
    latent = net.encode(seen)

    def log_share(codes: torch.Tensor | None) -> torch.Tensor:
        batch: CellBatch = replace(seen, batch=codes)
        return net.log_rate(latent, batch)

    zero, one = torch.zeros(3, dtype=torch.int64), torch.ones(3, dtype=torch.int64)
    half = (log_share(zero) + log_share(one)) / 2
    torch.testing.assert_close(log_share(-one), half, atol=1e-5, rtol=0)
    torch.testing.assert_close(log_share(None), half, atol=1e-5, rtol=0)


class Stopping:
    """A job that is cancelled when a word comes up."""

    def __init__(self, word: str) -> None:
        self.word = word

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        if self.word in text:
            raise JobCancelled


@pytest.mark.parametrize("word", ["preparing", "epoch 2", "extremes", "encoding", "figures"])
def test_cancel_at_every_stage(dataset: Dataset, word: str) -> None:
    short = request_for(dataset, FAST.model_copy(update={"max_epochs": 2}))
    with pytest.raises(JobCancelled):
        fit(dataset, short, Stopping(word))


def test_other_data_get_one_sentence(dataset: Dataset) -> None:
    adata = dataset.adata.copy()
    adata.X = adata.X.toarray() / 3.7
    with pytest.raises(NotCompatible, match="Additive auto-encoder models raw counts and this file has none"):
        fit(Dataset(adata), FitRequest(family="additive_vae", params=FAST))
