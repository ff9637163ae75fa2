"""Open a model that scvi-tools trained and saved as a bundle of one net; a named step, never done unasked."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from glasscell.data.column import categorical_codes, recode
from glasscell.data.split import Split
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.baseline_row import baseline_rows
from glasscell.models.batch import gene_columns, make_batch, preprocessing_for
from glasscell.models.bundle import Bundle, CellTable, Curve
from glasscell.models.family import TrainingData
from glasscell.models.fit_request import FitRequest
from glasscell.models.metric import Metrics, measure
from glasscell.models.reference import reference_elsewhere
from glasscell.models.registry import family as find_family
from glasscell.models.row import Rows, input_rows
from glasscell.models.scvi.family import FAMILY_OF, adapt
from glasscell.models.scvi.file import ScviFile, read_scvi, what_it_runs
from glasscell.models.scvi.model import ScanviModel, ScviModel
from glasscell.models.span import Span
from glasscell.models.training_data import provenance

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset

__all__ = ["load_scvi", "what_it_runs"]

_BLOCK = 2048
_UNKNOWN = (
    "The saved model does not say which of these cells trained it: all count as seen in training, and no "
    "accuracy is given."
)


def load_scvi(path: str | Path, dataset: Dataset, job: JobHandle = QUIET) -> Bundle:
    """Open a SCVI, SCANVI, LinearSCVI or DRVI that scvi-tools saved, and encode a dataset with it.

    ``what_it_runs`` says what this does: the file is read by torch's restricted reader, nothing in it is run,
    and scvi-tools' own classes make the network. The random state is left as it was.

    Parameters
    ----------
    path
        Folder that ``model.save`` wrote, or the ``model.pt`` in it.
    dataset
        Cells with raw counts of the model's genes; the data it was trained on, or others.
    job
        Progress and cancel.

    Returns
    -------
    A bundle of one net; saved by ``save_bundle`` it is safetensors and JSON like any other.

    Raises
    ------
    ModelError
        The folder holds no such model, is damaged or would run code.
    NotCompatible
        scvi-tools is absent, the class is not adapted, a gene is missing, or the data hold no counts.
    """
    started = time.monotonic()
    job.report(0.0, "reading the saved model")
    saved = read_scvi(path)
    model = adapt(saved)
    gene_columns(dataset, model.genes)
    job.report(0.2, "encoding cells")
    latent_cz, probabilities_ck = _predict(dataset, model, Span(job, 0.2, 0.9))
    truth = _truth(dataset, saved)
    fold, notes = _folds(dataset, saved, truth)
    nowhere = np.full(dataset.n_cells, -1, np.int32)
    cells = CellTable(
        names=np.asarray(dataset.cell_names, np.str_),
        fold=fold,
        block=nowhere,
        block_names=(),
        truth=truth,
        probabilities_ck=probabilities_ck,
        latent_cz=latent_cz,
    )
    metrics, baselines = _figures(dataset, saved, cells, Span(job, 0.9, 1.0))
    key = FAMILY_OF[saved.spec.kind]
    request = FitRequest(family=key, device="cpu")
    facts = provenance(dataset, request, "cpu", time.monotonic() - started, int((truth >= 0).sum()))
    return Bundle(
        family=key,
        params=find_family(key).params(),
        folds=(model,),
        labels_name=saved.labels_column,
        classes=saved.classes,
        split_scheme="saved",
        split_text="scored on the cells that scvi-tools set aside." if saved.classes else "by scvi-tools",
        cells=cells,
        metrics=metrics,
        baselines=baselines,
        curves=(Curve((), (), 0, "trained by scvi-tools"),),
        notes=notes,
        provenance={**facts, "batch": saved.batch_column, "opened": f"scvi-tools {saved.spec.version}"},
        reference=reference_elsewhere(dataset, model, cells),
    )


@torch.no_grad()
def _predict(
    dataset: Dataset, model: ScviModel, job: JobHandle
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return every cell's latent means and probabilities of classes (no columns without)."""
    latents, chances = [], []
    for start in range(0, dataset.n_cells, _BLOCK):
        job.report(start / dataset.n_cells)
        batch = make_batch(dataset, model, np.arange(start, min(start + _BLOCK, dataset.n_cells)))
        latents.append(model.encode(batch).cpu().numpy())
        if isinstance(model, ScanviModel):
            chances.append(model.probabilities(batch).cpu().numpy())
    empty = np.empty((dataset.n_cells, 0), np.float32)
    return np.concatenate(latents), np.concatenate(chances) if chances else empty


def _truth(dataset: Dataset, saved: ScviFile) -> NDArray[np.int32]:
    """Return each cell's class in the model's order, -1 where the dataset does not say."""
    if not saved.classes or saved.labels_column not in dataset.obs.columns:
        return np.full(dataset.n_cells, -1, np.int32)
    codes, names = categorical_codes(dataset.obs[saved.labels_column])
    return recode(codes, names, saved.classes)


def _folds(
    dataset: Dataset, saved: ScviFile, truth: NDArray[np.int32]
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return fold 0 for cells that did not train the net and fold 1 for all others, where that is known."""
    fold = np.ones(dataset.n_cells, np.int32)
    labels, valid = saved.labels, saved.valid
    if labels is None or valid is None or len(labels) != dataset.n_cells or not len(valid):
        return fold, (_UNKNOWN,)
    place = {name: code for code, name in enumerate(saved.classes)}
    theirs = np.array([place.get(str(label), -1) for label in labels], np.int32)
    if not np.array_equal(theirs, truth) or valid.min() < 0 or valid.max() >= dataset.n_cells:
        return fold, (_UNKNOWN,)
    fold[valid] = 0
    return fold, ()


def _figures(
    dataset: Dataset, saved: ScviFile, cells: CellTable, job: JobHandle
) -> tuple[Metrics | None, dict[str, Metrics]]:
    """Measure a SCANVI on the cells it was not trained on, beside baselines with the same cells."""
    if not saved.classes:
        return None, {}
    held_out = cells.labelled & (cells.fold == 0)
    if not held_out.any() or not (cells.labelled & (cells.fold == 1)).any():
        return Metrics(math.nan, math.nan, None, 0), {}
    preprocessing = preprocessing_for(dataset)
    data = TrainingData(
        rows=Rows(input_rows(dataset, preprocessing)),
        size=None,
        codes=cells.truth,
        classes=saved.classes,
        genes=tuple(str(name) for name in dataset.genes.names),
        preprocessing=preprocessing,
    )
    split = Split("saved", cells.fold, np.full(dataset.n_cells, -1, np.int32), (), "cells set aside")
    rows = baseline_rows(dataset, data, split, job, only=0)
    own = measure(cells.truth[held_out], cells.probabilities_ck[held_out])
    return own, rows
