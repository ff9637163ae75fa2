"""A class token that attends to gene sets: against its formula, token by token, and the promises kept."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import sparse

from glasscell.data.gene_set import GeneSet, gene_mask, write_gmt
from glasscell.data.labels import read_labels
from glasscell.data.split import split
from glasscell.errors import DataError, JobCancelled, ModelError, NotCompatible
from glasscell.explain.explain import explain
from glasscell.explain.randomise import reinitialise
from glasscell.explain.request import ExplainRequest
from glasscell.jobs import QUIET
from glasscell.models.batch import make_batch
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.capability.attention import Attends
from glasscell.models.capability.classification import Classifies
from glasscell.models.capability.intervention import Intervenes
from glasscell.models.capability.latent import Encodes
from glasscell.models.capability.model import Model
from glasscell.models.capability.structure import Structured
from glasscell.models.cell_batch import CellBatch, Intervention
from glasscell.models.fit import fit, fit_twin
from glasscell.models.fit_request import FitRequest
from glasscell.models.learner import Learner
from glasscell.models.pathway_transformer import network as network_file
from glasscell.models.pathway_transformer.family import FAMILY, TransformerParams, gene_pace, make_network
from glasscell.models.pathway_transformer.model import TransformerModel
from glasscell.models.pathway_transformer.start import start_at_components
from glasscell.models.pathway_transformer.token import FREE, token_sets
from glasscell.models.prediction import prediction_table
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.target import Target, parse_target
from glasscell.testing.check import check_model
from glasscell.testing.planted import planted_dataset
from glasscell.testing.token_pair import make_token_pair

GENES = tuple(f"G{number}" for number in range(14))
SETS = (
    GeneSet("FIRST", frozenset(GENES[:5])),
    GeneSet("SECOND", frozenset(GENES[3:6])),  # shares two genes with the first
    GeneSet("THIRD", frozenset(GENES[7:13])),
)


def make_sets(most: int = 100):
    return token_sets(gene_mask(SETS, GENES, min_genes=1, max_genes=50), most)


@pytest.fixture
def model() -> TransformerModel:
    params = TransformerParams(width=8, heads=2, depth=3)
    network = make_network(params, make_sets(), len(GENES), 3, seed=4)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():  # nothing at its special starting value
        for weight in network.parameters():
            if weight.ndim == 1:
                weight.add_(torch.randn(weight.shape, generator=generator) * 0.3)
        network.standardise.mean.copy_(torch.rand(len(GENES), generator=generator))
    made = TransformerModel(
        network,
        FAMILY.info,
        GENES,
        ("a", "b", "c"),
        ("FIRST", "SECOND", "THIRD", FREE),
        Preprocessing("stored"),
        unknown_below=0.5,
    )
    return made.to(dtype=torch.float64)


@pytest.fixture
def batch() -> CellBatch:
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(6, len(GENES), dtype=torch.float64, generator=generator) * 3
    return CellBatch(values, torch.arange(6))


def normal(vector, layer):
    centred = vector - vector.mean()
    return centred / torch.sqrt((centred**2).mean() + layer.eps) * layer.weight + layer.bias


def by_hand(model, x_g, left_out=()):
    """One cell, place by place and head by head: logits, attention, norm-weighted attention, rollout."""
    net = model.network
    centred = (x_g - net.standardise.mean) / net.standardise.scale
    tokens = []
    for number, one in enumerate(SETS):
        own = [gene for gene in range(len(GENES)) if GENES[gene] in one.genes]
        value = net.embedding.place[number].clone()
        for place, gene in enumerate(own):
            value += centred[gene] * net.embedding.weight[number, place]
        tokens.append(value)
    tokens.append(net.embedding.free.weight @ centred + net.embedding.free.bias)
    state = [net.class_token[0] + (0 if 3 in left_out else tokens[3]), *tokens]
    present = [0, *(1 + token for token in range(4) if token not in left_out)]
    weights, norms, means = [], [], []
    for layer in net.layers:
        seen = [normal(value, layer.norm) for value in state]
        part = len(seen[0]) // 2
        new, table = [], torch.zeros(2, 5, 5, dtype=torch.float64)
        for query_at in range(5):
            mixed = []
            for head in range(2):
                rows = slice(head * part, (head + 1) * part)
                query = (layer.query.weight @ seen[query_at] + layer.query.bias)[rows]
                keys = [(layer.key.weight @ one + layer.key.bias)[rows] for one in seen]
                size = {at: math.exp(float(query @ keys[at]) / math.sqrt(part)) for at in present}
                for at in present:
                    table[head, query_at, at] = size[at] / sum(size.values())
                values = [(layer.value.weight @ one + layer.value.bias)[rows] for one in seen]
                mixed.append(sum(table[head, query_at, at] * values[at] for at in present))
            after = state[query_at] + layer.out.weight @ torch.cat(mixed) + layer.out.bias
            inner = layer.inner.weight @ normal(after, layer.inner_norm) + layer.inner.bias
            inner = inner * 0.5 * (1 + torch.erf(inner / math.sqrt(2)))
            new.append(after + layer.outer.weight @ inner + layer.outer.bias)
        length = torch.zeros(2, 4, dtype=torch.float64)
        for head in range(2):
            rows = slice(head * part, (head + 1) * part)
            for token in range(4):
                value = (layer.value.weight @ seen[token + 1] + layer.value.bias)[rows]
                length[head, token] = (layer.out.weight[:, rows] @ value).norm()
        weights.append(table[:, 0, 1:])
        norms.append(table[:, 0, 1:] * length)
        means.append(table.mean(0))
        state = new
    rolled = torch.eye(5, dtype=torch.float64)
    for mean in means:
        step = mean + torch.eye(5, dtype=torch.float64)
        rolled = (step / step.sum(1, keepdim=True)) @ rolled
    logits = net.head.weight @ normal(state[0], net.norm) + net.head.bias
    return logits, torch.stack(weights), torch.stack(norms), rolled[0, 1:]


@pytest.mark.parametrize("left_out", [(), (2,), (0, 3)])
def test_the_network_is_its_formula(model, batch, left_out):
    cells = model.apply(batch, Intervention(drop_tokens=left_out))
    for row in range(len(batch)):
        logits, weights, norms, rolled = by_hand(model, batch.expression[row], left_out)
        torch.testing.assert_close(model.logits(cells)[row], logits, rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(model.attention(cells)[row], weights, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(model.norm_weighted(cells)[row], norms, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(model.class_rollout(cells)[row], rolled, rtol=1e-10, atol=1e-12)


def depends_on_own_genes_only(tokens_of, x_cg) -> bool:
    """Whether the gradient of every set's token is exactly 0 for genes outside it, and not for its own."""
    mask_tg = gene_mask(SETS, GENES, min_genes=1).mask_pg
    jacobian = torch.autograd.functional.jacobian(lambda x: tokens_of(x)[:, : len(SETS)].sum(0), x_cg)
    moves_tg = (jacobian.abs().sum(dim=(1, 2)) != 0).numpy()  # (tokens, width, n, genes)
    return bool(np.array_equal(moves_tg, mask_tg))


