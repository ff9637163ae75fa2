"""A bundle around a network that was trained elsewhere, so that it can be explained, saved and applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.data.column import recode
from glasscell.errors import DataError
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle, CellTable, Curve
from glasscell.models.metric import measure
from glasscell.models.reference import reference_elsewhere
from glasscell.models.torch_module.family import TorchModuleParams

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import Labels
    from glasscell.models.torch_module.model import TorchModel

UNKNOWN = "It is not known which of these cells the network was trained on: no figure here is held out."
_BLOCK = 2048
_SEEN = 1  # a fold that no net stands for: the only net has seen the cell


def own_bundle(
    model: TorchModel, dataset: Dataset, labels: Labels | None = None, held_out: ArrayLike | None = None
) -> Bundle:
    """Put a wrapped network into a bundle with its predictions for a dataset.

    Parameters
    ----------
    model
        What ``wrap`` returned.
    dataset
        Cells like those it was trained on, best the training file itself.
    labels
        Their classes, matched to the model's by name.
    held_out
        Cells the network was not trained on, bool ``(n_cells,)``: figures are made of these alone.

    Raises
    ------
    DataError
        Labels or mask are of another dataset, or no label is a class of the model.
    NotCompatible
        The dataset lacks genes or counts.
    """
    unseen = np.zeros(dataset.n_cells, np.bool_) if held_out is None else np.asarray(held_out, np.bool_)
    if unseen.shape != (dataset.n_cells,) or (labels and len(labels.codes) != dataset.n_cells):
        raise DataError("The labels or the cells held out are of another dataset: make them from this one.")
    truth = _truth(model, dataset, labels)
    probabilities_ck = _predict(model, dataset)
    nowhere = np.full(dataset.n_cells, -1, np.int32)
    cells = CellTable(
        names=np.asarray(dataset.cell_names, np.str_),
        fold=np.where(unseen, 0, _SEEN).astype(np.int32),
        block=nowhere,
        block_names=(),
        truth=truth,
        probabilities_ck=probabilities_ck,
    )
    judged = unseen & (truth >= 0)
    words: dict[str, Any] = {"data_fingerprint": dataset.fingerprint, "n_cells": dataset.n_cells}
    return Bundle(
        family="torch_module",
        params=TorchModuleParams(network=model.name),
        folds=(model,),
        labels_name=labels.name if labels is not None else "class",
        classes=model.classes,
        split_scheme="given" if judged.any() else "unknown",
        split_text="the cells said to be held out" if judged.any() else "nothing: trained elsewhere",
        cells=cells,
        metrics=measure(truth[judged], probabilities_ck[judged]) if judged.any() else None,
        baselines={},
        curves=(Curve((), (), 0, "trained elsewhere"),),
        notes=() if held_out is not None else (UNKNOWN,),
        provenance={**words, "device": "cpu", "trained": "elsewhere"},
        reference=reference_elsewhere(dataset, model, cells),
    )


def _truth(model: TorchModel, dataset: Dataset, labels: Labels | None) -> NDArray[np.int32]:
    if labels is None:
        return np.full(dataset.n_cells, -1, np.int32)
    if not set(labels.classes) & set(model.classes):
        raise DataError(
            f'No class in "{labels.name}" is one of the network\'s ({", ".join(model.classes[:6])}): '
            "choose another column."
        )
    return recode(labels.codes, labels.classes, model.classes)


@torch.no_grad()
def _predict(model: TorchModel, dataset: Dataset) -> NDArray[np.float32]:
    parts = [
        model.probabilities(
            make_batch(dataset, model, np.arange(start, min(start + _BLOCK, dataset.n_cells)))
        )
        for start in range(0, dataset.n_cells, _BLOCK)
    ]
    return np.asarray(torch.cat(parts).cpu().numpy(), np.float32)
