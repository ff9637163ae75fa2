"""Acceptance 2: gene sets at work are found, decoys are pruned, and interferon leads in Kang's cells."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.benchmarks.pathway_runs import (
    DATA,
    correlation,
    groups_of,
    leading_scores,
    leading_sets,
    linear_scores,
    recovery,
    trained,
    used_sets,
)
from tests.benchmarks.row import Row
from tests.benchmarks.setting import settings_of

IDS = ("S6", "KANG")
SEEDS = (0, 1, 2)


def rows() -> list[Row]:
    """Return all rows of this topic."""
    return [*planted_rows(), *interferon_rows()]


def planted_rows() -> list[Row]:
    """Score S6: activity, shuffled names, pruning, with decoupler beside."""
    from glasscell.testing.pathway_activity import make_pathway_activity

    settings = settings_of("pathway")["s6"]
    own, shuffled, peer = [], [], []
    for seed in SEEDS:
        simulated = make_pathway_activity(seed)
        own.append(recovery(simulated, simulated.sets, settings, seed))
        shuffled.append(recovery(simulated, simulated.shuffled(seed), settings, seed).correlation)
        scores_cp = linear_scores(simulated.dataset, simulated.sets)
        peer.append(correlation(scores_cp[:, : simulated.n_true], simulated.activity_cp))
    found = [one.correlation for one in own]
    pruned, lost = [one.pruned for one in own], [one.lost for one in own]
    beside = f"ULM {words(peer)}"
    return [
        Row("S6", "S6: activity, correlation", words(found), beside, min(found), 0.85),
        Row("S6", "S6: names of genes shuffled", words(shuffled), "", max(shuffled), 0.25, False),
        Row("S6", "S6: share of decoys pruned", words(pruned), "", min(pruned), 0.8),
        Row("S6", "S6: sets at work lost", str(lost), "", max(lost), 0, False, "Worst of seeds 0, 1, 2."),
    ]


def interferon_rows() -> list[Row]:
    """Score Kang's cells: which set leads the response to interferon, and its z against 200 decoys of it."""
    from anndata import read_h5ad

    from glasscell.data.dataset import Dataset

    dataset = Dataset(read_h5ad(DATA / "kang_labelled_1556x1267.h5ad"))
    settings, groups = settings_of("pathway")["kang"], groups_of(dataset)
    nets, notes = [], []
    for seed in SEEDS:
        net = trained(dataset, used_sets(dataset, settings), settings, seed).folds[0]
        found = leading_sets(dataset, net, groups, seed)
        nets.append(found)
        notes.append(f"seed {seed}: " + said(found))
    peers = leading_scores(dataset, used_sets(dataset, settings), groups)
    first = [int(sum(one.is_interferon for one in found.values())) for found in nets]
    lowest = [min(one.z for one in found.values()) for found in nets]
    peer_first = sum(one.is_interferon for one in peers.values())
    notes.append(f"ULM: {said(peers)}")
    n = len(groups)
    control = f"ULM {peer_first} of {n}, z >= {min(one.z for one in peers.values()):.1f}"
    return [
        Row("KANG", f"Kang: interferon first, of {n} groups", str(first), control, min(first), n),
        Row("KANG", "Kang: smallest z", words(lowest), control, min(lowest), 4, note=". ".join(notes)),
        quoted(settings),
    ]


def quoted(settings: dict[str, Any]) -> Row:
    """Quote the larger file, all cells, seed 0; there is no bar."""
    from anndata import read_h5ad

    from glasscell.data.dataset import Dataset

    dataset = Dataset(read_h5ad(DATA / "kang_2000x9015.h5ad"))
    everyone = {"all cells": np.ones(dataset.n_cells, bool)}
    sets = used_sets(dataset, settings)
    found = leading_sets(dataset, trained(dataset, sets, settings, 0).folds[0], everyone)["all cells"]
    peer = leading_scores(dataset, sets, everyone)["all cells"]
    return Row("KANG", "Kang, 2,000 cells: z (quoted)", str(found), f"ULM {peer}", found.z, -np.inf)


def said(found: Any) -> str:
    """Write which set leads in each group."""
    return ", ".join(f"{group} {one}" for group, one in found.items())


def words(figures: list[float]) -> str:
    """Write one figure per seed."""
    return " ".join(f"{figure:.3g}" for figure in figures)
