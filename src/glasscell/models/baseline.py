"""Cheap rows beside every model, on the same split: majority, logistic regression, coordinates alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from scipy.spatial import cKDTree

from glasscell.jobs import QUIET, JobHandle

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]

N_COMPONENTS = 50
PENALTY = 1.0
NEIGHBOURS = 6
_MAX_STEPS = 300
_POWER_STEPS = 4
_SPARE = 10


def majority(codes: Ints, n_classes: int, n_test: int) -> Floats:
    """Predict the class shares of the training cells for every test cell, ``(n_test, n_classes)``."""
    share_k = np.bincount(codes, minlength=n_classes) / len(codes)
    return np.tile(share_k, (n_test, 1))


def logistic(
    train_cg: sparse.csr_matrix,
    codes: Ints,
    test_cg: sparse.csr_matrix,
    n_classes: int,
    *,
    unit_variance: bool = False,
    job: JobHandle = QUIET,
    fraction: float | None = None,
) -> Floats:
    """Fit multinomial logistic regression on 50 principal components (all genes: slower, not better).

    Parameters
    ----------
    train_cg, test_cg
        Expression in the model's input space, CSR; components are found on the training cells only.
    codes
        Class of each training cell.
    unit_variance
        Scale every gene first, for values that are not log-normalised counts.
    job, fraction
        Told after every step; the share done is the caller's to know.

    Returns
    -------
    Probabilities, ``(n_test, n_classes)``.
    """
    if unit_variance:
        mean_g = np.asarray(train_cg.mean(axis=0)).ravel()
        square_g = np.asarray(train_cg.multiply(train_cg).mean(axis=0)).ravel()
        inverse_g = sparse.diags(1 / np.sqrt(np.maximum(square_g - mean_g**2, 1e-4)))
        train_cg, test_cg = sparse.csr_matrix(train_cg @ inverse_g), sparse.csr_matrix(test_cg @ inverse_g)
    mean_g, axes_gp = principal_axes(train_cg, N_COMPONENTS, job=job, fraction=fraction)
    train_cp = train_cg @ axes_gp - mean_g @ axes_gp
    weights_pk, intercept_k = _fit_logistic(train_cp, codes, n_classes, job, fraction)
    test_cp = test_cg @ axes_gp - mean_g @ axes_gp
    return np.exp(_log_softmax(test_cp @ weights_pk + intercept_k))


def principal_axes(
    table_cg: sparse.csr_matrix,
    n_axes: int,
    *,
    seed: int = 0,
    job: JobHandle = QUIET,
    fraction: float | None = None,
) -> tuple[Floats, Floats]:
    """Find the leading principal axes by randomised subspace iteration without making the table dense.

    Returns
    -------
    Mean of each gene ``(n_genes,)`` and orthonormal axes ``(n_genes, n_axes)``.

    References
    ----------
    Halko, Martinsson & Tropp 2011, arXiv:0909.4061, algorithm 4.4.
    """
    mean_g = np.asarray(table_cg.mean(axis=0, dtype=np.float64)).ravel()
    n_axes = min(n_axes, *table_cg.shape)
    width = min(n_axes + _SPARE, *table_cg.shape)
    table_gc = sparse.csr_matrix(table_cg.T)
    basis_gp = np.random.default_rng(seed).standard_normal((table_cg.shape[1], width))
    for _ in range(_POWER_STEPS):
        job.report(fraction, "baselines: principal components")
        scores_cp, _ = np.linalg.qr(table_cg @ basis_gp - mean_g @ basis_gp)
        basis_gp, _ = np.linalg.qr(table_gc @ scores_cp - np.outer(mean_g, scores_cp.sum(axis=0)))
    scores_cp = table_cg @ basis_gp - mean_g @ basis_gp
    _, _, turn_pp = np.linalg.svd(scores_cp, full_matrices=False)
    return mean_g, basis_gp @ turn_pp.T[:, :n_axes]


def _fit_logistic(
    table_cp: Floats, codes: Ints, n_classes: int, job: JobHandle, fraction: float | None
) -> tuple[Floats, Floats]:
    """Minimise the summed cross-entropy plus half the squared weights (intercepts are free) by L-BFGS."""
    truth_ck = np.zeros((len(codes), n_classes))
    truth_ck[np.arange(len(codes)), codes] = 1
    shape = (table_cp.shape[1], n_classes)

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights_pk = flat[:-n_classes].reshape(shape)
        log_ck = _log_softmax(table_cp @ weights_pk + flat[-n_classes:])
        value = -float((truth_ck * log_ck).sum()) + 0.5 * PENALTY * float((weights_pk**2).sum())
        error_ck = np.exp(log_ck) - truth_ck
        slope_pk = table_cp.T @ error_ck + PENALTY * weights_pk
        return value, np.concatenate([slope_pk.ravel(), error_ck.sum(axis=0)])

    def after_step(_: Floats) -> None:
        job.report(fraction, "baselines: logistic regression")

    start = np.zeros((shape[0] + 1) * n_classes)
    options = {"maxiter": _MAX_STEPS, "gtol": 1e-3 * max(1.0, len(codes) / 1000)}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", callback=after_step, options=options)
    return found.x[:-n_classes].reshape(shape), found.x[-n_classes:]


def coordinates(
    train_cd: Floats, codes: Ints, test_cd: Floats, n_classes: int, k: int = NEIGHBOURS
) -> Floats:
    """Predict from positions alone: class shares of the nearest training cells, ``(n_test, n_classes)``."""
    k = min(k, len(codes))
    _, nearest = cKDTree(train_cd).query(test_cd, k=k)
    votes_cn = codes[np.asarray(nearest).reshape(len(test_cd), k)]
    return np.stack([(votes_cn == code).mean(axis=1) for code in range(n_classes)], axis=1)


def _log_softmax(logits_ck: Floats) -> Floats:
    shifted = logits_ck - logits_ck.max(axis=1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result
