"""Every quantity of attention written again, slowly and from its formula."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from glasscell.data.dataset import Dataset
from glasscell.data.labels import Labels
from glasscell.data.neighbour import GraphSpec, neighbour_graph
from glasscell.explain.attention.attend import attend
from glasscell.explain.attention.average import edge_means, group_means, null_z
from glasscell.explain.attention.request import AttentionRequest
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle

MakeBundle = Callable[..., Bundle]
FEW = {"removal_cells": 6, "random_nets": 3}


def literal_run(network, values_g: np.ndarray, drop: int | None = None):
    """Run the toy of tokens on one cell, token by token; a dropped token is not there at all."""
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    state = [weights["start"][0]]
    for token, mask_g in enumerate(weights["mask"]):
        if token != drop:
            state.append((values_g @ mask_g) * weights["scale"][token] + weights["place"][token])
    heads, width = network.heads, len(state[0])
    part = width // heads
    attention, norms = [], []
    for layer in range(network.n_layers):
        query, key, value, out = (weights[f"{n}.{layer}"] for n in ("query", "key", "value", "out"))
        after = [one.copy() for one in state]
        of_layer = np.zeros((heads, len(state), len(state)))
        norm = np.zeros((heads, len(state)))
        for head in range(heads):
            own = slice(head * part, (head + 1) * part)
            for i, one in enumerate(state):
                logits = [(one @ query)[own] @ (other @ key)[own] / part**0.5 for other in state]
                size = np.exp(logits) / np.exp(logits).sum()
                of_layer[head, i] = size
                for j, other in enumerate(state):
                    carried = (other @ value)[own] @ out[own]
                    after[i] = after[i] + size[j] * carried
                    if i == 0:
                        norm[head, j] = size[j] * np.linalg.norm(carried)
        state = after
        attention.append(of_layer)
        norms.append(norm)
    logits = weights["head.weight"] @ state[0] + weights["head.bias"]
    return np.stack(attention), np.stack(norms), logits


def test_tokens(dataset: Dataset, by: Labels, make_bundle: MakeBundle) -> None:
    bundle = make_bundle("tokens")
    found = attend(dataset, bundle, AttentionRequest(by, params=FEW))
    net = bundle.folds[0]
    values_cg = make_batch(dataset, net, np.arange(dataset.n_cells)).expression.numpy()
    removed, weights, rolled, normed = [], [], [], []
    for cell in range(dataset.n_cells):
        attention, norm, logits = literal_run(net.network, values_cg[cell])
        weights.append(attention[:, :, 0, 1:])
        normed.append(norm[:, :, 1:].mean(axis=(0, 1)))
        joint = np.eye(6)
        for of_layer in attention:  # rollout: half of each layer's mean is the residual path
            joint = (0.5 * of_layer.mean(axis=0) + 0.5 * np.eye(6)) @ joint
        rolled.append(joint[0, 1:])
        best = int(np.argmax(logits))
        others = [k for k in range(3) if k != best]
        change = []
        for token in range(5):
            after = literal_run(net.network, values_cg[cell], token)[2]
            before_gap = logits[best] - logits[others].mean()
            change.append(after[best] - after[others].mean() - before_gap)
        removed.append(change)
    np.testing.assert_allclose(found.weights_clht, np.stack(weights), atol=1e-6)
    np.testing.assert_allclose(found.rollout_ct, np.stack(rolled), atol=1e-6)
    np.testing.assert_allclose(found.norm_ct, np.stack(normed), rtol=1e-5, atol=1e-6)
    measured = np.isfinite(found.removed_ct[:, 0])
    assert measured.sum() == 18
    np.testing.assert_allclose(found.removed_ct[measured], np.stack(removed)[measured], atol=2e-5)
    groups = by.codes
    for group, name in enumerate(found.groups):
        inside = groups == group
        mean_t = np.stack(weights)[inside].mean(axis=(0, 1, 2))
        row = found.row(name, "SET 2")
        assert row.weight == pytest.approx(mean_t[1], abs=1e-6)
        assert row.relative == pytest.approx(6 * mean_t[1], abs=1e-5)  # five tokens and the class token
        assert row.removed == pytest.approx(np.stack(removed)[inside & measured, 1].mean(), abs=2e-5)
        assert row.n_removed == 6
        head = np.stack(weights)[inside, 1, 0].mean(axis=0)[1]
        assert found.row(name, "SET 2", "head:2.1").weight == pytest.approx(head, abs=1e-6)
        norm_c = np.stack(normed)[inside]
        wanted = (norm_c / norm_c.mean(axis=1, keepdims=True)).mean(axis=0)[1]
        assert found.row(name, "SET 2", "norm").relative == pytest.approx(wanted, rel=1e-4)
        rolled_t = np.stack(rolled)[inside].mean(axis=0)
        even = joint_of_even_attention(2)[0, 1:]  # what is rolled out where every weight is a sixth
        row = found.row(name, "SET 2", "rollout")
        assert row.relative == pytest.approx(rolled_t[1] / even[1], abs=1e-5)


def joint_of_even_attention(layers: int) -> np.ndarray:
    """Roll out layers that weigh the class token and five tokens alike."""
    joint = np.eye(6)
    for _ in range(layers):
        joint = (0.5 * np.full((6, 6), 1 / 6) + 0.5 * np.eye(6)) @ joint
    return joint


def test_even_attention_is_uniform_on_every_map(
    dataset: Dataset, by: Labels, make_bundle: MakeBundle
) -> None:
    bundle = make_bundle("tokens", twin=False)
    with torch.no_grad():
        for query in bundle.folds[0].network.query:
            query.zero_()
    found = attend(dataset, bundle, AttentionRequest(by, params=FEW))
    for which in ("mean", "rollout", "layer:1", "layer:2"):
        np.testing.assert_allclose(found.grouped(which), 1.0, rtol=1e-6)
        np.testing.assert_allclose(found.cell_values("SET 1", which), 1.0, rtol=1e-6)


@pytest.mark.parametrize("kind", ["tokens", "neighbours"])
def test_a_net_that_repeats_its_twin_does_not_stand_out(
    dataset: Dataset, by: Labels, make_bundle: MakeBundle, kind: str
) -> None:
    """An impostor: whatever it attends to, a net that learnt nothing attends to it as much."""
    bundle = make_bundle(kind)
    everyone = {"removal_cells": 1000, "random_nets": 2}
    found = attend(dataset, replace(bundle, twin=bundle.folds[0]), AttentionRequest(by, params=everyone))
    z_gt = found.grouped("mean", "z_twin")
    assert np.isfinite(z_gt[found.n_removed_gt > 0]).all()
    assert np.nanmax(np.abs(z_gt)) < 1e-6
    real = attend(dataset, bundle, AttentionRequest(by, params=everyone))
    assert np.nanmax(np.abs(real.grouped("mean", "z_twin"))) > 0.5


def literal_edges(network, values_cg: np.ndarray, senders: dict[int, list[int]], cell: int):
    """Return the weights of a cell's edges per head, and its latent, edge by edge."""
    lift, sending, receiving = (tensor.numpy() for tensor in (network.lift, network.sender, network.receiver))
    weights, latent = np.zeros((len(senders[cell]), network.heads)), []
    for head in range(network.heads):
        lifted = {other: values_cg[other] @ lift[head] for other in (*senders[cell], cell)}
        logits = [
            2 * np.tanh(lifted[other] @ sending[head] + lifted[cell] @ receiving[head])
            for other in (*senders[cell], cell)
        ]
        size = np.exp(logits) / np.exp(logits).sum()
        weights[:, head] = size[:-1]
        others = (*senders[cell], cell)
        latent.append(sum(weight * lifted[other] for weight, other in zip(size, others, strict=True)))
    norms = [np.linalg.norm(values_cg[other] @ lift[head]) for other in senders[cell] for head in range(2)]
    return weights, np.tanh(np.concatenate(latent)), weights * np.reshape(norms, (-1, 2))


