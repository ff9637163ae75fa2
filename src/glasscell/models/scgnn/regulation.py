"""Regulatory states of a gene: a Gaussian mixture of its log expression, cut off where it goes undetected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, logsumexp

from glasscell.errors import DataError
from glasscell.jobs import QUIET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle

Floats = NDArray[np.float64]

MOST_STATES = 5
#: A state is told from its like only when so many cells show the gene.
FEWEST_SEEN = 10
_ROUNDS, _ENOUGH, _SMALLEST_SD = 300, 1e-6, 0.05
_LOG_ROOT = 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True, eq=False)
class RegulatoryStates:
    """The states of one gene, lowest mean first.

    Parameters
    ----------
    gene
        Its name.
    cut
        Values up to it are only known to be no larger: the gene is not told from silence there.
    weight_k, mean_k, sd_k
        Share, mean and standard deviation of each state, ``(k,)``; a mean below the cut is extrapolated.
    codes_c
        Likeliest state of each cell, ``(n_cells,)`` int32; all cells at or below the cut have the same.
    log_likelihood
        Of all cells, in nats.
    bic_k
        Bayesian information criterion with 1, 2, ... states; less is better.
    """

    gene: str
    cut: float
    weight_k: Floats
    mean_k: Floats
    sd_k: Floats
    codes_c: NDArray[np.int32]
    log_likelihood: float
    bic_k: tuple[float, ...]

    @property
    def n_states(self) -> int:
        """Count the states."""
        return len(self.mean_k)


def regulatory_states(
    dataset: Dataset, genes: Sequence[str], *, most: int = MOST_STATES, job: JobHandle = QUIET
) -> tuple[RegulatoryStates, ...]:
    """Find the regulatory states of genes in a dataset, one gene after the other.

    No model is needed: states are of measured, log-normalised values, left-censored at the smallest value
    above zero of that gene.

    Parameters
    ----------
    genes
        Names of the dataset's genes.
    most
        States that are tried, at most; the number is chosen by the Bayesian information criterion.

    Raises
    ------
    DataError
        A gene is unknown, or is seen in too few cells to tell states.

    References
    ----------
    Wan et al. 2019, doi:10.1093/nar/gkz655 (left-truncated mixture Gaussian).
    """
    found = []
    for number, gene in enumerate(genes):
        job.report(number / len(genes), f"states of {gene}")
        found.append(fit_states(dataset.gene_column(gene), gene=str(gene), most=most))
    return tuple(found)


def fit_states(
    values_c: NDArray[np.floating[Any]], *, gene: str = "", most: int = MOST_STATES, cut: float | None = None
) -> RegulatoryStates:
    """Fit mixtures of one to ``most`` states to one gene and keep the one of least BIC.

    Parameters
    ----------
    values_c
        Log-normalised expression, at least 0, ``(n_cells,)``.
    cut
        Values up to it are censored; None takes the smallest above zero.

    Raises
    ------
    DataError
        A value is not finite, or fewer than ten lie above the cut.
    """
    values = np.asarray(values_c, np.float64)
    if not np.isfinite(values).all():
        raise DataError(f"{gene or 'A gene'} has values that are not numbers: replace or remove them first.")
    positive = values[values > 0]
    limit = float(positive.min(initial=np.inf)) if cut is None else float(cut)
    seen_c = values > limit
    if seen_c.sum() < FEWEST_SEEN:
        raise DataError(
            f"{gene or 'The gene'} is above its detection limit in {int(seen_c.sum())} cells: "
            f"no states can be told with fewer than {FEWEST_SEEN}."
        )
    x_i, n_low = values[seen_c], int((~seen_c).sum())
    most = max(1, min(most, len(np.unique(x_i))))
    fits = [_fit(x_i, n_low, limit, n_states) for n_states in range(1, most + 1)]
    bic_k = tuple(
        float(-2 * fit[3] + (3 * number - 1) * np.log(len(values))) for number, fit in enumerate(fits, 1)
    )
    weight_k, mean_k, sd_k, likelihood = fits[int(np.argmin(bic_k))]
    order = np.argsort(mean_k, kind="stable")
    weight_k, mean_k, sd_k = weight_k[order], mean_k[order], sd_k[order]
    codes_c = np.empty(len(values), np.int32)
    codes_c[seen_c] = _seen(x_i, weight_k, mean_k, sd_k).argmax(axis=1)
    codes_c[~seen_c] = _low(limit, weight_k, mean_k, sd_k).argmax()
    return RegulatoryStates(gene, limit, weight_k, mean_k, sd_k, codes_c, likelihood, bic_k)


def censored_log_likelihood(
    x_i: Floats, n_low: int, cut: float, weight_k: Floats, mean_k: Floats, sd_k: Floats
) -> float:
    """Return sum over x > cut of log sum a N(x; m, s), plus n_low x log sum a Phi((cut - m) / s)."""
    total = float(logsumexp(_seen(x_i, weight_k, mean_k, sd_k), axis=1).sum())
    return total + (n_low * float(logsumexp(_low(cut, weight_k, mean_k, sd_k))) if n_low else 0.0)


def _fit(x_i: Floats, n_low: int, cut: float, n_states: int) -> tuple[Floats, Floats, Floats, float]:
    """Fit by expectation and maximisation from quantiles; low cells count by their expected moments."""
    mean_k = np.quantile(x_i, (np.arange(n_states) + 0.5) / n_states)
    if n_low > len(x_i) / n_states:
        mean_k[0] = min(mean_k[0], cut - 0.5 * max(float(x_i.std()), _SMALLEST_SD))
    sd_k = np.full(n_states, max(float(x_i.std()) / n_states, _SMALLEST_SD))
    weight_k = np.full(n_states, 1.0 / n_states)
    total, before = len(x_i) + n_low, -np.inf
    for _ in range(_ROUNDS):
        joint_ik, low_k = _seen(x_i, weight_k, mean_k, sd_k), _low(cut, weight_k, mean_k, sd_k)
        row_i, row_low = logsumexp(joint_ik, axis=1), float(logsumexp(low_k))
        likelihood = float(row_i.sum()) + (n_low * row_low if n_low else 0.0)
        if likelihood - before < _ENOUGH * total:
            break
        before = likelihood
        share_ik = np.exp(joint_ik - row_i[:, None])
        count_k = n_low * np.exp(low_k - row_low)
        size_k = share_ik.sum(axis=0) + count_k + 1e-12
        low_mean_k, low_var_k = _below(cut, mean_k, sd_k)
        mean_k = (share_ik.T @ x_i + count_k * low_mean_k) / size_k
        square_k = (share_ik * (x_i[:, None] - mean_k) ** 2).sum(axis=0)
        square_k += count_k * (low_var_k + (low_mean_k - mean_k) ** 2)
        sd_k = np.maximum(np.sqrt(square_k / size_k), _SMALLEST_SD)
        weight_k = size_k / size_k.sum()
    return weight_k, mean_k, sd_k, censored_log_likelihood(x_i, n_low, cut, weight_k, mean_k, sd_k)


def _seen(x_i: Floats, weight_k: Floats, mean_k: Floats, sd_k: Floats) -> Floats:
    """Return log of weight times density at each value, ``(n, k)``."""
    z_ik = (x_i[:, None] - mean_k) / sd_k
    return np.asarray(np.log(weight_k) - 0.5 * z_ik**2 - np.log(sd_k) - _LOG_ROOT)


def _low(cut: float, weight_k: Floats, mean_k: Floats, sd_k: Floats) -> Floats:
    """Return log of weight times the probability of lying at or below the cut, ``(k,)``."""
    return np.asarray(np.log(weight_k) + log_ndtr((cut - mean_k) / sd_k))


def _below(cut: float, mean_k: Floats, sd_k: Floats) -> tuple[Floats, Floats]:
    """Return mean and variance of each state given a value at or below the cut, ``(k,)`` each."""
    b_k = (cut - mean_k) / sd_k
    ratio_k = np.exp(-0.5 * b_k**2 - _LOG_ROOT - log_ndtr(b_k))
    variance_k = sd_k**2 * np.clip(1 - b_k * ratio_k - ratio_k**2, 1e-6, 1.0)
    return mean_k - sd_k * ratio_k, variance_k
