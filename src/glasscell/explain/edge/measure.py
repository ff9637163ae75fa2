"""Directed edges between genes, cell state by cell state, from the slopes of a trained gene network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from glasscell.data.column import DataContext
from glasscell.data.labels import Labels
from glasscell.errors import DataError, NotCompatible
from glasscell.explain.edge.beside import TREES, forest_importance, rank_correlations
from glasscell.explain.edge.null import scattered, spread_of_edges
from glasscell.explain.edge.result import Edges
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.family import FoldPlan, TrainsAlike
from glasscell.models.grn.model import GrnModel
from glasscell.models.plan import set_aside
from glasscell.models.span import Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.data.selection import Selection
    from glasscell.models.bundle import Bundle
    from glasscell.models.family import TrainingData

N_NULLS, LEAST_NULLS = 5, 3
#: States with fewer cells are left out; of larger ones so many are averaged, and a forest sees fewer.
FEWEST_CELLS, MOST_CELLS, FOREST_CELLS = 20, 3000, 1000
EVERY_CELL = "all cells"


def why_no_edges(bundle: Bundle | None, dataset: Dataset | None) -> str:
    """Say in one sentence why edges cannot be measured; empty when they can."""
    if bundle is None or dataset is None:
        return "Train a gene network first: the family grn."
    net = bundle.folds[0]
    if not isinstance(net, GrnModel):
        return f"{net.info.title} has no edges between genes: train the family grn."
    if bundle.data_fingerprint != dataset.fingerprint:
        return "The model was trained on other data: open those to train null networks on them."
    return ""


def edges(
    dataset: Dataset,
    bundle: Bundle,
    states: Labels | Selection | None = None,
    *,
    n_nulls: int = N_NULLS,
    trees: int = TREES,
    seed: int = 0,
    job: JobHandle = QUIET,
) -> Edges:
    """Average the slopes of a gene network over cells, with null z, beside correlation and a forest.

    An edge from r to g says how much the prediction of g moves with r. It says neither that r regulates g
    nor which of two genes comes first: genes that go together have edges both ways.

    Parameters
    ----------
    dataset
        The cells the model was trained on.
    bundle
        Of the family ``grn``.
    states
        Classes that are averaged one by one, or the cells to average; None for all cells as one state.
    n_nulls
        Networks trained on data in which each gene is permuted over cells, 3 or more.
    trees
        Of each gene's forest.
    seed
        Of null networks, forests and the choice of cells.

    Raises
    ------
    NotCompatible
        The model has no edges, or was trained on other data.
    DataError
        Too few nulls, or no state has enough cells.
    JobCancelled
        Somebody asked for it; nothing is kept.
    """
    if reason := why_no_edges(bundle, dataset):
        raise NotCompatible(reason)
    if n_nulls < LEAST_NULLS:
        raise DataError(f"Edges need {LEAST_NULLS} null networks or more: fewer tell no spread.")
    job.report(0.0, "preparing cells")
    asked = _Asked.of(dataset, bundle, seed)
    names, cells_s = _states(dataset, states, seed)
    net, sources = asked.net, asked.sources
    weight_sgr = np.stack([asked.slopes(net, asked.data, cells) for cells in cells_s])
    null_ksgr = []
    for number in range(n_nulls):
        part = Span(job, 0.5 * number / n_nulls, 0.5 * (number + 1) / n_nulls, f"null {number + 1}")
        null, data = asked.null(number, part)
        null_ksgr.append(np.stack([asked.slopes(null, data, cells) for cells in cells_s]))
    spread_sgr = np.stack([spread_of_edges(some, sources) for some in np.stack(null_ksgr, axis=1)])
    weight_sgr[:, sources, np.arange(len(sources))] = np.nan
    spearman, forest = [], []
    for number, (name, cells) in enumerate(zip(names, cells_s, strict=True)):
        part = Span(job, 0.5 + 0.5 * number / len(names), 0.5 + 0.5 * (number + 1) / len(names), name)
        part.report(0.0, "rank correlation")
        values_cg = asked.standard(asked.data, cells)
        spearman.append(rank_correlations(values_cg, sources))
        forest.append(forest_importance(values_cg[:FOREST_CELLS], sources, seed, part, trees))
    return Edges(
        regulators=net.regulators,
        targets=net.used_genes,
        places=net.network.used.cpu().numpy(),
        states=names,
        n_cells=tuple(map(len, cells_s)),
        weight_sgr=weight_sgr.astype(np.float32),
        z_sgr=(weight_sgr / spread_sgr).astype(np.float32),
        spearman_sgr=np.stack(spearman),
        forest_sgr=np.stack(forest),
        n_nulls=n_nulls,
        model=bundle.id,
        fingerprint=bundle.fingerprint,
        data=dataset.fingerprint,
    )


def _states(
    dataset: Dataset, states: Labels | Selection | None, seed: int
) -> tuple[tuple[str, ...], list[NDArray[np.int64]]]:
    """Return names of states and some cells of each, in a drawn order, so that the first are a sample too."""
    rng = np.random.default_rng([seed, 0xED6E])
    if states is None:
        found = {EVERY_CELL: np.arange(dataset.n_cells)}
    elif isinstance(states, Labels):
        found = {name: np.flatnonzero(states.codes == code) for code, name in enumerate(states.classes)}
    else:
        found = {"selected cells": np.flatnonzero(states.mask(DataContext(dataset)))}
    kept = {name: cells for name, cells in found.items() if len(cells) >= FEWEST_CELLS}
    if not kept:
        raise DataError(
            f"No state has {FEWEST_CELLS} cells, too few for edges: choose a coarser column or more cells."
        )
    return tuple(kept), [rng.permutation(cells)[:MOST_CELLS].astype(np.int64) for cells in kept.values()]


@dataclass(frozen=True, eq=False)
class _Asked:
    """Cells, network and family, ready to train null networks and to take slopes."""

    bundle: Bundle
    data: TrainingData
    net: GrnModel
    sources: NDArray[np.int64]
    train: NDArray[np.int64]
    device: str
    seed: int

    @classmethod
    def of(cls, dataset: Dataset, bundle: Bundle, seed: int) -> _Asked:
        from glasscell.models.device import resolve_device
        from glasscell.models.fit_request import FitRequest
        from glasscell.models.registry import family
        from glasscell.models.training_data import training_data

        request = FitRequest(family=bundle.family, params=bundle.params)
        device = resolve_device("auto")
        data = training_data(dataset, request, family(bundle.family), device)
        net = cast("GrnModel", bundle.folds[0].to(device=device))
        rows = bundle.rows(dataset, np.arange(dataset.n_cells))
        train = np.flatnonzero(bundle.cells.fold[rows] != 0)
        return cls(bundle, data, net, net.network.sources.cpu().numpy(), train, device, seed)

    def null(self, number: int, job: JobHandle) -> tuple[GrnModel, TrainingData]:
        """Train one null network, for as long as the real one learnt, and return it with its data."""
        from glasscell.models.registry import family
        from glasscell.models.training_data import net_seed

        data = scattered(self.data, self.net.network.used.cpu().numpy(), self.seed + 7919 * (number + 1), job)
        own = net_seed(self.seed + number, 0xED6E)
        epochs = max(1, self.bundle.curves[0].best_epoch)
        alike = np.zeros(len(self.train), np.int64)
        learnt = set_aside(self.train, alike, alike, own).train  # as many cells as the real one learnt from
        plan = FoldPlan(learnt, np.empty(0, np.int64), own, self.device, epochs)
        trains = cast("TrainsAlike", family(self.bundle.family))
        net = trains.train_like(self.bundle.folds[0], data, plan, self.bundle.params, job)
        return cast("GrnModel", net.to(device=self.device)), data

    def slopes(self, net: GrnModel, data: TrainingData, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return mean slopes over cells, ``(n_used, n_sources)``."""
        x_cg = data.rows.take(torch.from_numpy(cells)).to(net.device)
        return np.asarray(net.mean_influence(x_cg).double().cpu().numpy())

    def standard(self, data: TrainingData, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return used genes of some cells in standard deviations, ``(n, n_used)``."""
        x_cg = data.rows.take(torch.from_numpy(cells)).to(self.net.device)
        return np.asarray(self.net.network.standard(x_cg).double().cpu().numpy())
