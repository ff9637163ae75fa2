"""Domains by spatial attention against the same without learnt weights, and who sends to whom (part 3, 4)."""

from functools import cache
from typing import Any

import numpy as np
from scipy import stats
from sklearn.metrics import adjusted_rand_score, roc_auc_score
from tests.benchmarks.row import Row
from tests.benchmarks.setting import settings_of
from tests.conftest import REAL_DATA

from glasscell.data.neighbour import GraphSpec
from glasscell.data.read import read
from glasscell.models.batch import make_batch
from glasscell.models.cell_batch import Intervention
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.prediction import prediction_table
from glasscell.models.spatial_attention.family import SpatialParams
from glasscell.models.spatial_attention.smoothing import smoothing_domains
from glasscell.testing.neighbour_effect import NeighbourEffect, make_neighbour_effect

IDS = ("M4.chosen", "M4.ari", "M4.smoothing", "M4.degree", "M4.pairs")

# File, columns of known domains, number of domains.
V1 = ("starmap_v1_BY3_1207x1020.h5ad", ("layer_banksy", "layer_spagcn"), 7)
BZ5 = ("starmap_mpfc_BZ5.h5ad", ("domain",), 4)
DLPFC = ("dlpfc_151673.h5ad", ("layer",), 7)
CHOSEN_ON = (10, 11, 12, 13, 14)
SEEDS = (0, 1, 2, 3, 4)
EFFECT_SEEDS = (0, 1, 2)


@cache
def opened(name: str) -> Any:
    return read(REAL_DATA / name)


def agreement(file: tuple[str, tuple[str, ...], int], codes: np.ndarray) -> list[float]:
    """Return the adjusted Rand index against each annotation, over cells that have one."""
    obs, found = opened(file[0]).obs, []
    for column in file[1]:
        known = obs[column].notna().to_numpy()
        found.append(float(adjusted_rand_score(obs[column][known].astype(str), codes[known])))
    return found


@cache
def trained(file: tuple[str, tuple[str, ...], int], seed: int, attention: str) -> tuple[float, ...]:
    params = SpatialParams(n_domains=file[2], attention=attention, **settings_of("spatial_domains"))
    request = FitRequest(family="spatial_attention", params=params, seed=seed, device="cpu")
    bundle = fit(opened(file[0]), request)
    return tuple(agreement(file, prediction_table(bundle)["domain"].to_numpy()))


@cache
def smoothed(file: tuple[str, tuple[str, ...], int], seed: int, k: int, n_components: int) -> float:
    graph = GraphSpec("knn", k)
    codes = smoothing_domains(opened(file[0]), file[2], graph, n_components=n_components, seed=seed)
    return float(np.mean(agreement(file, codes)))


def each(values: Any) -> str:
    return " ".join(f"{value:.3f}" for value in values)


