"""The model's side of a contrast: mean attribution in A less that in B, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import DataError
from glasscell.explain.channel import training_note
from glasscell.explain.evidence import MIN_CELLS_PER_FOLD, NO_TWIN
from glasscell.explain.result import order, rank

if TYPE_CHECKING:
    from glasscell.explain.result import Bools, Explanation, Floats, Ints

TOP = 20
FEWEST_GENES = 10


@dataclass(frozen=True, eq=False)
class AttributionContrast:
    """Mean attribution of A less B over the genes of the dataset, NaN for those the model lacks.

    Parameters
    ----------
    values_g
        The difference, in units of the target.
    rank_g
        Place by falling difference among the model's genes, 0 for those it lacks.
    twin_g, spread_g
        Place by the net trained on permuted labels, and largest minus smallest place over the folds' nets;
        None where they cannot be told.
    target, unit
        What is explained, and in what.
    """

    values_g: Floats
    rank_g: Ints
    twin_g: Ints | None
    spread_g: Ints | None
    target: str
    unit: str

    def twin_rank(self, g: int) -> int | None:
        """Place of a gene by the twin."""
        return None if self.twin_g is None else int(self.twin_g[g])

    def spread(self, g: int) -> int | None:
        """Spread of a gene's place over folds."""
        return None if self.spread_g is None else int(self.spread_g[g])


@dataclass(frozen=True)
class Agreement:
    """How far expression and attribution rank genes alike.

    Parameters
    ----------
    correlation
        Spearman's, over the model's genes.
    top, shared, by_chance
        Genes at the top of each ranking, how many they share, and how many two unrelated rankings would.
    n_genes
        Genes compared.
    twin_shared
        How many the twin's ranking shares with expression: it learnt nothing, so only more than this counts.
    """

    correlation: float
    top: int
    shared: int
    by_chance: float
    n_genes: int
    twin_shared: int | None = None

    def sentence(self) -> str:
        """Say it in one sentence."""
        learnt = "a twin trained on permuted labels"
        twin = "" if self.twin_shared is None else f", {self.twin_shared} by {learnt}"
        return (
            f"Expression and attribution agree at rank correlation {self.correlation:.2f} over "
            f"{self.n_genes:,} genes; of their first {self.top} they share {self.shared} "
            f"({self.by_chance:.1f} by chance{twin})."
        )


def attribution_contrast(
    explanation: Explanation, a: Bools, b: Bools, genes: tuple[str, ...]
) -> tuple[AttributionContrast, tuple[str, ...]]:
    """Return mean attribution of A less that of B, and sentences on what it leaves out.

    Raises
    ------
    DataError
        The explanation is of other data, or covers no cell of a side.
    """
    if explanation.n_cells != len(a):
        raise DataError("The explanation is of another dataset; explain this one first.")
    for name, side in (("A", a), ("B", b)):
        if not len(explanation.rows(side)):
            raise DataError(f"No cell of {name} was explained; explain a target over all cells first.")
    notes = [f"Attribution: {explanation.target} by {explanation.method}, {training_note(explanation)}."]
    missed = int((a | b).sum()) - len(explanation.rows(a | b))
    if missed:
        notes.append(f"{missed:,} cells of A and B were not explained and are left out of the attribution.")
    place = {gene: at for at, gene in enumerate(genes)}
    at = np.array([place.get(gene, -1) for gene in explanation.genes])
    known = at >= 0

    def spread_out(values: Ints, missing: int = 0) -> Ints:
        made = np.full(len(genes), missing, np.int32)
        made[at[known]] = values[known]
        return made

    difference = explanation.mean(a) - explanation.mean(b)
    values_g = np.full(len(genes), np.nan)
    values_g[at[known]] = difference[known]
    twin = explanation.twin
    if twin is None:
        notes.append(NO_TWIN)
    spread = _fold_spread(explanation, a, b)
    return AttributionContrast(
        values_g,
        spread_out(rank(difference)),
        None if twin is None else spread_out(rank(twin.mean(a) - twin.mean(b))),
        None if spread is None else spread_out(spread),
        explanation.target,
        explanation.unit,
    ), tuple(notes)


def agreement(score_g: Floats, attribution_g: Floats, twin_g: Ints | None = None) -> Agreement | None:
    """Compare two rankings of the genes that both know; None with too few of them or a constant one.

    Parameters
    ----------
    score_g, attribution_g
        What each ranks by, NaN for a gene it does not know, ``(n_genes,)``.
    twin_g
        Places by the permuted-label twin, ``(n_genes,)``.
    """
    from scipy.stats import rankdata

    known = np.isfinite(score_g) & np.isfinite(attribution_g)
    score, attribution = score_g[known], attribution_g[known]
    n = int(known.sum())
    if n < FEWEST_GENES or np.ptp(score) == 0 or np.ptp(attribution) == 0:
        return None
    correlation = float(np.corrcoef(rankdata(score), rankdata(attribution))[0, 1])
    top = min(TOP, n // 2)
    first = set(order(score)[:top])
    shared = len(first & set(order(attribution)[:top]))
    by_twin = None if twin_g is None else len(first & set(order(-twin_g[known].astype(np.float64))[:top]))
    return Agreement(correlation, top, shared, top * top / n, n, by_twin)


def _fold_spread(explanation: Explanation, a: Bools, b: Bools) -> Ints | None:
    """Largest minus smallest place over nets that explain both sides; None with fewer than two."""
    found = []
    for fold in np.unique(explanation.fold_of_cell):
        part = np.zeros(explanation.n_cells, np.bool_)
        part[explanation.cells[explanation.fold_of_cell == fold]] = True
        if min((a & part).sum(), (b & part).sum()) >= MIN_CELLS_PER_FOLD:
            found.append(rank(explanation.mean(a & part) - explanation.mean(b & part)))
    return np.asarray(np.ptp(np.stack(found), axis=0), np.int32) if len(found) > 1 else None
