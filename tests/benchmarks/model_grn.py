"""Acceptance 4: edges of a gene network and knock-out arms on S9 beside rank correlation; who wins is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from tests.benchmarks.row import Row
from tests.benchmarks.setting import settings_of

IDS = ("GRN",)
SEEDS = (0, 1, 2)
#: Ways of ranking edges, and of foretelling knock-outs; "lines" is ridge regression on all other genes.
EDGE_WAYS = ("network", "network z", "Spearman", "Spearman within states", "lines", "forest")
ARM_WAYS = ("network", "spearman", "lines", "forest")
#: Share of edges beyond 1.96 null standard deviations that permuted genes may have.
BEYOND = 0.07


@dataclass(frozen=True)
class Score:
    """What one simulated network gave."""

    density: float
    edges: dict[str, float]
    called: float
    arms: dict[str, float]
    ranks: dict[str, float]
    chance: float
    judged: int
    permuted: float
    permuted_edges: float


def trained(dataset: Any, seed: int) -> Any:
    """Train one gene network."""
    from glasscell.models.fit import fit
    from glasscell.models.fit_request import FitRequest
    from glasscell.models.grn.params import GrnParams

    settings = settings_of("grn")["s9"]
    return fit(dataset, FitRequest(family="grn", params=GrnParams(**settings), seed=seed, device="cpu"))


def score(seed: int) -> Score:
    """Simulate one network, train on the wild type alone and hold edges and arms against the truth."""
    from anndata import AnnData

    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import read_labels
    from glasscell.explain.edge.knock_out import knock_outs
    from glasscell.explain.edge.measure import edges
    from glasscell.testing.gene_network import make_gene_network

    made = make_gene_network(seed)
    wild = made.wild_type()
    bundle = trained(wild, seed)
    found = edges(wild, bundle, n_nulls=5, seed=seed)
    sizes = edge_sizes(found, bundle, wild)
    arms = knock_outs(made.dataset, bundle, read_labels(made.dataset, "action"), seed=seed)
    off = ~np.eye(len(made.genes), dtype=bool)
    truth = made.truth_rg.T[off]
    values, rng = np.asarray(wild.adata.X), np.random.default_rng([seed, 0x1A])
    permuted = Dataset(AnnData(np.stack([rng.permutation(one) for one in values.T], axis=1)))
    none = edges(permuted, trained(permuted, seed), n_nulls=5, trees=1, seed=seed)
    return Score(
        density=float(truth.mean()),
        edges={way: area(truth, size_gr[off]) for way, size_gr in sizes.items()},
        called=float((np.abs(found.z_sgr[0][off]) >= 3).mean()),
        arms={way: arms.auprc(way) for way in ARM_WAYS},
        ranks={way: arms.rank(way) for way in ARM_WAYS if way != "forest"},
        chance=arms.chance,
        judged=sum(np.isfinite(arm.auprc["network"]) for arm in arms.arms),
        permuted=float((np.abs(none.z_sgr[0][off]) > 1.96).mean()),
        permuted_edges=area(truth, np.abs(none.z_sgr[0][off])),
    )


def edge_sizes(found: Any, bundle: Any, wild: Any) -> dict[str, Any]:
    """Return the size of every edge by each way, targets in rows."""
    from glasscell.explain.edge.beside import rank_correlation
    from glasscell.models.grn.figure import straight_lines

    net, values = bundle.folds[0], np.asarray(wild.adata.X, np.float64)
    sources = net.network.sources.numpy()
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    states = wild.obs["state"].to_numpy()
    within = [np.abs(rank_correlation(values[states == name], sources)) for name in np.unique(states)]
    return {
        "network": np.abs(found.weight_sgr[0]),
        "network z": np.abs(found.z_sgr[0]),
        "Spearman": np.abs(found.spearman_sgr[0]),
        "Spearman within states": np.mean(within, axis=0),
        "lines": np.abs(straight_lines(standard, sources).T),
        "forest": found.forest_sgr[0],
    }


def area(truth: Any, size: Any) -> float:
    """Return the area under precision and recall of directed edges."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, np.nan_to_num(size)))