def test_a_token_depends_on_its_own_genes_exactly(model, batch):
    assert depends_on_own_genes_only(model.network.tokens, batch.expression)
    mask_tg = np.vstack([gene_mask(SETS, GENES, min_genes=1).mask_pg, np.ones(len(GENES), bool)])
    before = model.network.tokens(batch.expression)
    for gene in range(len(GENES)):
        changed = batch.expression.clone()
        changed[:, gene] += 1
        moved_t = (model.network.tokens(changed) != before).any(dim=2).all(dim=0).numpy()
        still_t = (model.network.tokens(changed) == before).all(dim=2).all(dim=0).numpy()
        assert np.array_equal(moved_t, mask_tg[:, gene])
        assert np.array_equal(still_t, ~mask_tg[:, gene])


def test_tokens_cut_the_wrong_way_are_found_out(model, batch):
    def cut_across(x_cg):
        tokens = model.network.tokens(x_cg)[:, : len(SETS)]
        n, sets, width = tokens.shape
        return tokens.reshape(n, width, sets).transpose(1, 2)

    assert not depends_on_own_genes_only(cut_across, batch.expression)


def test_a_token_left_out_gets_nothing_and_its_genes_do_not_matter(model, batch):
    cells = model.apply(batch, Intervention(drop_tokens=(2, 3)))
    assert (model.attention(cells)[..., 2:] == 0).all()
    assert (model.attention(batch) > 0).all()
    changed = cells.with_expression(cells.expression.clone())
    changed.expression[:, 7:] += 5  # genes of the third set, or of none
    assert torch.equal(model.logits(changed), model.logits(cells))
    assert not torch.equal(model.logits(batch.with_expression(changed.expression)), model.logits(batch))
    twice = model.apply(model.apply(batch, Intervention(drop_tokens=(2,))), Intervention(drop_tokens=(3,)))
    assert torch.equal(model.logits(twice), model.logits(cells))
    alone = model.apply(batch, Intervention(drop_tokens=range(4)))
    logits_ck = model.logits(alone)
    assert torch.isfinite(logits_ck).all()
    torch.testing.assert_close(logits_ck, logits_ck[:1].expand_as(logits_ck), rtol=1e-12, atol=1e-12)


