"""Cheap rows beside every model, on the same split: majority, logistic regression, coordinates alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from scipy.spatial import cKDTree

from glasscell.jobs import QUIET, JobHandle

if TYPE_CHECKING:
    from collections.abc import Iterator

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]

N_COMPONENTS = 50
PENALTY = 1.0
NEIGHBOURS = 6
_MAX_STEPS = 300
_POWER_STEPS = 4
_SPARE = 10
_BLOCK = 512


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
    steps = _Steps(job, fraction, "baselines: logistic regression")
    train_cp = _scores(train_cg, mean_g, axes_gp, steps)
    weights_pk, intercept_k = _fit_logistic(train_cp, codes, n_classes, steps)
    test_cp = _scores(test_cg, mean_g, axes_gp, steps)
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
    steps = _Steps(job, fraction, "baselines: principal components")
    basis_gp: Floats = np.random.default_rng(seed).standard_normal((table_cg.shape[1], width))
    for _ in range(_POWER_STEPS):
        scores_cp = _orthonormal(_scores(table_cg, mean_g, basis_gp, steps))
        slope_gp = -np.outer(mean_g, scores_cp.sum(axis=0))
        for rows, block_cg in _blocks(table_cg, steps):
            slope_gp += block_cg.T @ scores_cp[rows].astype(np.float32)
        basis_gp = _orthonormal(slope_gp)
    scores_cp = _scores(table_cg, mean_g, basis_gp, steps)
    _, turn_pp = np.linalg.eigh(scores_cp.T @ scores_cp)
    return mean_g, basis_gp @ turn_pp[:, ::-1][:, :n_axes]


def _orthonormal(columns: Floats) -> Floats:
    """Return an orthonormal basis of the columns' span through their Gram matrix; a tall QR is slower."""
    value_p, vector_pp = np.linalg.eigh(columns.T @ columns)
    kept = value_p > 1e-12 * max(float(value_p[-1]), 1e-300)
    basis: Floats = columns @ (vector_pp[:, kept] / np.sqrt(value_p[kept]))
    return basis


@dataclass(frozen=True)
class _Steps:
    """Where a step of a baseline reports to."""

    job: JobHandle
    fraction: float | None
    words: str

    def tell(self) -> None:
        """Report, and stop here when asked to."""
        self.job.report(self.fraction, self.words)


def _blocks(table_cg: sparse.csr_matrix, steps: _Steps) -> Iterator[tuple[slice, Floats]]:
    """Make a sparse table dense a block at a time, with a cancel point before each."""
    for start in range(0, table_cg.shape[0], _BLOCK):
        steps.tell()
        rows = slice(start, start + _BLOCK)
        yield rows, np.asarray(table_cg[rows].toarray(), np.float32)


def _scores(table_cg: sparse.csr_matrix, mean_g: Floats, axes_gp: Floats, steps: _Steps) -> Floats:
    """Return centred cells on axes, ``(n_cells, n_axes)``."""
    axes_float = axes_gp.astype(np.float32)
    parts = [block_cg @ axes_float for _, block_cg in _blocks(table_cg, steps)]
    return np.concatenate(parts).astype(np.float64) - mean_g @ axes_gp


def logistic_weights(
    table_cp: Floats, codes: Ints, n_classes: int, *, penalty: float = PENALTY, job: JobHandle = QUIET
) -> tuple[Floats, Floats]:
    """Fit multinomial logistic regression on a dense table.

    Parameters
    ----------
    table_cp
        Centred features, ``(n, n_features)``.
    codes
        Class of each row.
    penalty
        Of half the squared weights, beside the summed cross-entropy.

    Returns
    -------
    Weights ``(n_features, n_classes)`` and intercepts ``(n_classes,)``.
    """
    return _fit_logistic(table_cp, codes, n_classes, _Steps(job, None, "logistic regression"), penalty)


def _fit_logistic(
    table_cp: Floats, codes: Ints, n_classes: int, steps: _Steps, penalty: float = PENALTY
) -> tuple[Floats, Floats]:
    """Minimise the summed cross-entropy plus half the squared weights (intercepts are free) by L-BFGS."""
    truth_ck = np.zeros((len(codes), n_classes))
    truth_ck[np.arange(len(codes)), codes] = 1
    shape = (table_cp.shape[1], n_classes)

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights_pk = flat[:-n_classes].reshape(shape)
        log_ck = _log_softmax(table_cp @ weights_pk + flat[-n_classes:])
        value = -float((truth_ck * log_ck).sum()) + 0.5 * penalty * float((weights_pk**2).sum())
        error_ck = np.exp(log_ck) - truth_ck
        slope_pk = table_cp.T @ error_ck + penalty * weights_pk
        return value, np.concatenate([slope_pk.ravel(), error_ck.sum(axis=0)])

    def after_step(_: Floats) -> None:
        steps.tell()

    start = np.zeros((shape[0] + 1) * n_classes)
    options = {"maxiter": _MAX_STEPS, "ftol": 1e-6, "gtol": 1e-3}
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
