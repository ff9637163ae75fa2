"""How good a classifier is on cells it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]

N_BINS = 15


@dataclass(frozen=True)
class Metrics:
    """Figures of one row of a table of models.

    Parameters
    ----------
    accuracy
        Share of cells with the right class.
    macro_f1
        F1 per class, averaged over the classes that occur.
    calibration_error
        Mean distance between stated probability and share right, 15 bins; None without probabilities.
    n_cells
        Cells the figures are made of.
    """

    accuracy: float
    macro_f1: float
    calibration_error: float | None = None
    n_cells: int = 0

    def to_json(self) -> dict[str, float | int | None]:
        """Return plain values that JSON can hold."""
        return {
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "calibration_error": self.calibration_error,
            "n_cells": self.n_cells,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Metrics:
        """Rebuild what ``to_json`` gave."""
        return cls(
            values["accuracy"], values["macro_f1"], values.get("calibration_error"), values.get("n_cells", 0)
        )


def accuracy(truth: Ints, prediction: Ints) -> float:
    """Return the share of cells whose class is right."""
    return float(np.mean(truth == prediction))


def macro_f1(truth: Ints, prediction: Ints) -> float:
    """Average F1 = 2 TP / (2 TP + FP + FN) over the classes found in truth or prediction."""
    scores = []
    for code in np.union1d(truth, prediction):
        hit = float(np.sum((truth == code) & (prediction == code)))
        wrong = float(np.sum((truth == code) ^ (prediction == code)))
        scores.append(2 * hit / (2 * hit + wrong))
    return float(np.mean(scores))


def calibration_error(truth: Ints, probabilities_ck: Floats, n_bins: int = N_BINS) -> float:
    """Return the expected calibration error of the most likely class, equal-width bins.

    References
    ----------
    Guo et al. 2017, arXiv:1706.04599, eq. 3.
    """
    confidence = probabilities_ck.max(axis=1)
    right = (probabilities_ck.argmax(axis=1) == truth).astype(np.float64)
    bins = np.minimum((confidence * n_bins).astype(np.int64), n_bins - 1)
    count = np.bincount(bins, minlength=n_bins)
    gap = np.bincount(bins, weights=right - confidence, minlength=n_bins)
    return float(np.abs(gap).sum() / count.sum())


def measure(truth: Ints, probabilities_ck: Floats, *, calibrated: bool = True) -> Metrics:
    """Make the figures from class codes ``(n,)`` and probabilities ``(n, n_classes)``."""
    prediction = probabilities_ck.argmax(axis=1)
    error = calibration_error(truth, probabilities_ck) if calibrated else None
    return Metrics(accuracy(truth, prediction), macro_f1(truth, prediction), error, len(truth))
