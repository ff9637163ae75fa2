"""Promises of attention: what it refuses, that it can be repeated and stopped, and what it leaves alone."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from glasscell.data.dataset import Dataset
from glasscell.data.labels import Labels
from glasscell.errors import DataError, GlasscellError, JobCancelled, NotCompatible
from glasscell.explain.attention import asked, attend_token, edge_net, token_net
from glasscell.explain.attention.asked import why_not_attend
from glasscell.explain.attention.attend import attend
from glasscell.explain.attention.request import AttentionRequest
from glasscell.models.bundle import Bundle
from glasscell.testing.toy_net import ToyModel, toy_network

MakeBundle = Callable[..., Bundle]
FEW = {"removal_cells": 4, "random_nets": 2, "edge_cells": 30}
KINDS = ("tokens", "neighbours")


class Stopping:
    """A job that is cancelled at its n-th report."""

    def __init__(self, at: int) -> None:
        self.left = at

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        assert fraction is None or -1e-9 <= fraction <= 1 + 1e-9
        self.left -= 1
        if self.left < 0:
            raise JobCancelled("Stopped.")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_nets", [1, 3])
def test_same_again_whatever_the_blocks(
    kind: str,
    n_nets: int,
    dataset: Dataset,
    by: Labels,
    make_bundle: MakeBundle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundle, request = make_bundle(kind, n_nets), AttentionRequest(by, params=FEW)
    state = torch.random.get_rng_state()
    before = {name: value.clone() for name, value in bundle.folds[0].network.state_dict().items()}
    first = attend(dataset, bundle, request)
    monkeypatch.setattr(token_net, "BLOCK_NUMBERS", 300)
    monkeypatch.setattr(edge_net, "BLOCK_NUMBERS", 3000)
    second = attend(dataset, bundle, request)
    assert first.id == second.id
    assert first.maps == second.maps
    for name in ("weight_mgt", "relative_mgt", "z_twin_mgt", "z_random_mgt", "removed_gt"):
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), rtol=2e-4, atol=1e-6)
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(before[k], v) for k, v in bundle.folds[0].network.state_dict().items())
    assert not bundle.folds[0].network.training
    assert np.isfinite(first.grouped("mean", "z_twin")[first.n_removed_gt > 0]).all()
    assert np.isfinite(first.grouped("mean", "z_random")[first.n_removed_gt > 0]).all()
    assert np.isnan(first.grouped("head:1.1", "z_twin")).all(), "heads of other nets are other heads"
    assert not first.weight_mgt.flags.writeable


@pytest.mark.parametrize("kind", KINDS)
def test_stops_when_asked(kind: str, dataset: Dataset, by: Labels, make_bundle: MakeBundle) -> None:
    bundle = make_bundle(kind)
    for at in (0, 3, 9):
        with pytest.raises(JobCancelled):
            attend(dataset, bundle, AttentionRequest(by, params=FEW), Stopping(at))


def test_each_cell_by_the_net_that_did_not_see_it(
    dataset: Dataset, by: Labels, make_bundle: MakeBundle
) -> None:
    bundle = make_bundle("tokens", 3)
    found = attend(dataset, bundle, AttentionRequest(by, params=FEW))
    for net in range(3):
        alone = attend(dataset, bundle, AttentionRequest(by, params=FEW, nets=f"fold:{net}"))
        rows = np.arange(dataset.n_cells) % 3 == net
        np.testing.assert_array_equal(found.weights_clht[rows], alone.weights_clht[rows])
    assert not found.in_training.any()
    head = found.cell_values("SET 1", "head:1.1")
    assert np.isfinite(head[0::3]).all()
    assert np.isnan(head[1::3]).all()
    assert any("Heads of different nets" in note for note in found.notes)
    seen = attend(dataset, bundle, AttentionRequest(by, params=FEW, nets="fold:0"))
    assert any("seen in training" in note for note in seen.notes)


def test_selected_cells_only(dataset: Dataset, by: Labels, make_bundle: MakeBundle) -> None:
    chosen = np.flatnonzero(by.codes != 1).astype(np.int32)
    found = attend(dataset, make_bundle("tokens"), AttentionRequest(by, chosen, params=FEW))
    assert found.groups == ("K1", "K3")
    values = found.cell_values("SET 1")
    assert np.isnan(values[by.codes == 1]).all()
    assert np.isfinite(values[chosen]).all()
    near = attend(dataset, make_bundle("neighbours"), AttentionRequest(by, chosen, params=FEW))
    assert near.columns == ("K1", "K2", "K3"), "cells outside the selection are attended to all the same"
    assert set(near.receivers) <= set(chosen.tolist())


def test_what_is_refused(
    dataset: Dataset, by: Labels, make_bundle: MakeBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make_bundle("tokens")
    genes = bundle.genes
    plain = ToyModel(toy_network((len(genes), 3)), genes, ("K1", "K2", "K3"))
    assert "attends to nothing" in str(why_not_attend(plain))
    with pytest.raises(NotCompatible, match="attends to nothing"):
        attend(dataset, replace(bundle, folds=(plain,)), AttentionRequest(by))
    rigid = ToyModel(toy_network((len(genes), 3)), genes, ("K1", "K2", "K3"))
    rigid.tokens, rigid.attention = ("A",), lambda batch: batch.expression
    assert "nothing can be taken out" in str(why_not_attend(rigid))
    with pytest.raises(NotCompatible, match="has no class 'K9'"):
        attend(dataset, bundle, AttentionRequest(by, target="class:K9"))
    with pytest.raises(NotCompatible, match="no latent space"):
        attend(dataset, bundle, AttentionRequest(by, target="latent_shift"))
    with pytest.raises(GlasscellError, match="removal_cells"):
        attend(dataset, bundle, AttentionRequest(by, params={"removal_cells": 0}))
    with pytest.raises(DataError, match="another dataset"):
        attend(dataset, bundle, AttentionRequest(replace(by, codes=by.codes[:-1])))
    with pytest.raises(DataError, match="None of the chosen cells"):
        attend(dataset, bundle, AttentionRequest(replace(by, codes=np.full(60, -1))))
    monkeypatch.setattr(attend_token, "check_memory", lambda numbers, n: asked.check_memory(10**15, n))
    with pytest.raises(DataError, match="select at most"):
        attend(dataset, bundle, AttentionRequest(by, params=FEW))


def test_missing_nulls_are_told(dataset: Dataset, by: Labels, make_bundle: MakeBundle) -> None:
    bundle = replace(make_bundle("tokens", twin=False), family="unheard_of")
    found = attend(dataset, bundle, AttentionRequest(by, params=FEW))
    said = " ".join(found.notes)
    assert "no twin" in said
    assert "cannot be rebuilt" in said
    assert found.row("K1", "SET 1").z_twin is None
    assert found.row("K1", "SET 1").z_random is None
    few = attend(dataset, make_bundle("tokens"), AttentionRequest(by, params={**FEW, "random_nets": 1}))
    assert "at least two" in " ".join(few.notes)


def test_never_without_removal(dataset: Dataset, by: Labels, make_bundle: MakeBundle) -> None:
    found = attend(dataset, make_bundle("tokens"), AttentionRequest(by, params=FEW))
    assert (found.n_removed_gt > 0).all()
    assert "not what matters" in found.notes[0]
    with pytest.raises(DataError, match="not shown without the change on removal"):
        replace(found, removed_gt=np.zeros((0, 0)))
    table = found.table()
    assert len(table) == len(found.maps) * 3 * 5
    assert any("change_when_removed" in column for column in table.columns)
    for words in ("importan", "influence", "drives"):
        assert not any(words in column.lower() for column in table.columns)
    rows = found.top("K1", 5, by="removed")
    sizes = [abs(row.removed) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    with pytest.raises(DataError, match="map of attention"):
        found.grouped("head:9.9")
    with pytest.raises(DataError, match="token"):
        found.cell_values("SET 99")
