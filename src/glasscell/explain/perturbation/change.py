"""Cells with some of their genes changed, as a model would have been given them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.errors import DataError, NotCompatible
from glasscell.models.batch import gene_columns
from glasscell.models.row import input_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.data.dataset import Dataset
    from glasscell.explain.perturbation.request import Direction
    from glasscell.models.capability.model import Model
    from glasscell.models.cell_batch import CellBatch

#: Kinds of input that are logs of one plus a rate.
_LOGS = ("lognorm", "log1p")


@dataclass(frozen=True, eq=False)
class GeneChange:
    """A change of some genes, made on counts or rates and not on their logs.

    Cells normalised to a common total are normalised anew, so that what a knocked-out gene leaves falls to
    the others, as in a count table. Values that are no counts have no zero: there a gene is lowered to the
    lowest value measured.

    Parameters
    ----------
    places
        Of the genes among the model's, ``(k,)`` int64.
    direction
        ``out``, ``down`` or ``up``.
    keep
        Share left by ``down``.
    floor_k, high_k
        Lowest value of each gene, and the value ``up`` raises to, ``(k,)``, as rates or as stored.
    """

    places: NDArray[np.int64]
    direction: Direction
    keep: float
    floor_k: NDArray[np.float64]
    high_k: NDArray[np.float64]

    def __call__(self, batch: CellBatch, model: Model, rows: Tensor) -> CellBatch:
        """Return the batch with the genes changed in some of its rows, bool ``(n,)``."""
        kind, places = model.preprocessing.kind, torch.from_numpy(self.places).to(batch.expression.device)
        values_cg = batch.expression.clone()
        mine_cg = values_cg[rows]
        rates_cg = torch.expm1(mine_cg) if kind in _LOGS else mine_cg
        old_ck = rates_cg[:, places]
        new_ck = self._changed(old_ck)
        delta_c = (new_ck - old_ck).sum(dim=1)
        rates_cg = rates_cg.index_copy(1, places, new_ck)
        size = batch.size
        if kind == "lognorm":
            total = model.preprocessing.target_sum or 1.0
            rest_c = (total + delta_c).clamp(min=0)
            rates_cg = rates_cg * torch.where(rest_c > 0, total / rest_c, 0.0)[:, None]
            delta_c = delta_c if size is None else delta_c / total * size[rows]
        if size is not None and kind != "stored":
            size = size.clone()
            size[rows] = (size[rows] + delta_c).clamp(min=0)
        values_cg[rows] = torch.log1p(rates_cg) if kind in _LOGS else rates_cg
        return replace(batch, expression=values_cg, size=size)

    def _changed(self, old_ck: Tensor) -> Tensor:
        floor_k, high_k = (
            torch.from_numpy(part).to(old_ck.device, old_ck.dtype) for part in (self.floor_k, self.high_k)
        )
        if self.direction == "out":
            return torch.zeros_like(old_ck) + floor_k
        if self.direction == "down":
            return floor_k + self.keep * (old_ck - floor_k)
        return torch.maximum(old_ck, high_k)


class Levels:
    """Lowest, high and mean value of every gene of a model in a dataset, as rates or as stored.

    Parameters
    ----------
    dataset, model
        Where they are measured, and in whose input.
    percentile
        Of the cells that express a gene: its high value.
    """

    def __init__(self, dataset: Dataset, model: Model, percentile: float) -> None:
        table_cg = input_rows(dataset, model.preprocessing)[:, gene_columns(dataset, model.genes)].tocsc()
        table_cg.sort_indices()
        self.logs = model.preprocessing.kind in _LOGS
        self.stored = model.preprocessing.kind == "stored"
        self.mean_g = np.asarray(table_cg.mean(axis=0), np.float64).ravel()
        self.genes = model.genes
        self._table, self._percentile = table_cg, percentile

    def change(self, places: NDArray[np.int64], direction: Direction, keep: float) -> GeneChange:
        """Return the change of some genes.

        Raises
        ------
        DataError
            A gene to be raised is in no cell, so that nobody knows how high it may get.
        """
        floors, highs = [], []
        for place in places:
            values = self._values(int(place))
            floors.append(float(values.min(initial=np.inf)) if self.stored and len(values) else 0.0)
            found = values if self.stored else values[values > 0]
            if direction == "up" and not len(found):
                raise DataError(
                    f"No cell expresses {self.genes[place]}, so it cannot be raised to a level seen."
                )
            highs.append(float(np.percentile(found, self._percentile)) if len(found) else 0.0)
        return GeneChange(places, direction, keep, np.asarray(floors), np.asarray(highs))

    def matched(self, places: NDArray[np.int64], n: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
        """Draw random sets of as many other genes, each gene of like mean expression.

        Returns
        -------
        At most ``n`` sets; none when fewer than ten other genes are left.
        """
        order = np.argsort(self.mean_g, kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        free = np.setdiff1d(order, places)
        if len(free) < max(10, len(places)):
            return []
        sets = []
        for _ in range(n):
            left, drawn = set(free.tolist()), []
            for place in places:
                others = np.fromiter(left, np.int64, count=len(left))
                near = others[np.argsort(np.abs(rank[others] - rank[place]), kind="stable")[:50]]
                drawn.append(int(rng.choice(near)))
                left.discard(drawn[-1])
            sets.append(np.asarray(drawn, np.int64))
        return sets

    def _values(self, place: int) -> NDArray[np.float64]:
        """Return one gene's values in all cells; zeros left out for counts, where they change nothing."""
        table = self._table
        part = np.asarray(table.data[table.indptr[place] : table.indptr[place + 1]], np.float64)
        if self.stored and len(part) < table.shape[0]:
            part = np.append(part, 0.0)
        return np.expm1(part) if self.logs else part


def gene_places(model: Model, genes: Sequence[str], dataset: Dataset) -> NDArray[np.int64]:
    """Find genes among a model's inputs, by name or by symbol.

    Raises
    ------
    NotCompatible
        A gene is no input of the model.
    """
    from glasscell.data.column import missing_name

    place = {gene: at for at, gene in enumerate(model.genes)}
    if not set(genes) <= place.keys():
        names = [str(name) for name in dataset.genes.names]
        for symbol, name in zip(map(str, dataset.genes.symbols), names, strict=True):
            if name in place:
                place.setdefault(symbol, place[name])
    for gene in genes:
        if gene not in place:
            raise NotCompatible(missing_name("input gene of the model", gene, model.genes))
    found: Any = np.fromiter((place[gene] for gene in genes), np.int64, count=len(genes))
    return np.asarray(found)
