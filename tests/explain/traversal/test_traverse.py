"""Traversal against literal oracles, on decoders whose answers can be written down and on a trained vae."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from glasscell.data.dataset import Dataset
from glasscell.errors import DataError, NotCompatible
from glasscell.explain.gene_set import GeneSet
from glasscell.explain.traversal import (
    Traversal,
    TraverseRequest,
    engine,
    label_links,
    traverse,
    why_no_traversal,
)
from glasscell.explain.traversal.effect import possible_effects
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.testing.planted import planted_dataset
from glasscell.testing.toy_latent import ToyLatent, latent_bundle
from glasscell.testing.toy_net import ToyModel, toy_bundle, toy_network

N_GENES, N_LATENT = 24, 3


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return planted_dataset(n_cells=90, n_genes=N_GENES, n_classes=3, seed=3)


def net(dataset: Dataset, *, adds_rates: bool = False, seed: int = 0) -> ToyLatent:
    weights_zg = np.random.default_rng(seed).normal(size=(N_LATENT, N_GENES))
    return ToyLatent(weights_zg, [str(name) for name in dataset.genes.names], adds_rates=adds_rates)


def latents(dataset: Dataset, model: ToyLatent) -> np.ndarray:
    return model.encode(make_batch(dataset, model, np.arange(dataset.n_cells))).numpy()


@pytest.fixture(scope="module")
def linear(dataset: Dataset) -> Traversal:
    return traverse(dataset, latent_bundle(dataset, net(dataset)))


def test_a_linear_decoder_gives_back_its_loadings(dataset: Dataset, linear: Traversal) -> None:
    loadings_zg = net(dataset).weights_zg.numpy()
    np.testing.assert_allclose(linear.slope_kg, loadings_zg, atol=1e-6)
    for k in range(N_LATENT):
        moved_s = linear.values_ks[k] - linear.start_k[k]
        sizes = np.abs(moved_s) > 1e-3 * np.ptp(linear.values_ks[k])
        # the drawn cells are a sample of the start: measure from their own mean
        drawn = linear.values_ks[k] - _drawn_mean(linear, k)
        per_unit_sg = linear.change_ksg[k, sizes] / drawn[sizes, None]
        np.testing.assert_allclose(
            per_unit_sg, np.tile(loadings_zg[k], (sizes.sum(), 1)), rtol=2e-3, atol=1e-4
        )


def _drawn_mean(found: Traversal, k: int) -> float:
    rng = np.random.default_rng(found.seed)
    drawn = np.sort(rng.choice(found.start, 64, False))
    return float(found.latent_cz[drawn, k].mean())


def test_exact_loadings_in_double_precision(dataset: Dataset) -> None:
    model = net(dataset)
    some = engine.decoding(dataset, model, np.arange(5), latents(dataset, model))
    np.testing.assert_allclose(some.slopes(range(N_LATENT)), model.weights_zg.numpy(), atol=1e-12)
    base_cg, moved_cg = some.expected(), some.expected(1, 2.0)
    step_c = 2.0 - some.latent_cz[:, 1].numpy()
    np.testing.assert_allclose(
        (moved_cg - base_cg) / step_c[:, None], np.tile(model.weights_zg[1].numpy(), (5, 1)), atol=1e-9
    )


@pytest.mark.parametrize("adds_rates", [False, True])
def test_change_is_the_mean_over_cells_of_decoding_with_one_latent_set(
    dataset: Dataset, adds_rates: bool
) -> None:
    model = net(dataset, adds_rates=adds_rates)
    start = np.asarray(dataset.obs["label"] == "K2")
    found = traverse(dataset, latent_bundle(dataset, model), TraverseRequest(start, "K2", sample=10, seed=4))
    drawn = np.sort(np.random.default_rng(4).choice(np.flatnonzero(start), 10, False))
    weights_zg, z_cz = model.weights_zg.numpy(), latents(dataset, model)

    def decode(z: np.ndarray) -> np.ndarray:
        if not adds_rates:
            return z @ weights_zg
        return np.log1p(sum(np.exp(z[k] * weights_zg[k]) for k in range(N_LATENT)))

    for k in range(N_LATENT):
        for s in (0, 7, found.n_steps - 1):
            changes = []
            for i in drawn:
                moved = z_cz[i].copy()
                moved[k] = found.values_ks[k, s]
                changes.append(decode(moved) - decode(z_cz[i]))
            np.testing.assert_allclose(found.change_ksg[k, s], np.mean(changes, axis=0), atol=1e-5)
    np.testing.assert_allclose(found.base_g, np.mean([decode(z_cz[i]) for i in drawn], axis=0), atol=1e-5)
    assert found.n_drawn == 10
    assert found.unit == "log1p normalised counts"


def test_the_range_is_what_was_observed(linear: Traversal) -> None:
    for k in range(N_LATENT):
        z_c = linear.latent_cz[:, k]
        np.testing.assert_allclose(
            [linear.low_k[k], linear.high_k[k]], np.percentile(z_c, [1, 99]), rtol=1e-6
        )
        values_s = linear.values_ks[k]
        assert (np.diff(values_s) >= 0).all()
        np.testing.assert_allclose(values_s[[0, -1]], [z_c.min(), z_c.max()], rtol=1e-6)
        beyond = [s for s in range(linear.n_steps) if not linear.is_observed(k, s)]
        assert beyond == [0, 1, 2, 3, 25, 26, 27, 28]


def test_nearest_cells_are_those_of_a_plain_search(dataset: Dataset, linear: Traversal) -> None:
    z_cz = linear.latent_cz.astype(np.float64)
    sd_z, middle_z = z_cz.std(axis=0), z_cz[linear.start].mean(axis=0)
    for k in range(N_LATENT):
        for s in (0, 14, 28):
            target = middle_z.copy()
            target[k] = linear.values_ks[k, s]
            distance = [float(np.sqrt((((z - target) / sd_z) ** 2).sum())) for z in z_cz]
            expected = sorted(range(len(z_cz)), key=distance.__getitem__)[:20]
            assert list(linear.nearest.cells_ksm[k, s]) == expected
            want = np.mean([distance[i] for i in expected])
            np.testing.assert_allclose(linear.nearest.distance_ks[k, s], want, rtol=1e-5)


def test_possible_effects_are_drvis_on_an_additive_decoder(dataset: Dataset) -> None:
    """Written again from Moinfar & Theis: the rate of a gene is the sum over factors of exp(v)."""
    rng = np.random.default_rng(1)
    v_ksg = rng.normal(size=(4, 2, 10, 6))  # factor, direction, step, gene
    found = possible_effects(np.exp(v_ksg[:, 0]), np.exp(v_ksg[:, 1]))
    low = np.exp(v_ksg).min(axis=(1, 2))
    high = np.exp(v_ksg).max(axis=(1, 2))
    for k in range(4):
        for direction in range(2):
            for g in range(6):
                least, most = np.exp(v_ksg[k, direction, :, g]).min(), np.exp(v_ksg[k, direction, :, g]).max()
                others = sum(low[j, g] for j in range(4) if j != k)
                np.testing.assert_allclose(
                    found.highest_kdg[k, direction, g],
                    np.log(others + most) - np.log(others + least),
                    rtol=1e-5,
                )
                others = sum(high[j, g] for j in range(4) if j != k)
                np.testing.assert_allclose(
                    found.lowest_kdg[k, direction, g],
                    np.log(others + most) - np.log(others + least),
                    rtol=1e-5,
                )
    assert (found.lowest_kdg <= found.highest_kdg + 1e-6).all()
    np.testing.assert_allclose(found.specific_kdg, found.highest_kdg * found.lowest_kdg)


def test_specific_genes_are_those_no_other_factor_moves(dataset: Dataset) -> None:
    """Genes 0-3 belong to factor 0 alone, 4-7 to factors 0 and 1: change alone cannot tell them apart."""
    weights_zg = np.zeros((2, N_GENES))
    weights_zg[0, :8] = 2.0
    weights_zg[1, 4:8] = 2.0
    weights_zg += 0.01
    model = ToyLatent(weights_zg, [str(name) for name in dataset.genes.names], adds_rates=True)
    found = traverse(dataset, latent_bundle(dataset, model))
    first = {row.gene for row in found.specific(0, "up", 4)}
    assert first == set(found.genes[:4])


def test_forward_mode_is_the_jacobian(dataset: Dataset) -> None:
    model = net(dataset, adds_rates=True)
    batch = make_batch(dataset, model, np.arange(3))
    z_cz = torch.as_tensor(latents(dataset, model)[:3])
    forward = engine.jacobian(lambda z: model.decode(z, batch), z_cz)
    for cell in range(3):
        whole = torch.autograd.functional.jacobian(lambda z: model.decode(z, batch), z_cz)
        np.testing.assert_allclose(forward[cell].numpy(), whole[cell, :, cell, :].T.numpy(), atol=1e-12)


def test_labels_that_go_along(dataset: Dataset) -> None:
    codes = dataset.obs["label"].cat.codes.to_numpy()
    factor_c = np.where(codes == 1, 2.0, 0.0) + np.linspace(0, 1e-3, 90)
    links = label_links(dataset, factor_c)
    assert (links[0].column, links[0].value) == ("label", "K2")
    assert links[0].strength == pytest.approx(1.0)
    inside, outside = factor_c[codes == 0], factor_c[codes != 0]
    pairs = np.mean([(a > b) + 0.5 * (a == b) for a in inside for b in outside])
    found = next(link for link in links if link.value == "K1")
    assert found.strength == pytest.approx(2 * pairs - 1)
    noise = label_links(dataset, np.random.default_rng(0).normal(size=90))
    assert all(abs(link.strength) < 0.5 for link in noise), "an impostor factor goes along with nothing"


def test_gene_sets_are_means_over_their_genes(linear: Traversal) -> None:
    chosen = GeneSet("mine", frozenset(gene.lower() for gene in linear.genes[:6]))
    small = GeneSet("small", frozenset(linear.genes[:2]))
    (row,) = linear.set_changes([chosen, small], 1, 25)
    assert row.gene == "mine"
    assert row.change == pytest.approx(float(linear.change_ksg[1, 25, :6].mean()), rel=1e-5)


def test_top_genes_go_the_way_they_are_said_to(linear: Traversal) -> None:
    up, down = linear.top(0, linear.n_steps - 1, 5)
    change_g = linear.change_ksg[0, -1]
    assert [row.gene for row in up] == [linear.genes[g] for g in np.argsort(-change_g)[:5]]
    assert all(row.change > 0 for row in up)
    assert all(row.change < 0 for row in down)
    table = linear.table()
    assert len(table) == N_LATENT * N_GENES
    assert not any("count" in column for column in table.columns)


def test_same_seed_same_result_and_no_trace(dataset: Dataset) -> None:
    bundle = latent_bundle(dataset, net(dataset))
    state = torch.random.get_rng_state()
    first, second = (traverse(dataset, bundle, TraverseRequest(sample=8, seed=2)) for _ in range(2))
    np.testing.assert_array_equal(first.change_ksg, second.change_ksg)
    assert first.id == second.id
    assert traverse(dataset, bundle, TraverseRequest(sample=8, seed=3)).id != first.id
    assert torch.equal(state, torch.random.get_rng_state())
    assert not bundle.folds[0].weights_zg.requires_grad


def test_some_factors_only_and_a_factor_that_vanished(dataset: Dataset) -> None:
    model = net(dataset)
    model.weights_zg[2] *= 1e-3
    found = traverse(dataset, latent_bundle(dataset, model), TraverseRequest(factors=(2,)))
    assert found.factors == (2,)
    assert found.change_ksg.shape[0] == 1
    assert found.is_vanished(2)
    assert found.title(2) == "factor 2", "a latent without a meaning has a number, never a name"
    with pytest.raises(DataError, match="not swept"):
        found.row(0)
    with pytest.raises(DataError, match="no factor 9"):
        traverse(dataset, latent_bundle(dataset, model), TraverseRequest(factors=(9,)))


def test_named_latents_keep_their_names(dataset: Dataset) -> None:
    weights_zg = net(dataset).weights_zg.numpy()
    names = [f"PATHWAY_{k}" for k in range(N_LATENT)]
    model = ToyLatent(weights_zg, [str(name) for name in dataset.genes.names], latent_names=names)
    assert traverse(dataset, latent_bundle(dataset, model)).title(1) == "PATHWAY_1"


def classifier_bundle(dataset: Dataset) -> Bundle:
    genes = [str(name) for name in dataset.genes.names]
    model = ToyModel(toy_network((N_GENES, 4, 3)), genes, ("a", "b", "c"))
    return toy_bundle(dataset, [model], np.zeros(dataset.n_cells, np.int32), ("a", "b", "c"))


def test_a_model_without_latents_is_refused_in_a_sentence(dataset: Dataset) -> None:
    assert "no latent factors" in why_no_traversal(classifier_bundle(dataset))
    with pytest.raises(NotCompatible, match="no latent factors"):
        traverse(dataset, classifier_bundle(dataset))
    assert "first" in why_no_traversal(None)
    empty = np.zeros(dataset.n_cells, np.bool_)
    with pytest.raises(DataError, match="choose another group"):
        traverse(dataset, latent_bundle(dataset, net(dataset)), TraverseRequest(empty, "nothing"))
