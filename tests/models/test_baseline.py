"""Baselines against scikit-learn and counting."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from glasscell.errors import JobCancelled
from glasscell.models.baseline import coordinates, logistic, majority, principal_axes

RNG = np.random.default_rng(0)
CODES = RNG.integers(0, 3, 240)
TABLE = sparse.csr_matrix((RNG.poisson(0.5 + (np.arange(30) % 3 == CODES[:, None]) * 0.8)).astype(np.float32))


def test_logistic_equals_scikit_learn() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    theirs = linear.LogisticRegression(C=1.0, max_iter=5000, tol=1e-8).fit(TABLE[:160].toarray(), CODES[:160])
    expected = theirs.predict_proba(TABLE[160:].toarray())
    ours = logistic(TABLE[:160], CODES[:160], TABLE[160:], 3)
    np.testing.assert_allclose(ours, expected, atol=5e-3)
    np.testing.assert_allclose(ours.sum(axis=1), 1)


def test_principal_axes_equal_the_exact_ones() -> None:
    mean, axes = principal_axes(TABLE, 5)
    centred = TABLE.toarray() - TABLE.toarray().mean(0)
    _, exact, _ = np.linalg.svd(centred, full_matrices=False)
    kept = np.linalg.norm(centred @ axes) ** 2
    assert kept >= 0.99 * (exact[:5] ** 2).sum()
    np.testing.assert_allclose(axes.T @ axes, np.eye(5), atol=1e-8)
    np.testing.assert_allclose(mean, TABLE.toarray().mean(0), rtol=1e-5)


def test_unit_variance_makes_scale_irrelevant() -> None:
    scaled = sparse.csr_matrix(TABLE @ sparse.diags(np.geomspace(0.1, 100, 30)), dtype=np.float32)
    first = logistic(TABLE[:160], CODES[:160], TABLE[160:], 3, unit_variance=True)
    second = logistic(scaled[:160], CODES[:160], scaled[160:], 3, unit_variance=True)
    np.testing.assert_allclose(first, second, atol=2e-2)


def test_majority_and_a_class_absent_from_training() -> None:
    np.testing.assert_allclose(majority(np.array([0, 0, 2, 0]), 4, 2), [[0.75, 0, 0.25, 0]] * 2)
    probabilities = logistic(TABLE[:160], CODES[:160], TABLE[160:], 4)
    assert probabilities[:, 3].max() < 0.05


def test_coordinates_vote_among_the_nearest() -> None:
    train = np.array([[0, 0], [0, 1], [10, 10], [10, 11]], float)
    votes = coordinates(train, np.array([1, 1, 0, 1]), np.array([[0, 0.5], [10, 10.4]]), 2, k=2)
    np.testing.assert_allclose(votes, [[0, 1], [0.5, 0.5]])


def test_logistic_can_be_cancelled() -> None:
    class Job:
        def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
            if "logistic" in text:
                raise JobCancelled("stop")

    with pytest.raises(JobCancelled):
        logistic(TABLE, CODES, TABLE, 3, job=Job())
