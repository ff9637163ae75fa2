"""What each factor of an additive decoder can do to each gene, from the rates it gives alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import logsumexp

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Directions of a factor, in the order of the second axis of ``FactorEffects``.
DIRECTIONS = ("up", "down")
#: Share of the rates at 0 that is added to each gene: one count per ten thousand.
PSEUDO_SHARE = 1e-4
#: A factor none of whose latents is further from 0 does nothing.
VANISHED_BELOW = 0.5


@dataclass(frozen=True, eq=False)
class FactorEffects:
    """Log-fold changes of expression, >= 0, as a latent goes from 0 to its observed maximum and minimum.

    Parameters
    ----------
    highest_kdg
        With all other factors where they give the gene least: how far this factor can move it,
        ``(n_latent, 2, n_genes)``.
    lowest_kdg
        With all others where they give it most: what only this factor does.
    """

    highest_kdg: NDArray[np.float32]
    lowest_kdg: NDArray[np.float32]

    @property
    def combined_kdg(self) -> NDArray[np.float32]:
        """Product of both: large when a factor moves the gene far and no other does."""
        return self.highest_kdg * self.lowest_kdg

    @property
    def specificity_kdg(self) -> NDArray[np.float32]:
        """Share of what all factors can do to a gene; sums to one over factors and directions."""
        total_g = self.highest_kdg.sum(axis=(0, 1))
        return np.asarray(self.highest_kdg / np.where(total_g > 0, total_g, 1.0), np.float32)


def effects_of_curves(log_rate_kdsg: NDArray[Any], pseudo_share: float = 0.0) -> FactorEffects:
    """Work out what each factor could do with the others at their least and at their most.

    Parameters
    ----------
    log_rate_kdsg
        What each factor gives alone as its latent goes from 0 to an extreme, by direction and step,
        ``(n_latent, 2, n_steps, n_genes)``. Rates are added over factors.
    pseudo_share
        Share of all rates at 0 that is added to each gene's sum, so that a gene that is hardly there is no
        gene that changes manifold; 0 is the definition to the letter.

    References
    ----------
    Moinfar & Theis 2024, doi:10.1101/2024.11.06.622266: maximum and minimum possible effect.
    """
    values = np.asarray(log_rate_kdsg, np.float64)
    least_kdg, most_kdg = values.min(axis=2), values.max(axis=2)
    least_kg, most_kg = least_kdg.min(axis=1), most_kdg.max(axis=1)
    pseudo = np.log(pseudo_share) + logsumexp(values[:, 0, 0]) if pseudo_share else -np.inf
    highest, lowest = np.zeros_like(least_kdg), np.zeros_like(least_kdg)
    for k in range(len(values)):
        others = np.arange(len(values)) != k
        for into, rest_kg in ((highest, least_kg), (lowest, most_kg)):
            rest_g = np.full(values.shape[3], pseudo)
            if others.any():
                rest_g = np.logaddexp(rest_g, logsumexp(rest_kg[others], axis=0))
            into[k] = np.logaddexp(rest_g, most_kdg[k]) - np.logaddexp(rest_g, least_kdg[k])
    return FactorEffects(highest.astype(np.float32), lowest.astype(np.float32))


def effects_of_lines(loadings_kg: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> FactorEffects:
    """Work out the same for a linear decoder, where log-rates are added: the others change nothing.

    Parameters
    ----------
    loadings_kg
        ``(n_latent, n_genes)``.
    low, high
        Least and largest observed value of each latent, ``(n_latent,)``.
    """
    reach_kd = np.stack([np.maximum(high, 0.0), np.maximum(-np.asarray(low), 0.0)], axis=1)
    range_kdg = (reach_kd[:, :, None] * np.abs(loadings_kg)[:, None, :]).astype(np.float32)
    return FactorEffects(range_kdg, range_kdg.copy())


def present_effects(log_rate_ckg: NDArray[Any], pseudo: float = 1e-6) -> NDArray[np.float32]:
    """Return the log-fold change if a cell's factor were taken away, all others as they are in that cell.

    ``-log(1 - share)`` with a factor's share of the gene's rate in the cell.

    Parameters
    ----------
    log_rate_ckg
        What each factor gives in each cell, made shares over genes, ``(n, n_latent, n_genes)``.
    pseudo
        Share of the cell's counts added to every gene, so that one that is hardly there changes little.

    References
    ----------
    Moinfar & Theis 2024, doi:10.1101/2024.11.06.622266: in-distribution effect.
    """
    rate_ckg = np.exp(np.asarray(log_rate_ckg, np.float64))
    total_cg = rate_ckg.sum(axis=1, keepdims=True) + pseudo
    return np.asarray(-np.log1p(-rate_ckg / total_cg), np.float32)


def vanished(low: NDArray[Any], high: NDArray[Any]) -> NDArray[np.bool_]:
    """Say which factors do nothing: no cell's latent is further than 0.5 from 0, ``(n_latent,)``."""
    return np.asarray(np.maximum(np.abs(low), np.abs(high)) < VANISHED_BELOW, np.bool_)
