"""What models that sort into classes say of every cell, over seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.explain.comparison.request import CompareRequest
    from glasscell.models.bundle import Bundle


def own_probability(bundles: list[Bundle]) -> NDArray[np.float32]:
    """Return each cell's mean probability of its own label over seeds, NaN where it has none."""
    total = np.zeros(len(bundles[0].cells.truth), np.float64)
    for bundle in bundles:
        cells = bundle.cells
        rows = np.flatnonzero(cells.labelled)
        own = np.full(len(total), np.nan)
        own[rows] = cells.probabilities_ck[rows, cells.truth[rows]]
        total += own
    return np.asarray(total / len(bundles), np.float32)


def called(bundles: dict[str, list[Bundle]], request: CompareRequest) -> dict[str, NDArray[np.int32]]:
    """Return the class each classifying model gives to each labelled cell, likeliest over seeds."""
    if request.labels is None:
        return {}
    found = {}
    for name, made in bundles.items():
        if not made[0].classes:
            continue
        rows = np.flatnonzero(made[0].cells.labelled)
        mean_ck = np.mean([one.cells.probabilities_ck[rows] for one in made], axis=0)
        places = np.array([request.labels.classes.index(each) for each in made[0].classes], np.int32)
        found[name] = np.full(len(made[0].cells.truth), -1, np.int32)
        found[name][rows] = places[mean_ck.argmax(axis=1)]
    return found