def words(found: list[dict[str, float]]) -> str:
    """Write each way's figures by seed, best mean first."""
    order = sorted(found[0], key=lambda way: -np.mean([one[way] for one in found]))
    by_way = {way: [one[way] for one in found] for way in order}
    return "; ".join(
        f"{way} {' '.join(f'{figure:.3f}' for figure in some)} (mean {np.mean(some):.3f})"
        for way, some in by_way.items()
    )


def verdict(found: list[dict[str, float]], ours: str = "network", theirs: str = "Spearman") -> str:
    """Say which of two wins, on how many seeds, and who is best of all."""
    gaps = [one[ours] - one[theirs] for one in found]
    wins, ties = sum(gap > 0.01 for gap in gaps), sum(abs(gap) <= 0.01 for gap in gaps)
    best = max(found[0], key=lambda way: float(np.mean([one[way] for one in found])))
    who = "the network" if np.mean(gaps) > 0.01 else "Spearman" if np.mean(gaps) < -0.01 else "neither"
    return (
        f"of network and Spearman {who} wins: difference {' '.join(f'{gap:+.3f}' for gap in gaps)} "
        f"(network ahead on {wins} of {len(gaps)} seeds, {ties} ties); best of all: {best}"
    )


def rows() -> list[Row]:
    """Return all rows of this topic."""
    return made_rows([score(seed) for seed in SEEDS])


def made_rows(found: list[Score]) -> list[Row]:
    """Put the scores in rows: edges, knock-out arms, and permuted genes."""
    listed = {name: [getattr(one, name) for one in found] for name in Score.__dataclass_fields__}
    density, chance = float(np.mean(listed["density"])), float(np.mean(listed["chance"]))

    def ours(name: str) -> str:
        return " ".join(f"{one['network']:.3f}" for one in listed[name])

    def beside(name: str, way: str) -> str:
        return f"{way} {np.mean([one[way] for one in listed[name]]):.3f}"

    return [
        Row(
            "GRN",
            "S9: directed edges, AUPRC (bar: random)",
            ours("edges"),
            f"{beside('edges', 'Spearman')}, {beside('edges', 'forest')}, random {density:.3f}",
            float(np.mean([one["network"] for one in listed["edges"]])),
            round(density, 3),
            note=f"{verdict(listed['edges'])}. {words(listed['edges'])}. Called at |z| >= 3: "
            f"{' '.join(f'{one:.2f}' for one in listed['called'])} of all edges, true "
            f"{' '.join(f'{one:.2f}' for one in listed['density'])}.",
        ),
        Row(
            "GRN",
            "S9: knock-out arms, AUPRC of changed genes (bar: chance)",
            ours("arms"),
            f"{beside('arms', 'spearman')}, {beside('arms', 'forest')}, chance {chance:.3f}",
            float(np.mean([one["network"] for one in listed["arms"]])),
            round(chance, 3),
            note=f"{verdict(listed['arms'], theirs='spearman')}. {words(listed['arms'])}. Arms judged "
            f"{' '.join(str(one) for one in listed['judged'])} of 24 each.",
        ),
        Row(
            "GRN",
            "S9: knock-out arms, rank correlation of shifts (bar: 0)",
            ours("ranks"),
            f"{beside('ranks', 'spearman')}, {beside('ranks', 'lines')}",
            float(np.mean([one["network"] for one in listed["ranks"]])),
            0.0,
            note=f"{verdict(listed['ranks'], theirs='spearman')}. {words(listed['ranks'])}.",
        ),
        Row(
            "GRN",
            "S9, genes permuted: edges beyond 1.96",
            " ".join(f"{one:.3f}" for one in listed["permuted"]),
            "AUPRC " + " ".join(f"{one:.3f}" for one in listed["permuted_edges"]) + f", random {density:.3f}",
            float(np.mean(listed["permuted"])),
            BEYOND,
            False,
        ),
    ]