def test_what_it_promises(model, batch):
    for protocol in (Model, Classifies, Encodes, Attends, Intervenes, Structured):
        assert isinstance(model, protocol)
    check_model(model, batch)
    totals = model.attention(batch).sum(dim=3)
    assert ((totals > 0) & (totals < 1)).all()
    parts = model.parts()
    assert np.array_equal(parts["sets"], gene_mask(SETS, GENES, min_genes=1).mask_pg)
    assert not parts["sets"].flags.writeable
    assert parts["tokens"] == ("FIRST", "SECOND", "THIRD", FREE)


def test_blocks_change_neither_scores_nor_gradients(model, batch, monkeypatch):
    def run():
        x = batch.expression.clone().requires_grad_()
        score = model.score(batch.with_expression(x), Target("contrast", "a", "c"))
        maps = [ask(batch) for ask in (model.attention, model.class_rollout, model.norm_weighted)]
        return [score.detach(), *torch.autograd.grad(score.sum(), x), *maps]

    whole = run()
    monkeypatch.setattr(network_file, "BLOCK_NUMBERS", 1)
    for ours, theirs in zip(run(), whole, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_genes_can_be_set_and_the_rest_is_refused(model, batch):
    changed = model.apply(batch, Intervention(genes={"G4": 0.0, "G0": 2.0}))
    assert (changed.expression[:, 4] == 0).all()
    assert (changed.expression[:, 0] == 2).all()
    assert torch.equal(changed.expression[:, 5:], batch.expression[:, 5:])
    with pytest.raises(NotCompatible, match="no gene of this model"):
        model.apply(batch, Intervention(genes={"ACTB": 0.0}))
    with pytest.raises(NotCompatible, match="There is no token 4"):
        model.apply(batch, Intervention(drop_tokens=(4,)))
    for other in (Intervention(latents={0: 1.0}), Intervention(drop_edges=(0,)), Intervention(action=1)):
        with pytest.raises(NotCompatible, match="change the request"):
            model.apply(batch, other)


def test_an_unsure_cell_is_unknown(model, batch):
    best_c, class_c = model.probabilities(batch).max(dim=1)
    sure = TransformerModel(
        model.network, model.info, GENES, model.classes, model.tokens, model.preprocessing, 1.0, 0.0
    )
    assert torch.equal(sure.predict(batch), class_c)
    model.unknown_below = float(best_c.median())
    said = model.predict(batch)
    assert torch.equal(said == -1, best_c < best_c.median())
    assert torch.equal(said[said >= 0], class_c[said >= 0])


def test_a_table_of_predictions_calls_unsure_cells_unknown(trained):
    _, _, bundle = trained
    cells = bundle.cells
    likeliest = cells.probabilities_ck[cells.labelled].max(axis=1)
    params = bundle.params.model_copy(update={"unknown_below": float(np.median(likeliest))})
    table = prediction_table(replace(bundle, params=params))
    assert np.array_equal(table["prediction"] == "unknown", likeliest < np.median(likeliest))
    names = np.asarray(bundle.classes)[cells.probabilities_ck[cells.labelled].argmax(axis=1)]
    assert (table["prediction"] == names)[table["prediction"] != "unknown"].all()
    trusting = replace(bundle, params=params.model_copy(update={"unknown_below": 0.0}))
    assert np.array_equal(prediction_table(trusting)["prediction"], names)


def test_the_largest_sets_are_kept_in_their_order():
    sets = make_sets(2)
    assert sets.names == ("FIRST", "THIRD")
    assert sets.member.sum(axis=1).tolist() == [5, 6]
    assert sets.index[0, :5].tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ModelError, match='"THIRD" is the only'):
        token_sets(gene_mask(SETS, GENES, min_genes=6), 100)


