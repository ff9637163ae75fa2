"""Codes, toggles and the map of ``saucie``: the formulas, the structure, what an impostor would get."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import anndata as ad
import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.errors import ModelError, NotCompatible
from glasscell.jobs import QUIET
from glasscell.models.apply import apply
from glasscell.models.batch import make_batch, preprocessing_for
from glasscell.models.bundle import Bundle
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.capability.domain import NamesDomains
from glasscell.models.capability.first_linear import FirstLinear
from glasscell.models.capability.latent import Decodes, Encodes
from glasscell.models.capability.structure import Structured
from glasscell.models.capability.technical_batch import UsesBatch
from glasscell.models.cell_batch import CellBatch
from glasscell.models.fit import FitRequest, fit, fit_twin
from glasscell.models.latent_metric import mixing, nearest, principal_components
from glasscell.models.prediction import prediction_table
from glasscell.models.row import input_rows
from glasscell.models.saucie.code import bits_of, code_names, find_codes, find_toggles
from glasscell.models.saucie.counterpart import counterparts, mutual_pairs
from glasscell.models.saucie.family import FAMILY, SaucieModel, SaucieParams, make_network
from glasscell.models.saucie.penalty import WIDTHS, code_entropy, discrepancy, within_code
from glasscell.models.saucie.signature import code_table, switched
from glasscell.models.saucie.write_back import PREFIX, annotate
from glasscell.models.target import Target
from glasscell.testing.batch_shift import make_batch_shift
from glasscell.testing.check import check_model
from glasscell.testing.scaled_mixture import make_scaled_mixture

RNG = np.random.default_rng(0)
SMALL = SaucieParams(hidden=32, max_epochs=60, patience=60, learning_rate=3e-3, batch_size=64)


def mixture(seed: int = 0) -> Any:
    return make_scaled_mixture(seed, n_cells=420, n_genes=30, n_components=3)


def train(dataset: Dataset, params: SaucieParams, seed: int = 0, batch: str = "") -> Bundle:
    column = read_labels(dataset, batch) if batch else None
    return fit(dataset, FitRequest(family="saucie", params=params, seed=seed, batch=column, device="cpu"))


@pytest.fixture(scope="module")
def simulated() -> Any:
    return mixture()


@pytest.fixture(scope="module")
def bundle(simulated: Any) -> Bundle:
    return train(simulated.dataset, SMALL)


@pytest.fixture(scope="module")
def shifted() -> Any:
    return make_batch_shift(0, n_cells=320, n_genes=60, n_markers=8)


@pytest.fixture(scope="module")
def batched(shifted: Any) -> Bundle:
    return train(shifted.dataset, SMALL.model_copy(update={"max_epochs": 6}), batch="batch")


def net_of(made: Bundle) -> SaucieModel:
    net = made.folds[0]
    assert isinstance(net, SaucieModel)
    return net


def test_it_keeps_the_promises_of_a_model(
    simulated: Any, bundle: Bundle, shifted: Any, batched: Bundle
) -> None:
    for data, made in ((simulated, bundle), (shifted, batched)):
        net = net_of(made)
        for protocol in (FirstLinear, Encodes, Decodes, UsesBatch, NamesDomains, Structured):
            assert isinstance(net, protocol)
        check_model(net, make_batch(data.dataset, net, np.arange(9)))


def test_the_network_is_the_formula(shifted: Any, batched: Bundle) -> None:
    """Cell by cell and unit by unit, in double precision."""
    net = net_of(batched).to(dtype=torch.float64)
    weights = {name: tensor.numpy() for name, tensor in net.network.state_dict().items()}
    batch = make_batch(shifted.dataset, net, np.array([0, 7, 100, 301]))
    latent_cz, logit_ck = net.encode(batch).numpy(), net.domain_logits(batch).numpy()
    decoded_cg = net.decode(net.encode(batch), batch).numpy()
    corrected_cg = net.corrected(batch).numpy()

    def leaky(values: np.ndarray) -> np.ndarray:
        return np.where(values > 0, values, 0.2 * values)

    def layer(values: np.ndarray, name: str) -> np.ndarray:
        return weights[f"{name}.weight"] @ values + weights[f"{name}.bias"]

    low_g, range_g = weights["standardise.mean"], weights["standardise.scale"]
    for row, code in enumerate(batch.batch.tolist()):
        x = (batch.expression[row].numpy() - low_g) / range_g
        hidden = leaky(layer(x, "first") + weights["batch.weight"][:, code])
        hidden = leaky(layer(leaky(layer(hidden, "down.1")), "down.3"))
        place = layer(hidden, "down.5")
        np.testing.assert_allclose(latent_cz[row], place, atol=1e-10)
        drive = layer(leaky(layer(leaky(layer(place, "up.0")), "up.2")), "up.4")
        plain = layer(np.maximum(drive, 0), "genes")
        scale, shift = weights["gene_scale.weight"], weights["gene_shift.weight"]
        own = plain * (1 + scale[:, code]) + shift[:, code]
        np.testing.assert_allclose(decoded_cg[row], own * range_g + low_g, atol=1e-10)
        middle = plain * (1 + scale.mean(axis=1)) + shift.mean(axis=1)
        np.testing.assert_allclose(corrected_cg[row], middle * range_g + low_g, atol=1e-10)
        over = (drive - weights["threshold_u"]) / weights["softness_u"]
        fits = [
            sum(-math.log1p(math.exp(-o if on else o)) for o, on in zip(over, code_u, strict=True))
            for code_u in weights["code_ku"]
        ]
        np.testing.assert_allclose(logit_ck[row], np.array(fits) - np.mean(fits) * (len(fits) > 1), atol=1e-9)


def test_the_pulls_are_their_formulas() -> None:
    active = np.abs(RNG.normal(size=(9, 5)))
    active[:, 4] = 0
    x, place = RNG.random((9, 4)), RNG.normal(size=(9, 2))
    share = active.sum(axis=0) / active.sum()
    entropy = -sum(p * math.log(p) for p in share if p > 0)
    assert float(code_entropy(torch.from_numpy(active))) == pytest.approx(entropy, abs=1e-12)

    def kernel(table: np.ndarray) -> np.ndarray:
        square = np.array([[((a - b) ** 2).sum() for b in table] for a in table])
        return np.mean([np.exp(-square / square.mean() / (2 * width)) for width in WIDTHS], axis=0)

    alike = kernel(active)
    alike = (alike - alike.min()) / (alike.max() - alike.min())
    apart = np.array([[np.linalg.norm(a - b) for b in x] for a in x])
    both = torch.from_numpy(active), torch.from_numpy(x)
    assert float(within_code(*both)) == pytest.approx((alike * apart).mean(), abs=1e-7)

    batch, weight = np.array([0, 0, 0, 1, 1, 1, 2, 2, -1]), np.array([1.0, 1, 0, 1, 2, 1, 1, 1, 1])
    used = (batch >= 0) & (weight > 0)
    alike = kernel(place[used])
    found = []
    for one, other in ((0, 1), (0, 2), (1, 2)):
        a, b = (np.where(batch[used] == code, weight[used], 0) for code in (one, other))
        a, b = a / a.sum(), b / b.sum()
        found.append(a @ alike @ a + b @ alike @ b - 2 * a @ alike @ b)
    ours = discrepancy(torch.from_numpy(place), torch.from_numpy(batch), torch.from_numpy(weight))
    assert float(ours) == pytest.approx(np.mean(found), abs=1e-12)
    alone = discrepancy(torch.from_numpy(place), torch.full((9,), -1))
    assert float(alone) == 0
    same = torch.from_numpy(np.repeat(place, 2, axis=0))
    assert float(discrepancy(same, torch.arange(18) % 2)) == pytest.approx(0, abs=1e-12)


def test_pulls_have_finite_gradients_where_cells_coincide() -> None:
    flat = torch.zeros(6, 3, requires_grad=True)
    total = code_entropy(flat) + within_code(flat, torch.zeros(6, 2)) + discrepancy(flat, torch.arange(6) % 2)
    total.backward()
    assert flat.grad is not None
    assert torch.isfinite(flat.grad).all()


def test_codes_and_toggles_by_hand() -> None:
    on = np.zeros((12, 6), bool)
    on[:, 0] = True  # always on: tells nothing apart
    on[:5, [1, 4]] = True  # two units that go together: one toggle
    on[8:11, 2] = True
    on[11, 3] = True  # a code of its own
    np.testing.assert_array_equal(find_codes(on, 3), [0] * 5 + [1] * 3 + [2] * 3 + [-1])
    assert (find_codes(on, 6) == -1).all()
    code_ku = on[[0, 5, 8]]
    bit_ju = find_toggles(code_ku, np.array([5, 3, 3]))
    np.testing.assert_array_equal(bit_ju, [[0, 1, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0]])
    bit_kj = bits_of(code_ku, bit_ju)
    np.testing.assert_array_equal(bit_kj, [[1, 0], [0, 0], [0, 1]])
    assert code_names(bit_kj) == ("code 10", "code 00", "code 01")
    alone = find_toggles(on[:1], np.array([5]))
    assert alone.shape == (0, 6)
    assert code_names(bits_of(on[:1], alone)) == ("code -",)


def test_codes_are_the_mixture_and_an_impostors_are_not(simulated: Any, bundle: Bundle) -> None:
    net, truth = net_of(bundle), simulated.component
    codes = net.domain_codes(net.encode(make_batch(simulated.dataset, net, np.arange(420)))).numpy()
    assert adjusted_rand_score(truth, codes) > 0.7
    values = np.asarray(simulated.dataset.adata.X)
    dealt = np.column_stack([RNG.permutation(column) for column in values.T])
    impostor = net_of(train(Dataset(ad.AnnData(dealt)), SMALL))
    batch = CellBatch(torch.from_numpy(dealt), torch.arange(420))
    assert abs(adjusted_rand_score(truth, impostor.domain_codes(impostor.encode(batch)).numpy())) < 0.1


def test_a_cell_has_its_code_as_its_largest_logit(simulated: Any, bundle: Bundle) -> None:
    net = net_of(bundle)
    assert net.n_domains > 1
    latent_cz = net.encode(make_batch(simulated.dataset, net, np.arange(420)))
    codes = net.domain_codes(latent_cz)
    has = codes >= 0
    assert has.float().mean() > 0.5
    assert torch.equal(net.logits_of(latent_cz).argmax(dim=1)[has], codes[has])
    for bit in range(net.bit_kj.shape[1]):
        state, wanted = net.toggled(latent_cz, bit), torch.from_numpy(net.bit_kj[:, bit]).long()
        assert torch.equal(state[has], wanted[codes[has]])
    table = prediction_table(bundle)
    names = (*net.domain_names, "")
    assert list(table["domain"]) == [names[code] for code in codes]


def test_a_twin_has_the_models_codes_by_name(simulated: Any, bundle: Bundle) -> None:
    """It learnt of values dealt out anew; units most cells of a code have on are its code of that name."""
    request = FitRequest(family="saucie", params=SMALL, device="cpu")
    net, twin = net_of(bundle), fit_twin(bundle, simulated.dataset, request).twin
    assert isinstance(twin, SaucieModel)
    assert twin.targets() == net.targets()
    batch = make_batch(simulated.dataset, twin, np.arange(420))
    on_cu = (twin.active(twin.encode(batch)) > twin.network.threshold_u).numpy()
    own_c = net.domain_codes(torch.from_numpy(np.array(bundle.cells.latent_cz))).numpy()
    for k in range(net.n_domains):
        slow = on_cu[own_c == k].mean(axis=0) > 0.5
        assert np.mean(slow == twin.network.code_ku[k].numpy()) > 0.99  # a unit at its threshold may round
    turned = FAMILY.aligned(twin, np.array([1, 0]), np.array([-1.0, 1.0], np.float32))
    torch.testing.assert_close(
        turned.encode(batch), twin.encode(batch)[:, [1, 0]] * torch.tensor([-1.0, 1.0])
    )
    torch.testing.assert_close(turned.domain_logits(batch), twin.domain_logits(batch), rtol=1e-4, atol=1e-4)


def test_signatures_are_the_measured_means(simulated: Any, bundle: Bundle) -> None:
    net, values = net_of(bundle), np.asarray(simulated.dataset.adata.X)
    codes = net.domain_codes(torch.from_numpy(np.array(bundle.cells.latent_cz))).numpy()
    learnt = bundle.cells.fold != 0  # the held-out tenth has no part in them
    parts = net.parts()
    for k in range(net.n_domains):
        mine = learnt & (codes == k)
        assert parts["cells"][k] == mine.sum()
        np.testing.assert_allclose(parts["mean"][k], values[mine].mean(axis=0), atol=1e-5)
        rest = values[learnt & (codes != k)].mean(axis=0)
        np.testing.assert_allclose(parts["difference"][k], values[mine].mean(axis=0) - rest, atol=1e-5)
        most = np.bincount(simulated.component[mine]).argmax()
        best = np.argsort(-parts["difference"][k])[:4]
        assert simulated.marker_gk[best, most].mean() > 0.5, "the genes of a code are its kind's markers"
    for values_of in parts.values():
        assert not values_of.flags.writeable
    table = code_table(net, 3)
    assert list(table["code"].unique()) == list(net.domain_names)
    assert len(table) == 3 * net.n_domains


def test_a_toggle_switches_its_units_and_no_others(bundle: Bundle) -> None:
    net = net_of(bundle)
    network, parts = net.network, net.parts()
    weight_gu = network.genes.weight.numpy() * network.standardise.scale.numpy()[:, None]
    for bit, units in enumerate(parts["units"]):
        slow = sum(weight_gu[:, u] * float(network.on_u[u]) for u in np.flatnonzero(units))
        np.testing.assert_allclose(parts["toggle"][bit], slow, atol=1e-5)
        for k, code in enumerate(net.domain_names):
            change = switched(net, code, bit)
            if parts["bits"][k, bit]:
                active = network.active_ku[k].numpy()
                slow = -sum(weight_gu[:, u] * active[u] for u in np.flatnonzero(units))
            else:
                slow = parts["toggle"][bit] - sum(
                    weight_gu[:, u] * float(network.active_ku[k, u]) for u in np.flatnonzero(units)
                )
            np.testing.assert_allclose(change, slow, atol=1e-5)
    deaf = SaucieModel(network, net.info, net.genes, net.preprocessing)
    deaf.network.genes.weight[3] = 0.0
    assert (deaf.parts()["toggle"][:, 3] == 0).all()
    assert (np.delete(deaf.parts()["toggle"], 3, 1) == np.delete(parts["toggle"], 3, 1)).all()
    with pytest.raises(NotCompatible, match="no toggle 99 of 'code -'"):
        switched(net, "code -", 99)


def test_a_gene_the_first_layer_ignores_moves_no_score(simulated: Any, bundle: Bundle) -> None:
    net = net_of(bundle)
    deaf = SaucieModel(net.network, net.info, net.genes, net.preprocessing)
    deaf.network.first.weight[:, 5] = 0.0
    batch = make_batch(simulated.dataset, deaf, np.arange(8))
    x_cg = batch.expression.clone().requires_grad_()
    for target in deaf.targets():
        (slope_cg,) = torch.autograd.grad(deaf.score(batch.with_expression(x_cg), target).sum(), x_cg)
        assert (slope_cg[:, 5] == 0).all()
        assert slope_cg.abs().sum() > 0


def test_one_code_and_none_are_said(simulated: Any, bundle: Bundle, tmp_path: Any) -> None:
    made = train(
        simulated.dataset, SMALL.model_copy(update={"max_epochs": 2, "smallest": 0.5, "lambda_c": 0.0})
    )
    net = net_of(made)
    if net.n_domains == 0:
        assert any("No code is shared" in note for note in made.notes)
    assert {target.kind for target in net.targets()} >= {"latent"}
    emptied = net_of(bundle).to()
    emptied.network.set_sizes(0, 0)
    emptied = emptied.remade(emptied.network, ())
    again = load_bundle(save_bundle(replace(bundle, folds=(emptied,)), tmp_path / "none")).folds[0]
    assert isinstance(again, SaucieModel)
    latent_cz = torch.zeros(3, 2)
    assert again.logits_of(latent_cz).shape == (3, 0)
    assert again.domain_codes(latent_cz).tolist() == [-1, -1, -1]
    assert len(code_table(again)) == 0
    with pytest.raises(NotCompatible, match="no target of kind domain"):
        again.score(make_batch(simulated.dataset, again, np.arange(2)), Target("domain", "code 1"))


def test_a_damaged_bundle_is_refused(bundle: Bundle) -> None:
    net = net_of(bundle)
    words = {**net.description(), "n_bits": 99}
    with pytest.raises(ModelError, match="damaged"):
        FAMILY.restore(words, FAMILY.tensors(net), params=SMALL, genes=net.genes, classes=())


def test_the_table_of_cells_gets_what_was_found(simulated: Any, bundle: Bundle) -> None:
    order = RNG.permutation(420)
    turned = Dataset(simulated.dataset.adata[order].copy())
    before = turned.fingerprint
    adata, net = annotate(turned, bundle).adata, net_of(bundle)
    assert turned.fingerprint == before
    np.testing.assert_array_equal(adata.obsm[f"{PREFIX}.map"], bundle.cells.latent_cz[order])
    names = adata.obs[f"{PREFIX}.code"]
    codes = net.domain_codes(torch.from_numpy(bundle.cells.latent_cz[order])).numpy()
    np.testing.assert_array_equal(names.cat.codes, codes)
    np.testing.assert_array_equal(adata.varm[f"{PREFIX}.difference"].T, net.parts()["difference"])
    assert f"{PREFIX}.toggle.0" in adata.obs
    with pytest.raises(NotCompatible, match="other cells or genes"):
        annotate(mixture(1).dataset.with_adata(mixture(1).dataset.adata[:, :9].copy()), bundle)


def test_other_cells_get_places_by_apply(bundle: Bundle) -> None:
    other = mixture(3).dataset
    found = apply(bundle, other)
    net = net_of(bundle)
    expected = net.encode(make_batch(other, net, np.arange(420))).numpy()
    np.testing.assert_allclose(found.latent_cz, expected, atol=1e-5)


def test_figures_stand_beside_principal_components(bundle: Bundle) -> None:
    own, cheap = bundle.figures["saucie"], bundle.figures["2 principal components"]
    assert 0 < own["variance lost on the map"] < 1
    assert 0 < cheap["variance lost on the map"] < 1
    assert 0 <= own["cells without a code"] <= 1


def test_the_simulators_hold_what_they_say(shifted: Any) -> None:
    made = mixture()
    values = np.asarray(made.dataset.adata.X)
    assert values.min() == 0
    assert values.max() == 1
    assert made.dataset.sizes_c is None
    np.testing.assert_array_equal(values, np.asarray(mixture().dataset.adata.X))
    assert set(np.unique(shifted.kind[shifted.batch == 0])) == {0, 1, 2, 3}
    assert set(np.unique(shifted.kind[shifted.batch == 1])) == {0, 1, 2, 4}
    table = input_rows(shifted.dataset, preprocessing_for(shifted.dataset))
    around = nearest(principal_components(table, 10))
    assert mixing(around, shifted.batch) < 0.05, "an effect of the batch that is there to be taken out"
    none = make_batch_shift(0, n_cells=320, n_genes=60, n_markers=8, spread=0.0)
    table = input_rows(none.dataset, preprocessing_for(none.dataset))
    around = nearest(principal_components(table, 10))[none.shared]
    assert np.mean(none.batch[around] != none.batch[none.shared, None]) > 0.4


def test_only_kinds_of_both_batches_have_counterparts() -> None:
    made = make_batch_shift(3, n_cells=1000)
    rows = input_rows(made.dataset, preprocessing_for(made.dataset))
    place_cz = principal_components(rows, 10)
    found = counterparts(place_cz, made.batch, QUIET)
    assert found[made.shared].mean() > 0.95
    assert found[~made.shared].mean() < 0.05
    assert counterparts(place_cz, np.zeros(1000, int), QUIET).all()
    some = np.where(np.arange(1000) < 10, -1, made.batch)
    assert not counterparts(place_cz, some, QUIET)[:10].any()


def test_mutual_neighbours_by_hand() -> None:
    left, right = mutual_pairs(np.array([[0.0], [10.0], [11.0]]), np.array([[1.0], [10.4], [30.0]]), 1)
    assert sorted(zip(left.tolist(), right.tolist(), strict=True)) == [(0, 0), (1, 1)]


def test_decoding_wants_a_latent_per_cell(shifted: Any, batched: Bundle) -> None:
    net = net_of(batched)
    with pytest.raises(NotCompatible, match="one latent per cell"):
        net.decode(torch.zeros(2, 2), make_batch(shifted.dataset, net, np.arange(3)))


def test_weights_come_from_the_seed_alone() -> None:
    before = torch.get_rng_state()
    one, other = (make_network(SMALL, 9, 2, seed=4) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
