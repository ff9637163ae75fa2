"""What families learn from, gathered from a dataset; shared by training with and without labels."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse

from glasscell.data.control import find_control
from glasscell.data.modality import feature_modalities, why_no_modality
from glasscell.data.neighbour import neighbour_graph
from glasscell.errors import DataError, NotCompatible
from glasscell.models.batch import check_table, graph_tensors, preprocessing_for
from glasscell.models.capability.neighbour import UsesNeighbours
from glasscell.models.cell_batch import CellBatch
from glasscell.models.family import FindsNeighbours, TrainingData
from glasscell.models.row import Rows, input_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import Labels
    from glasscell.data.neighbour import Neighbours
    from glasscell.models.capability.model import Model
    from glasscell.models.family import Family
    from glasscell.models.fit_request import FitRequest


def check_request(dataset: Dataset, request: FitRequest, family: Family) -> None:
    """Refuse, in one sentence each, data and labels that a family cannot learn from.

    Raises
    ------
    NotCompatible
        It needs labels, counts or actions or takes no batch, and the request or the data say otherwise.
    DataError
        Labels, split, batch or actions belong to another dataset, or no action is the control.
    """
    info = family.info
    if request.labels is None and info.why_labels:
        raise NotCompatible(info.why_labels)
    if request.split is None and info.why_split:
        raise NotCompatible(info.why_split)
    if not (info.needs_labels or info.takes_labels) and request.labels is not None:
        raise NotCompatible(f"{info.title} learns without labels: leave the labels out.")
    if info.needs_counts and dataset.sizes_c is None:
        raise NotCompatible(
            f"{info.title} models raw counts and this file has none (its values are "
            f"{dataset.expression_unit}): choose the layer that holds counts, or open the raw file."
        )
    if info.needs_positions and dataset.positions_cd is None:
        raise NotCompatible(
            f"{info.title} looks at neighbours and this file says nowhere where cells lie: open one with "
            "coordinates, or choose another model."
        )
    if reason := why_no_modality(dataset, info.needs_modality, info.title):
        raise NotCompatible(reason)
    if request.batch is not None and not info.takes_batch:
        raise NotCompatible(f"{info.title} cannot take a batch out: leave the batch out.")
    if info.needs_action and request.action is None:
        raise NotCompatible(f"{info.title} learns what perturbations do: name the column of actions.")
    if request.action is not None:
        if not info.needs_action:
            raise NotCompatible(f"{info.title} knows no actions: leave the column of actions out.")
        find_control(request.action.classes, request.control)
    sizes = {
        "labels": None if request.labels is None else len(request.labels.codes),
        "split": None if request.split is None else len(request.split.folds),
        "batch": None if request.batch is None else len(request.batch.codes),
        "action": None if request.action is None else len(request.action.codes),
    }
    wrong = {name: size for name, size in sizes.items() if size not in (None, dataset.n_cells)}
    if wrong:
        said = " and ".join(f"{name} ({size})" for name, size in wrong.items())
        raise DataError(
            f"The {said} and the data ({dataset.n_cells}) differ in their number of cells: "
            "make them anew from this dataset."
        )


def training_data(
    dataset: Dataset,
    request: FitRequest,
    family: Family,
    device: str,
    *,
    labels: Labels | None = None,
    codes: NDArray[np.int32] | None = None,
) -> TrainingData:
    """Gather what a family learns from.

    Parameters
    ----------
    labels
        Those of the request after rare classes were dropped; None without.
    codes
        Stand in for the labels' own codes, for a twin.
    """
    preprocessing = preprocessing_for(dataset, family.info.input_kind)
    sizes_c = dataset.sizes_c
    table_cg = input_rows(dataset, preprocessing)
    check_table(table_cg, dataset)
    counts = None
    if family.info.needs_counts or (family.info.uses_counts and sizes_c is not None):
        counts = Rows(sparse.csr_matrix(dataset.expression_cg("counts"), dtype=np.float32), device)
    own = labels.codes if labels is not None else np.full(dataset.n_cells, -1, np.int32)
    batch, action = request.batch, request.action
    return TrainingData(
        rows=Rows(table_cg, device),
        size=None if sizes_c is None else np.asarray(sizes_c, np.float32),
        codes=np.asarray(own if codes is None else codes, np.int32),
        classes=() if labels is None else labels.classes,
        genes=tuple(str(name) for name in dataset.genes.names),
        preprocessing=preprocessing,
        counts=counts,
        batch=None if batch is None else np.asarray(batch.codes, np.int32),
        batches=() if batch is None else batch.classes,
        batch_column="" if batch is None else batch.name,
        neighbours=_neighbours(dataset, request, family),
        action=None if action is None else np.asarray(action.codes, np.int32),
        actions=() if action is None else action.classes,
        action_column="" if action is None else action.name,
        control="" if action is None else find_control(action.classes, request.control),
        modalities=feature_modalities(dataset) if family.info.needs_modality else (),
        label_column="" if labels is None else labels.name,
        cell_names=np.asarray(dataset.cell_names, np.str_) if family.info.looks_at_unlabelled else None,
    )


def _neighbours(dataset: Dataset, request: FitRequest, family: Family) -> Neighbours | None:
    if not isinstance(family, FindsNeighbours):
        return None
    spec = family.graph(request.params if request.params is not None else family.params())
    return neighbour_graph(dataset, spec)


def batch_of(data: TrainingData, indices: torch.Tensor, net: Model) -> CellBatch:
    """Gather cells of the training data for a net; one that looks at neighbours gets them as halo rows."""
    around: dict[str, torch.Tensor] = {}
    if isinstance(net, UsesNeighbours):
        assert data.neighbours is not None
        ego = data.neighbours.ego(indices.cpu().numpy(), net.hops, disjoint=False)
        around, indices = graph_tensors(ego, net.device), torch.from_numpy(ego.rows)
    size = None if data.size is None else torch.from_numpy(data.size)[indices].to(net.device)
    batch, action = (
        None if codes is None else torch.from_numpy(codes.astype(np.int64))[indices].to(net.device)
        for codes in (data.batch, data.action)
    )
    return CellBatch(
        expression=data.rows.take(indices).to(net.device),
        indices=indices.to(net.device),
        size=size,
        batch=batch,
        action=action,
        **around,
    )


def net_seed(seed: int, fold: int) -> int:
    """Give every net its own seed; neighbouring seeds of two runs share none."""
    return int(np.random.SeedSequence([seed, fold]).generate_state(1)[0])


def provenance(
    dataset: Dataset, request: FitRequest, device: str, seconds: float, n_labelled: int
) -> Mapping[str, Any]:
    """Write down versions, seed, device, seconds and the data."""
    return {
        "seed": request.seed,
        "device": device,
        "seconds": round(seconds, 2),
        "data_fingerprint": dataset.fingerprint,
        "n_cells": dataset.n_cells,
        "n_labelled": n_labelled,
        "n_genes": dataset.n_genes,
        "batch": "" if request.batch is None else request.batch.name,
        "action": "" if request.action is None else request.action.name,
        "versions": {name: _version(name) for name in ("glasscell", "torch", "numpy", "anndata")},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
