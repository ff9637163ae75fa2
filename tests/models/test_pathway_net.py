"""The family ``pathway_net``: its formula by hand, what moves what, its files, its bundle."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse

from glasscell.data.dataset import Dataset
from glasscell.data.gene_set import GeneSet, gene_mask, write_gmt
from glasscell.data.labels import read_labels
from glasscell.data.split import split
from glasscell.errors import DataError, ModelError, NotCompatible
from glasscell.jobs import QUIET
from glasscell.models import fit as fitting
from glasscell.models.apply import apply
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.capability.classification import Classifies
from glasscell.models.capability.first_linear import FirstLinear
from glasscell.models.capability.latent import NamedLatents
from glasscell.models.capability.structure import HasNodes, Structured
from glasscell.models.cell_batch import CellBatch
from glasscell.models.component import GeneComponents
from glasscell.models.family import FoldPlan, TrainsAlike
from glasscell.models.fit import FitRequest, fit
from glasscell.models.pathway_net.family import FAMILY, make_network
from glasscell.models.pathway_net.model import PathwayNetModel, connectivity
from glasscell.models.pathway_net.network import PathwayNetNetwork
from glasscell.models.pathway_net.params import PathwayNetParams
from glasscell.models.pathway_net.start import start_at_components, start_heads
from glasscell.models.pathway_net.structure import Structure, read_structure
from glasscell.models.preflight import check
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.target import Target
from glasscell.models.temperature import best_temperature
from glasscell.models.training_data import training_data
from glasscell.testing.check import check_model
from glasscell.testing.favoured_node import make_favoured_node

GENES = tuple(f"G{number}" for number in range(14))
SETS = (
    GeneSet("FIRST", frozenset(GENES[:5])),
    GeneSet("SECOND", frozenset(GENES[3:6])),  # shares two genes with the first
    GeneSet("THIRD", frozenset(GENES[7:12])),
)
GROUPS = (GeneSet("BOTH", frozenset({"first", "SECOND"})), GeneSet("NOBODY", frozenset({"FOURTH"})))


def structure_of(folder: Path, **settings: Any) -> tuple[Structure, tuple[str, ...]]:
    write_gmt(SETS, folder / "sets.gmt")
    params = PathwayNetParams(gene_sets=str(folder / "sets.gmt"), min_genes=1, **settings)
    return read_structure(GENES, params)


@pytest.fixture
def two_layers(tmp_path: Path) -> Structure:
    write_gmt(GROUPS, tmp_path / "groups.gmt")
    return structure_of(tmp_path, hierarchy=str(tmp_path / "groups.gmt"), n_free=2)[0]


@pytest.fixture
def model(two_layers: Structure) -> PathwayNetModel:
    masks = [torch.tensor(mask) for mask in two_layers.masks]
    network = make_network(PathwayNetParams(), masks, 3, n_linear=2, seed=4)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():  # nothing at its special starting value
        for weight in network.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.3)
        network.standardise.mean.copy_(torch.rand(len(GENES), generator=generator))
        network.standardise.scale.copy_(torch.rand(len(GENES), generator=generator) + 0.5)
        for layer in network.layers:
            layer.norm.running_mean.copy_(torch.rand(layer.norm.num_features, generator=generator))
            layer.norm.running_var.copy_(torch.rand(layer.norm.num_features, generator=generator) + 0.5)
    words = (GENES, ("a", "b", "c"), two_layers.layers, two_layers.n_free, Preprocessing("stored"))
    return PathwayNetModel(network, FAMILY.info, *words, 1.7).to(dtype=torch.float64)


@pytest.fixture
def batch() -> CellBatch:
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(6, len(GENES), dtype=torch.float64, generator=generator) * 3
    return CellBatch(values, torch.arange(6))


def by_hand(model: PathwayNetModel, x_g: torch.Tensor) -> tuple[list[list[float]], list[float]]:
    """One cell, node by node: values of every layer, and logits as the mean of the heads'."""
    net = model.network
    before = [
        float((x_g[gene] - net.standardise.mean[gene]) / net.standardise.scale[gene])
        for gene in range(len(GENES))
    ]
    layers, heads = [], []
    linear = net.n_linear
    for layer, head, mask in zip(net.layers, net.heads, model.masks, strict=True):
        values = []
        for node in range(len(mask)):
            total = sum(
                float(layer.linear.weight[node, one]) * before[one] for one in np.flatnonzero(mask[node])
            )
            norm = layer.norm
            spread = math.sqrt(float(norm.running_var[node]) + norm.eps)
            scaled = (total - float(norm.running_mean[node])) / spread
            value = scaled * float(norm.weight[node]) + float(norm.bias[node])
            values.append(value if node >= len(mask) - linear else math.tanh(value))
        linear = 0  # only in the first layer
        heads.append(
            [
                float(head.bias[k]) + sum(float(head.weight[k, n]) * value for n, value in enumerate(values))
                for k in range(3)
            ]
        )
        layers.append(values)
        before = values
    return layers, [sum(head[k] for head in heads) / len(heads) for k in range(3)]


