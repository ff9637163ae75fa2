"""Held-out predictions as a table: what was true, what was said, and how surely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.models.capability.domain import FindsDomains, NamesDomains
from glasscell.models.domain import domain_names, domain_of_cells

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from glasscell.models.bundle import Bundle

#: What a cell is called whose likeliest class is not likely enough for the model's settings.
UNKNOWN = "unknown"


def called_class(
    bundle: Bundle, probabilities_ck: NDArray[np.floating]
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Say which class each cell is called, and the names; ``unknown`` stands last where settings allow it.

    Parameters
    ----------
    probabilities_ck
        Of the classes, ``(n, n_classes)``; calibrated where `Bundle.calibrated` says so.
    """
    best = probabilities_ck.argmax(axis=1).astype(np.int32)
    least = float(getattr(bundle.params, "unknown_below", 0.0))
    if least <= 0:
        return best, tuple(bundle.classes)
    best[probabilities_ck.max(axis=1) < least] = len(bundle.classes)
    return best, (*bundle.classes, UNKNOWN)


def probability_column(calibrated: bool) -> str:
    """Name the column of the likeliest class's probability by what it is."""
    return "probability" if calibrated else "softmax_uncalibrated"


def probability_words(calibrated: bool, how: str) -> tuple[str, str]:
    """Return title and unit of the likeliest class's probability; ``how`` it is calibrated, if it is."""
    if calibrated:
        return "probability of the predicted class", how
    return "softmax (uncalibrated) of the predicted class", "not a probability"


def own_words(calibrated: bool, labels: str) -> tuple[str, str]:
    """Return title and unit of the probability of a cell's own label."""
    if calibrated:
        return f"probability of the own {labels}", "calibrated"
    return f"softmax (uncalibrated) of the own {labels}", "not a probability"


def prediction_table(bundle: Bundle) -> pd.DataFrame:
    """List every labelled cell with its held-out prediction.

    Returns
    -------
    Columns ``cell, fold, block, truth, prediction, probability``, in the order of the dataset; folds count
    from 0, ``probability`` is the calibrated one of the likeliest class, which is called ``unknown`` where
    the family's settings say that so little is not believed. The last column is ``softmax_uncalibrated`` of a
    model that was never calibrated (`Bundle.calibrated`). No row without classes, but
    ``cell, domain, share`` of a model that finds domains: their numbers, or their names where they have some
    (empty for a cell in none); the share is that under its mixture.
    """
    import pandas as pd

    if isinstance(bundle.folds[0], FindsDomains) and bundle.cells.latent_cz is not None:
        return _domain_table(bundle.folds[0], bundle.cells.names, bundle.cells.latent_cz)
    cells = bundle.cells
    rows = np.flatnonzero(cells.labelled) if bundle.classes else np.empty(0, np.int64)
    classes, blocks = np.asarray(bundle.classes, object), np.asarray((*cells.block_names, ""), object)
    probabilities_ck = cells.probabilities_ck[rows]
    prediction, names = called_class(bundle, probabilities_ck) if bundle.classes else (rows, ())
    return pd.DataFrame(
        {
            "cell": cells.names[rows],
            "fold": cells.fold[rows],
            "block": blocks[cells.block[rows]],
            "truth": classes[cells.truth[rows]],
            "prediction": np.asarray(names, object)[prediction],
            probability_column(bundle.calibrated): probabilities_ck.max(axis=1, initial=0.0),
        }
    )


def _domain_table(
    net: FindsDomains, names: NDArray[np.str_], latent_cz: NDArray[np.floating]
) -> pd.DataFrame:
    import pandas as pd
    import torch

    logits_ck = net.logits_of(torch.from_numpy(np.array(latent_cz)))
    share_c = torch.softmax(logits_ck, dim=1).numpy().max(axis=1, initial=0.0)
    domain: NDArray[Any] = domain_of_cells(net, latent_cz)
    if isinstance(net, NamesDomains):
        domain = np.asarray((*domain_names(net), ""), object)[domain]
    return pd.DataFrame({"cell": names, "domain": domain, "share": share_c})
