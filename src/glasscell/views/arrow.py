"""Arrows as lines, for every toolkit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Of an arrow's length, and the angle of its barbs in degrees.
HEAD, ANGLE = 0.35, 155.0


def arrow_lines(start_ad: NDArray[np.float64], end_ad: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return pairs of points: a shaft and two barbs per arrow, ``(6 x n_arrows, 2)``."""
    shift_ad = np.asarray(end_ad, np.float64) - start_ad
    parts = [start_ad, end_ad]
    for angle in np.deg2rad((ANGLE, -ANGLE)):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        parts += [end_ad, end_ad + HEAD * shift_ad @ turn.T]
    return np.stack(parts, axis=1).reshape(-1, 2)