def test_the_network_is_its_formula(model: PathwayNetModel, batch: CellBatch) -> None:
    for row in range(len(batch)):
        layers, logits = by_hand(model, batch.expression[row])
        for ours, theirs in zip(model.node_values(batch), layers, strict=True):
            torch.testing.assert_close(ours[row], torch.tensor(theirs, dtype=torch.float64))
        logits_k = torch.tensor(logits, dtype=torch.float64)
        torch.testing.assert_close(model.logits(batch)[row], logits_k)
        torch.testing.assert_close(model.probabilities(batch)[row], torch.softmax(logits_k / 1.7, 0))
        flat = torch.tensor([value for layer in layers for value in layer], dtype=torch.float64)
        torch.testing.assert_close(model.encode(batch)[row], flat)
        score = model.score(batch, Target("contrast", "b"))[row]
        torch.testing.assert_close(score, logits_k[1] - (logits_k[0] + logits_k[2]) / 2)
        against = model.score(batch, Target("contrast", "b", "c"))[row]
        torch.testing.assert_close(against, logits_k[1] - logits_k[2])


def moved(model: PathwayNetModel, batch: CellBatch, gene: int) -> set[str]:
    """Return the nodes whose value changes in every cell when one gene does; all others stay to the bit."""
    changed = batch.expression.clone()
    changed[:, gene] += 1
    before, after = model.encode(batch), model.encode(batch.with_expression(changed))
    moves, still = (before != after).all(dim=0), (before == after).all(dim=0)
    assert (moves | still).all()
    return {name for name, move in zip(model.latent_names, moves.tolist(), strict=True) if move}


def test_a_gene_moves_its_own_nodes_and_no_others(model: PathwayNetModel, batch: CellBatch) -> None:
    free, free_2 = {"free 1", "free 2"}, {"free (layer 2) 1", "free (layer 2) 2"}
    assert moved(model, batch, 0) == {"FIRST", "BOTH"}
    assert moved(model, batch, 3) == {"FIRST", "SECOND", "BOTH"}
    assert moved(model, batch, 5) == {"SECOND", "BOTH"}
    assert moved(model, batch, 8) == {"THIRD"} | free_2, "a set of no group reaches free nodes only"
    assert moved(model, batch, 6) == free | free_2
    assert moved(model, batch, 13) == free | free_2


def test_a_layer_that_forgets_its_mask_is_found_out(model: PathwayNetModel, batch: CellBatch) -> None:
    with torch.no_grad():
        model.network.layers[0].linear.open_oi.fill_(True)
    assert moved(model, batch, 0) != {"FIRST", "BOTH"}


def test_weights_outside_the_mask_never_learn(model: PathwayNetModel, batch: CellBatch) -> None:
    network = model.network.float().train().requires_grad_(True)
    network(batch.expression.float()).square().sum().backward()
    for layer, mask in zip(network.layers, model.masks, strict=True):
        gradient = layer.linear.weight.grad.numpy()
        assert (gradient[~mask] == 0).all()
        assert (gradient[mask] != 0).any()


def test_a_layer_adds_what_its_own_and_later_heads_say(model: PathwayNetModel, batch: CellBatch) -> None:
    first, second = model.node_values(batch)
    torch.testing.assert_close(model.logits_from(0, first), model.logits(batch))
    head = model.network.heads[1]
    torch.testing.assert_close(model.logits_from(1, second), (second @ head.weight.T + head.bias) / 2)


