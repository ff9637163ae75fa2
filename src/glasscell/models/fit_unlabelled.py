"""Train a family that needs no labels: one net for all cells, figures on cells it has not seen."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse

from glasscell.errors import ModelError
from glasscell.models.bundle import Bundle, CellTable
from glasscell.models.capability.latent import Encodes
from glasscell.models.capability.model import Model
from glasscell.models.device import resolve_device
from glasscell.models.domain import domain_of_cells
from glasscell.models.family import (
    Aligns,
    AlignsDomains,
    CopiesDomains,
    FoldPlan,
    Measures,
    TrainingData,
    TrainsAlike,
)
from glasscell.models.null_count import match_domains, match_latents, redraw_counts, scatter_genes
from glasscell.models.plan import set_aside
from glasscell.models.reference import make_reference
from glasscell.models.registry import family as find_family
from glasscell.models.row import Rows, normalise
from glasscell.models.span import Span
from glasscell.models.training_data import batch_of, check_request, net_seed, provenance, training_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.fit_request import FitRequest

HELD_OUT_SHARE = 0.1
_BLOCK = 4096


def fit_unlabelled(dataset: Dataset, request: FitRequest, job: JobHandle) -> Bundle:
    """Train one net and encode every cell with it; ``fit`` comes here for families without labels.

    A tenth of the cells (or fold 0 of the request's split) neither trains nor stops the net; the figures
    are made of them.

    Raises
    ------
    NotCompatible
        The family needs something the data don't have.
    ModelError
        There are too few cells, or no such device.
    JobCancelled
        Somebody asked for it; nothing is kept.
    """
    started = time.monotonic()
    family = find_family(request.family)
    params = request.params if request.params is not None else family.params()
    device = resolve_device(request.device)
    job.report(0.0, "preparing cells")
    check_request(dataset, request, family)
    if dataset.n_cells < family.info.min_cells:
        raise ModelError(
            f"{dataset.n_cells} cells are too few for {family.info.title} "
            f"(at least {family.info.min_cells}): open a larger file."
        )
    data = training_data(dataset, request, family, device, labels=request.labels)
    held_out = _held_out(dataset, request)
    train = np.flatnonzero(~held_out if request.split is None else request.split.training(0))
    strata = np.zeros(len(train), np.int64) if data.batch is None else data.batch[train] + 1
    if data.action is not None:
        strata = strata * (len(data.actions) + 1) + data.action[train] + 1
    aside = set_aside(train, strata, np.zeros(len(train), np.int64), net_seed(request.seed, 0))
    plan = FoldPlan(aside.train, aside.valid, net_seed(request.seed, 0), device)
    net, curve, notes = family.train(data, plan, params, Span(job, 0.0, 0.9, "fold 1 of 1"))
    latent_cz = encode_all(net, data, Span(job, 0.9, 0.95, "encoding")) if isinstance(net, Encodes) else None
    rows = np.flatnonzero(held_out)
    figures = (
        family.figures(net, data, rows, Span(job, 0.95, 1.0, "figures"))
        if isinstance(family, Measures) and len(rows)
        else {}
    )
    split = request.split
    text = "a random tenth of the cells" if split is None else f"fold 1 of {split.description}"
    table = _cells(dataset, request, held_out, latent_cz)
    return Bundle(
        family=request.family,
        params=params,
        folds=(net,),
        labels_name="",
        classes=(),
        split_scheme="random" if split is None else split.scheme,
        split_text=text,
        cells=table,
        metrics=None,
        baselines={},
        figures=figures,
        curves=(curve,),
        notes=notes if split is None else tuple(dict.fromkeys((*split.warnings, *notes))),
        provenance=provenance(dataset, request, device, time.monotonic() - started, 0),
        reference=make_reference(data, table, request.seed),
    )


def fit_null_twin(bundle: Bundle, dataset: Dataset, request: FitRequest, job: JobHandle) -> Bundle:
    """Train the same net for the same epochs on counts that keep depths and gene totals only.

    What its rankings share with the real net's comes from those, not from genes that go together. Values
    that are no counts are dealt out anew gene by gene. Its latents, and its domains if it has some, are lined
    up with the real net's; nets of a family that trains alike have the same names and need none. Of a
    family that can do neither there is no twin.
    """
    family = find_family(request.family)
    latents = isinstance(family, Aligns) and bundle.cells.latent_cz is not None
    if bundle.twin is not None or not (latents or isinstance(family, TrainsAlike)):
        return bundle
    device = resolve_device(request.device)
    job.report(0.0, "redrawing counts")
    check_request(dataset, request, family)
    data = training_data(dataset, request, family, device, labels=request.labels)
    null = _null_data(dataset, data, request.seed, job)
    train = np.flatnonzero(bundle.cells.fold != 0)
    plan = FoldPlan(
        train, np.empty(0, np.int64), net_seed(request.seed, 1), device, max(1, bundle.curves[0].best_epoch)
    )
    part = Span(job, 0.0, 0.95, "twin of redrawn counts")
    if isinstance(family, TrainsAlike):  # of the same names: there is nothing to line up
        return bundle.with_twin(family.train_like(bundle.folds[0], null, plan, bundle.params, part))
    twin, _, _ = family.train(null, plan, bundle.params, part)
    assert isinstance(family, Aligns)
    assert isinstance(twin, Encodes)
    assert bundle.cells.latent_cz is not None
    latent_cz = encode_all(twin, data, Span(job, 0.95, 1.0, "encoding"))
    order, sign = match_latents(bundle.cells.latent_cz, latent_cz)
    lined_up = family.aligned(twin, order, sign)
    if isinstance(family, AlignsDomains):
        own: Any = bundle.folds[0]
        own_c = domain_of_cells(own, bundle.cells.latent_cz)
        twin_c = domain_of_cells(lined_up, latent_cz[:, order] * sign)
        lined_up = family.domains_aligned(lined_up, match_domains(own_c, twin_c, own.n_domains))
    if isinstance(family, CopiesDomains):
        own_c = domain_of_cells(bundle.folds[0], bundle.cells.latent_cz)
        lined_up = family.with_domains_of(lined_up, bundle.folds[0], own_c, latent_cz[:, order] * sign)
    return bundle.with_twin(lined_up)


def _null_data(dataset: Dataset, data: TrainingData, seed: int, job: JobHandle) -> TrainingData:
    """Return the data with redrawn counts, or without counts with the values of each gene redrawn."""
    strata = np.zeros(dataset.n_cells, np.int32) if data.batch is None else data.batch
    device = str(data.rows.device)
    if data.counts is None and (data.size is None or data.preprocessing.kind != "lognorm"):
        return replace(data, rows=Rows(scatter_genes(data.rows.table_cg, strata, seed, job), device))
    assert data.size is not None
    counts_cg = dataset.expression_cg("counts") if data.counts is None else data.counts.table_cg
    drawn_cg = redraw_counts(sparse.csr_matrix(counts_cg), strata, seed, job)
    rows_cg = normalise(drawn_cg, data.size, data.preprocessing.target_sum or 1.0)
    counts = None if data.counts is None else Rows(drawn_cg, device)
    return replace(data, rows=Rows(rows_cg, device), counts=counts)


@torch.no_grad()
def encode_all(net: Encodes, data: TrainingData, job: JobHandle) -> NDArray[np.float32]:
    """Return every cell's latent mean, ``(n_cells, n_latent)``."""
    assert isinstance(net, Model)
    parts = []
    n_cells = len(data.rows)
    for start in range(0, n_cells, _BLOCK):
        job.report(start / n_cells)
        indices = torch.arange(start, min(start + _BLOCK, n_cells))
        parts.append(net.encode(batch_of(data, indices, net)).cpu().numpy())
    return np.concatenate(parts).astype(np.float32)


def _held_out(dataset: Dataset, request: FitRequest) -> NDArray[np.bool_]:
    if request.split is not None:
        return np.asarray(request.split.held_out(0))
    rng = np.random.default_rng([request.seed, 0xE1B0])
    held_out = np.zeros(dataset.n_cells, np.bool_)
    held_out[rng.permutation(dataset.n_cells)[: round(HELD_OUT_SHARE * dataset.n_cells)]] = True
    return held_out


def _cells(
    dataset: Dataset,
    request: FitRequest,
    held_out: NDArray[np.bool_],
    latent_cz: NDArray[np.float32] | None,
) -> CellTable:
    n_cells, split = dataset.n_cells, request.split
    nowhere = np.full(n_cells, -1, np.int32)
    return CellTable(
        names=np.asarray(dataset.cell_names, np.str_),
        fold=np.where(held_out, 0, -1).astype(np.int32),
        block=nowhere if split is None else np.array(split.blocks, np.int32),
        block_names=() if split is None else tuple(split.block_names),
        truth=nowhere.copy(),
        probabilities_ck=np.empty((n_cells, 0), np.float32),
        latent_cz=latent_cz,
    )
