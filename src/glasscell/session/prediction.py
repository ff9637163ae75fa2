"""What a model predicts, as a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.data.class_colour import class_colours
from glasscell.errors import DataError
from glasscell.models.prediction import called_class, own_words, probability_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.models.bundle import Bundle
    from glasscell.session.context import Context

KEYS = ("label", "probability", "own", "correct")


def resolve_prediction(context: Context, ref: ChannelRef) -> CellValues:
    """Return a model's prediction per cell.

    ``label`` is the likeliest class (``unknown`` where the family's settings ask for more certainty),
    ``probability`` its probability, ``own`` that of the cell's own label (raw softmax, and called so, of a
    model that is not calibrated), ``correct`` whether the likeliest is the own one. Cells with a label are
    predicted by the net that did not see them.

    Raises
    ------
    DataError
        The model has gone, knows none of these cells, or there is no such prediction.
    """
    if ref.key not in KEYS:
        raise DataError(f"A prediction is {', '.join(KEYS)}, not {ref.key!r}.")
    bundle, dataset = context.bundle(str(ref.param("model", ""))), context.dataset
    if not bundle.classes:
        raise DataError("This model predicts no classes; colour by its latents instead.")
    rows = bundle.rows(dataset, np.arange(dataset.n_cells))
    known = rows >= 0
    if not known.any():
        raise DataError("This model was trained on other cells; it has no predictions for these.")
    probabilities_ck = np.where(known[:, None], bundle.cells.probabilities_ck[rows], np.nan)
    known &= np.isfinite(probabilities_ck).all(axis=1)
    label = np.where(known, np.nan_to_num(probabilities_ck, nan=-1.0).argmax(axis=1), -1).astype(np.int32)
    note = f"held out, {bundle.split_scheme}; cells without a label by all nets"
    if ref.key == "probability":
        highest = np.full(dataset.n_cells, np.nan, np.float32)
        highest[known] = probabilities_ck[known].max(axis=1)
        title, unit = probability_words(bundle.calibrated, "calibrated")
        return CellValues(title, unit, highest, note=note)
    if ref.key == "own":
        return _own(bundle, rows, probabilities_ck, note)
    if ref.key == "label":
        title = f"predicted {bundle.labels_name}"
        label[known], names = called_class(bundle, probabilities_ck[known])
        palette = class_colours(context, bundle.labels_name, names)
        return CellValues(title, codes=label, categories=names, palette=palette, note=note)
    truth = np.where(rows >= 0, bundle.cells.truth[rows], -1)
    right = np.where((truth >= 0) & known, np.where(label == truth, 0, 1), -1).astype(np.int32)
    return CellValues(
        f"{bundle.labels_name} predicted", codes=right, categories=("right", "wrong"), note=note
    )


def _own(
    bundle: Bundle, rows: NDArray[np.int64], probabilities_ck: NDArray[np.floating], note: str
) -> CellValues:
    """Return the probability of each cell's own label, NaN where it has none."""
    truth = np.where(rows >= 0, bundle.cells.truth[rows], -1)
    cells = np.flatnonzero(truth >= 0)
    own = np.full(len(rows), np.nan, np.float32)
    own[cells] = probabilities_ck[cells, truth[cells]]
    title, unit = own_words(bundle.calibrated, bundle.labels_name)
    return CellValues(title, unit, own, note=note)