def test_what_it_promises(model: PathwayNetModel, batch: CellBatch) -> None:
    for protocol in (FirstLinear, Classifies, NamedLatents, Structured, HasNodes):
        assert isinstance(model, protocol)
    assert isinstance(FAMILY, TrainsAlike)
    check_model(model, batch)
    parts = model.parts()
    assert np.array_equal(parts["masks"][0][:3], gene_mask(SETS, GENES, min_genes=1).mask_pg)
    for mask, weights in zip(parts["masks"], parts["weights"], strict=True):
        assert (weights[~mask] == 0).all()
        assert not weights.flags.writeable
    with pytest.raises(NotCompatible):
        model.score(batch, Target("latent", "NOBODY"))


def test_genes_and_ways_through_nodes_are_counted() -> None:
    first = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]], bool)
    second = np.array([[1, 1, 0], [0, 1, 1]], bool)
    reach, paths = connectivity((first, second), 2)
    assert reach.tolist() == [2, 2, 1, 3, 3]
    # To a class directly, or on through each group it is in; a node of the second layer has its head only.
    assert paths.tolist() == [2 * 4, 2 * 6, 1 * 4, 4 * 2, 3 * 2]


def test_the_second_layer_comes_from_the_file(two_layers: Structure) -> None:
    assert two_layers.layers[1] == ("BOTH", "free (layer 2) 1", "free (layer 2) 2")
    assert two_layers.masks[1][0].tolist() == [True, True, False, False, False]
    assert two_layers.masks[1][1].tolist() == [False, False, True, True, True]


def test_groups_by_overlap_are_said_to_be_no_pathways(tmp_path: Path) -> None:
    found, said = structure_of(tmp_path, overlap_groups=2, n_free=0)
    assert found.layers[1] == ("overlap 1: FIRST + 1", "overlap 2: THIRD")
    assert found.masks[1].tolist() == [[True, True, False], [False, False, True]]
    assert "made here of the sets themselves and are no pathways" in said[1]
    with pytest.raises(DataError, match="5 groups cannot be made of 3"):
        structure_of(tmp_path, overlap_groups=5)


def test_free_nodes_see_what_no_set_holds_or_all(tmp_path: Path) -> None:
    found, said = structure_of(tmp_path, n_free=1)
    assert np.flatnonzero(found.masks[0][3]).tolist() == [6, 12, 13]
    assert "They hold 11 of 14 genes; 1 free nodes see the others." in said[0]
    assert structure_of(tmp_path, n_free=1, free_see="all genes")[0].masks[0][3].all()
    none, said = structure_of(tmp_path, n_free=0)
    assert none.layers == (("FIRST", "SECOND", "THIRD"),)
    assert "no node sees the others" in said[0]


def test_names_that_clash_are_told_apart(tmp_path: Path) -> None:
    write_gmt([GeneSet("FIRST", frozenset({"FIRST", "THIRD"}))], tmp_path / "groups.gmt")
    found, _ = structure_of(tmp_path, hierarchy=str(tmp_path / "groups.gmt"), n_free=0)
    assert found.layers[1] == ("FIRST (group)",)
    assert len(set(found.names)) == len(found.names)


def test_files_that_do_not_fit_are_told(tmp_path: Path) -> None:
    write_gmt([GeneSet("GROUP", frozenset({"FOURTH"}))], tmp_path / "groups.gmt")
    with pytest.raises(DataError, match=r"No line of groups.gmt names a gene set that is a node here"):
        structure_of(tmp_path, hierarchy=str(tmp_path / "groups.gmt"))
    for wrong in (
        {"min_genes": 20, "max_genes": 10},
        {"hierarchy": "g.gmt", "overlap_groups": 3},
        {"overlap_groups": 1},
    ):
        with pytest.raises(ValueError, match=r"fewest|either|One group"):
            PathwayNetParams(**wrong)


def test_a_node_of_many_genes_starts_as_large_as_one_of_few() -> None:
    mask = torch.zeros(2, 400, dtype=torch.bool)
    mask[0], mask[1, :4] = True, True
    drawn = [
        make_network(PathwayNetParams(), [mask], 2, seed).layers[0].linear.effective for seed in range(40)
    ]
    spread = torch.stack(drawn).square().sum(dim=2).mean(dim=0)
    torch.testing.assert_close(spread, torch.ones(2), atol=0.25, rtol=0)
    assert isinstance(make_network(PathwayNetParams(), [mask], 2), PathwayNetNetwork)


