"""Held-out predictions as a table: what was true, what was said, and how surely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from glasscell.models.bundle import Bundle


def prediction_table(bundle: Bundle) -> pd.DataFrame:
    """List every labelled cell with its held-out prediction.

    Returns
    -------
    Columns ``cell, fold, block, truth, prediction, probability``, in the order of the dataset; folds count
    from 0, ``probability`` is the calibrated one of the predicted class. No row without classes.
    """
    import pandas as pd

    cells = bundle.cells
    rows = np.flatnonzero(cells.labelled) if bundle.classes else np.empty(0, np.int64)
    classes, blocks = np.asarray(bundle.classes, object), np.asarray((*cells.block_names, ""), object)
    probabilities_ck = cells.probabilities_ck[rows]
    prediction = probabilities_ck.argmax(axis=1) if bundle.classes else rows
    return pd.DataFrame(
        {
            "cell": cells.names[rows],
            "fold": cells.fold[rows],
            "block": blocks[cells.block[rows]],
            "truth": classes[cells.truth[rows]],
            "prediction": classes[prediction],
            "probability": probabilities_ck[np.arange(len(rows)), prediction],
        }
    )
