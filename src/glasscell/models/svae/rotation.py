"""Turn latents to the axes along which shifts are sparsest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Widths of the smoothing, in root mean squares of the shifts: wide ones have fewer hollows to end in.
_SMOOTHING = (2.0, 1.0, 0.5, 0.25)
_STARTS, _STEPS, _STILL = 8, 100, 1e-6


def sparsest_rotation(shift_az: NDArray[np.float64], *, seed: int = 0) -> NDArray[np.float64]:
    """Return the rotation ``(n_latent, n_latent)`` that makes the sum of absolute shifts least.

    A normal prior of variance 1 looks the same from every side, so how likely the counts are says nothing of
    the axes: what perturbations shift does. Searched from several starts, each by steps that never raise the
    (smoothed) sum; not sure to be the best of all.

    Parameters
    ----------
    shift_az
        Shifts of the actions, control left out, ``(n_actions, n_latent)``.
    seed
        Same seed, same starts.

    Returns
    -------
    ``turn_zz``, orthogonal: turned shifts are ``shift_az @ turn_zz``.

    References
    ----------
    Jennrich 2004, doi:10.1007/BF02295943 (component loss criteria, here a smoothed absolute value).
    """
    n_latent = shift_az.shape[1]
    best = np.eye(n_latent)
    scale = float(np.sqrt(np.mean(shift_az**2))) if shift_az.size else 0.0
    if scale == 0.0:
        return best
    rng, least = np.random.default_rng(seed), np.inf
    for start in range(_STARTS):
        turn_zz = np.linalg.qr(rng.normal(size=(n_latent, n_latent)))[0] if start else np.eye(n_latent)
        for share in _SMOOTHING:
            turn_zz = _descend(shift_az, turn_zz, share * scale)
        total = float(np.hypot(shift_az @ turn_zz, _SMOOTHING[-1] * scale).sum())
        if total < least * (1 - _STILL):
            least, best = total, turn_zz
    return best


def _descend(
    shift_az: NDArray[np.float64], turn_zz: NDArray[np.float64], width: float
) -> NDArray[np.float64]:
    """Lower the sum of sqrt(y^2 + width^2): bounded by y^2 / (2 width), whose sum no rotation changes."""
    for _ in range(_STEPS):
        turned_az = shift_az @ turn_zz
        pull_az = turned_az / width - turned_az / np.hypot(turned_az, width)
        left, _, right = np.linalg.svd(shift_az.T @ pull_az)
        before, turn_zz = turn_zz, left @ right
        if np.abs(turn_zz - before).max() < _STILL:
            break
    return turn_zz