def test_settings_are_checked():
    with pytest.raises(ValueError, match="multiple of the heads"):
        TransformerParams(width=10, heads=4)
    with pytest.raises(ValueError, match="cannot be more than"):
        TransformerParams(min_genes=20, max_genes=10)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small run on planted markers, and the request behind it."""
    dataset = planted_dataset(n_cells=300, n_genes=40, n_sections=2, seed=3)
    names = [str(name) for name in dataset.genes.names]
    path = tmp_path_factory.mktemp("sets") / "sets.gmt"
    write_gmt([GeneSet(f"SET {k}", frozenset(names[k * 8 : k * 8 + 10])) for k in range(4)], path)
    labels = read_labels(dataset, "label")
    params = TransformerParams(
        gene_sets=str(path), width=8, heads=2, max_epochs=15, batch_size=32, learning_rate=1e-2
    )
    request = FitRequest(
        labels,
        split(dataset, "random", n_folds=2, seed=0, labels=labels),
        family="pathway_transformer",
        params=params,
        seed=5,
    )
    state = torch.random.get_rng_state()
    bundle = fit_twin(fit(dataset, request), dataset, request)
    assert torch.equal(state, torch.random.get_rng_state())
    return dataset, request, bundle


def test_it_learns_and_its_twin_does_not(trained):
    dataset, _, bundle = trained
    assert bundle.metrics.macro_f1 > 0.9
    assert bundle.folds[0].tokens == ("SET 0", "SET 1", "SET 2", "SET 3", FREE)
    assert max(len(curve.train_loss) for curve in bundle.curves) <= 15
    known = np.flatnonzero(bundle.cells.labelled)
    said = bundle.twin.probabilities(make_batch(dataset, bundle.twin, known)).argmax(1).numpy()
    assert np.mean(said == bundle.cells.truth[known]) < 0.7


def test_the_same_seed_gives_the_same_net(trained):
    dataset, request, bundle = trained
    params = request.params.model_copy(update={"max_epochs": 2})
    first, second = (fit(dataset, replace(request, params=params)) for _ in range(2))
    other = fit(dataset, replace(request, params=params, seed=6))
    assert first.folds[0].fingerprint == second.folds[0].fingerprint
    assert first.folds[0].fingerprint != other.folds[0].fingerprint
    assert first.folds[0].fingerprint != bundle.folds[0].fingerprint


def test_a_saved_bundle_scores_the_same_bits_without_its_file_of_sets(trained, tmp_path):
    dataset, _, bundle = trained
    save_bundle(bundle, tmp_path / "bundle")
    where = Path(bundle.params.gene_sets)
    away = where.rename(where.with_suffix(".away"))
    try:
        opened = load_bundle(tmp_path / "bundle")
    finally:
        away.rename(where)
    cells = np.arange(40)
    for ours, theirs in zip((*opened.folds, opened.twin), (*bundle.folds, bundle.twin), strict=True):
        batch = make_batch(dataset, ours, cells)
        assert ours.fingerprint == theirs.fingerprint
        assert ours.tokens == theirs.tokens
        assert ours.unknown_below == 0.5
        for ask in ("logits", "probabilities", "encode", "attention", "class_rollout", "norm_weighted"):
            assert torch.equal(getattr(ours, ask)(batch), getattr(theirs, ask)(batch))


def test_a_damaged_bundle_is_refused(trained):
    _, _, bundle = trained
    net = bundle.folds[0]
    words = {"params": bundle.params, "genes": net.genes, "classes": net.classes}
    tensors = dict(FAMILY.tensors(net))
    beyond = {**tensors, "embedding.index": tensors["embedding.index"] + 1000}
    missing = {name: value for name, value in tensors.items() if name != "embedding.member"}
    for broken in (beyond, missing, {**tensors, "head.weight": tensors["head.weight"][:1]}):
        with pytest.raises(ModelError, match="bundle is damaged"):
            FAMILY.restore(FAMILY.describe(net), broken, **words)


def test_a_net_whose_class_token_began_otherwise_is_refused(trained):
    net = trained[2].folds[0]
    words = {"params": trained[2].params, "genes": net.genes, "classes": net.classes}
    with pytest.raises(ModelError, match="train it again"):
        FAMILY.restore(net.description(), FAMILY.tensors(net), **words)


def test_a_net_with_fresh_weights_keeps_its_sets(trained):
    dataset, _, bundle = trained
    net = bundle.folds[0]
    fresh = reinitialise(bundle, net, 0)
    assert np.array_equal(fresh.parts()["sets"], net.parts()["sets"])
    batch = make_batch(dataset, net, np.arange(20))
    assert not torch.allclose(fresh.attention(batch), net.attention(batch), atol=1e-3)
    before, after = net.network.state_dict(), fresh.network.state_dict()
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert "embedding.weight" not in same
    assert "class_token" not in same


def test_training_can_be_cancelled(trained):
    dataset, request, _ = trained

    class Stop:
        left = 12

        def report(self, fraction, text="", **metrics):
            self.left -= 1
            if self.left < 0:
                raise JobCancelled("stopped")

    with pytest.raises(JobCancelled):
        fit(dataset, request, Stop())


def test_sets_that_cannot_be_used_are_refused_in_a_sentence(trained, tmp_path):
    dataset, request, _ = trained
    for text, said in (("A\tx\tNOPE1\tNOPE2\n", "None of 1 gene sets"), ("", "holds no gene set")):
        path = tmp_path / "bad.gmt"
        path.write_text(text)
        params = request.params.model_copy(update={"gene_sets": str(path)})
        with pytest.raises(DataError, match=said):
            fit(dataset, replace(request, params=params))


@pytest.mark.parametrize("target", ["class:K1", "contrast:K1/K2", "latent:3"])
def test_attributions_add_up(trained, target):
    dataset, _, bundle = trained
    net = bundle.folds[0]
    cells = np.arange(0, 60, 3)
    request = ExplainRequest(
        target=target, cells=cells, baseline="zero", params={"steps": 256}, nets="fold:0", evidence=False
    )
    found = explain(dataset, bundle, request)
    batch = make_batch(dataset, net, cells)
    zero = batch.with_expression(torch.zeros_like(batch.expression))
    parsed = parse_target(target, net.classes)
    change = (net.score(batch, parsed) - net.score(zero, parsed)).numpy()
    total = found.block(np.arange(len(cells))).sum(axis=1)
    np.testing.assert_allclose(total, change, atol=0.02 * np.abs(change).max())


def test_tokens_begin_at_the_components_of_their_own_genes(batch):
    rng = np.random.default_rng(0)
    values = (rng.gamma(1.0, 1.0, (80, 3)) @ rng.random((3, len(GENES))) + 0.1 * rng.random((80, 14))).astype(
        np.float32
    )
    train = np.arange(60)
    network = make_network(TransformerParams(width=4, heads=2), make_sets(), len(GENES), 3).eval()
    mean_g, sd_g = values[train].mean(0), values[train].std(0)
    network.standardise.set_moments(torch.from_numpy(mean_g), torch.from_numpy(sd_g))
    start_at_components(network, sparse.csr_matrix(values), train, seed=0, job=QUIET)
    with torch.no_grad():
        tokens = network.tokens(torch.from_numpy(values[train])) - torch.cat(
            [network.embedding.place, network.embedding.free.bias[None]]
        )
    centred = (values[train] - mean_g) / sd_g
    mask_tg = np.vstack([gene_mask(SETS, GENES, min_genes=1).mask_pg, np.ones(14, bool)])
    for token, own in enumerate(mask_tg):
        left, size, _ = np.linalg.svd(centred[:, own], full_matrices=False)
        places = (left * size)[:, :4]
        places = places / np.sqrt((places**2).mean())
        found = tokens[:, token, : places.shape[1]].numpy()
        np.testing.assert_allclose(np.abs(found), np.abs(places), atol=2e-3)
    changed = np.array(values)
    changed[60:] += 7  # cells that training may not look at
    again = make_network(TransformerParams(width=4, heads=2), make_sets(), len(GENES), 3)
    again.standardise.set_moments(torch.from_numpy(mean_g), torch.from_numpy(sd_g))
    start_at_components(again, sparse.csr_matrix(changed), train, seed=0, job=QUIET)
    assert torch.equal(again.embedding.weight, network.embedding.weight)
    assert torch.equal(again.embedding.free.weight, network.embedding.free.weight)


def make_learner(gene_rate: float, average_steps: int) -> tuple[Learner, torch.optim.Optimizer]:
    certain = {"input_dropout": 0, "dropout": 0, "token_dropout": 0, "free_dropout": 0}
    params = TransformerParams(width=4, heads=2, **certain)
    network = make_network(params, make_sets(), len(GENES), 3, seed=2)
    learner = Learner(network, gene_pace(network, gene_rate), average_steps).train()
    return learner, torch.optim.Adam(learner.network.parameters(), lr=0.01)


def walk(learner, optimiser, steps):
    """Train on noise; return the weights at the start and after each step, by name."""
    generator = torch.Generator().manual_seed(3)
    path = [{name: one.detach().clone() for name, one in learner.network.named_parameters()}]
    for _ in range(steps):
        optimiser.zero_grad()
        logits = learner(torch.rand(8, len(GENES), generator=generator))
        torch.nn.functional.cross_entropy(logits, torch.arange(8) % 3).backward()
        optimiser.step()
        learner.after_step(0.01)
        path.append({name: one.detach().clone() for name, one in learner.network.named_parameters()})
    return path


def test_genes_take_shorter_steps_the_more_there_are_in_a_token():
    start, after = walk(*make_learner(0.5, 1), 1)
    moved = {name: (after[name] - start[name]).abs() for name in start}
    free = 0.01 * 0.5 / math.sqrt(len(GENES))
    torch.testing.assert_close(moved["embedding.free.weight"], torch.full((4, 14), free), rtol=0.02, atol=0)
    for token, one in enumerate(SETS):
        own = moved["embedding.weight"][token, : len(one.genes)]
        expected = torch.full_like(own, 0.01 * 0.5 / math.sqrt(len(one.genes)))
        torch.testing.assert_close(own, expected, rtol=0.02, atol=0)
    assert float(moved["head.weight"].median()) == pytest.approx(0.01, rel=1e-3)
    still = walk(*make_learner(0.0, 1), 3)
    assert torch.equal(still[-1]["embedding.weight"], still[0]["embedding.weight"])
    assert torch.equal(still[-1]["embedding.free.weight"], still[0]["embedding.free.weight"])


def test_what_is_published_is_the_mean_of_the_last_steps():
    learner, optimiser = make_learner(1.0, 4)
    path = walk(learner, optimiser, 60)
    shares = [max(1 / 4, 10 / (9 + step)) for step in range(1, 61)]
    expected = path[0]["head.weight"]
    for share, weights in zip(shares, path[1:], strict=True):
        expected = (1 - share) * expected + share * weights["head.weight"]
    torch.testing.assert_close(learner.average.head.weight, expected)
    assert not torch.equal(learner.average.head.weight, path[-1]["head.weight"])
    x_cg = torch.rand(5, len(GENES))
    assert torch.equal(learner.eval()(x_cg), learner.average.eval()(x_cg))
    last, optimiser = make_learner(1.0, 1)
    path = walk(last, optimiser, 3)
    assert torch.equal(last.average.head.weight, path[-1]["head.weight"])


def test_training_says_how_many_sets_and_genes_are_of_use(trained):
    _, _, bundle = trained
    assert (
        "4 of 4 gene sets are tokens: 0 have fewer than 5 measured genes, 0 more than 300. They hold 34 of "
        "40 genes; only unannotated sees the others."
    ) in bundle.notes


@pytest.mark.slow
def test_removal_finds_the_pair_that_no_mean_difference_betrays(tmp_path):
    truth = make_token_pair(20, n_cells=1600, n_programmes=10)
    write_gmt(truth.sets, tmp_path / "programmes.gmt")
    labels = read_labels(truth.dataset, "class")
    values_cg = np.log1p(truth.dataset.expression_cg("counts").toarray())
    like = labels.codes == labels.classes.index("like")
    moved_g = np.abs(values_cg[like].mean(0) - values_cg[~like].mean(0))
    params = TransformerParams(
        gene_sets=str(tmp_path / "programmes.gmt"),
        width=16,
        patience=30,
        max_epochs=80,
        batch_size=64,
        gene_rate=7,
        free_dropout=0.9,  # at less, the token that sees all genes may learn the pair alone
    )
    folds = split(truth.dataset, "random", n_folds=2, seed=0, labels=labels)
    bundle = fit(truth.dataset, FitRequest(labels, folds, family="pathway_transformer", params=params))
    assert bundle.baselines["logistic"].macro_f1 < 0.6  # neither programme alone tells
    net = bundle.folds[0]
    batch = make_batch(truth.dataset, net, np.flatnonzero(bundle.cells.fold == 0)[:300])
    before = net.logits(batch)
    moved_t = np.array(
        [
            float((net.logits(net.apply(batch, Intervention(drop_tokens=(token,)))) - before).abs().mean())
            for token in range(len(net.tokens) - 1)
        ]
    )
    assert {net.tokens[token] for token in np.argsort(-moved_t)[:2]} == set(truth.pair)
    impostor_t = net.parts()["sets"] @ moved_g
    assert {net.tokens[token] for token in np.argsort(-impostor_t)[:2]} != set(truth.pair)


def test_both_programmes_of_the_pair_are_as_active_in_either_class():
    truth = make_token_pair(3)
    like = (truth.dataset.adata.obs["class"] == "like").to_numpy()
    names = [one.name for one in truth.sets]
    sign_cp = np.sign(truth.activity_cp)
    for name in truth.pair:
        column = sign_cp[:, names.index(name)]
        assert abs(column[like].mean() - column[~like].mean()) < 0.15
    first, second = (sign_cp[:, names.index(name)] for name in truth.pair)
    assert np.mean((first * second > 0) == like) > 0.96
