"""Rank correlation that says when there is nothing to correlate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_FEWEST = 3


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Return Spearman's correlation; NaN for fewer than three pairs or where one side does not vary.

    Parameters
    ----------
    first, second
        Paired values, ``(n,)`` each.
    """
    from scipy.stats import spearmanr

    one, two = (np.asarray(values, np.float64) for values in (first, second))
    if len(one) < _FEWEST or np.ptp(one) == 0 or np.ptp(two) == 0:
        return float("nan")
    found: Any = spearmanr(one, two)
    return float(found.statistic)
