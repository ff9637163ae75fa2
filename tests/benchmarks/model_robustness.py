"""What a classifier stands on two protocols: thinned counts, and a protocol it was not trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tests.benchmarks.row import Row
from tests.benchmarks.setting import settings_of

IDS = ("ROBUST",)
SEEDS = (0, 1, 2)
DATA = Path(__file__).parents[3] / "shared" / "data" / "mixology_3lines_celseq2_dropseq.h5ad"
BOTH = ("accuracy", "logistic accuracy")
#: By so much accuracy may lie below that of logistic regression under the same condition, as in other rows.
LESS_THAN_PLAIN = 0.03
FIGURES = ("accuracy", "ECE", "top-20 overlap", "logistic accuracy")


def report(dataset: Any, settings: dict[str, Any], seed: int) -> Any:
    """Train the classifier on random folds, ask it again under all conditions."""
    from glasscell.data.labels import read_labels
    from glasscell.data.split import split
    from glasscell.explain.robustness.measure import robustness
    from glasscell.explain.robustness.request import RobustnessRequest
    from glasscell.models.fit import FitRequest, fit
    from glasscell.models.registry import family

    labels = read_labels(dataset, "cell_line")
    folds = split(dataset, "random", n_folds=2, seed=seed, labels=labels)
    params = family("classifier").params(**settings)
    asked = FitRequest(labels, folds, params=params, seed=seed, device="cpu", baselines=False)
    return robustness(dataset, fit(dataset, asked), RobustnessRequest(seed=seed, protocol="batch"))


def most_counted(n_genes: int) -> Any:
    """Return the cells with the genes that have most counts."""
    from glasscell.data.dataset import Dataset
    from glasscell.data.read import read

    whole = read(DATA)
    total_g = np.asarray(whole.expression_cg("counts").sum(axis=0)).ravel()
    return Dataset(whole.adata[:, np.sort(np.argsort(-total_g)[:n_genes])].copy())


def rows() -> list[Row]:
    """Return one row per condition: accuracy less that of logistic regression, mean over seeds."""
    settings = settings_of("robustness")
    dataset = most_counted(settings.pop("n_genes"))
    found = [report(dataset, settings, seed) for seed in SEEDS]
    made = []
    for number, row in enumerate(found[0].rows):
        each = [one.rows[number].figures for one in found]
        said = "; ".join(
            f"{name} " + " ".join(f"{figures[name]:.3f}" for figures in each)
            for name in FIGURES
            if all(name in figures for figures in each)
        )
        own, plain = (float(np.mean([one.get(name, np.nan) for one in each])) for name in BOTH)
        if np.isnan(plain):
            continue
        scenario = f"classifier, mixology, {row.condition}"
        made.append(
            Row("ROBUST", scenario, f"{own:.3f}", f"{plain:.3f}", own - plain, -LESS_THAN_PLAIN, note=said)
        )
    return made