def test_neighbours(dataset: Dataset, by: Labels, make_bundle: MakeBundle) -> None:
    bundle = make_bundle("neighbours")
    found = attend(dataset, bundle, AttentionRequest(by, target="latent_shift", params=FEW))
    graph = neighbour_graph(dataset, GraphSpec("knn", 4))
    senders = {cell: [int(s) for s in graph.of(cell)] for cell in range(dataset.n_cells)}
    assert all(len({dataset.sections.codes[s] for s in (*ones, c)}) == 1 for c, ones in senders.items())
    net = bundle.folds[0]
    batch = make_batch(dataset, net, np.arange(dataset.n_cells))
    values_cg = batch.expression.numpy()[batch.centre.numpy()]
    network, groups = net.network, by.codes
    pair: dict[tuple[int, int], list[float]] = {}
    for cell in range(dataset.n_cells):
        weights, latent, normed = literal_edges(network, values_cg, senders, cell)
        edges = found.neighbours(cell)
        order = np.argsort(senders[cell])
        assert edges.senders.tolist() == sorted(senders[cell])
        relative = 5 * weights.mean(axis=1)  # four neighbours and the cell itself
        np.testing.assert_allclose(edges.relative, relative[order], atol=1e-5)
        norm = normed.mean(axis=1) / normed.mean()  # of the edges that come in
        np.testing.assert_allclose(found.neighbours(cell, "norm").relative, norm[order], atol=1e-5)
        for place, sender in enumerate(sorted(senders[cell])):
            fewer = {**senders, cell: [s for s in senders[cell] if s != sender]}
            change = np.linalg.norm(literal_edges(network, values_cg, fewer, cell)[1] - latent)
            assert edges.removed[place] == pytest.approx(change, abs=1e-5)
        for s, value in zip(senders[cell], relative, strict=True):
            pair.setdefault((groups[cell], groups[s]), []).append(value)
        for group in range(3):
            fewer = {**senders, cell: [s for s in senders[cell] if groups[s] != group]}
            if len(fewer[cell]) < len(senders[cell]) and np.isfinite(found.removed_ct[cell, group]):
                change = np.linalg.norm(literal_edges(network, values_cg, fewer, cell)[1] - latent)
                assert found.removed_ct[cell, group] == pytest.approx(change, abs=1e-5)
    for (g, s), values in pair.items():
        row = found.row(found.groups[g], found.columns[s])
        assert row.relative == pytest.approx(np.mean(values), abs=1e-5)
        assert found.n_edges_gt[g, s] == len(values)
        assert row.n_removed > 0, "a pair that is shown has its removal measured"
    seen = found.cell_values("K2")
    relative = 5 * literal_edges(network, values_cg, senders, 7)[0].mean(axis=1)
    own = [value for value, sender in zip(relative, senders[7], strict=True) if groups[sender] == 1]
    assert (np.isnan(seen[7]) and not own) or seen[7] == pytest.approx(np.mean(own), abs=1e-5)


