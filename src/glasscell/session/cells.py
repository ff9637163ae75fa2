"""Which cells a target is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle


def class_mask(bundle: Bundle, dataset: Dataset, target: str) -> NDArray[np.bool_]:
    """Return the cells of a target's class, bool of shape ``(n_cells,)``.

    By label where a cell has one, else by prediction; every cell for a target that is not a class.
    """
    kind, _, name = target.partition(":")
    name = name.partition("/")[0] if kind == "contrast" and name not in bundle.classes else name
    if kind not in ("class", "contrast") or name not in bundle.classes:
        return np.ones(dataset.n_cells, np.bool_)
    code = bundle.classes.index(name)
    rows = bundle.rows(dataset, np.arange(dataset.n_cells))
    known = rows >= 0
    truth = np.where(known, bundle.cells.truth[rows], -1)
    guess = np.full(dataset.n_cells, -1)
    probabilities_ck = bundle.cells.probabilities_ck[rows[known]]
    finite = np.isfinite(probabilities_ck).all(axis=1)
    guess[np.flatnonzero(known)[finite]] = probabilities_ck[finite].argmax(axis=1)
    return np.asarray(np.where(truth >= 0, truth, guess) == code)
