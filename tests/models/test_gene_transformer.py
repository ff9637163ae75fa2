"""Genes as tokens: against the formula, gene by gene; what is hidden stays hidden; pretraining's impostor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.special import erf
from torch.utils._python_dispatch import TorchDispatchMode

from glasscell.data.labels import read_labels
from glasscell.data.split import split
from glasscell.errors import DataError, ModelError, NotCompatible
from glasscell.jobs import QUIET
from glasscell.models.bundle_file import save_bundle
from glasscell.models.capability.attention import Attends, AttendsWithin
from glasscell.models.capability.classification import Classifies
from glasscell.models.capability.intervention import Intervenes
from glasscell.models.capability.latent import Encodes
from glasscell.models.capability.structure import Structured
from glasscell.models.cell_batch import CellBatch, Intervention
from glasscell.models.family import FoldPlan
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.gene_transformer import network as network_file
from glasscell.models.gene_transformer.choice import variable_genes
from glasscell.models.gene_transformer.family import FAMILY
from glasscell.models.gene_transformer.hide import Teacher
from glasscell.models.gene_transformer.label_efficiency import label_efficiency
from glasscell.models.gene_transformer.model import GeneTransformerModel
from glasscell.models.gene_transformer.params import GeneTransformerParams
from glasscell.models.gene_transformer.start import components
from glasscell.models.gene_transformer.train import Task, make_network
from glasscell.models.metric import macro_f1
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.registry import family
from glasscell.models.row import Rows
from glasscell.models.target import Target
from glasscell.models.training_data import training_data
from glasscell.testing.check import check_model
from glasscell.testing.planted import planted_dataset

GENES = tuple(f"G{number}" for number in range(9))
PLACE = (1, 2, 4, 5, 6, 8)
TINY = {"n_tokens": 16, "width": 8, "heads": 2, "pretrain_epochs": 2, "max_epochs": 2, "learning_rate": 1e-2}


@pytest.fixture
def model() -> GeneTransformerModel:
    params = GeneTransformerParams(width=8, heads=2, depth=3)
    network = make_network(params, len(PLACE), len(GENES), 3, seed=4)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():  # nothing at its special starting value
        for weight in network.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.4)
        network.tokens.place.copy_(torch.tensor(PLACE))
        network.tokens.mean.copy_(torch.rand(len(PLACE), generator=generator))
        network.tokens.spread.copy_(torch.rand(len(PLACE), generator=generator) + 0.5)
        network.readout.copy_(torch.randn(network.readout.shape, generator=generator))
        network.usual.copy_(torch.rand(network.usual.shape, generator=generator))
    tokens = tuple(GENES[place] for place in PLACE)
    words = (FAMILY.info, GENES, ("a", "b", "c"), tokens, Preprocessing("stored"))
    return GeneTransformerModel(network, *words).to(dtype=torch.float64)


@pytest.fixture
def batch() -> CellBatch:
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(7, len(GENES), dtype=torch.float64, generator=generator) * 3
    values[torch.rand(values.shape, generator=generator) < 0.4] = 0
    values[3] = 0  # a cell without counts
    return CellBatch(values, torch.arange(7))


def plain(tensor):
    return tensor.detach().double().numpy()


def normal(vector, layer):
    centred = vector - vector.mean()
    return centred / np.sqrt((centred**2).mean() + layer.eps) * plain(layer.weight) + plain(layer.bias)


def linear(vector, layer):
    return plain(layer.weight) @ vector + plain(layer.bias)


def by_hand(net, x_g, left_out=(), asked=(), shown=None):
    """One cell, place by place and head by head, in numpy: no gene is skipped."""
    tokens = net.tokens
    own = x_g[tokens.place.numpy()]
    n = len(own)
    shown = np.ones(n) if shown is None else shown
    scaled = (own - plain(tokens.mean)) / plain(tokens.spread)
    presence = [1.0]
    state = [plain(net.class_token)[0]]
    for token in range(n):
        present = 1 - float(tokens.counts) * np.exp(-max(own[token], 0))
        presence.append(0.0 if token in left_out else present * shown[token])
        state.append(plain(tokens.name)[token] + scaled[token] * plain(tokens.value)[token])
    state += [plain(tokens.name)[token] + plain(tokens.hidden) for token in asked]
    tables, lengths = [], []
    for layer in net.layers:
        seen = [normal(one, layer.norm) for one in state]
        heads, part = net.heads, len(seen[0]) // net.heads
        table, mixed = np.zeros((heads, len(state), n + 1)), [[] for _ in state]
        length = np.zeros((heads, n))
        for head in range(heads):
            rows = slice(head * part, (head + 1) * part)
            keys = [linear(one, layer.key)[rows] for one in seen[: n + 1]]
            values = [linear(one, layer.value)[rows] for one in seen[: n + 1]]
            for at, one in enumerate(seen):
                query = linear(one, layer.query)[rows]
                size = [
                    p * np.exp(query @ key / np.sqrt(part)) for p, key in zip(presence, keys, strict=True)
                ]
                table[head, at] = np.array(size) / np.sum(size)
                mixed[at].append(sum(w * v for w, v in zip(table[head, at], values, strict=True)))
            for token in range(n):
                length[head, token] = np.linalg.norm(plain(layer.out.weight)[:, rows] @ values[token + 1])
        after = [one + linear(np.concatenate(m), layer.out) for one, m in zip(state, mixed, strict=True)]
        inner = [linear(normal(one, layer.inner_norm), layer.inner) for one in after]
        inner = [one * 0.5 * (1 + erf(one / np.sqrt(2))) for one in inner]
        state = [one + linear(more, layer.outer) for one, more in zip(after, inner, strict=True)]
        tables.append(table)
        lengths.append(length)
    out = [normal(one, net.norm) for one in state]
    return out[0], out[n + 1 :], tables, lengths


@pytest.mark.parametrize("left_out", [(), (2,), (0, 5)])
def test_the_network_is_its_formula(model, batch, left_out):
    cells = model.apply(batch, Intervention(drop_tokens=left_out))
    net = model.network
    logits, weights = model.logits(cells), model.attention(cells)
    norms, rolled = model.norm_weighted(cells), model.class_rollout(cells)
    for row, x_g in enumerate(batch.expression.numpy()):
        latent, _, tables, lengths = by_hand(net, x_g, left_out)
        read = np.delete(np.arange(len(GENES)), [PLACE[token] for token in left_out])
        expected = linear(latent, net.head) + plain(net.readout)[:, read] @ (x_g - plain(net.usual))[read]
        np.testing.assert_allclose(logits[row], expected, rtol=1e-9, atol=1e-9)
        to_tokens = [table[:, 0, 1:] for table in tables]
        np.testing.assert_allclose(weights[row], to_tokens, rtol=1e-9, atol=1e-12)
        carried = [one * length for one, length in zip(to_tokens, lengths, strict=True)]
        np.testing.assert_allclose(norms[row], carried, rtol=1e-9, atol=1e-12)
        through = np.eye(len(PLACE) + 1)
        for table in tables:
            step = table.mean(axis=0) + np.eye(len(PLACE) + 1)
            through = step / step.sum(axis=1, keepdims=True) @ through
        np.testing.assert_allclose(rolled[row], through[0, 1:], rtol=1e-9, atol=1e-12)


def test_guesses_are_their_formula_and_do_not_see_the_gene(model, batch):
    net = model.network
    for token in range(len(PLACE)):
        found = model.guess(batch, token)
        for row, x_g in enumerate(batch.expression.numpy()):
            _, hidden, _, _ = by_hand(net, x_g, (token,), (token,))
            value = linear(hidden[0], net.guess)[0]
            expected = value * float(net.tokens.spread[token]) + float(net.tokens.mean[token])
            assert float(found[row]) == pytest.approx(expected, rel=1e-9)
        changed = batch.expression.clone()
        changed[:, PLACE[token]] += 2
        assert torch.equal(model.guess(batch.with_expression(changed), token), found)


def test_the_loss_of_hidden_genes_is_its_formula(model, batch):
    net = model.network
    teacher = Teacher(net, 0.5, 4, len(PLACE)).eval()
    x_ct = net.tokens.own(batch.expression)
    asked, counts, shown = teacher.draw(net.tokens.presence(x_ct))
    there = (x_ct > 0).numpy()
    assert (shown.numpy()[~there] == 1).all(), "only expressed genes are hidden"
    assert 0 < (shown.numpy()[there] == 0).mean() < 1
    total = number = 0.0
    for row, x_g in enumerate(batch.expression.numpy()):
        genes = asked[row].tolist()
        assert len(set(genes)) == len(genes)
        latent, hidden, _, _ = by_hand(net, x_g, (), genes, shown[row].numpy())
        scaled = (x_g[list(PLACE)] - plain(net.tokens.mean)) / plain(net.tokens.spread)
        by_cell = linear(latent, net.from_cell)
        for place, gene in enumerate(genes):
            if float(counts[row, place]) == 0:
                assert there[row, gene], "a gene that counts for nothing is one that is shown"
                assert shown[row, gene] == 1
                continue
            guess = linear(hidden[place], net.guess)[0]
            total += ((guess - scaled[gene]) ** 2 + (by_cell[gene] - scaled[gene]) ** 2) / 2
            number += 1
    _, error = teacher(batch.expression)
    assert float(error) == pytest.approx(total / number, rel=1e-9)
    assert torch.equal(teacher(batch.expression)[1], error), "the same genes are hidden each time"


@pytest.mark.parametrize("n_there", [8, 100, 200])
def test_as_many_genes_are_asked_that_are_not_there(n_there):
    """However many a cell expresses, what is asked does not tell what is there."""
    network = make_network(GeneTransformerParams(width=4, heads=2), 256, 256, 2)
    presence = torch.zeros(64, 256)
    presence[:, :n_there] = 0.5
    asked, counts, shown = Teacher(network, 0.25, 32, 192).eval().draw(presence)
    used = counts > 0
    expressed = (presence.gather(1, asked) > 0) & used
    assert (used.sum(dim=1) > 0).all()
    assert asked.shape[1] == min(32, 2 * int((shown == 0).sum(dim=1).float().mean()))
    assert 0.4 <= float(expressed.sum() / used.sum()) <= 0.5, "half of what is asked is there, not more"
    assert (shown.gather(1, asked)[expressed] == 0).all(), "none that is shown is asked"
    full = Teacher(network, 0.25, 32, 192).eval().draw(torch.ones(64, 256))[1]
    assert full.mean() > 0.95, "where all genes are there, all that are asked are hidden ones"


def test_what_is_hidden_tells_nothing(model, batch):
    """The logits of a step don't move with hidden genes, whose values are what is asked."""
    model.network.readout.zero_()  # which reads all genes, tokens or not
    teacher = Teacher(model.network, 0.5, 4, len(PLACE)).eval()
    x_ct = model.network.tokens.own(batch.expression)
    _, _, shown = teacher.draw(model.network.tokens.presence(x_ct))
    changed, moved = batch.expression.clone(), batch.expression.clone()
    for row in range(len(batch)):
        for token, place in enumerate(PLACE):
            if shown[row, token] == 0:
                changed[row, place] *= 3
            elif batch.expression[row, place] > 0:
                moved[row, place] *= 3
    logits, error = teacher(batch.expression)
    assert torch.equal(teacher(changed)[0], logits)
    assert not torch.equal(teacher(changed)[1], error)
    assert not torch.equal(teacher(moved)[0], logits)


