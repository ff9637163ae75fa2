"""Knock-outs: arms by name, propagation by hand, what counts as changed, and who is said to win."""

from __future__ import annotations

import math
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import ttest_ind

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.errors import DataError
from glasscell.explain.edge.knock_out import changed, knock_outs, propagate, single_arms
from glasscell.explain.edge.knock_out_result import ARM_WAYS, KnockOutArm, KnockOuts
from glasscell.models.bundle import Bundle
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.grn.params import GrnParams
from glasscell.testing.gene_network import CONTROL, GeneNetwork, make_gene_network

SHORT = GrnParams(hidden=16, max_epochs=40, learning_rate=1e-2, batch_size=64)


@pytest.fixture(scope="module")
def made() -> GeneNetwork:
    return make_gene_network(10, n_genes=10, n_cells=400, n_knocked=30, density=0.15)


@pytest.fixture(scope="module")
def bundle(made: GeneNetwork) -> Bundle:
    return fit(made.wild_type(), FitRequest(family="grn", params=SHORT, device="cpu"))


def test_the_simulator_keeps_its_truth(made: GeneNetwork) -> None:
    values, obs = np.asarray(made.dataset.adata.X), made.dataset.obs
    assert not made.truth_rg.diagonal().any()
    assert made.truth_rg.any(axis=0).all(), "each gene has a regulator"
    assert {-1.0, 1.0} == set(np.sign(made.weight_rg[made.truth_rg]))
    assert (values >= 0).all()
    assert made.wild_type().n_cells == 400
    for gene in range(10):
        arm = (obs["action"] == f"KO_g{gene:02d}").to_numpy()
        assert arm.sum() == 30
        assert not values[arm, gene].any(), "what is knocked out is not there"
    again = make_gene_network(10, n_genes=10, n_cells=400, n_knocked=30, density=0.15)
    assert np.array_equal(np.asarray(again.dataset.adata.X), values)
    counts = make_gene_network(10, n_genes=6, n_cells=60, n_knocked=2, counts=True).dataset
    assert counts.is_counts
    assert counts.n_genes == 66


def test_a_knock_out_moves_its_targets_most() -> None:
    made = make_gene_network(11, n_genes=8, n_cells=600, n_knocked=60, density=0.1)
    values, action = np.asarray(made.dataset.adata.X), made.dataset.obs["action"].to_numpy()
    wild = values[action == CONTROL]
    shift_rg = np.stack([values[action == f"KO_{gene}"].mean(axis=0) for gene in made.genes]) - wild.mean(
        axis=0
    )
    off = ~np.eye(8, dtype=bool)
    size_rg = np.abs(shift_rg / wild.std(axis=0))
    assert size_rg[made.truth_rg].mean() > 2 * size_rg[off & ~made.truth_rg].mean()


def test_arms_are_found_by_name() -> None:
    names = ["control", "KO_a", "b+ctrl", "ctrl_C", "a+b", "d", "NT", "KO_x_1"]
    assert single_arms(names, ["a", "b", "c", "x_1"]) == {"KO_a": "a", "b+ctrl": "b", "ctrl_C": "c"}
    assert single_arms(["x_1"], ["x_1", "x"]) == {"x_1": "x_1"}, "a whole name comes first"


def test_propagation_is_what_it_says(bundle: Bundle) -> None:
    net: Any = bundle.folds[0]
    network = net.network.double()
    start = torch.randn(5, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for steps in (1, 3):
        moved, first = start.clone(), network(start)
        moved[:, 2] = -2.0
        for _ in range(steps):
            after = torch.stack([start[c] + network(moved[[c]])[0] - first[c] for c in range(5)])
            after[:, 2] = -2.0
            moved = after
        wanted = (moved - start).mean(dim=0)
        ours = propagate(net, start, 2, -2.0, steps)
        np.testing.assert_allclose(ours.detach().numpy(), wanted.detach().numpy(), atol=1e-12)
    network.float()


def test_changed_is_welch_with_false_discoveries_and_a_size() -> None:
    rng = np.random.default_rng(0)
    control, arm = rng.normal(size=(300, 40)), rng.normal(size=(60, 40)) * 1.5
    arm[:, :6] += 1.2
    arm[:, 6] += 0.35  # real, but small
    p = np.sort(ttest_ind(control, arm, equal_var=False).pvalue)
    bar = p[p <= 0.05 * np.arange(1, 41) / 40].max()
    wanted = ttest_ind(control, arm, equal_var=False).pvalue <= bar
    wanted &= np.abs(arm.mean(axis=0) - control.mean(axis=0)) >= 0.5
    assert np.array_equal(changed(control, arm), wanted)
    assert wanted[:6].all()
    assert not changed(np.zeros((30, 3)), np.zeros((9, 3))).any(), "genes of one value have not changed"


def test_every_way_is_held_against_the_arms(made: GeneNetwork, bundle: Bundle) -> None:
    action = read_labels(made.dataset, "action")
    found = knock_outs(made.dataset, bundle, action, trees=10)
    assert [arm.arm for arm in found.arms] == [f"KO_g{gene:02d}" for gene in range(10)]
    assert found.control == "control"
    assert found.seen == 0, "it was trained on the wild type alone"
    for way in ("network", "spearman"):
        assert found.auprc(way) > 1.2 * found.chance
        assert found.rank(way) > 0
    assert math.isnan(found.rank("forest")), "importances have no sign"
    table = found.table()
    assert list(table.columns[:6]) == ["arm", "regulator", "cells", "step", "changed", "genes"]
    assert (table["step"] < 0).all()
    assert (table["genes"] == 9).all()
    shuffled = np.random.default_rng(0).permutation(np.asarray(action.codes))
    fake = Dataset(
        ad.AnnData(
            np.asarray(made.dataset.adata.X),
            obs=made.dataset.obs.assign(action=pd.Categorical.from_codes(shuffled, pd.Index(action.classes))),
            var=made.dataset.adata.var,
        )
    )
    none = knock_outs(fake, bundle, read_labels(fake, "action"), trees=1)
    assert sum(arm.changed for arm in none.arms) <= 3, "arms of drawn cells have no changed genes"


def test_training_on_the_arms_is_said(made: GeneNetwork) -> None:
    every = fit(made.dataset, FitRequest(family="grn", params=SHORT, device="cpu"))
    found = knock_outs(made.dataset, every, read_labels(made.dataset, "action"), trees=1)
    assert 250 < found.seen < 300, "a tenth was set aside"
    assert "train on control cells alone" in found.notes[-1]
    with pytest.raises(DataError, match=r'No arm of "state" .* is called after one regulator'):
        knock_outs(made.dataset, every, read_labels(made.dataset, "state"), "resting")


def test_the_winner_is_named() -> None:
    def result(**auprc: float) -> KnockOuts:
        figures = {way: auprc.get(way, 0.2) for way in ARM_WAYS}
        arm = KnockOutArm("KO_a", "a", 20, -1.0, 3, 10, figures, {**figures, "forest": math.nan})
        return KnockOuts(arms=(arm,), control="control", steps=1, seen=0, model="m")

    assert "chance 0.30. Spearman wins." in result(spearman=0.6, network=0.5).notes[0]
    assert "The network wins." in result(network=0.6).notes[1]
    assert "The network and Spearman tie." in result(network=0.6, spearman=0.595).notes[0]
    nothing = result(**dict.fromkeys(ARM_WAYS, math.nan))
    assert "No arm can be judged." in nothing.notes[0]
