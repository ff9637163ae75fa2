"""Will it work: what a model needs and what a file has, line by line, before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from glasscell.data.report import count, why_no_cells
from glasscell.errors import DataError, GlasscellError, NotCompatible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import Labels
    from glasscell.models.bundle import Bundle
    from glasscell.models.info import ModelInfo
    from glasscell.models.protocol import Model

Verdict = Literal["yes", "warning", "no"]
MIN_OVERLAP = 0.5
FEW_GENES = 10
FEW_CELLS_A_CLASS = 20
_INK = {"yes": "#1a7f37", "warning": "#9a6700", "no": "#cf222e"}


@dataclass(frozen=True)
class PreflightLine:
    """One thing that was looked at.

    Parameters
    ----------
    name
        ``cells``, ``counts``, ``labels``, ``coordinates``, ``batch``, ``actions`` or ``genes``.
    verdict
        ``yes``; ``warning``: yes, but read the sentence; ``no``: the sentence says why and what to do.
    sentence
        Plain text.
    """

    name: str
    verdict: Verdict
    sentence: str


@dataclass(frozen=True)
class Preflight:
    """All lines about one model and one file; true when nothing says no."""

    title: str
    lines: tuple[PreflightLine, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all lines."""
        found = {line.verdict for line in self.lines}
        return "no" if "no" in found else "warning" if "warning" in found else "yes"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Sentences of the lines that say no."""
        return tuple(line.sentence for line in self.lines if line.verdict == "no")

    def __bool__(self) -> bool:
        return self.verdict != "no"

    def __str__(self) -> str:
        lines = [f"{line.verdict:8} {line.name:12} {line.sentence}" for line in self.lines]
        return "\n".join([f"{self.title}: {self.verdict}", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="color:{_INK[line.verdict]}"><b>{line.verdict}</b></td>'
            f'<td>{escape(line.name)}</td><td style="text-align:left">{escape(line.sentence)}</td></tr>'
            for line in self.lines
        )
        return f"<table><caption>{escape(self.title)}: {self.verdict}</caption>{rows}</table>"

    def to_json(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        lines = [
            {"name": line.name, "verdict": line.verdict, "sentence": line.sentence} for line in self.lines
        ]
        return {"title": self.title, "verdict": self.verdict, "lines": lines}


def check(
    model: Model | Bundle | str | Path,
    dataset: Dataset,
    labels: str | Labels = "",
    batch: str = "",
    *,
    action: str = "",
    control: str = "",
    rename: Mapping[str, str] | str = "",
    min_overlap: float = MIN_OVERLAP,
) -> Preflight:
    """Say whether a family can be trained on a file, or a trained model applied to it.

    Nothing is trained and no table is read whole, so it takes a moment even on large files.

    Parameters
    ----------
    model
        A family by key (``classifier``): can it be trained here? A model, a bundle or the folder of one:
        can it be applied here?
    labels
        Obs column with the classes, or the labels themselves; of use for families that learn classes.
    batch
        Obs column with a technical batch.
    action, control
        Obs column of what was done to each cell, and the name of the control in it; for families that learn
        perturbations.
    rename
        Names of the file's genes in the model; see ``match_genes``.
    min_overlap
        Share of a trained model's genes the file must have.

    Returns
    -------
    Lines about cells, counts, labels, coordinates, batch and genes: yes, warning or no.

    Raises
    ------
    NotCompatible
        There is no such family.
    ModelError
        The folder holds no model.
    """
    from glasscell.models.registry import FAMILIES
    from glasscell.models.registry import family as find_family

    if isinstance(model, Path) or (isinstance(model, str) and model not in FAMILIES and Path(model).is_dir()):
        from glasscell.models.bundle_file import load_bundle

        model = load_bundle(model)
    if isinstance(model, str):
        info = find_family(model).info
        lines = _for_training(info, dataset, labels, batch)
        if info.needs_action:
            lines.insert(-1, _actions(info, dataset, action, control))
        return Preflight(f"Train {info.title}", tuple(lines))
    net = model.folds[0] if hasattr(model, "folds") else model
    lines = _for_applying(net, dataset, rename, min_overlap)
    return Preflight(f"Apply {net.info.title}", tuple(lines))


def _for_training(info: ModelInfo, dataset: Dataset, labels: str | Labels, batch: str) -> list[PreflightLine]:
    known, label_line = _labels(info, dataset, labels)
    return [
        _cells(info, dataset, known),
        _counts(info, dataset),
        label_line,
        _coordinates(dataset, info.needs_labels, info),
        _batch(info, dataset, known, batch),
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
    if not info.needs_labels:
        said = f"{info.title} learns without labels." + (" Those chosen are left out." if wanted else "")
        return None, PreflightLine("labels", "yes", said)
    if not wanted:
        return None, PreflightLine("labels", "no", f"{info.title} learns classes: name a column of labels.")
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


def _coordinates(dataset: Dataset, splits: bool, info: ModelInfo | None = None) -> PreflightLine:
    if dataset.positions_cd is None:
        if info is not None and info.needs_positions:
            needs = f"{info.title} looks at neighbours: open a file that says where cells lie."
            return PreflightLine("coordinates", "no", needs)
        said = "No tissue coordinates: nothing can be shown on tissue"
        held = ", and cells are held out by donor, section or at random" if splits else ""
        return PreflightLine("coordinates", "warning" if splits else "yes", f"{said}{held}.")
    unknown = int(np.isnan(dataset.positions_cd).any(axis=1).sum())
    if unknown:
        return PreflightLine(
            "coordinates",
            "warning",
            f"{count(unknown, 'cell')} of {dataset.n_cells:,} "
            "without a place; they are neither drawn nor used where places matter.",
        )
    return PreflightLine("coordinates", "yes", f"Each {dataset.observation} has a place.")


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


def _for_applying(
    net: Model, dataset: Dataset, rename: Mapping[str, str] | str, min_overlap: float
) -> list[PreflightLine]:
    from glasscell.models.protocol import UsesBatch, UsesNeighbours

    if dataset.n_cells:
        cells = PreflightLine("cells", "yes", f"{count(dataset.n_cells, dataset.observation)}.")
    else:
        cells = PreflightLine("cells", "no", why_no_cells(dataset))
    batch = PreflightLine("batch", "yes", "The model knows no batches.")
    if isinstance(net, UsesBatch) and net.batches:
        batch = _known_batches(net.batch_column, net.batches, dataset)
    labels = PreflightLine("labels", "yes", "None are needed to apply a model.")
    places = _coordinates(dataset, splits=False)
    if isinstance(net, UsesNeighbours) and dataset.positions_cd is None:
        places = PreflightLine("coordinates", "no", f"{net.info.title} needs to know where cells lie.")
    return [cells, _input(net, dataset), labels, places, batch, _overlap(net, dataset, rename, min_overlap)]


def _input(net: Model, dataset: Dataset) -> PreflightLine:
    stored = net.preprocessing.kind == "stored"
    if not stored and not dataset.is_counts:
        return PreflightLine(
            "counts",
            "no",
            "The model was trained on counts and this file has none: choose the layer of counts.",
        )
    if stored:
        return PreflightLine(
            "counts",
            "warning",
            f"The model takes values as they are stored ({net.preprocessing.unit or 'no unit known'}): make "
            "sure that both files were processed alike.",
        )
    return PreflightLine(
        "counts", "yes", f"Raw counts in {dataset.counts}, made into {net.preprocessing.unit}."
    )


def _known_batches(column: str, batches: tuple[str, ...], dataset: Dataset) -> PreflightLine:
    if column not in dataset.obs.columns:
        return PreflightLine(
            "batch",
            "warning",
            f"The file has no column {column!r}: cells are taken half-way between batches.",
        )
    here = {str(name) for name in dataset.obs[column].dropna().unique()}
    new = sorted(here - set(batches))
    if new:
        return PreflightLine(
            "batch", "warning", f"The model has not seen batch {', '.join(new[:4])} of {column!r}."
        )
    return PreflightLine("batch", "yes", f"All batches in {column!r} are known to the model.")


def _overlap(
    net: Model, dataset: Dataset, rename: Mapping[str, str] | str, min_overlap: float
) -> PreflightLine:
    from glasscell.models.gene_match import match_genes

    try:
        found = match_genes(dataset.genes, net.genes, rename)
    except NotCompatible as error:
        return PreflightLine("genes", "no", str(error))
    if found.share < min_overlap:
        return PreflightLine(
            "genes", "no", f"{found.sentence()} At least {min_overlap:.0%} are asked for (least overlap)."
        )
    if found.missing:
        return PreflightLine(
            "genes", "warning", f"{found.sentence()} They stand at their mean over the training cells."
        )
    return PreflightLine("genes", "yes", found.sentence())
