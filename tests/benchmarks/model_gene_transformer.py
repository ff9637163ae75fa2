"""Acceptance 4: a transformer over genes beside logistic regression, and what pretraining is worth.

One seed alone: ``python -m tests.benchmarks.model_gene_transformer pbmc3k 0`` (or ``worm``, or ``labels``).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
from tests.benchmarks.logistic import (
    DATA,
    FOLDS,
    SEEDS,
    against_logistic,
    by_name,
    large_classes,
    logistic_row,
    spread,
)
from tests.benchmarks.row import Row
from tests.benchmarks.setting import settings_of

IDS = ("GENE.PBMC3K", "GENE.WORM", "GENE.LABELS")
#: File, column of classes, split and class left out of each data set.
FILES = {
    "pbmc3k": ("pbmc3k.h5ad", "louvain", "random", ""),
    "worm": ("worm_embryo_1805x10000.h5ad", "cell_type", "obs:batch", "AWC_ON"),
}
SHARE = 0.05
Figures = dict[str, float]


def without(labels: Any, name: str) -> Any:
    """Take a class off its cells; classes that are no longer there are none."""
    if name not in labels.classes:
        return labels
    gone = labels.classes.index(name)
    codes = np.where(labels.codes > gone, labels.codes - 1, labels.codes)
    classes = tuple(one for one in labels.classes if one != name)
    return replace(labels, codes=np.where(labels.codes == gone, -1, codes).astype(np.int32), classes=classes)


def scored(name: str, seed: int) -> Figures:
    """Train a net per fold and compare held-out predictions with logistic regression's, cell by cell."""
    import glasscell
    from glasscell.data.split import split
    from glasscell.models.fit import FitRequest, fit
    from glasscell.models.gene_transformer.params import GeneTransformerParams

    file, column, scheme, gone = FILES[name]
    dataset = glasscell.read(DATA / file)
    labels = without(large_classes(dataset, column), gone)
    plan = split(dataset, scheme, n_folds=FOLDS, seed=seed, labels=labels)
    params = GeneTransformerParams(**settings_of("gene_transformer")[name])
    bundle = fit(dataset, FitRequest(labels, plan, "gene_transformer", params, seed, "cpu"))
    return against_logistic(dataset, bundle)


def with_few_labels(seed: int) -> Figures:
    """Learn from a twentieth of the labels of S1-hard, with and without pretraining, and as an impostor."""
    from glasscell.data.labels import read_labels
    from glasscell.models.gene_transformer.label_efficiency import label_efficiency
    from glasscell.models.gene_transformer.params import GeneTransformerParams
    from glasscell.testing.planted import hard_dataset

    dataset = hard_dataset(seed)
    params = GeneTransformerParams(**settings_of("gene_transformer")["labels"])
    labels = read_labels(dataset, "label")
    (row,) = label_efficiency(dataset, labels, (SHARE,), params=params, shuffled=True, seed=seed)
    return {**vars(row), "lift": row.lift}


def data_row(id: str, name: str, words: str) -> Row:
    """Score one data set on every seed."""
    found = [scored(name, seed) for seed in SEEDS]
    return logistic_row(id, f"{name}, {{}} classes, {words}", found)


def labels_row() -> Row:
    """Score label efficiency on every seed."""
    by = by_name([with_few_labels(seed) for seed in SEEDS])
    return Row(
        "GENE.LABELS",
        f"S1-hard, {SHARE:.0%} of the labels: macro-F1 over logistic's on 50 components, worst seed",
        f"F1 {np.mean(by['pretrained']):.3f}",
        f"logistic {np.mean(by['logistic']):.3f}",
        min(by["lift"]),
        0.03,
        note=f"seeds {SEEDS}: pretrained {spread(by['pretrained'])}, 50 components {spread(by['logistic'])}, "
        f"best number of components {spread(by['chosen'])}, nothing guessed {spread(by['unlearnt'])}, "
        f"shuffled genes {spread(by['shuffled'])}",
    )


def rows() -> list[Row]:
    """Measure all of it."""
    return [
        data_row("GENE.PBMC3K", "pbmc3k", f"{FOLDS} folds"),
        data_row("GENE.WORM", "worm", "one batch left out at a time"),
        labels_row(),
    ]


if __name__ == "__main__":
    asked, number = sys.argv[1], int(sys.argv[2])
    print(with_few_labels(number) if asked == "labels" else scored(asked, number))
