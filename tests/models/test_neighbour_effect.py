"""The simulator of planted pairs, and a network that finds them by removal."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from glasscell.data.neighbour import neighbour_graph
from glasscell.models.batch import make_batch
from glasscell.models.cell_batch import Intervention
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.spatial_attention.family import SpatialParams
from glasscell.testing.neighbour_effect import make_neighbour_effect


def types_near(sim):
    types = sim.dataset.obs["type"].cat.codes.to_numpy().astype(int)
    near = neighbour_graph(sim.dataset, "radius", radius=sim.radius)
    there = np.zeros((len(types), types.max() + 1), bool)
    for cell in range(len(types)):
        there[cell, types[near.of(cell)]] = True
    return types, there, near


def test_planted_genes_and_no_others_answer_to_a_sender():
    sim = make_neighbour_effect(0, n_cells=3000)
    types, there, near = types_near(sim)
    assert 7 < near.degree.mean() < 9
    assert sim.planted_rs.sum() == 5
    assert not sim.planted_rs.diagonal().any()
    values = sim.dataset.expression_cg("stored").toarray()
    found = np.zeros_like(sim.effect_rsg)
    for receiver in range(5):
        for sender in range(5):
            own = types == receiver
            found[receiver, sender] = values[own & there[:, sender]].mean(0) - values[
                own & ~there[:, sender]
            ].mean(0)
    truth = sim.effect_rsg > 0
    assert found[truth].mean() == pytest.approx(0.8, abs=0.1)
    assert abs(found[~truth].mean()) < 0.05
    assert roc_auc_score(truth.ravel(), found.ravel()) > 0.98


def test_spill_and_niche_make_pairs_look_planted_that_are_not():
    plain, spilled, niche = (
        make_neighbour_effect(1, n_cells=1200, effect=0.0, **more)
        for more in ({}, {"spill": 0.3}, {"niche": 1.0})
    )
    _, _, near = types_near(plain)
    values = [sim.dataset.expression_cg("stored").toarray() for sim in (plain, spilled, niche)]
    senders, receivers = near.edges()
    mean = np.zeros_like(values[0])
    np.add.at(mean, receivers, values[0][senders])
    mean /= np.maximum(near.degree, 1)[:, None]
    alike = [np.corrcoef(one[near.degree > 0].ravel(), mean[near.degree > 0].ravel())[0, 1] for one in values]
    assert alike[1] > alike[0] + 0.1
    wave = np.sin(2 * np.pi * niche.dataset.positions_cd[:, 0] / niche.dataset.positions_cd[:, 0].max())
    follows = [np.abs(np.corrcoef(wave, one.T)[0, 1:]).max() for one in values]
    assert follows[2] > follows[0] + 0.2


@pytest.mark.slow
def test_removing_senders_finds_the_pairs_and_an_untrained_net_does_not():
    sim = make_neighbour_effect(11)
    params = SpatialParams(
        graph="radius", radius=sim.radius, own="apart", hide_own=0, hide_genes=0.5, n_components=60,
        n_latent=20, heads=4, learning_rate=3e-3, patience=10, batch_size=512, starts=1,
    )  # fmt: skip
    net = fit(sim.dataset, FitRequest(family="spatial_attention", params=params, seed=11)).folds[0]
    types, _, _ = types_near(sim)
    drawn = type(net)(net.network, net.info, net.genes, net.preprocessing, net.graph)
    drawn.network.seed(0)
    found = [removed(sim, one, types) for one in (net, drawn)]
    other = ~np.eye(5, dtype=bool)
    trained, untrained = (roc_auc_score(sim.planted_rs[other], one[other]) for one in found)
    assert trained > 0.7
    assert trained > untrained


@torch.no_grad()
def removed(sim, net, types):
    size = np.zeros((5, 5))
    for receiver in range(5):
        cells = np.flatnonzero(types == receiver)
        batch = make_batch(sim.dataset, net, cells)
        before = net.decode(net.encode(batch), batch)
        sender = types[batch.indices[batch.edges[0]].numpy()]
        for kind in range(5):
            without = net.apply(
                batch, Intervention(drop_edges=tuple(np.flatnonzero(sender == kind).tolist()))
            )
            touched = np.isin(np.arange(len(cells)), batch.edges[1].numpy()[sender == kind])
            moved = net.decode(net.encode(without), without) - before
            size[receiver, kind] = float(moved[torch.from_numpy(touched)].mean(0).norm())
    return size
