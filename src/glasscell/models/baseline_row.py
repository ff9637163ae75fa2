"""The table of baselines for one dataset and split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.models.baseline import coordinates, logistic, majority
from glasscell.models.batch import preprocessing_for
from glasscell.models.metric import Metrics, measure
from glasscell.models.row import input_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.data.split import Split
    from glasscell.jobs import JobHandle
    from glasscell.models.family import TrainingData


def baseline_rows(
    dataset: Dataset, data: TrainingData, split: Split, job: JobHandle, only: int | None = None
) -> dict[str, Metrics]:
    """Score majority, logistic regression and (where cells have any) coordinates alone on held-out cells.

    Every row is trained on the same cells and tested on the same cells as the nets.

    Parameters
    ----------
    data
        Expression and class codes; cells with code -1 are not used.
    job
        Told after every step.
    only
        The one fold that is held out; None holds out each in turn.
    """
    codes, n_classes = data.codes, len(data.classes)
    known = (codes >= 0) & (split.folds >= 0)
    positions_cd = _local_positions(dataset)
    names = ["majority", "logistic"] + (["coordinates"] if positions_cd is not None else [])
    shape = (dataset.n_cells, n_classes)
    tables = {name: np.zeros(shape) for name in names}
    table_cg = data.rows.table_cg
    if data.preprocessing.kind in ("log1p", "counts"):  # a fair baseline sees cells of equal depth
        table_cg = input_rows(dataset, preprocessing_for(dataset))
    unit_variance = data.preprocessing.kind == "stored"
    for fold in range(split.n_folds):
        fraction = fold / split.n_folds
        job.report(fraction, "baselines")
        train = np.flatnonzero(split.training(fold) & known)
        test = np.flatnonzero(known & (split.folds == fold))
        if not len(test) or only not in (None, fold):
            continue
        tables["majority"][test] = majority(codes[train], n_classes, len(test))
        tables["logistic"][test] = logistic(
            table_cg[train],
            codes[train],
            table_cg[test],
            n_classes,
            unit_variance=unit_variance,
            job=job,
            fraction=fraction,
        )
        if positions_cd is not None:
            tables["coordinates"][test] = _by_position(positions_cd, codes, train, test, n_classes)
    if only is not None:
        known &= split.folds == only
    truth = codes[known]
    return {name: measure(truth, table[known]) for name, table in tables.items()}


def _local_positions(dataset: Dataset) -> NDArray[np.float64] | None:
    """Return positions relative to the middle of each section, so that sections are comparable."""
    if dataset.positions_cd is None or not np.isfinite(dataset.positions_cd).all(axis=1).any():
        return None
    positions_cd = np.array(dataset.positions_cd, np.float64)
    for section in np.unique(dataset.sections.codes):
        members = dataset.sections.codes == section
        here = positions_cd[members]
        if np.isfinite(here).any():
            positions_cd[members] = here - np.nanmedian(here, axis=0)
    return positions_cd


def _by_position(
    positions_cd: NDArray[np.float64],
    codes: NDArray[np.integer[Any]],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    n_classes: int,
) -> NDArray[np.floating[Any]]:
    """Predict from positions; cells without any get the majority."""
    result = majority(codes[train], n_classes, len(test))
    placed = np.asarray(np.isfinite(positions_cd).all(axis=1))
    train = train[placed[train]]
    if len(train):
        result[placed[test]] = coordinates(
            positions_cd[train], codes[train], positions_cd[test[placed[test]]], n_classes
        )
    return result
