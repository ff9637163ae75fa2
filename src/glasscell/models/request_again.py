"""What was asked for when a model was trained, read from its bundle, so that it can be trained again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.labels import Labels, read_labels
from glasscell.errors import ModelError
from glasscell.models.device import resolve_device
from glasscell.models.fit_request import FitRequest

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle


def request_of(dataset: Dataset, bundle: Bundle) -> FitRequest:
    """Rebuild what was asked for when a model was trained, without its split.

    Labels are those that the bundle keeps, or of a family that may do without them the column that its net
    names; the device is the one it was trained on where this machine has it.

    Parameters
    ----------
    dataset
        The cells the model was trained on, or some of them.

    Raises
    ------
    DataError
        A column of labels, batches or actions is gone.
    """
    net = bundle.folds[0]
    batch = str(getattr(net, "batch_column", "") or bundle.provenance.get("batch", ""))
    action = str(getattr(net, "action_column", "") or bundle.provenance.get("action", ""))
    return FitRequest(
        labels=_labels(dataset, bundle),
        family=bundle.family,
        params=bundle.params,
        seed=int(bundle.provenance.get("seed", 0)),
        device=_device(bundle),
        batch=read_labels(dataset, batch) if batch else None,
        action=read_labels(dataset, action) if action else None,
        control=str(getattr(net, "control", "")) if action else "",
    )


def _labels(dataset: Dataset, bundle: Bundle) -> Labels | None:
    if bundle.classes:
        rows = bundle.rows(dataset, np.arange(dataset.n_cells))
        truth = np.where(rows >= 0, bundle.cells.truth[rows], -1).astype(np.int32)
        return Labels(bundle.labels_name or "label", truth, bundle.classes)
    column = str(getattr(bundle.folds[0], "label_column", ""))
    return read_labels(dataset, column) if column else None


def _device(bundle: Bundle) -> str:
    """Return the device of the training, or whatever there is now: a bundle may come from elsewhere."""
    device = str(bundle.provenance.get("device", "auto"))
    try:
        resolve_device(device)
    except ModelError:
        return "auto"
    return device
