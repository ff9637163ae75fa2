"""Acceptance 4, ``gan``: generated blood cells against cells held out, and impostors that must fail a bar."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tests.benchmarks.row import Row
from tests.benchmarks.setting import settings_of

IDS = ("GAN",)
DATA = Path(__file__).parents[3] / "shared" / "data" / "pbmc3k.h5ad"
SEEDS = (0, 1, 2)
LABELS, FOLDS = "louvain", 4
LOW, HIGH = 0.45, 0.65
#: Tables drawn of each net: the area under the curve of a single one varies by .02.
N_DRAWS = 5
OURS, PRIOR = "generated", "codes drawn from a normal"


@dataclass(frozen=True, eq=False)
class Trained:
    """One model, the cells it was trained on and those held out, a quarter, kinds as frequent in both."""

    dataset: Any
    bundle: Any
    data: Any
    train: np.ndarray
    held_out: np.ndarray
    seed: int

    @property
    def net(self) -> Any:
        """The one net."""
        return self.bundle.folds[0]


def trained(settings: dict[str, Any], seed: int) -> Trained:
    """Train on three quarters of the blood cells, conditional on their labels."""
    from glasscell.data.labels import read_labels
    from glasscell.data.read import read
    from glasscell.data.split import split
    from glasscell.models.fit import FitRequest, fit
    from glasscell.models.gan.family import FAMILY
    from glasscell.models.gan.params import GanParams
    from glasscell.models.training_data import training_data

    dataset = read(DATA)
    labels = read_labels(dataset, LABELS)
    folds = split(dataset, "random", n_folds=FOLDS, seed=seed, labels=labels)
    request = FitRequest(labels, folds, "gan", GanParams(**settings), seed, "cpu")
    bundle = fit(dataset, request)
    data = training_data(dataset, request, FAMILY, "cpu", labels=labels)
    fold, known = bundle.cells.fold, bundle.folds[0].kinds_of(data) >= 0
    train, held_out = (np.flatnonzero(cells & known) for cells in (fold != 0, fold == 0))
    return Trained(dataset, bundle, data, train, held_out, seed)


def tables(one: Trained) -> dict[str, Any]:
    """Return generated cells and impostors, log-normalised, as many of each kind as were held out."""
    from scipy import sparse

    from glasscell.models.gan.figure import COPIES, INDEPENDENT, independent
    from glasscell.models.gan.generate import draw, draw_from

    kind_c = one.net.kinds_of(one.data)
    wanted = kind_c[one.held_out]
    rng = np.random.default_rng([one.seed, 7])
    rows = one.data.rows.table_cg
    normal = rng.standard_normal((len(wanted), one.net.n_latent + 1)).astype(np.float32)
    mean = sparse.csr_matrix(rows[one.train].mean(axis=0).astype(np.float32))
    return {
        OURS: draw(one.net, wanted, one.seed).rows_cg,
        PRIOR: draw_from(one.net, normal, wanted, one.seed).rows_cg,
        INDEPENDENT: independent(one.data, one.train, kind_c[one.train], wanted, one.seed),
        COPIES: rows[rng.choice(one.train, len(wanted), replace=False)],
        "the mean cell": sparse.csr_matrix(sparse.vstack([mean] * len(wanted))),
    }


def averaged_auc(one: Trained, yardstick: Any) -> dict[str, float]:
    """Return the area under the curve of each classifier, mean over tables drawn of one net."""
    from glasscell.models.gan.generate import draw

    wanted = one.net.kinds_of(one.data)[one.held_out]
    found = [yardstick.auc(draw(one.net, wanted, one.seed + 1000 * i).rows_cg) for i in range(N_DRAWS)]
    return {way: float(np.mean([auc[way] for auc in found])) for way in found[0]}


def planted(one: Trained) -> tuple[float, bool, str]:
    """Return the alarm's rate on the net as it is, whether it fires on a patched one, and by which gene.

    The patched net generates B cells in the place of CD8 T cells.
    """
    from dataclasses import replace

    from glasscell.models.gan.alarm import alarm_of_generated

    honest = alarm_of_generated(one.bundle, one.dataset, seed=one.seed)
    patched = one.net.to()
    kinds = one.net.kinds
    wrong, source = kinds.index("CD8 T cells"), kinds.index("B cells")
    generator = patched.whole.adversary.generator
    for layer in (generator.kind, generator.kind_again):
        layer.weight[:, wrong] = layer.weight[:, source]
    found = alarm_of_generated(replace(one.bundle, folds=(patched,)), one.dataset, seed=one.seed)
    named = [hit.gene for hit in found.found() if hit.kind == kinds[wrong]]
    wanted = ("CD79A", "MS4A1", "CD79B")
    return (
        honest.rate,
        all(gene in named for gene in wanted),
        f"{len(named)} genes, {named[0] if named else '-'} first",
    )


def measured(settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """Train one model and measure everything."""
    from glasscell.models.gan.figure import Yardstick

    one = trained(settings, seed)
    rows = one.data.rows.table_cg
    yardstick = Yardstick(rows[one.held_out], rows[one.train], seed)
    made = tables(one)
    rate, fires, said = planted(one)
    return {
        "likeness": {name: yardstick.likeness(table, forest=False) for name, table in made.items()},
        "auc": averaged_auc(one, yardstick),
        "genes": yardstick.gene_auc(made[OURS]),
        "rate": rate,
        "fires": fires,
        "said": said,
        "seconds": one.bundle.provenance["seconds"],
        "epochs": one.bundle.curves[0].best_epoch,
    }


def fails(like: Any, bar: float) -> list[str]:
    """Say which bars cells miss."""
    return [
        word
        for word, missed in (
            ("AUC", not LOW <= like.auc["logistic"] <= HIGH),
            ("correlation", like.correlation >= bar),
            ("nearest", like.nearest < 1),
        )
        if missed
    ]


def rows() -> list[Row]:
    """Return all rows of this topic."""
    from glasscell.models.gan.figure import INDEPENDENT

    found = [measured(settings_of("gan"), seed) for seed in SEEDS]
    return rows_of(found, INDEPENDENT)


def rows_of(found: list[dict[str, Any]], independent: str) -> list[Row]:
    """Write what was measured on each seed as rows."""
    ours = [one["likeness"][OURS] for one in found]
    bars = [one["likeness"][independent].correlation for one in found]
    near = [like.nearest for like in ours]
    ratio = max(like.correlation / bar for like, bar in zip(ours, bars, strict=True))
    error, beside = words([like.correlation for like in ours], 4), f"independent sampler {words(bars, 4)}"
    fires = [float(one["fires"]) for one in found]
    alarm = f"{[one['said'] for one in found]}; untouched nets fire at "
    alarm += f"{words([one['rate'] for one in found], 5)} of genes x kinds"
    planted, nearest = "alarm on planted hallucinations", "nearest training cell, generated / held out"
    return [
        *_aucs(found),
        Row("GAN", "pbmc3k: gene-gene correlation error", error, beside, ratio, 1.0, False),
        Row("GAN", f"pbmc3k: {nearest}", words(near, 3), ">= 1", min(near), 1.0),
        Row("GAN", f"pbmc3k: {planted}", words(fires, 0), "on every seed", min(fires), 1.0, True, alarm),
        _impostors(found, bars),
    ]


def _aucs(found: list[dict[str, Any]]) -> list[Row]:
    """Return a row for each classifier; the seed farthest from the middle of the interval decides."""
    note = (
        f"a forest on 2,000 genes (quoted) {words([one['genes'] for one in found], 3)}; logistic of others: "
    )
    note += "; ".join(
        f"{name} {words([one['likeness'][name].auc['logistic'] for one in found], 3)}"
        for name in found[0]["likeness"]
        if name != OURS
    )
    note += f". Seconds to train {words([one['seconds'] for one in found], 0)}"
    title, half, middle = "pbmc3k: AUC, held-out against generated", (HIGH - LOW) / 2, (HIGH + LOW) / 2
    return [
        Row(
            "GAN",
            f"{title}, {way}",
            words([one["auc"][way] for one in found], 3),
            f"{LOW}-{HIGH}",
            max(abs(one["auc"][way] - middle) for one in found),
            round(half, 6),
            False,
            note,
        )
        for way in found[0]["auc"]
    ]


def _impostors(found: list[dict[str, Any]], bars: list[float]) -> Row:
    """Return how many impostors miss a bar on every seed, and which."""
    missed = {
        name: [fails(one["likeness"][name], bar) for one, bar in zip(found, bars, strict=True)]
        for name in found[0]["likeness"]
        if name not in (OURS, PRIOR)
    }
    caught = float(sum(all(seeds) for seeds in missed.values()))
    note = "; ".join(
        f"{name}: {[' '.join(one) or 'none' for one in seeds]}" for name, seeds in missed.items()
    )
    shown = f"{caught:.0f} of {len(missed)}"
    return Row(
        "GAN", "pbmc3k: impostors that miss a bar", shown, "all", caught, float(len(missed)), True, note
    )


def words(values: list[float], digits: int) -> str:
    """Write one figure per seed."""
    return ", ".join(f"{value:.{digits}f}" for value in values)