def test_a_token_depends_on_its_own_gene_exactly(model, batch):
    def tokens_of(x_cg):
        return model.network.tokens(model.network.tokens.own(x_cg))

    jacobian = torch.autograd.functional.jacobian(lambda x: tokens_of(x).sum(0), batch.expression)
    moves_tg = (jacobian.abs().sum(dim=(1, 2)) != 0).numpy()
    own_tg = np.zeros((len(PLACE), len(GENES)), bool)
    own_tg[np.arange(len(PLACE)), PLACE] = True
    assert np.array_equal(moves_tg, own_tg)

    def dealt_out(x_cg):  # numbers cut across the tokens, as in the reference code of TOSICA
        tokens = tokens_of(x_cg)
        return tokens.reshape(len(tokens), tokens.shape[2], -1).transpose(1, 2)

    jacobian = torch.autograd.functional.jacobian(lambda x: dealt_out(x).sum(0), batch.expression)
    assert not np.array_equal((jacobian.abs().sum(dim=(1, 2)) != 0).numpy(), own_tg)


def test_genes_without_counts_are_skipped_and_have_a_gradient(model, batch):
    assert (model.attention(batch)[..., 0][batch.expression[:, PLACE[0]] == 0] == 0).all()
    x = batch.expression.clone().requires_grad_()
    target = Target("contrast", "a")
    score = model.score(batch.with_expression(x), target)
    assert torch.equal(score.detach(), model.score(batch, target))
    slope = torch.autograd.grad(score.sum(), x)[0]
    step = 1e-6
    for row, place in ((0, PLACE[0]), (1, PLACE[3]), (3, PLACE[2]), (2, PLACE[5])):
        near = batch.expression.clone()
        near[row, place] += step
        rise = (model.score(batch.with_expression(near), target) - score.detach())[row] / step
        assert float(slope[row, place]) == pytest.approx(float(rise), rel=1e-3, abs=1e-7)
    zero = batch.expression[:, list(PLACE)] == 0
    assert (slope[:, list(PLACE)][zero] != 0).any()
    others = [place for place in range(len(GENES)) if place not in PLACE]
    readout = model.network.readout[0] - model.network.readout[1:].mean(dim=0)
    expected = readout[others].expand(len(batch), -1)
    torch.testing.assert_close(slope[:, others], expected, msg="a gene that is no token is read linearly")
    latent = torch.autograd.functional.jacobian(lambda x: model.network.latent(x).sum(0), batch.expression)
    assert (latent[:, :, others] == 0).all(), "and moves no class token"


