"""Acceptance 4: edges of a gene network and knock-out arms on S9, beside rank correlation; who wins."""

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
    """What one simulated network gave, of values or of counts."""

    density: float
    edges: dict[str, float]
    called: float
    arms: dict[str, float]
    ranks: dict[str, float]
    chance: float
    judged: int


def trained(dataset: Any, seed: int) -> Any:
    """Train one gene network."""
    from glasscell.models.fit import fit
    from glasscell.models.fit_request import FitRequest
    from glasscell.models.grn.params import GrnParams

    settings = settings_of("grn")["s9"]
    return fit(dataset, FitRequest(family="grn", params=GrnParams(**settings), seed=seed, device="cpu"))


def score(seed: int, counts: bool = False) -> Score:
    """Simulate one network, train on the wild type alone and hold edges and arms against the truth."""
    from glasscell.data.labels import read_labels
    from glasscell.explain.edge.knock_out import knock_outs
    from glasscell.explain.edge.measure import edges
    from glasscell.testing.gene_network import make_gene_network

    made = make_gene_network(seed, counts=counts)
    wild = made.wild_type()
    bundle = trained(wild, seed)
    found = edges(wild, bundle, n_nulls=5, seed=seed)
    sizes = edge_sizes(found, bundle, wild)
    arms = knock_outs(made.dataset, bundle, read_labels(made.dataset, "action"), seed=seed)
    off = ~np.eye(len(made.genes), dtype=bool)
    truth = made.truth_rg.T[off]
    genes = [found.targets.index(gene) for gene in made.genes]  # counts have genes beside
    inside = {way: size_gr[np.ix_(genes, genes)][off] for way, size_gr in sizes.items()}
    return Score(
        density=float(truth.mean()),
        edges={way: area(truth, size) for way, size in inside.items()},
        called=float((inside["network z"] >= 3).mean()),
        arms={way: arms.auprc(way) for way in ARM_WAYS},
        ranks={way: arms.rank(way) for way in ARM_WAYS if way != "forest"},
        chance=arms.chance,
        judged=int(sum(np.isfinite(arm.auprc["network"]) for arm in arms.arms)),
    )


def impostor(seed: int) -> tuple[float, float]:
    """Permute each gene over cells: return the share of edges beyond 1.96 and the area against the truth."""
    from anndata import AnnData

    from glasscell.data.dataset import Dataset
    from glasscell.explain.edge.measure import edges
    from glasscell.testing.gene_network import make_gene_network

    made, rng = make_gene_network(seed), np.random.default_rng([seed, 0x1A])
    values = np.asarray(made.wild_type().adata.X)
    permuted = Dataset(AnnData(np.stack([rng.permutation(one) for one in values.T], axis=1)))
    found = edges(permuted, trained(permuted, seed), n_nulls=5, trees=1, seed=seed)
    off = ~np.eye(len(made.genes), dtype=bool)
    size = np.abs(found.z_sgr[0][off])
    return float((size > 1.96).mean()), area(made.truth_rg.T[off], size)


def edge_sizes(found: Any, bundle: Any, wild: Any) -> dict[str, Any]:
    """Return the size of every edge by each way, targets in rows."""
    from glasscell.explain.edge.beside import rank_correlations
    from glasscell.models.batch import make_batch
    from glasscell.models.grn.figure import straight_lines

    net = bundle.folds[0]
    values = net.network.standard(make_batch(wild, net, np.arange(wild.n_cells)).expression).double().numpy()
    sources = net.network.sources.numpy()
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    states = wild.obs["state"].to_numpy()
    within = [np.abs(rank_correlations(values[states == name], sources)) for name in np.unique(states)]
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


def verdict(found: list[dict[str, float]], theirs: str = "Spearman") -> str:
    """Say which of network and Spearman wins, on how many seeds, and who is best of all."""
    gaps = [one["network"] - one[theirs] for one in found]
    ahead = sum(gap > 0.01 for gap in gaps)
    means = {way: float(np.mean([one[way] for one in found])) for way in found[0]}
    gap = means["network"] - means[theirs]
    said = "network and Spearman tie" if abs(gap) <= 0.01 else f"{'network' if gap > 0 else 'Spearman'} wins"
    return (
        f"{said} (network less Spearman {' '.join(f'{one:+.3f}' for one in gaps)}; ahead on {ahead} of "
        f"{len(gaps)} seeds); best of all: {max(means, key=lambda way: means[way])}"
    )


def rows() -> list[Row]:
    """Return all rows of this topic."""
    return [
        *made_rows("S9", [score(seed) for seed in SEEDS]),
        *made_rows("S9 as counts", [score(seed, counts=True) for seed in SEEDS]),
        impostor_row([impostor(seed) for seed in SEEDS]),
    ]


def made_rows(what: str, found: list[Score]) -> list[Row]:
    """Put the scores in rows: edges and knock-out arms, each beside the other ways."""
    listed = {name: [getattr(one, name) for one in found] for name in Score.__dataclass_fields__}
    edges, arms, ranks = listed["edges"], listed["arms"], listed["ranks"]
    density, chance = float(np.mean(listed["density"])), float(np.mean(listed["chance"]))
    called = " ".join(f"{one:.2f}" for one in listed["called"])
    judged = " ".join(str(one) for one in listed["judged"])
    return [
        row(
            f"{what}: directed edges, AUPRC (bar: random)",
            edges,
            ("Spearman", "forest"),
            density,
            f"{verdict(edges)}. {words(edges)}. Called at |z| >= 3: {called} of the edges, true "
            f"{' '.join(f'{one:.2f}' for one in listed['density'])}.",
        ),
        row(
            f"{what}: knock-out arms, AUPRC of changed genes (bar: chance)",
            arms,
            ("spearman", "forest"),
            chance,
            f"{verdict(arms, 'spearman')}. {words(arms)}. Arms judged {judged} of 24.",
        ),
        row(
            f"{what}: knock-out arms, rank correlation of shifts (bar: 0)",
            ranks,
            ("spearman", "lines"),
            0.0,
            f"{verdict(ranks, 'spearman')}. {words(ranks)}.",
        ),
    ]


def row(scenario: str, found: list[dict[str, float]], beside: tuple[str, ...], bar: float, note: str) -> Row:
    """Make one row: the network's figures by seed, others' means beside, the bar what a draw gives."""
    ours = [one["network"] for one in found]
    control = [f"{way} {np.mean([one[way] for one in found]):.3f}" for way in beside]
    return Row(
        "GRN",
        scenario,
        " ".join(f"{one:.3f}" for one in ours),
        ", ".join([*control, f"draw {bar:.3f}"]),
        float(np.mean(ours)),
        round(bar, 3),
        note=note,
    )


def impostor_row(found: list[tuple[float, float]]) -> Row:
    """Put permuted genes in a row: edges beyond the threshold, at most so many."""
    beyond, areas = zip(*found, strict=True)
    return Row(
        "GRN",
        "S9, genes permuted: edges beyond 1.96",
        " ".join(f"{one:.3f}" for one in beyond),
        "AUPRC " + " ".join(f"{one:.3f}" for one in areas),
        float(np.mean(beyond)),
        BEYOND,
        False,
    )
