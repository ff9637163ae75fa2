"""Is a cell like those a model was trained on: distances, calibrated on cells a net has not seen.

Two distances are asked: how far a cell's latent lies from the nearest class (Lee et al. 2018,
arXiv:1807.03888), and how unlikely its expression is under a probabilistic PCA of the training cells (Tipping
& Bishop 1999, doi:10.1111/1467-9868.00196). Each becomes a p-value by its rank among cells held out, pooled
over the nets (cross-conformal: Vovk 2015, doi:10.1007/s10472-013-9368-4); the smaller one, doubled, is the
cell's typicality.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_RIDGE = 0.1
_MOST_COMPONENTS = 30
_CELLS_A_COMPONENT = 10
_LEAST = 1e-6


@dataclass(frozen=True, eq=False)
class NearestClass:
    """Squared Mahalanobis distance to the nearest class mean, one pooled covariance."""

    means_kz: Floats
    whitening_zz: Floats

    @classmethod
    def learn(cls, latent_cz: Floats, codes: NDArray[np.int32]) -> NearestClass:
        """Learn from training cells; all count as one class where none has a code."""
        known = codes >= 0
        if not known.any():
            known, codes = np.ones(len(codes), np.bool_), np.zeros(len(codes), np.int32)
        latent_cz, codes = latent_cz[known], codes[known]
        names, place = np.unique(codes, return_inverse=True)
        means_kz = np.stack([latent_cz[place == k].mean(axis=0) for k in range(len(names))])
        centred = latent_cz - means_kz[place]
        cov = centred.T @ centred / max(1, len(centred) - len(names))
        spread = max(float(np.trace(cov)) / len(cov), _LEAST)
        cov = (1 - _RIDGE) * cov + _RIDGE * spread * np.eye(len(cov))
        values, vectors = np.linalg.eigh(cov)
        return cls(means_kz, vectors / np.sqrt(np.maximum(values, _LEAST * spread)))

    def distance(self, latent_cz: Floats) -> Floats:
        """Return the squared distance of each cell, ``(n,)``."""
        cells, means = latent_cz @ self.whitening_zz, self.means_kz @ self.whitening_zz
        squares = (cells**2).sum(1)[:, None] - 2 * cells @ means.T + (means**2).sum(1)
        return np.asarray(squares.min(axis=1))


@dataclass(frozen=True, eq=False)
class Profile:
    """Probabilistic PCA of expression; its surprise is the negative log-likelihood but for constants."""

    mean_g: Floats
    axes_gk: Floats
    variance_k: Floats
    noise: float

    @classmethod
    def learn(cls, values_cg: Floats) -> Profile:
        """Learn from training cells, ``(n, n_genes)``."""
        mean_g = values_cg.mean(axis=0)
        _, singular, axes = np.linalg.svd(values_cg - mean_g, full_matrices=False)
        n = len(values_cg)
        k = max(1, min(_MOST_COMPONENTS, n // _CELLS_A_COMPONENT, len(singular) - 1))
        variance = singular**2 / max(1, n - 1)
        rest = values_cg.shape[1] - k
        noise = max(float(variance[k:].sum()) / max(1, rest), _LEAST)
        return cls(mean_g, axes[:k].T, np.maximum(variance[:k], noise), noise)

    def surprise(self, values_cg: Floats) -> Floats:
        """Return how unlikely each cell is, ``(n,)``."""
        centred = values_cg - self.mean_g
        parts = centred @ self.axes_gk
        left = (centred**2).sum(axis=1) - (parts**2).sum(axis=1)
        return np.asarray(np.maximum(left, 0.0) / self.noise + (parts**2 / self.variance_k).sum(axis=1))


@dataclass(frozen=True, eq=False)
class Typicality:
    """Both distances with what calibration cells score."""

    profile: Profile
    nearest: NearestClass | None
    calibration: tuple[Floats, ...]

    @classmethod
    def learn(
        cls,
        values_cg: Floats,
        latent_cz: Floats | None,
        codes: NDArray[np.int32],
        held_out: NDArray[np.bool_],
    ) -> Typicality:
        """Describe cells that were trained on and calibrate on those held out.

        Parameters
        ----------
        values_cg
            Input over the genes in common, ``(n, n_genes)``.
        latent_cz
            Latents of the same cells; None for a model without.
        codes, held_out
            Class and part of each cell, ``(n,)``.
        """
        seen = ~held_out
        profile = Profile.learn(values_cg[seen])
        nearest = None if latent_cz is None else NearestClass.learn(latent_cz[seen], codes[seen])
        half = cls(profile, nearest, ())
        scores = half.distances(values_cg[held_out], None if latent_cz is None else latent_cz[held_out])
        return cls(profile, nearest, tuple(np.sort(score) for score in scores))

    def distances(self, values_cg: Floats, latent_cz: Floats | None) -> tuple[Floats, ...]:
        """Return each distance of each cell, ``(n,)`` apiece."""
        found = [self.profile.surprise(values_cg)]
        if self.nearest is not None and latent_cz is not None:
            found.append(self.nearest.distance(latent_cz))
        return tuple(found)

    def beyond(self, values_cg: Floats, latent_cz: Floats | None) -> Floats:
        """Count the calibration cells that are as far off, for each distance and cell, ``(2 or 1, n)``."""
        pairs = zip(self.calibration, self.distances(values_cg, latent_cz), strict=True)
        return np.stack([len(known) - np.searchsorted(known, score, side="left") for known, score in pairs])

    @property
    def n_calibration(self) -> int:
        """Count the calibration cells."""
        return len(self.calibration[0])


def pooled(beyond_sc: Floats, n_calibration: int) -> Floats:
    """Return typicalities, ``(n,)``, from counts of calibration cells as far off, summed over nets.

    Of cells like those held out, a share of about ``a`` is below ``a``.
    """
    ranks = (1 + beyond_sc) / (1 + n_calibration)
    return np.asarray(np.minimum(1.0, len(ranks) * ranks.min(axis=0)))