def test_means_and_z_against_their_formulas() -> None:
    rng = np.random.default_rng(0)
    values, groups = rng.normal(size=(20, 4)), rng.integers(-1, 3, 20)
    values[3, 1] = np.nan
    means, count = group_means(values, groups, 3)
    for g in range(3):
        for t in range(4):
            inside = [v for v, own in zip(values[:, t], groups, strict=True) if own == g and np.isfinite(v)]
            assert means[g, t] == pytest.approx(np.mean(inside))
            assert count[g, t] == len(inside)
    ends = rng.integers(0, 3, 30), rng.integers(-1, 2, 30)
    edges = rng.normal(size=30)
    table, number = edge_means(edges, *ends, 3, 2)
    inside = [v for v, r, s in zip(edges, *ends, strict=True) if (r, s) == (1, 0)]
    assert table[1, 0] == pytest.approx(np.mean(inside))
    assert number[1, 0] == len(inside)
    ours, nulls = rng.normal(size=(2, 3)), rng.normal(size=(6, 2, 3))
    pooled = [np.sqrt(np.mean([np.var(nulls[:, g, t], ddof=1) for t in range(3)])) for g in range(2)]
    wanted = [[(ours[g, t] - nulls[:, g, t].mean()) / pooled[g] for t in range(3)] for g in range(2)]
    np.testing.assert_allclose(null_z(ours, nulls), wanted)
    centre = nulls[0].mean(axis=1)
    spread = np.sqrt(np.mean([2 * (nulls[0][g, t] - centre[g]) ** 2 for g in range(2) for t in range(3)]))
    wanted = [[(ours[g, t] - nulls[0][g, t]) / spread for t in range(3)] for g in range(2)]
    np.testing.assert_allclose(null_z(ours, nulls[:1]), wanted)
    assert np.isnan(null_z(ours, np.ones((2, 2, 3)))).all()


def test_attention_without_effect_shows_none(dataset: Dataset, by: Labels, make_bundle: MakeBundle) -> None:
    """An impostor: all weight goes to a token that carries nothing; removal tells, attention does not."""
    bundle = make_bundle("tokens", twin=False)
    network = bundle.folds[0].network
    with torch.no_grad():
        network.place[0] = 0
        network.scale[0] = 0
        network.place[1:] = -torch.abs(network.place[1:]) * 3
        network.scale[1:] = 0
        for weight in (*network.query, *network.key):
            weight.zero_()
        network.query[0].fill_diagonal_(0.0)
        for layer in range(2):  # logits are zero but for a push away from every other token
            network.key[layer] += torch.eye(len(network.key[layer]), dtype=torch.float64) * 2
            network.query[layer] += torch.eye(len(network.key[layer]), dtype=torch.float64) * 2
            network.value[layer].zero_()
        network.start[:] = torch.abs(network.start) * 3
    found = attend(dataset, bundle, AttentionRequest(by, params=FEW))
    first = found.grouped("layer:1", "relative")
    assert (first[:, 0] > first[:, 1:].max(axis=1)).all()
    assert np.abs(found.removed_gt).max() < 1e-12
