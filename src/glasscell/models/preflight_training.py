"""What is looked at before a family is trained on a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.modality import feature_modalities, why_no_modality
from glasscell.data.report import count, why_no_cells
from glasscell.errors import DataError, GlasscellError
from glasscell.models.preflight_line import PreflightLine, places_line

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import Labels
    from glasscell.models.info import ModelInfo

FEW_GENES = 10
FEW_CELLS_A_CLASS = 20


def training_lines(
    info: ModelInfo, dataset: Dataset, labels: str | Labels, batch: str, action: str, control: str
) -> list[PreflightLine]:
    """Look at cells, counts, labels, coordinates, batch, actions and genes."""
    known, label_line = _labels(info, dataset, labels)
    return [
        _cells(info, dataset, known),
        _counts(info, dataset),
        label_line,
        places_line(dataset, info.needs_labels, info),
        _batch(info, dataset, known, batch),
        *([_actions(info, dataset, action, control)] if info.needs_action else []),
        *([_modalities(info, dataset)] if info.needs_modality else []),
        _gene_axis(dataset),
    ]


def _cells(info: ModelInfo, dataset: Dataset, labels: Labels | None) -> PreflightLine:
    if not dataset.n_cells:
        return PreflightLine("cells", "no", why_no_cells(dataset))
    n_used = dataset.n_cells if labels is None else int(labels.labelled.sum())
    what = "" if labels is None else " with a label"
    said = f"{count(n_used, dataset.observation)}{what}"
    if n_used < info.min_cells:
        more = "label more" if labels is not None else "open a larger file"
        return PreflightLine(
            "cells", "no", f"{said}; {info.title} needs at least {info.min_cells:,}: {more}."
        )
    if n_used < 4 * info.min_cells:
        return PreflightLine("cells", "warning", f"{said}: few, so the figures will vary between seeds.")
    return PreflightLine("cells", "yes", f"{said}.")


def _counts(info: ModelInfo, dataset: Dataset) -> PreflightLine:
    if dataset.is_counts:
        return PreflightLine("counts", "yes", f"Raw counts in {dataset.counts}.")
    if info.needs_counts:
        return PreflightLine(
            "counts",
            "no",
            f"{info.title} models raw counts and this file has none: choose the layer that holds counts, "
            "or open the raw file.",
        )
    return PreflightLine(
        "counts", "warning", "No raw counts: values are learnt as the file has them, each gene scaled."
    )


def _labels(info: ModelInfo, dataset: Dataset, wanted: str | Labels) -> tuple[Labels | None, PreflightLine]:
    if not info.why_labels and not (info.takes_labels and wanted):
        said = f"{info.title} learns without labels." + (" Those chosen are left out." if wanted else "")
        return None, PreflightLine("labels", "yes", said)
    if not wanted:
        return None, PreflightLine("labels", "no", info.why_labels)
    try:
        labels = _read(dataset, wanted)
    except GlasscellError as error:
        return None, PreflightLine("labels", "no", str(error))
    sizes = labels.counts()
    least = int(sizes.argmin())
    said = f"{labels.name}: {labels.n_classes:,} classes"
    said += f", from {sizes.min():,} to {sizes.max():,} cells"
    missing = dataset.n_cells - int(labels.labelled.sum())
    said += f"; {missing:,} cells have none" if missing else ""
    if sizes[least] < FEW_CELLS_A_CLASS:
        return labels, PreflightLine(
            "labels",
            "warning",
            f"{said}. {labels.classes[least]} is rare: it may be dropped or learnt badly.",
        )
    return labels, PreflightLine("labels", "yes", f"{said}.")


def _read(dataset: Dataset, wanted: str | Labels) -> Labels:
    from glasscell.data.labels import read_labels

    if not isinstance(wanted, str):
        if len(wanted.codes) != dataset.n_cells:
            raise DataError("The labels are of another dataset: make them anew from this one.")
        return wanted
    return read_labels(dataset, wanted)


def _batch(info: ModelInfo, dataset: Dataset, labels: Labels | None, batch: str) -> PreflightLine:
    if batch and not info.takes_batch:
        return PreflightLine("batch", "no", f"{info.title} cannot take a batch out: leave the batch out.")
    if batch:
        try:
            groups = _read(dataset, batch)
        except GlasscellError as error:
            return PreflightLine("batch", "no", str(error))
        return PreflightLine("batch", "yes", f"{groups.name}: {groups.n_classes:,} batches are taken out.")
    for noun, groups_of in (("donor", dataset.donors), ("section", dataset.sections)):
        if groups_of is None or len(groups_of.names) < 2:
            continue
        if labels is not None and _follows(np.asarray(labels.codes), np.asarray(groups_of.codes)):
            return PreflightLine(
                "batch",
                "warning",
                f"Each class lies in one {noun} only: the model may learn the {noun} instead of the class.",
            )
        words = f"{len(groups_of.names)} {noun}s"
        return PreflightLine(
            "batch", "yes", f"{words}; hold whole {noun}s out to see whether it carries over."
        )
    return PreflightLine("batch", "yes", "One section of one donor, as far as the file says.")


def _actions(info: ModelInfo, dataset: Dataset, column: str, control: str) -> PreflightLine:
    from glasscell.data.control import find_control

    if not column:
        said = f"{info.title} learns what perturbations do: name the column of actions."
        return PreflightLine("actions", "no", said)
    try:
        labels = _read(dataset, column)
        control = find_control(labels.classes, control)
    except GlasscellError as error:
        return PreflightLine("actions", "no", str(error))
    sizes = labels.counts()
    said = (
        f"{labels.name}: {labels.n_classes - 1:,} actions and {control}, at least {sizes.min():,} cells each"
    )
    if sizes.min() < FEW_CELLS_A_CLASS:
        rare = labels.classes[int(sizes.argmin())]
        return PreflightLine("actions", "warning", f"{said}. {rare} is rare: its shift is hardly known.")
    return PreflightLine("actions", "yes", f"{said}.")


def _modalities(info: ModelInfo, dataset: Dataset) -> PreflightLine:
    if reason := why_no_modality(dataset, info.needs_modality, info.title):
        return PreflightLine("modalities", "no", reason)
    names, sizes = np.unique(np.asarray(feature_modalities(dataset), np.str_), return_counts=True)
    said = ", ".join(f"{size:,} of {name}" for name, size in zip(names, sizes, strict=True))
    return PreflightLine("modalities", "yes", f"Columns: {said}.")


def _follows(codes: np.ndarray[Any, Any], groups: np.ndarray[Any, Any]) -> bool:
    """Tell whether the group decides the class: every class occurs in one group only."""
    known = (codes >= 0) & (groups >= 0)
    pairs = np.unique(np.stack([codes[known], groups[known]]), axis=1)
    return pairs.shape[1] == len(np.unique(pairs[0])) and len(np.unique(pairs[1])) > 1


def _gene_axis(dataset: Dataset) -> PreflightLine:
    said = count(dataset.n_genes, "gene")
    if dataset.n_genes < 2:
        return PreflightLine("genes", "no", f"{said}: at least two are needed.")
    if dataset.n_genes < FEW_GENES:
        return PreflightLine("genes", "warning", f"{said}: few, so rankings say little.")
    if dataset.genes.duplicates:
        twice = len(dataset.genes.duplicates)
        return PreflightLine("genes", "warning", f"{said}; {twice:,} names occur twice and were numbered.")
    return PreflightLine("genes", "yes", f"{said}.")
