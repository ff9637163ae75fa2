"""A Gaussian mixture whose groups share one covariance: how latents are divided into domains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

from glasscell.errors import ModelError
from glasscell.jobs import QUIET

if TYPE_CHECKING:
    from glasscell.jobs import JobHandle

Floats = NDArray[np.float64]

STARTS = 20
_ROUNDS = 300
_LLOYD = 10
_ENOUGH = 1e-4
_RIDGE = 1e-6


@dataclass(frozen=True, eq=False)
class TiedMixture:
    """Groups with a weight and a mean each, and one covariance for all.

    Parameters
    ----------
    log_weight_k, mean_kz
        Of the groups, largest first, ``(k,)`` and ``(k, n_latent)``.
    factor_zz
        Lower Cholesky factor of the covariance, ``(n_latent, n_latent)``.
    log_likelihood
        Mean over cells.
    """

    log_weight_k: Floats
    mean_kz: Floats
    factor_zz: Floats
    log_likelihood: float

    def log_joint(self, values_cz: NDArray[np.floating[Any]]) -> Floats:
        """Return log of weight times density, ``(n, k)``."""
        return _log_joint(np.asarray(values_cz, np.float64), self.log_weight_k, self.mean_kz, self.factor_zz)

    def posterior(self, values_cz: NDArray[np.floating[Any]]) -> Floats:
        """Return each group's share in each cell, ``(n, k)``; rows sum to one."""
        joint_ck = self.log_joint(values_cz)
        return np.asarray(np.exp(joint_ck - logsumexp(joint_ck, axis=1, keepdims=True)))

    def assign(self, values_cz: NDArray[np.floating[Any]]) -> NDArray[np.int32]:
        """Return the likeliest group of each cell, ``(n,)``."""
        return np.asarray(self.log_joint(values_cz).argmax(axis=1), np.int32)

    def discriminant(self) -> tuple[Floats, Floats]:
        """Return ``W`` ``(k, n_latent)`` and ``b`` ``(k,)``: ``W z + b`` is ``log_joint`` less its mean.

        With one covariance the square of ``z`` is the same for all groups, so what tells them apart is
        linear.
        """
        white_kz = solve_triangular(self.factor_zz, self.mean_kz.T, lower=True).T
        weight_kz = solve_triangular(self.factor_zz.T, white_kz.T, lower=False).T
        bias_k = self.log_weight_k - 0.5 * (white_kz**2).sum(axis=1)
        return weight_kz - weight_kz.mean(axis=0), bias_k - bias_k.mean()


def fit_mixture(
    values_cz: NDArray[np.floating[Any]],
    n_groups: int,
    seed: int,
    starts: int = STARTS,
    job: JobHandle = QUIET,
) -> TiedMixture:
    """Fit from several starts and keep the likeliest.

    A single start is a matter of luck: over starts the agreement with known layers varies by a tenth.

    Parameters
    ----------
    values_cz
        Latents, ``(n_cells, n_latent)``.
    seed
        The same seed gives the same groups.

    Raises
    ------
    ModelError
        There are fewer cells than ten per group, or a value is not finite.

    References
    ----------
    Dempster, Laird & Rubin 1977; starts by Arthur & Vassilvitskii 2007 (k-means++).
    """
    table_cz = np.asarray(values_cz, np.float64)
    if len(values_cz) < 10 * n_groups:
        raise ModelError(f"{len(values_cz)} cells are too few for {n_groups} domains: ask for fewer.")
    if not np.isfinite(values_cz).all():
        raise ModelError("Latents are not finite, so no domains can be found: train with a lower rate.")
    best: TiedMixture | None = None
    for start in range(starts):
        job.report(start / starts, f"domains, start {start + 1} of {starts}")
        rng = np.random.default_rng([seed, start, 0x6A33])
        found = _one_start(table_cz, n_groups, rng, job)
        if best is None or found.log_likelihood > best.log_likelihood:
            best = found
    assert best is not None
    return best


def _one_start(values_cz: Floats, n_groups: int, rng: np.random.Generator, job: JobHandle) -> TiedMixture:
    codes = _k_means(values_cz, n_groups, rng)
    share_ck = np.eye(n_groups)[codes]
    before = -np.inf
    for number in range(_ROUNDS):
        log_weight_k, mean_kz, factor_zz = _maximise(values_cz, share_ck)
        joint_ck = _log_joint(values_cz, log_weight_k, mean_kz, factor_zz)
        total_c = logsumexp(joint_ck, axis=1)
        likelihood = float(total_c.mean())
        if likelihood - before < _ENOUGH:
            break
        before, share_ck = likelihood, np.exp(joint_ck - total_c[:, None])
        if number % 20 == 19:
            job.report(None)
    order = np.argsort(-log_weight_k, kind="stable")
    return TiedMixture(log_weight_k[order], mean_kz[order], factor_zz, likelihood)


def _maximise(values_cz: Floats, share_ck: Floats) -> tuple[Floats, Floats, Floats]:
    """Return log weights, means and covariance factor that fit the shares best."""
    size_k = share_ck.sum(axis=0) + 10 * np.finfo(np.float64).eps
    mean_kz = share_ck.T @ values_cz / size_k[:, None]
    within_zz = values_cz.T @ values_cz - (mean_kz.T * size_k) @ mean_kz
    within_zz /= len(values_cz)
    within_zz.flat[:: len(within_zz) + 1] += _RIDGE * max(float(np.trace(within_zz)) / len(within_zz), 1e-12)
    return np.log(size_k / size_k.sum()), mean_kz, np.linalg.cholesky(within_zz)


def _log_joint(values_cz: Floats, log_weight_k: Floats, mean_kz: Floats, factor_zz: Floats) -> Floats:
    white_cz = solve_triangular(factor_zz, values_cz.T, lower=True).T
    white_kz = solve_triangular(factor_zz, mean_kz.T, lower=True).T
    square_ck = (white_cz**2).sum(1)[:, None] - 2 * white_cz @ white_kz.T + (white_kz**2).sum(1)
    constant = len(factor_zz) * np.log(2 * np.pi) / 2 + np.log(np.diag(factor_zz)).sum()
    return np.asarray(log_weight_k - 0.5 * square_ck - constant)


def _k_means(values_cz: Floats, n_groups: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return groups after a few rounds of k-means from spread-out seeds."""
    seeds = [int(rng.integers(len(values_cz)))]
    nearest_c = ((values_cz - values_cz[seeds[0]]) ** 2).sum(axis=1)
    while len(seeds) < n_groups:
        total = nearest_c.sum()
        chance = nearest_c / total if total > 0 else None
        seeds.append(int(rng.choice(len(values_cz), p=chance)))
        nearest_c = np.minimum(nearest_c, ((values_cz - values_cz[seeds[-1]]) ** 2).sum(axis=1))
    mean_kz = values_cz[seeds]
    for _ in range(_LLOYD):
        codes = (-2 * values_cz @ mean_kz.T + (mean_kz**2).sum(axis=1)).argmin(axis=1)
        for group in range(n_groups):
            if (codes == group).any():
                mean_kz[group] = values_cz[codes == group].mean(axis=0)
    return np.asarray(codes, np.int64)