def test_nodes_begin_at_components_of_their_own_genes(two_layers: Structure) -> None:
    rng = np.random.default_rng(0)
    values_cg = rng.gamma(1.0, 1.0, (80, 3)) @ rng.random((3, 14)) + 0.1 * rng.random((80, 14))
    mean_g = values_cg.mean(axis=0)
    network = make_network(PathwayNetParams(), [torch.tensor(mask) for mask in two_layers.masks], 3, seed=1)
    drawn = network.layers[1].linear.weight.clone()
    table_cg = sparse.csr_matrix(values_cg.astype(np.float32))
    components = GeneComponents(table_cg, mean_g, np.ones(14), seed=0)
    start_at_components(network, components, 2, QUIET)
    weight_oi, mask_oi = network.layers[0].linear.effective.detach().numpy(), two_layers.masks[0]
    axis_of = [0, 0, 0, 0, 1]  # three sets, then two free nodes that see the same genes
    for node, axis in enumerate(axis_of):
        own = mask_oi[node]
        right = np.linalg.svd((values_cg - mean_g)[:, own], full_matrices=False)[2][axis]
        cosine = weight_oi[node, own] @ right / np.linalg.norm(weight_oi[node, own])
        assert abs(cosine) == pytest.approx(1.0, abs=1e-3)
        assert weight_oi[node, own].sum() > 0
    assert not weight_oi[~mask_oi].any()
    gain = network.layers[0].norm.weight.detach().numpy()
    spread = np.linalg.svd((values_cg - mean_g)[:, mask_oi[3]], compute_uv=False)
    together = np.sqrt((spread[:2] ** 2).mean())
    np.testing.assert_allclose(gain, [1, 1, 1, *spread[:2] / together], rtol=1e-3)
    assert torch.equal(network.layers[1].linear.weight, drawn)


def test_heads_begin_at_logistic_regression(two_layers: Structure) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(3, size=300)
    x_cg = torch.from_numpy(rng.normal(size=(300, 14)) + 1.5 * np.eye(3, 14)[codes]).float()
    masks = [torch.tensor(mask) for mask in two_layers.masks]
    network = make_network(PathwayNetParams(), masks, 3, n_linear=2, seed=1)
    network.standardise.set_moments(x_cg.mean(dim=0), torch.ones(14))
    start_heads(network, torch.split(x_cg, 70), codes, QUIET)
    values = network.nodes(network.first_output(x_cg))
    for layer, head, nodes in zip(network.layers, network.heads, values, strict=True):
        inner = layer.norm.running_var
        assert not torch.equal(inner, torch.ones_like(inner))
        table = nodes.detach().double().numpy()
        found = head(nodes).detach().numpy()
        error = torch.softmax(torch.from_numpy(found).double(), dim=1).numpy() - np.eye(3)[codes]
        slope = table.T @ error + head.weight.detach().double().numpy().T  # of half the squared weights
        assert np.abs(slope).max() < 0.2  # at other weights some tens
        assert np.abs(error.sum(axis=0)).max() < 0.2
        assert (found.argmax(axis=1) == codes).mean() > 0.4


def test_genes_take_short_steps_and_the_mean_is_kept(
    trained: tuple[Dataset, FitRequest, Bundle], tmp_path: Path
) -> None:
    dataset, request, _ = trained
    kept = {}
    for rate in (0.0, 0.3):
        params = request.params.model_copy(update={"gene_rate": rate, "max_epochs": 2, "n_free": 0})
        bundle = fit(dataset, replace(request, params=params, baselines=False))
        kept[rate] = bundle.folds[0].network
    still, moved = (kept[rate].layers[0].linear.effective for rate in (0.0, 0.3))
    change = (moved - still).norm() / still.norm()
    assert 0 < float(change) < 0.2
    assert not torch.equal(kept[0.0].heads[0].weight, kept[0.3].heads[0].weight)


