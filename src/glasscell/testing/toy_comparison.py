"""A comparison of models with known maps, without any training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.labels import read_labels
from glasscell.explain.comparison.agreement import MEAN_DIFFERENCE
from glasscell.explain.comparison.result import ModelComparison, ReasonAgreement, ReasonMaps, Score

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset

HELD_OUT = "label of held-out cells"


def toy_comparison(dataset: Dataset, column: str = "label") -> ModelComparison:
    """Compare two models that know the labels: ``sure`` is always right, ``rough`` errs in every fifth cell.

    ``sure`` gives its own label 0.9 everywhere, ``rough`` 0.4 on every second cell and 0.8 on the others.
    The reasons of ``rough`` are those of ``sure`` less 1. ``voting`` learns without labels.

    Parameters
    ----------
    dataset
        Its first cell has no label in the comparison.
    column
        Of the labels.
    """
    labels = read_labels(dataset, column)
    cells = np.arange(dataset.n_cells)
    known = cells > 0
    right = np.where(known, labels.codes, -1).astype(np.int32)
    rough = np.where(known & (cells % 5 == 0), (labels.codes + 1) % labels.n_classes, right).astype(np.int32)
    sure_own = np.where(known, 0.9, np.nan).astype(np.float32)
    rough_own = np.where(known, np.where(cells % 2, 0.4, 0.8), np.nan).astype(np.float32)
    explained = np.flatnonzero(labels.codes == 0).astype(np.int32)
    genes = tuple(str(gene) for gene in dataset.genes.names[:3])
    values_gc = np.linspace(-1, 2, 3 * len(explained), dtype=np.float32).reshape(3, -1)
    return ModelComparison(
        models=("sure", "rough", "voting"),
        seeds=(0, 1),
        scores=(
            Score(HELD_OUT, "accuracy", "more", "sure", (1.0, 0.98)),
            Score(HELD_OUT, "accuracy", "more", "rough", (0.8, 0.7)),
            Score(HELD_OUT, "accuracy", "more", "majority", (0.3,), baseline=True),
            Score("deviance, cells not trained on", "deviance", "less", "voting", (0.5, 0.6)),
            Score("deviance, cells not trained on", "deviance", "less", "gene mean", (0.4,), baseline=True),
        ),
        agreements=(
            ReasonAgreement("sure", "sure", (0.9,)),
            ReasonAgreement("rough", "rough", (0.6,)),
            ReasonAgreement("sure", "rough", (0.5, 0.3)),
            ReasonAgreement("sure", MEAN_DIFFERENCE, (0.2, 0.4)),
            ReasonAgreement("rough", MEAN_DIFFERENCE, (-0.1, 0.1)),
        ),
        target=f"class:{labels.classes[0]}",
        labels=labels.name,
        split="by hand",
        maps={"sure": sure_own, "rough": rough_own},
        calibrated=("sure", "rough"),
        classes=labels.classes,
        calls={"sure": right, "rough": rough, "voting": right},
        reasons={
            "sure": ReasonMaps(genes, explained, values_gc, "logit"),
            "rough": ReasonMaps(genes[:2], explained, values_gc[:2] - 1, "logit"),
        },
        notes=("Made by hand.",),
        fingerprints=("a", "b"),
        data=dataset.fingerprint,
    )
