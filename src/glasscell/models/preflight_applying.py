"""What is looked at before a trained model is applied to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.data.report import count, why_no_cells
from glasscell.errors import NotCompatible
from glasscell.models.preflight_line import PreflightLine, places_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.data.dataset import Dataset
    from glasscell.models.capability.model import Model


def applying_lines(
    net: Model, dataset: Dataset, rename: Mapping[str, str] | str, min_overlap: float
) -> list[PreflightLine]:
    """Look at cells, input, coordinates, batches and the genes both have."""
    from glasscell.models.capability.neighbour import UsesNeighbours
    from glasscell.models.capability.technical_batch import UsesBatch

    if dataset.n_cells:
        cells = PreflightLine("cells", "yes", f"{count(dataset.n_cells, dataset.observation)}.")
    else:
        cells = PreflightLine("cells", "no", why_no_cells(dataset))
    batch = PreflightLine("batch", "yes", "The model knows no batches.")
    if isinstance(net, UsesBatch) and net.batches:
        batch = _known_batches(net.batch_column, net.batches, dataset)
    labels = PreflightLine("labels", "yes", "None are needed to apply a model.")
    places = places_line(dataset, splits=False)
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
