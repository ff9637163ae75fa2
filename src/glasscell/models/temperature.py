"""How sure a net may be: one temperature for its logits, found on cells it was not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


def best_temperature(logits_ck: Tensor, codes: Tensor) -> float:
    """Find the temperature that makes probabilities of some cells most likely; 1 where it does not help.

    Parameters
    ----------
    logits_ck
        Of cells that were not trained on, ``(n, n_classes)``.
    codes
        Their classes, ``(n,)``.

    References
    ----------
    Guo et al. 2017, arXiv:1706.04599, section 4.2.
    """
    logits_ck = logits_ck.double()

    def surprise(log_temperature: float) -> float:
        return float(functional.cross_entropy(logits_ck / np.exp(log_temperature), codes))

    found = minimize_scalar(surprise, bounds=(np.log(0.5), np.log(10.0)), method="bounded")
    return float(np.exp(found.x)) if found.fun < surprise(0.0) else 1.0