def test_a_token_left_out_is_as_though_never_measured(model, batch):
    cells = model.apply(batch, Intervention(drop_tokens=(1,)))
    changed = cells.with_expression(cells.expression.clone())
    changed.expression[:, PLACE[1]] += 5
    assert torch.equal(model.logits(changed), model.logits(cells))
    assert (model.attention(cells)[..., 1] == 0).all()
    model.network.readout.zero_()  # which reads genes that are no tokens, too
    alone = model.logits(model.apply(batch, Intervention(drop_tokens=range(len(PLACE)))))
    torch.testing.assert_close(alone, alone[:1].expand_as(alone))
    torch.testing.assert_close(model.logits(batch)[3], alone[0], msg="a cell without counts has no tokens")
    with pytest.raises(NotCompatible, match="There is no token 6"):
        model.apply(batch, Intervention(drop_tokens=(6,)))


class Largest(TorchDispatchMode):
    """Remembers the most numbers of any tensor that is made."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for one in out if isinstance(out, tuple | list) else (out,):
            if isinstance(one, torch.Tensor):
                self.numbers = max(self.numbers, one.numel())
        return out


def test_attention_is_summed_and_no_cell_keeps_its_own(model, batch, monkeypatch):
    by_head, even, both = model.summed_attention(batch)
    expected, by_presence, cells = np.zeros((2, 2, 6, 6)), np.zeros((6, 6)), np.zeros((6, 6))
    for x_g in batch.expression.numpy():
        _, _, tables, _ = by_hand(model.network, x_g)
        present = 1 - np.exp(-x_g[list(PLACE)])
        pair = np.outer(present > 0, present > 0)
        for layer in range(2):
            expected[layer] += tables[layer][:, 1:, 1:] * pair
        by_presence += np.tile(present / (1 + present.sum()), (6, 1)) * pair
        cells += pair
    np.testing.assert_allclose(by_head, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(even, by_presence, rtol=1e-9, atol=1e-12)
    assert np.array_equal(both, cells)

    many = CellBatch(batch.expression.repeat(30, 1), torch.arange(210))
    monkeypatch.setattr(network_file, "BLOCK_NUMBERS", 6000)
    with Largest() as largest:
        summed, _, _ = model.summed_attention(many)
    np.testing.assert_allclose(summed, expected * 30, rtol=1e-9)
    assert largest.numbers < 210 * 6 * 6, "a table of all cells and pairs was made"
    monkeypatch.undo()
    with largest:
        model.summed_attention(many)
    assert largest.numbers > 210 * 6 * 6, "the watch sees one when all cells fit in a block"


def test_what_it_promises(model, batch):
    for protocol in (Classifies, Encodes, Attends, AttendsWithin, Intervenes, Structured):
        assert isinstance(model, protocol)
    check_model(model, batch)
    totals = model.attention(batch).sum(dim=3)
    assert (totals < 1).all()
    parts = model.parts()
    assert parts["tokens"] == tuple(GENES[place] for place in PLACE)
    assert parts["token names"].shape == parts["token values"].shape == (6, 8)
    assert not parts["token names"].flags.writeable


def test_blocks_change_neither_scores_nor_gradients(model, batch, monkeypatch):
    def run():
        x = batch.expression.clone().requires_grad_()
        score = model.score(batch.with_expression(x), Target("contrast", "a", "c"))
        maps = [ask(batch) for ask in (model.attention, model.class_rollout, model.norm_weighted)]
        return [score.detach(), *torch.autograd.grad(score.sum(), x), *maps, model.guess(batch, 2)]

    whole = run()
    monkeypatch.setattr(network_file, "BLOCK_NUMBERS", 1)
    for ours, theirs in zip(run(), whole, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_values_that_are_no_counts_are_all_there(model, batch):
    model.network.tokens.counts.fill_(0.0)
    assert (model.attention(batch) > 0).all()
    latent, _, _, _ = by_hand(model.network, batch.expression[3].numpy())
    np.testing.assert_allclose(model.encode(batch)[3], latent, rtol=1e-9, atol=1e-9)


def test_components_are_those_beyond_chance():
    rng = np.random.default_rng(0)
    hidden_cp = rng.standard_normal((400, 2)) * (2.0, 1.2)
    axes_pg = np.linalg.qr(rng.standard_normal((30, 2)))[0].T
    noise = rng.standard_normal((400, 30)) * 0.3
    axes_gp, share_p = components(hidden_cp @ axes_pg + noise, 8, 0)
    assert axes_gp.shape == (30, 2)
    assert (np.abs(np.sum(axes_gp * axes_pg.T, axis=0)) > 0.97).all()
    assert ((share_p > 0) & (share_p < 1)).all()
    assert share_p[0] > share_p[1]
    shuffled = rng.permuted(hidden_cp @ axes_pg + noise, axis=0)
    assert components(shuffled, 8, 0)[0].shape[1] <= 1, "genes that know nothing of each other have none"


def test_variable_genes_are_not_the_abundant_ones():
    rng = np.random.default_rng(1)
    counts = rng.poisson(np.tile([50.0, 5.0, 5.0, 0.5], (500, 1)))
    counts[:250, 2] = rng.poisson(20, 250)
    table = sparse.csr_matrix(np.log1p(counts).astype(np.float32))
    assert variable_genes(table, 1, counts=True).tolist() == [2]
    assert variable_genes(table, 9, counts=True).tolist() == [0, 1, 2, 3]


@pytest.fixture(scope="module")
def toy():
    return planted_dataset(n_cells=160, n_genes=24, seed=2)


def asked_of(dataset, **settings):
    labels = read_labels(dataset, "label")
    folds = split(dataset, "random", n_folds=2, seed=0, labels=labels)
    params = GeneTransformerParams(**{**TINY, **settings})
    return FitRequest(labels, folds, "gene_transformer", params, 3, "cpu", baselines=False)


@pytest.fixture(scope="module")
def toy_bundle(toy):
    return fit(toy, asked_of(toy))


def test_all_nets_have_the_same_tokens_and_say_what_they_learnt(toy_bundle):
    first, second = toy_bundle.folds
    assert first.tokens == second.tokens
    assert len(first.tokens) == 16
    assert any("error of hidden genes" in note and "fell from" in note for note in toy_bundle.notes)


def test_cells_held_out_are_not_looked_at_and_unlabelled_ones_are(toy):
    """Other values in the cells of fold 0 leave its net as it is, bit by bit; in unlabelled ones not."""
    request = asked_of(toy, n_tokens=24)
    data = training_data(toy, request, FAMILY, "cpu", labels=request.labels)
    train = np.flatnonzero(request.split.folds != 0)
    held, loose = np.flatnonzero(request.split.folds == 0), train[:20]
    codes = data.codes.copy()
    codes[loose] = -1
    plan = FoldPlan(np.setdiff1d(train, loose)[8:], np.setdiff1d(train, loose)[:8], 5, "cpu")

    def weights(changed):
        table = data.rows.table_cg.copy().tolil()
        if len(changed):
            table[changed] = 4 * table[changed][::-1]
        found = replace(data, rows=Rows(sparse.csr_matrix(table.tocsr())), codes=codes)
        return FAMILY.train(found, plan, request.params, QUIET)[0].network.state_dict()

    before, after = weights([]), weights(held)
    assert all(torch.equal(before[name], after[name]) for name in before)
    other = weights(loose)
    assert not torch.equal(before["tokens.name"], other["tokens.name"])
    task = Task(replace(data, codes=codes), plan, request.params)
    assert np.array_equal(task.seen, train)


def test_unlabelled_cells_that_are_held_out_teach_nothing(toy):
    """Nor do those in the gap around the fold, or of no fold; the others do and count as seen."""
    request = asked_of(toy, n_tokens=24)
    codes, folds = np.array(request.labels.codes), np.array(request.split.folds)
    held, kept = np.flatnonzero(folds == 0), np.flatnonzero(folds == 1)
    held, near, unused, others = held[:8], kept[:8], kept[8:16], kept[16:24]
    codes[np.concatenate([held, near, unused, others])] = -1
    folds[unused] = -1
    near_cf = np.zeros((toy.n_cells, 2), bool)
    near_cf[near, 0] = True
    labels = replace(request.labels, codes=codes)
    request = replace(request, labels=labels, split=replace(request.split, folds=folds, near_cf=near_cf))

    def trained(changed):
        other = toy.adata.copy()
        table = sparse.lil_matrix(other.X)
        if len(changed):
            table[changed] = table[changed][:, ::-1]
        other.X = table.tocsr()
        return fit(type(toy)(other), request)

    before, after = trained([]), trained(np.concatenate([held, near, unused]))
    tensors = [made.folds[0].network.state_dict() for made in (before, after, trained(others))]
    assert all(torch.equal(tensors[0][name], tensors[1][name]) for name in tensors[0])
    assert not torch.equal(tensors[0]["tokens.name"], tensors[2]["tokens.name"])

    def seen(cells, net):
        return before.seen_in_training(toy, cells, np.full(len(cells), net))

    assert seen(others, 0).all()
    assert seen(held, 1).all()
    assert not seen(np.concatenate([held, unused]), 0).any()
    assert not seen(others, 1).any()


def renamed_cells(dataset):
    adata = dataset.adata.copy()
    adata.obs_names = [f"other-{name}" for name in adata.obs_names]
    return type(dataset)(adata)


def test_no_start_is_made_from_a_model_that_knows_the_cells(toy, toy_bundle, tmp_path):
    folder = str(save_bundle(toy_bundle, tmp_path / "kept"))
    with pytest.raises(NotCompatible, match=r"160 of these cells, .* start from a model of other cells"):
        fit(toy, asked_of(toy, start_from=folder))
    few = renamed_cells(toy).adata.copy()
    few.obs_names = [toy.cell_names[7], *few.obs_names[1:]]
    few = type(toy)(few)
    with pytest.raises(NotCompatible, match=f"1 of these cells, {toy.cell_names[7]} for one"):
        fit(few, asked_of(few, start_from=folder))


def test_training_starts_from_a_saved_model(toy, toy_bundle, tmp_path):
    folder = save_bundle(toy_bundle, tmp_path / "kept")
    fewer = planted_dataset(n_cells=160, n_genes=24, seed=5)
    fewer = renamed_cells(type(fewer)(fewer.adata[:, [*range(3, 24)]].copy()))
    theirs = toy_bundle.folds[0]
    request = asked_of(fewer, start_from=str(folder), pretrain_epochs=0, learning_rate=1e-6, max_epochs=1)
    net = fit(fewer, request).folds[0]
    shared = tuple(gene for gene in theirs.tokens if gene in net.genes)
    assert net.tokens == shared
    assert len(shared) < len(theirs.tokens)
    rows = [theirs.tokens.index(gene) for gene in shared]
    torch.testing.assert_close(net.network.tokens.name, theirs.network.tokens.name[rows], atol=1e-3, rtol=0)
    assert [net.genes[int(place)] for place in net.network.tokens.place] == list(shared)
    again = asked_of(fewer, start_from=str(folder / "model.json"), pretrain_epochs=0, learning_rate=1e-6)
    assert any("began with a saved" in note for note in fit(fewer, again).notes)


def test_a_model_that_is_no_start_is_refused_in_a_sentence(toy, toy_bundle, tmp_path):
    folder = str(save_bundle(toy_bundle, tmp_path / "kept"))
    with pytest.raises(NotCompatible, match="set heads to that"):
        fit(toy, asked_of(toy, start_from=folder, heads=4))
    renamed = toy.adata.copy()
    renamed.var_names = [f"OTHER{place}" for place in range(toy.n_genes)]
    elsewhere = renamed_cells(type(toy)(renamed))
    with pytest.raises(ModelError, match="0 of the 16 genes of the saved gene transformer are measured"):
        fit(elsewhere, asked_of(elsewhere, start_from=folder))
    with pytest.raises(ModelError):
        fit(toy, asked_of(toy, start_from=str(tmp_path / "nowhere")))
    params = family("classifier").params(hidden=4, max_epochs=1)
    other = fit(toy, replace(asked_of(toy), family="classifier", params=params))
    with pytest.raises(NotCompatible, match="start from a saved gene_transformer"):
        fit(toy, asked_of(toy, start_from=str(save_bundle(other, tmp_path / "other"))))


def test_width_and_heads_must_fit():
    with pytest.raises(ValueError, match="multiple of the heads"):
        GeneTransformerParams(width=10, heads=4)


def test_shares_of_labels_are_checked(toy):
    with pytest.raises(DataError, match="above 0 and at most 1"):
        label_efficiency(toy, read_labels(toy, "label"), (0.0,))


def test_a_table_of_label_efficiency_has_its_baselines(toy):
    params = GeneTransformerParams(**TINY)
    rows = label_efficiency(toy, read_labels(toy, "label"), (0.1, 1.0), params=params, shuffled=True)
    assert [row.n_labelled for row in rows] == [12, 120]
    codes = read_labels(toy, "label").codes
    majority = macro_f1(codes, np.full(len(codes), np.bincount(codes).argmax()))
    for row in rows:
        for value in (row.pretrained, row.unlearnt, row.shuffled, row.logistic, row.chosen):
            assert value > majority
        assert row.lift == row.pretrained - row.logistic
    assert rows[1].pretrained > 0.9


@pytest.mark.slow
def test_pretraining_lifts_and_its_impostor_does_not():
    """Few labels among many cells; genes shuffled each by itself teach nothing."""
    dataset = planted_dataset(
        n_cells=1500, n_genes=120, n_classes=4, n_markers=8, fold_change=2.0, depth=250.0, seed=21
    )
    params = GeneTransformerParams(pretrain_epochs=4, max_epochs=4, width=16, heads=2)
    (row,) = label_efficiency(dataset, read_labels(dataset, "label"), (0.04,), params=params, shuffled=True)
    assert row.lift >= 0.03
    assert row.shuffled < row.logistic
    assert row.shuffled < row.pretrained - 0.05
