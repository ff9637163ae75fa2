"""Metrics against slow, literal formulas."""

from __future__ import annotations

import numpy as np
import pytest

from glasscell.models.metric import accuracy, calibration_error, macro_f1, measure


def test_macro_f1_is_the_mean_of_the_classes_f1() -> None:
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    scores = []
    for code in range(4):
        true_positive = sum((t == code) and (p == code) for t, p in zip(truth, prediction, strict=True))
        precision = true_positive / max(1, sum(p == code for p in prediction))
        recall = true_positive / max(1, sum(t == code for t in truth))
        scores.append(2 * precision * recall / (precision + recall))
    assert macro_f1(truth, prediction) == pytest.approx(np.mean(scores))
    assert accuracy(truth, prediction) == pytest.approx(np.mean(truth == prediction))


def test_calibration_error_bin_by_bin() -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(3), 500)
    truth = rng.integers(0, 3, 500)
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    expected = 0.0
    for low in range(15):
        members = (confidence >= low / 15) & (confidence < (low + 1) / 15)
        if members.any():
            expected += members.mean() * abs(right[members].mean() - confidence[members].mean())
    assert calibration_error(truth, probabilities) == pytest.approx(expected)


def test_a_sure_and_right_model_is_calibrated() -> None:
    row = measure(np.array([0, 1, 1]), np.eye(2)[[0, 1, 1]])
    assert (row.accuracy, row.macro_f1, row.calibration_error, row.n_cells) == (1.0, 1.0, 0.0, 3)
    assert type(row).from_json(row.to_json()) == row
