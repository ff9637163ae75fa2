"""Train a family, one net per fold, so that every labelled cell has a held-out prediction."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from glasscell.data.labels import drop_rare
from glasscell.errors import DataError, ModelError
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.baseline_row import baseline_rows
from glasscell.models.bundle import Bundle, CellTable, Curve
from glasscell.models.capability.classification import Classifies
from glasscell.models.device import resolve_device
from glasscell.models.family import Family, FoldPlan, TrainingData
from glasscell.models.fit_request import FitRequest
from glasscell.models.fit_unlabelled import fit_null_twin, fit_unlabelled
from glasscell.models.metric import measure
from glasscell.models.plan import permute_labels, set_aside
from glasscell.models.reference import make_reference
from glasscell.models.registry import family as find_family
from glasscell.models.span import Span
from glasscell.models.training_data import batch_of, check_request, net_seed, provenance, training_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import Labels
    from glasscell.data.split import Split
    from glasscell.models.capability.model import Model

__all__ = ["FitRequest", "fit", "fit_twin"]

_TRAINING = 0.9
_BLOCK = 4096
OVER_ALL = (
    "The classes hardly vary within a section or donor, so the twin's labels were shuffled over all cells: "
    "what tells sections and donors apart counts as learnt."
)


def fit(dataset: Dataset, request: FitRequest, job: JobHandle = QUIET) -> Bundle:
    """Train one net per fold and predict every labelled cell with the net that has not seen it.

    The figures hold for the split they were made with; cells without a label get the mean prediction of all
    nets. A family that learns without labels trains one net for all cells instead; see
    ``fit_unlabelled``.

    Parameters
    ----------
    dataset
        Cells, genes and positions; never changed.
    request
        Labels, split, family, settings, seed, device, batch.
    job
        Progress and cancel.

    Raises
    ------
    NotCompatible
        The family needs labels or counts and there are none, or takes no labels or batch and there are some.
    DataError
        Fewer than two classes can be learnt, or expression holds NaN.
    ModelError
        Too few labelled cells, a fold whose training cells have one class, or no such device.
    JobCancelled
        Somebody asked for it; nothing is kept.
    """
    started = time.monotonic()
    family = find_family(request.family)
    if not family.info.needs_labels:
        return fit_unlabelled(dataset, request, job)
    check_request(dataset, request, family)
    assert request.split is not None
    params = request.params if request.params is not None else family.params()
    device = resolve_device(request.device)
    job.report(0.0, "preparing cells")
    labels = _usable_labels(request, family)
    data = training_data(dataset, request, family, device, labels=labels)
    codes = labels.codes
    nets: list[Model] = []
    curves: list[Curve] = []
    notes = [*labels.dropped, *request.split.warnings]
    n_folds = request.split.n_folds
    for fold in range(n_folds):
        train = np.flatnonzero(request.split.training(fold) & (codes >= 0))
        _check_classes(train, labels, fold, n_folds)
        aside = set_aside(train, codes[train], request.split.blocks[train], net_seed(request.seed, fold))
        apart = np.flatnonzero(~request.split.training(fold))
        plan = FoldPlan(aside.train, aside.valid, net_seed(request.seed, fold), device, apart=apart)
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
    baselines = baseline_rows(dataset, data, request.split, Span(job, 0.93, 1.0)) if request.baselines else {}
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
        provenance=provenance(dataset, request, device, time.monotonic() - started, int(known.sum())),
        reference=make_reference(data, cells, request.seed),
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
    The bundle with its twin. Without labels there are none to permute: the twin then learns from counts that
    keep depths and gene totals only (``fit_null_twin``), where the family allows it.
    """
    family = find_family(request.family)
    if request.labels is None or request.split is None or not family.info.needs_labels:
        return fit_null_twin(bundle, dataset, request, job)
    device = resolve_device(request.device)
    job.report(0.0, "shuffling labels")
    labels = drop_rare(request.labels, request.split)
    train = np.flatnonzero(request.split.training(0) & (labels.codes >= 0))
    codes = np.full(dataset.n_cells, -1, np.int32)
    codes[train], kept = permute_labels(labels.codes[train], permutation_strata(dataset)[train], request.seed)
    data = training_data(dataset, request, family, device, labels=labels, codes=codes)
    epochs = max(1, round(float(np.median([curve.best_epoch for curve in bundle.curves]))))
    seed, apart = net_seed(request.seed, request.split.n_folds), np.flatnonzero(~request.split.training(0))
    plan = FoldPlan(train, np.empty(0, np.int64), seed, device, epochs, apart)
    twin, _, _ = family.train(data, plan, bundle.params, Span(job, 0.0, 1.0, "label-permuted twin"))
    return bundle.with_twin(twin, "" if kept else OVER_ALL)


def _usable_labels(request: FitRequest, family: Family) -> Labels:
    assert request.labels is not None
    assert request.split is not None
    split = request.split
    labels = drop_rare(request.labels, split)
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


def _check_classes(train: NDArray[np.int64], labels: Labels, fold: int, n_folds: int) -> None:
    present = np.unique(labels.codes[train])
    if len(present) < 2:
        raise ModelError(
            f"Without fold {fold + 1} of {n_folds} fewer than two classes are left to learn from: "
            "choose another split."
        )


def permutation_strata(dataset: Dataset) -> NDArray[np.int64]:
    """Return a number per section and donor for each cell, ``(n_cells,)``: twins shuffle labels within."""
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
            sums_ck[indices.numpy()] += net.probabilities(batch_of(data, indices, net)).cpu().numpy()
    sums_ck[~known] /= len(nets)
    return CellTable(
        names=np.asarray(dataset.cell_names, np.str_),
        fold=np.array(split.folds, np.int32),
        block=np.array(split.blocks, np.int32),
        block_names=tuple(split.block_names),
        truth=np.where(known, labels.codes, -1).astype(np.int32),
        probabilities_ck=sums_ck,
    )
