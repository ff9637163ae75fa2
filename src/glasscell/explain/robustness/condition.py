"""A bundle's nets asked about the cells they have not seen, under one condition."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from glasscell.data.rank import rank_correlation
from glasscell.explain.explain import explain
from glasscell.explain.request import ExplainRequest
from glasscell.models.baseline import logistic
from glasscell.models.batch import make_batch, preprocessing_for
from glasscell.models.capability.latent import Encodes
from glasscell.models.latent_metric import nearest
from glasscell.models.metric import measure
from glasscell.models.robustness import ACCURACY, CALIBRATION, LATENTS, MACRO_F1, NEIGHBOURS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from glasscell.data.dataset import Dataset
    from glasscell.explain.robustness.request import RobustnessRequest
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.models.preprocessing import Preprocessing

_BLOCK = 1024
Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]
#: Targets of a model without classes and latents that are compared, at most.
MOST_TARGETS = 50
#: The genes that speak most for each class, by class.
TopGenes = dict[str, frozenset[str]]


def unseen_cells(dataset: Dataset, bundle: Bundle) -> NDArray[np.int64]:
    """Return the cells that some net has not seen: labelled ones where the model learns classes."""
    everyone = np.arange(dataset.n_cells)
    rows = bundle.rows(dataset, everyone)
    net_c = bundle.net_for_cells(dataset, everyone)
    known = (rows >= 0) & ~bundle.seen_in_training(dataset, everyone, net_c)
    held_out = bundle.cells.labelled if bundle.classes else bundle.cells.fold >= 0
    return np.flatnonzero(known & held_out[rows])


@torch.no_grad()
def _ask(
    dataset: Dataset,
    bundle: Bundle,
    cells: Ints,
    ask: Callable[[Any, Any], torch.Tensor],
    job: JobHandle,
) -> Floats:
    """Ask for each cell the net that has not seen it; rows in the order of the cells."""
    net_c = bundle.net_for_cells(dataset, cells)
    found: list[tuple[NDArray[np.int64], Floats]] = []
    for number in np.unique(net_c):
        own = np.flatnonzero(net_c == number).astype(np.int64)
        net: Any = bundle.folds[number]
        for start in range(0, len(own), _BLOCK):
            job.report(None)
            part = own[start : start + _BLOCK]
            found.append((part, ask(net, make_batch(dataset, net, cells[part])).cpu().numpy()))
    made: Floats = np.empty((len(cells), found[0][1].shape[1]), np.float64)
    for part, values in found:
        made[part] = values
    return made


def predicted(dataset: Dataset, bundle: Bundle, cells: Ints, job: JobHandle) -> Floats:
    """Return probabilities by the nets that have not seen the cells, ``(n, n_classes)``."""
    return _ask(dataset, bundle, cells, lambda net, batch: net.probabilities(batch), job)


def encoded(dataset: Dataset, bundle: Bundle, cells: Ints, job: JobHandle) -> Floats:
    """Return latents, ``(n, n_latent)``; of a model without, the scores of its first targets."""
    if isinstance(bundle.folds[0], Encodes):
        return _ask(dataset, bundle, cells, lambda net, batch: net.encode(batch), job)

    def scores_of(net: Any, batch: Any) -> torch.Tensor:
        return torch.stack([net.score(batch, target) for target in net.targets()[:MOST_TARGETS]], dim=1)

    return _ask(dataset, bundle, cells, scores_of, job)


def scores(truth: Ints, probabilities_ck: Floats) -> dict[str, float]:
    """Return accuracy, macro-F1 and calibration error."""
    found = measure(truth, probabilities_ck)
    assert found.calibration_error is not None
    return {ACCURACY: found.accuracy, MACRO_F1: found.macro_f1, CALIBRATION: found.calibration_error}


def fair_recipe(dataset: Dataset, bundle: Bundle) -> Preprocessing:
    """Return the input of logistic regression: that of the model, at equal depth where it has counts."""
    recipe = bundle.folds[0].preprocessing
    return preprocessing_for(dataset) if recipe.kind in ("log1p", "counts") else recipe


def logistic_accuracies(
    dataset: Dataset,
    bundle: Bundle,
    cells: Ints,
    tables: Sequence[sparse.csr_matrix],
    job: JobHandle,
) -> list[float]:
    """Train logistic regression for each of the bundle's folds; ask about the cells in several states.

    Parameters
    ----------
    cells
        Labelled cells of the dataset.
    tables
        All cells of the dataset in each state, the first as measured, ``(n_cells, n_genes)``.
    """
    rows = bundle.rows(dataset, np.arange(dataset.n_cells))
    truth = np.where(rows >= 0, bundle.cells.truth[rows], -1)
    fold = np.where(rows >= 0, bundle.cells.fold[rows], -1)
    right = np.zeros(len(tables))
    for number in np.unique(fold[cells]):
        train = np.flatnonzero((truth >= 0) & (fold >= 0) & (fold != number))
        test = cells[fold[cells] == number]
        stacked = sparse.vstack([table_cg[test] for table_cg in tables], format="csr")
        said = logistic(
            sparse.csr_matrix(tables[0][train]),
            truth[train],
            stacked,
            len(bundle.classes),
            unit_variance=bundle.folds[0].preprocessing.kind == "stored",
            job=job,
        ).argmax(axis=1)
        right += (said.reshape(len(tables), len(test)) == truth[test]).sum(axis=1)
    known = (truth[cells] >= 0).sum()
    return [float(value) for value in right / known]


def n_top(bundle: Bundle, request: RobustnessRequest) -> int:
    """Return how many genes of a class are compared: at most a quarter of all."""
    return max(1, min(request.top, len(bundle.genes) // 4))


def sample_of_class(
    bundle: Bundle, dataset: Dataset, cells: Ints, request: RobustnessRequest
) -> dict[str, NDArray[np.int32]]:
    """Choose for each class which of the cells are explained; the same ones under every condition."""
    truth = bundle.cells.truth[bundle.rows(dataset, cells)]
    rng = np.random.default_rng([request.seed, 0x70B])
    chosen = {}
    for code, name in enumerate(bundle.classes):
        own = cells[truth == code]
        if len(own):
            picked = rng.permutation(own)[: request.cells_per_class]
            chosen[name] = np.sort(picked).astype(np.int32)
    return chosen


def top_genes(
    dataset: Dataset,
    bundle: Bundle,
    sample: Mapping[str, NDArray[np.int32]],
    request: RobustnessRequest,
    job: JobHandle,
) -> TopGenes:
    """Return the genes that speak most for each class, over its sampled cells."""
    found: TopGenes = {}
    asked = ExplainRequest(method=request.method, evidence=False, seed=request.seed)
    for name, cells in sample.items():
        one = explain(dataset, bundle, replace(asked, target=f"class:{name}", cells=cells), job)
        found[name] = frozenset(gene for gene, _ in one.top(n_top(bundle, request)))
    return found


def overlap(before: TopGenes, after: TopGenes) -> float:
    """Return the share of a class's top genes that are so again, mean over the classes of both."""
    shared = [len(before[name] & after[name]) / len(before[name]) for name in before if name in after]
    return float(np.mean(shared)) if shared else float("nan")


def latent_agreement(before_cz: Floats, after_cz: Floats, *, same_axes: bool = True) -> dict[str, float]:
    """Compare two maps of the same cells.

    Parameters
    ----------
    same_axes
        Whether latent ``k`` means the same in both: only then are latents correlated one by one.

    Returns
    -------
    ``neighbours kept``: the share of a cell's nearest cells that are so again. ``latent correlation``: the
    mean over latents of the rank correlation over cells; constant latents are left out.
    """
    first, second = nearest(before_cz), nearest(after_cz)
    kept = [len(np.intersect1d(a, b)) / len(a) for a, b in zip(first, second, strict=True)]
    found = {NEIGHBOURS: float(np.mean(kept))}
    if same_axes:
        by_latent = [rank_correlation(one, other) for one, other in zip(before_cz.T, after_cz.T, strict=True)]
        if np.isfinite(by_latent).any():
            found[LATENTS] = float(np.nanmean(by_latent))
    return found
