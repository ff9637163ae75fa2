"""Apply a trained model to another sample: what it says, by which genes, and for which cells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.errors import ModelError, NotCompatible
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.applied import Applied, Expected
from glasscell.models.apply_input import Inputs
from glasscell.models.bundle_file import load_bundle
from glasscell.models.capability.classification import Classifies
from glasscell.models.capability.latent import Encodes
from glasscell.models.capability.neighbour import UsesNeighbours
from glasscell.models.capability.technical_batch import UsesBatch
from glasscell.models.gene_match import match_genes
from glasscell.models.preflight import MIN_OVERLAP, check
from glasscell.models.span import Span
from glasscell.models.typicality import Typicality, pooled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle
    from glasscell.models.capability.model import Model
    from glasscell.models.cell_batch import CellBatch

__all__ = ["Applied", "apply"]

LEVEL = 0.05
_BLOCK = 2048


@torch.no_grad()
def apply(
    bundle: Bundle | Path | str,
    dataset: Dataset,
    job: JobHandle = QUIET,
    *,
    rename: Mapping[str, str] | str = "",
    min_overlap: float = MIN_OVERLAP,
    level: float = LEVEL,
) -> Applied:
    """Predict the cells of another file with a trained model, unchanged.

    Genes are matched by name, symbol or identifier. One the file lacks stands at its mean over the training
    cells, never at zero, and is named in the result; below ``min_overlap`` the model is refused. Each cell
    gets a typicality: how many cells like the training cells are as far off, measured on cells the net had
    not seen, on the same genes.

    Parameters
    ----------
    bundle
        A trained model, or its folder.
    dataset
        The other file; never changed.
    job
        Progress and cancel.
    rename
        The model's names for genes of the file (``{"Pcp4": "PCP4"}``), or ``ignore-case``.
    min_overlap
        Least share of the model's genes that must be there, 0 to 1.
    level
        Cells of a typicality below this are flagged; of cells like the training cells so many are too.

    Raises
    ------
    NotCompatible
        Too few genes in common, no counts where the model needs them, or the model was saved without
        reference cells.
    ModelError
        A share is not between 0 and 1.
    """
    trained = load_bundle(bundle) if isinstance(bundle, str | Path) else bundle
    if not (0 <= min_overlap <= 1 and 0 < level < 1):
        raise ModelError("The least overlap and the level are shares: give numbers between 0 and 1.")
    inputs = _inputs(trained, dataset, rename, min_overlap)
    job.report(0.0, "judging the training cells on these genes")
    judges, expected = _calibrate(trained, inputs)
    return _run(trained, inputs, judges, expected, level, Span(job, 0.1, 1.0, "predicting"))


def _inputs(bundle: Bundle, dataset: Dataset, rename: Mapping[str, str] | str, min_overlap: float) -> Inputs:
    found = check(bundle, dataset, rename=rename, min_overlap=min_overlap)
    if not found:
        raise NotCompatible(" ".join(found.reasons))
    net = bundle.folds[0]
    match = match_genes(dataset.genes, net.genes, rename)
    if not match.n_present:
        raise NotCompatible(f"{match.sentence()} Without any gene in common there is nothing to go by.")
    if bundle.reference is None:
        raise NotCompatible(
            f"{bundle.id} was saved without a sample of its training cells, so nothing can tell which cells "
            "are unlike them: train it again on its own file."
        )
    return Inputs(dataset, match, bundle.reference, net.preprocessing)


def _calibrate(bundle: Bundle, inputs: Inputs) -> tuple[tuple[Typicality | None, ...], Expected | None]:
    """Learn what is typical on these genes, and what the nets still get right with them."""
    reference = inputs.reference
    judges: list[Typicality | None] = []
    right: list[tuple[int, int]] = []
    truth: list[int] = []
    for fold, net in enumerate(bundle.folds):
        held_out = reference.fold == fold
        if held_out.sum() < 2 or (~held_out).sum() < 2:
            judges.append(None)
            continue
        batch = inputs.reference_batch(net)
        latents = _judged(net, batch)
        judges.append(Typicality.learn(_values(batch, inputs), latents, reference.codes, held_out))
        known = held_out & (reference.codes >= 0)
        if isinstance(net, Classifies) and known.any():
            codes = reference.codes[known]
            few, all_ = (
                net.logits(one).argmax(dim=1).cpu().numpy()[known] == codes
                for one in (batch, inputs.reference_batch(net, masked=False))
            )
            right.append((int(few.sum()), int(all_.sum())))
            truth += codes.tolist()
    if not any(judges):
        raise NotCompatible(
            f"{bundle.id} keeps too few training cells to tell which cells are unlike them: train it again."
        )
    if not truth:
        return tuple(judges), None
    n = len(truth)
    with_present, with_all = (sum(counts) / n for counts in zip(*right, strict=True))
    beside = {name: row.accuracy for name, row in bundle.baselines.items() if name != "majority"}
    majority = float(np.bincount(truth).max()) / n
    return tuple(judges), Expected(with_present, with_all, majority, n, beside)


def _values(batch: CellBatch, inputs: Inputs) -> NDArray[np.float64]:
    """Return the input of the scored cells over the genes in common, float64."""
    expression = batch.expression if batch.centre is None else batch.expression[batch.centre]
    values: NDArray[np.float64] = expression.cpu().numpy()[:, inputs.match.present].astype(np.float64)
    return values


def _judged(net: Model, batch: CellBatch) -> NDArray[np.float64] | None:
    """Return the latents that cells are judged by; none where neighbours shape them: none are kept."""
    return None if isinstance(net, UsesNeighbours) else _latents(net, batch)


def _latents(net: Model, batch: CellBatch) -> NDArray[np.float64] | None:
    if isinstance(net, Encodes):
        return np.asarray(net.encode(batch).cpu().numpy(), np.float64)
    if isinstance(net, Classifies):
        return np.asarray(net.logits(batch).cpu().numpy(), np.float64)
    return None


def _run(
    bundle: Bundle,
    inputs: Inputs,
    judges: tuple[Typicality | None, ...],
    expected: Expected | None,
    level: float,
    job: JobHandle,
) -> Applied:
    dataset, nets = inputs.dataset, bundle.folds
    n_cells = dataset.n_cells
    probabilities_ck = np.zeros((n_cells, len(bundle.classes)), np.float32)
    typicality_c = np.full(n_cells, np.nan, np.float32)
    one = nets[0]
    keeps = isinstance(one, Encodes) and not bundle.classes
    latent_cz = np.full((n_cells, one.n_latent), np.nan, np.float32) if isinstance(one, Encodes) else None
    codes = _batch_codes(one, dataset)
    n_calibration = sum(judge.n_calibration for judge in judges if judge is not None)
    for start in range(0, n_cells, _BLOCK):
        job.report(start / n_cells)
        block = np.arange(start, min(start + _BLOCK, n_cells))
        block = block[inputs.counted(block)]
        if not len(block):
            continue
        batch = inputs.batch(block, one, codes)
        values_cg = _values(batch, inputs)
        beyond = np.zeros((1, len(block)))
        for net, judge in zip(nets, judges, strict=True):
            latents = _latents(net, batch)
            if judge is not None:
                beyond = beyond + judge.beyond(values_cg, _judged(net, batch))
            if keeps and latents is not None and latent_cz is not None:
                latent_cz[block] = latents
            if isinstance(net, Classifies) and bundle.classes:
                probabilities_ck[block] += net.probabilities(batch).cpu().numpy() / len(nets)
        typicality_c[block] = pooled(beyond, n_calibration)
    probabilities_ck[np.isnan(typicality_c)] = np.nan
    return Applied(
        model=bundle.id,
        title=one.info.title,
        data_fingerprint=dataset.fingerprint,
        names=np.asarray(dataset.cell_names, np.str_),
        labels_name=bundle.labels_name,
        classes=bundle.classes,
        match=inputs.match,
        probabilities_ck=probabilities_ck,
        latent_cz=latent_cz if keeps else None,
        typicality_c=typicality_c,
        level=level,
        gene_share=inputs.share() if inputs.rescaled else inputs.match.share,
        expected=expected,
        calibrated=bundle.calibrated,
    )


def _batch_codes(net: Model, dataset: Dataset) -> NDArray[np.int64] | None:
    """Return the model's code of each cell's technical batch; -1 for one it has not seen."""
    if not isinstance(net, UsesBatch) or not net.batches:
        return None
    if net.batch_column not in dataset.obs.columns:
        return np.full(dataset.n_cells, -1, np.int64)
    place: dict[Any, int] = {name: code for code, name in enumerate(net.batches)}
    values = dataset.obs[net.batch_column].astype(object)
    return np.array([place.get(str(value), -1) for value in values], np.int64)
