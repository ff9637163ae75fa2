"""Train a family, one net per fold, so that every labelled cell has a held-out prediction."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.data.labels import drop_rare
from glasscell.errors import DataError, ModelError
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.baseline_row import baseline_rows
from glasscell.models.batch import check_table, preprocessing_for
from glasscell.models.bundle import Bundle, CellTable, Curve
from glasscell.models.device import resolve_device
from glasscell.models.family import Family, FoldPlan, TrainingData
from glasscell.models.metric import measure
from glasscell.models.plan import permute_within, set_aside
from glasscell.models.protocol import CellBatch, Classifies, Model
from glasscell.models.registry import family as find_family
from glasscell.models.row import Rows, input_rows
from glasscell.models.span import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import Labels
    from glasscell.data.split import Split
    from glasscell.models.info import FamilyParams

_TRAINING = 0.9
_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class FitRequest:
    """What is asked of a training run.

    Parameters
    ----------
    labels
        Class of every cell, -1 for none.
    split
        Fold of every cell.
    family
        Registry key.
    params
        Settings of the family; None for its defaults.
    seed
        The same seed gives the same bits on the same machine.
    device
        ``auto`` (CUDA, then MPS, then CPU), ``cpu``, ``cuda`` or ``mps``.
    """

    labels: Labels
    split: Split
    family: str = "classifier"
    params: FamilyParams | None = None
    seed: int = 0
    device: str = "auto"


def fit(dataset: Dataset, request: FitRequest, job: JobHandle = QUIET) -> Bundle:
    """Train one net per fold and predict every labelled cell with the net that has not seen it.

    The figures hold for the split they were made with; cells without a label get the mean prediction of all
    nets.

    Parameters
    ----------
    dataset
        Cells, genes and positions; never changed.
    request
        Labels, split, family, settings, seed, device.
    job
        Progress and cancel.

    Raises
    ------
    DataError
        Fewer than two classes can be learnt, or expression holds NaN.
    ModelError
        Too few labelled cells, a fold whose training cells have one class, or no such device.
    JobCancelled
        Somebody asked for it; nothing is kept.
    """
    started = time.monotonic()
    family = find_family(request.family)
    params = request.params if request.params is not None else family.params()
    device = resolve_device(request.device)
    job.report(0.0, "preparing cells")
    labels = _usable_labels(dataset, request, family)
    data = _training_data(dataset, labels, device)
    codes = labels.codes
    nets: list[Model] = []
    curves: list[Curve] = []
    notes = [*labels.dropped, *request.split.warnings]
    n_folds = request.split.n_folds
    for fold in range(n_folds):
        train = np.flatnonzero(request.split.training(fold) & (codes >= 0))
        _check_classes(train, labels, fold, n_folds)
        aside = set_aside(train, codes[train], request.split.blocks[train], _seed(request.seed, fold))
        plan = FoldPlan(aside.train, aside.valid, _seed(request.seed, fold), device)
        part = Span(
            job, _TRAINING * fold / n_folds, _TRAINING * (fold + 1) / n_folds, f"fold {fold + 1} of {n_folds}"
        )
        net, curve, said = family.train(data, plan, params, part)
        nets.append(net)
        curves.append(curve)
        notes += [sentence for sentence in said if sentence not in notes]
    cells = _predict(
        dataset, request.split, labels, tuple(nets), data, Span(job, _TRAINING, 0.93, "predicting")
    )
    job.report(0.93, "baselines")
    baselines = baseline_rows(dataset, data, request.split, Span(job, 0.93, 1.0))
    known = cells.labelled
    return Bundle(
        family=request.family,
        params=params,
        folds=tuple(nets),
        labels_name=labels.name,
        classes=labels.classes,
        split_scheme=request.split.scheme,
        split_text=request.split.description,
        cells=cells,
        metrics=measure(cells.truth[known], cells.probabilities_ck[known]),
        baselines=baselines,
        curves=tuple(curves),
        notes=tuple(notes),
        provenance=_provenance(dataset, request, device, time.monotonic() - started, int(known.sum())),
    )


def fit_twin(bundle: Bundle, dataset: Dataset, request: FitRequest, job: JobHandle = QUIET) -> Bundle:
    """Train the label-permuted twin: same network, same epochs, labels shuffled within section and donor.

    What its rankings share with the real nets' comes from the data, not from anything learnt about the
    labels.

    Parameters
    ----------
    bundle
        What ``fit`` returned for the same dataset and request.
    request
        Another seed gives another twin.

    Returns
    -------
    The bundle with its twin.
    """
    family = find_family(request.family)
    device = resolve_device(request.device)
    job.report(0.0, "shuffling labels")
    labels = drop_rare(request.labels, request.split)
    train = np.flatnonzero(request.split.training(0) & (labels.codes >= 0))
    codes = np.full(dataset.n_cells, -1, np.int32)
    codes[train] = permute_within(labels.codes[train], _strata(dataset)[train], request.seed)
    data = _training_data(dataset, labels, device, codes)
    epochs = max(1, round(float(np.median([curve.best_epoch for curve in bundle.curves]))))
    plan = FoldPlan(train, np.empty(0, np.int64), _seed(request.seed, request.split.n_folds), device, epochs)
    twin, _, _ = family.train(data, plan, bundle.params, Span(job, 0.0, 1.0, "label-permuted twin"))
    return bundle.with_twin(twin)


def _usable_labels(dataset: Dataset, request: FitRequest, family: Family) -> Labels:
    labels, split = request.labels, request.split
    if len(labels.codes) != dataset.n_cells or len(split.folds) != dataset.n_cells:
        raise DataError(
            f"Labels ({len(labels.codes)}), split ({len(split.folds)}) and data ({dataset.n_cells}) differ "
            "in their number of cells: make labels and split anew from this dataset."
        )
    labels = drop_rare(labels, split)
    if len(labels.classes) < 2:
        raise DataError(
            f'"{labels.name}" has one class only ({", ".join(labels.classes)}): at least two are needed.'
        )
    n_used = int(((labels.codes >= 0) & (split.folds >= 0)).sum())
    if n_used < family.info.min_cells:
        raise ModelError(
            f"{n_used} labelled cells are too few for {family.info.title} "
            f"(at least {family.info.min_cells}): label more cells."
        )
    return labels


def _training_data(
    dataset: Dataset, labels: Labels, device: str, codes: NDArray[np.int32] | None = None
) -> TrainingData:
    preprocessing = preprocessing_for(dataset)
    sizes_c = dataset.sizes_c
    table_cg = input_rows(dataset, preprocessing)
    check_table(table_cg, dataset)
    return TrainingData(
        rows=Rows(table_cg, device),
        size=None if sizes_c is None else np.asarray(sizes_c, np.float32),
        codes=np.asarray(labels.codes if codes is None else codes, np.int32),
        classes=labels.classes,
        genes=tuple(str(name) for name in dataset.genes.names),
        preprocessing=preprocessing,
    )


def _check_classes(train: NDArray[np.int64], labels: Labels, fold: int, n_folds: int) -> None:
    present = np.unique(labels.codes[train])
    if len(present) < 2:
        raise ModelError(
            f"Without fold {fold + 1} of {n_folds} fewer than two classes are left to learn from: "
            "choose another split."
        )


def _seed(seed: int, fold: int) -> int:
    """Give every net its own seed; neighbouring seeds of two runs share none."""
    return int(np.random.SeedSequence([seed, fold]).generate_state(1)[0])


def _strata(dataset: Dataset) -> NDArray[np.int64]:
    strata = np.asarray(dataset.sections.codes, np.int64) + 1
    if dataset.donors is not None:
        strata = strata * (len(dataset.donors.names) + 1) + dataset.donors.codes + 1
    return strata


@torch.no_grad()
def _predict(
    dataset: Dataset,
    split: Split,
    labels: Labels,
    nets: tuple[Model, ...],
    data: TrainingData,
    job: JobHandle,
) -> CellTable:
    """Predict labelled cells by the net that held them out, all others by the mean over nets."""
    known = (labels.codes >= 0) & (split.folds >= 0)
    sums_ck = np.zeros((dataset.n_cells, len(labels.classes)), np.float32)
    for fold, net in enumerate(nets):
        assert isinstance(net, Classifies)
        wanted = np.flatnonzero(~known | (known & (split.folds == fold)))
        for start in range(0, len(wanted), _BLOCK):
            job.report(fold / len(nets))
            indices = torch.from_numpy(wanted[start : start + _BLOCK])
            sums_ck[indices.numpy()] += net.probabilities(_batch(data, indices, net)).cpu().numpy()
    sums_ck[~known] /= len(nets)
    return CellTable(
        names=np.asarray(dataset.cell_names, np.str_),
        fold=np.array(split.folds, np.int32),
        block=np.array(split.blocks, np.int32),
        block_names=tuple(split.block_names),
        truth=np.where(known, labels.codes, -1).astype(np.int32),
        probabilities_ck=sums_ck,
    )


def _batch(data: TrainingData, indices: torch.Tensor, net: Model) -> CellBatch:
    size = None if data.size is None else torch.from_numpy(data.size)[indices].to(net.device)
    return CellBatch(
        expression=data.rows.take(indices).to(net.device), indices=indices.to(net.device), size=size
    )


def _provenance(
    dataset: Dataset, request: FitRequest, device: str, seconds: float, n_labelled: int
) -> Mapping[str, Any]:
    return {
        "seed": request.seed,
        "device": device,
        "seconds": round(seconds, 2),
        "data_fingerprint": dataset.fingerprint,
        "n_cells": dataset.n_cells,
        "n_labelled": n_labelled,
        "n_genes": dataset.n_genes,
        "versions": {name: _version(name) for name in ("glasscell", "torch", "numpy", "anndata")},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