def test_the_best_temperature_undoes_overconfidence() -> None:
    generator = torch.Generator().manual_seed(0)
    logits_ck = torch.randn(4000, 3, generator=generator) * 2
    codes = torch.multinomial(torch.softmax(logits_ck, 1), 1, generator=generator)[:, 0]
    assert best_temperature(logits_ck * 3, codes) == pytest.approx(3, abs=0.3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, FitRequest, Bundle]:
    """A small run on planted sets, and the request behind it."""
    made = make_favoured_node(seed=3, n_cells=240, n_decoys=3, n_markers=6)
    folder = tmp_path_factory.mktemp("sets")
    write_gmt(made.sets, folder / "sets.gmt")
    labels = read_labels(made.dataset, "label")
    params = PathwayNetParams(
        gene_sets=str(folder / "sets.gmt"), n_free=2, max_epochs=15, batch_size=32, learning_rate=1e-2
    )
    folds = split(made.dataset, "random", n_folds=2, seed=0, labels=labels)
    request = FitRequest(labels, folds, family="pathway_net", params=params, seed=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "baseline_rows", lambda *args: {})
        return made.dataset, request, fit(made.dataset, request)


def test_it_learns(trained: tuple[Dataset, FitRequest, Bundle]) -> None:
    _, _, bundle = trained
    assert bundle.metrics is not None
    assert bundle.metrics.macro_f1 > 0.9
    assert any("no node sees" in note or "hold 36 of 36 genes" in note for note in bundle.notes)


def test_a_saved_bundle_needs_no_file_and_refuses_damage(
    trained: tuple[Dataset, FitRequest, Bundle], tmp_path: Path
) -> None:
    dataset, _, bundle = trained
    again = load_bundle(save_bundle(bundle, tmp_path / "saved")).folds[0]
    batch = make_batch(dataset, again, np.arange(9))
    assert isinstance(again, PathwayNetModel)
    assert torch.equal(again.logits(batch), bundle.folds[0].logits(batch))  # type: ignore[attr-defined]
    assert again.layers == bundle.folds[0].layers  # type: ignore[attr-defined]
    tensors = dict(FAMILY.tensors(again))
    words = {"params": bundle.params, "genes": bundle.genes, "classes": bundle.classes}
    described = dict(FAMILY.describe(again))
    with pytest.raises(ModelError, match="damaged"):
        FAMILY.restore({**described, "layers": [["ONE"]]}, tensors, **words)
    with pytest.raises(ModelError, match="damaged"):
        FAMILY.restore(described, {**tensors, "heads.0.bias": torch.zeros(7)}, **words)


def test_it_is_applied_elsewhere_and_preflight_says_yes(
    trained: tuple[Dataset, FitRequest, Bundle],
) -> None:
    dataset, request, bundle = trained
    other = make_favoured_node(seed=4, n_cells=120, n_decoys=3, n_markers=6).dataset
    applied = apply(bundle, other)
    truth = read_labels(other, "label").codes
    assert np.mean(applied.codes == truth) > 0.8
    assert check("pathway_net", dataset, request.labels)


def test_controls_of_a_former_bundle_are_of_its_kind(
    trained: tuple[Dataset, FitRequest, Bundle], tmp_path: Path
) -> None:
    dataset, request, _ = trained
    params = request.params.model_copy(update={"n_free": 2, "free_see": "all genes", "max_epochs": 1})
    bundle = fit(dataset, replace(request, params=params, baselines=False))
    net = bundle.folds[0]
    described = dict(FAMILY.describe(net))
    assert described.pop("n_linear") == 2
    words = {"params": bundle.params, "genes": bundle.genes, "classes": bundle.classes}
    former = FAMILY.restore(described, dict(FAMILY.tensors(net)), **words)
    batch = make_batch(dataset, former, np.arange(20))
    assert float(former.encode(batch)[:, -2:].abs().max()) <= 1, "tanh, as it was trained"
    assert float(net.encode(batch)[:, -2:].abs().max()) > 1
    data = training_data(dataset, request, FAMILY, "cpu", labels=request.labels)
    plan = FoldPlan(np.arange(100), np.empty(0, np.int64), 0, "cpu", 1)
    alike = [FAMILY.train_like(model, data, plan, bundle.params, QUIET) for model in (former, net)]
    assert [model.network.n_linear for model in alike] == [0, 2]
