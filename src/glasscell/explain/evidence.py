"""Rankings that carry their evidence: plain comparison, a twin that learnt nothing, agreement over folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from glasscell.errors import DataError
from glasscell.explain.result import Bools, Explanation, Ints, order, rank

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset

MIN_CELLS_PER_FOLD = 10

NO_TWIN = "The twin's ranks are missing: there is no net that had nothing to learn beside this model."
UNSHOWN = (
    "No ranking is shown without a twin, a net of the same kind that had nothing to learn: without it nobody "
    "could tell what was learnt."
)
NO_CLASSES = "Mean-difference ranks are missing: the target is not a class."
ONE_FOLD = (
    f"The spread over folds is missing: fewer than two nets explain {MIN_CELLS_PER_FOLD} selected cells each."
)


@dataclass(frozen=True)
class RankedGene:
    """A gene's share in the target over a selection, with its evidence.

    Parameters
    ----------
    value
        Mean attribution, in units of the target.
    presence, absence
        Parts of ``value`` from cells with more, and with less, of the gene than the baseline.
    mean_difference, mean_difference_rank
        Plain comparison of the target's class with the rest; None where there are no classes.
    twin_rank
        Place of the gene in the same ranking by the net trained on permuted labels; None without it.
    rank_spread
        Largest minus smallest rank over the folds' nets; None where fewer than two explain the selection.
    """

    gene: str
    value: float
    presence: float
    absence: float
    mean_difference: float | None
    mean_difference_rank: int | None
    twin_rank: int | None
    rank_spread: int | None


@dataclass(frozen=True)
class Ranking(Sequence[RankedGene]):
    """Genes by falling mean attribution, and sentences about evidence that is missing."""

    rows: tuple[RankedGene, ...]
    missing: tuple[str, ...]
    n_cells: int

    @overload
    def __getitem__(self, index: int) -> RankedGene: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[RankedGene, ...]: ...
    def __getitem__(self, index: int | slice) -> RankedGene | tuple[RankedGene, ...]:
        """Return one row or some."""
        return self.rows[index]

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.rows)

    def __iter__(self) -> Iterator[RankedGene]:
        """Iterate over rows, first gene first."""
        return iter(self.rows)


def has_evidence(explanation: Explanation) -> bool:
    """Tell whether an explanation carries what a ranking must be shown with: twin and re-initialised net."""
    return explanation.twin is not None and "reinitialised_correlation" in explanation.diagnostics


def ranking(
    explanation: Explanation,
    mask: Bools | None = None,
    dataset: Dataset | None = None,
    k: int = 20,
    direction: Literal["raises", "lowers"] = "raises",
) -> Ranking:
    """Rank genes by their mean attribution over a selection, evidence beside every one.

    Parameters
    ----------
    mask
        Selected cells, ``(n_cells,)``; None for all that were explained.
    dataset
        Checked to be the one explained when given.
    k
        Rows wanted.
    direction
        ``raises``: largest first; ``lowers``: most negative first.

    Raises
    ------
    DataError
        No selected cell was explained, or the dataset is another one.
    """
    if dataset is not None and dataset.n_cells != explanation.n_cells:
        raise DataError("This explanation is of another dataset; explain this one first.")
    sign = 1.0 if direction == "raises" else -1.0
    parts = explanation.evidence(mask)
    difference_g = explanation.mean_difference_g
    twin = None if explanation.twin is None else rank(sign * explanation.twin.mean(mask))
    by_difference = None if difference_g is None else rank(sign * difference_g)
    spread = rank_spread(explanation, mask, sign)
    rows = tuple(
        RankedGene(
            gene=explanation.genes[g],
            value=float(parts.total_g[g]),
            presence=float(parts.presence_g[g]),
            absence=float(parts.absence_g[g]),
            mean_difference=None if difference_g is None else float(difference_g[g]),
            mean_difference_rank=None if by_difference is None else int(by_difference[g]),
            twin_rank=None if twin is None else int(twin[g]),
            rank_spread=None if spread is None else int(spread[g]),
        )
        for g in order(sign * parts.total_g)[:k]
    )
    absent = ((twin, NO_TWIN), (by_difference, NO_CLASSES), (spread, ONE_FOLD))
    return Ranking(
        rows, tuple(text for values, text in absent if values is None), len(explanation.rows(mask))
    )


def fold_ranks(explanation: Explanation, mask: Bools | None = None, sign: float = 1.0) -> tuple[Ints, ...]:
    """Return each net's own ranking over the selected cells it explains, each ``(n_genes,)``."""
    rows = explanation.rows(mask)
    folds = explanation.fold_of_cell[rows]
    found = []
    for fold in np.unique(folds):
        cells = explanation.cells[rows[folds == fold]]
        if len(cells) >= MIN_CELLS_PER_FOLD:
            part = np.zeros(explanation.n_cells, bool)
            part[cells] = True
            found.append(rank(sign * explanation.mean(part)))
    return tuple(found)


def rank_spread(explanation: Explanation, mask: Bools | None = None, sign: float = 1.0) -> Ints | None:
    """Return largest minus smallest rank over folds, ``(n_genes,)``; None with fewer than two folds."""
    ranks = fold_ranks(explanation, mask, sign)
    return None if len(ranks) < 2 else np.asarray(np.ptp(np.stack(ranks), axis=0), np.int32)