def interval(differences: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of a mean over seeds (Student's t)."""
    wide = stats.sem(differences) * stats.t.ppf(0.975, len(differences) - 1)
    return float(differences.mean() - wide), float(differences.mean() + wide)


def domain_rows() -> list[Row]:
    chosen = {file[0][:11]: [trained(file, seed, "learnt") for seed in CHOSEN_ON] for file in (V1, BZ5)}
    columns = {name: np.array(values).mean(axis=0) for name, values in chosen.items()}
    own = np.array([trained(DLPFC, seed, "learnt")[0] for seed in SEEDS])
    even = np.array([trained(DLPFC, seed, "1/degree")[0] for seed in SEEDS])
    k = int(settings_of("spatial_domains")["k"])
    smooth = np.array([smoothed(DLPFC, seed, k, 15) for seed in SEEDS])
    touching = np.array([smoothed(DLPFC, seed, 6, 15) for seed in SEEDS])
    against, degree = interval(own - smooth), interval(own - even)
    said = "attention adds nothing measurable" if against[0] <= 0 <= against[1] else "the interval is off 0"
    even_said = (
        "learnt weights change nothing measurable" if degree[0] <= 0 <= degree[1] else "weights matter"
    )
    return [
        Row(
            "M4.chosen",
            "STARmap V1 (two annotations) and BZ5, seeds 10-14: where the settings were chosen",
            "; ".join(f"{name}: {each(values)}" for name, values in columns.items()),
            "smoothing, same neighbours: "
            + each(np.mean([smoothed(file, seed, k, 15) for seed in CHOSEN_ON]) for file in (V1, BZ5)),
            float(np.mean([values.mean() for values in columns.values()])),
            0.0,
            note="no bar: these figures are optimistic, as the settings were chosen by them",
        ),
        Row(
            "M4.ari",
            "DLPFC 151673, 7 domains, best of 20 mixture starts by likelihood, seeds 0-4",
            f"ARI {own.mean():.3f}",
            "published medians: GraphST .638, STAGATE .571, SpaGCN .414",
            float(own.mean()),
            0.54,
            note=f"per seed {each(own)}",
        ),
        Row(
            "M4.smoothing",
            f"DLPFC 151673: minus smoothing over {k} neighbours, 15 components, the same mixture",
            f"{(own - smooth).mean():+.3f} [{against[0]:+.3f}, {against[1]:+.3f}]",
            f"smoothing {smooth.mean():.3f}",
            float((own - smooth).mean()),
            0.0,
            note=f"{said}; per seed {each(own - smooth)}; smoothing {each(smooth)}; over 6 neighbours "
            + each(touching),
        ),
        Row(
            "M4.degree",
            "DLPFC 151673: minus the same network with weights of 1/degree",
            f"{(own - even).mean():+.3f} [{degree[0]:+.3f}, {degree[1]:+.3f}]",
            f"1/degree {even.mean():.3f}",
            float((own - even).mean()),
            -1.0,
            note=f"no bar: {even_said}; 1/degree per seed {each(even)}",
        ),
    ]


def removal(sim: NeighbourEffect, net: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return what removing all senders of a type does to decoded genes of receivers, and attention.

    Returns
    -------
    Size of the mean change over genes, and mean weight relative to uniform, ``(n_types, n_types)`` each.
    """
    types = sim.dataset.obs["type"].cat.codes.to_numpy().astype(int)
    n_types, n_cells = int(types.max()) + 1, sim.dataset.n_cells
    change_rsg = np.zeros((n_types, n_types, sim.dataset.n_genes))
    cells_rs, weight_rs, edges_rs = (np.zeros((n_types, n_types)) for _ in range(3))
    for start in range(0, n_cells, 1000):
        cells = np.arange(start, min(start + 1000, n_cells))
        batch = make_batch(sim.dataset, net, cells)
        rows, edges = batch.indices.numpy(), batch.edges.numpy()
        sender, receiver = types[rows[edges[0]]], rows[edges[1]]
        degree = np.bincount(edges[1], minlength=len(rows))[edges[1]]
        weight = net.attention(batch).mean(dim=(1, 2)).numpy() * degree
        np.add.at(weight_rs, (types[receiver], sender), weight)
        np.add.at(edges_rs, (types[receiver], sender), 1)
        before = net.decode(net.encode(batch), batch).numpy()
        for kind in range(n_types):
            dropped = np.flatnonzero(sender == kind)
            after = net.apply(batch, Intervention(drop_edges=tuple(dropped.tolist())))
            moved = net.decode(net.encode(after), after).numpy() - before
            touched = np.isin(cells, receiver[dropped])
            for got in range(n_types):
                here = touched & (types[cells] == got)
                change_rsg[got, kind] += moved[here].sum(axis=0)
                cells_rs[got, kind] += here.sum()
    return np.linalg.norm(change_rsg / cells_rs[:, :, None], axis=2), weight_rs / edges_rs


def pair_row() -> Row:
    removed, attended, untrained = [], [], []
    for seed in EFFECT_SEEDS:
        sim = make_neighbour_effect(seed)
        params = SpatialParams(graph="radius", radius=sim.radius, **settings_of("spatial_pairs"))
        request = FitRequest(family="spatial_attention", params=params, seed=seed, device="cpu")
        net = fit(sim.dataset, request).folds[0]
        other = ~np.eye(len(sim.planted_rs), dtype=bool)
        planted = sim.planted_rs[other]
        for into, values in zip((removed, attended), removal(sim, net), strict=True):
            into.append(float(roc_auc_score(planted, values[other])))
        drawn = type(net)(net.network, net.info, net.genes, net.preprocessing, net.graph)
        drawn.network.seed(seed)
        untrained.append(float(roc_auc_score(planted, removal(sim, drawn)[0][other])))
    return Row(
        "M4.pairs",
        "S5, 20 pairs of types, 5 planted, seeds 0-2: removing a sender type",
        f"AUC {np.mean(removed):.3f}",
        f"attention {np.mean(attended):.3f}, untrained net {np.mean(untrained):.3f}",
        float(np.mean(removed)),
        0.8,
        note=f"per seed {each(removed)}; attention {each(attended)}; untrained {each(untrained)}",
    )


def rows() -> list[Row]:
    return [*domain_rows(), pair_row()]
