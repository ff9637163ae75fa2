"""Which labels and measured columns go along with a factor; a fact about these cells, not a name for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.column import categorical_codes, is_continuous

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset

MIN_CELLS, MOST_VALUES = 10, 100


@dataclass(frozen=True)
class LabelLink:
    """How strongly one label goes along with one factor.

    Parameters
    ----------
    column, value
        The obs column and, where it is categorical, one of its values.
    strength
        -1 to 1. For a number: Spearman's correlation. For a value: 2 AUC - 1 of its cells against all
        others, so 1 when every cell of it lies above every other cell.
    n_cells
        Cells it was worked out from; for a value, the cells that have it.
    """

    column: str
    value: str
    strength: float
    n_cells: int

    @property
    def title(self) -> str:
        """Column and value as text."""
        return f"{self.column}: {self.value}" if self.value else self.column


def label_links(dataset: Dataset, factor_c: NDArray[Any], k: int = 8) -> tuple[LabelLink, ...]:
    """List the labels that go along with a factor, strongest first.

    Parameters
    ----------
    factor_c
        One latent over all cells, ``(n_cells,)``.
    k
        How many are listed.
    """
    links: list[LabelLink] = []
    for name in dataset.obs.columns:
        column = dataset.obs[name]
        if is_continuous(column):
            links += _number(str(name), np.asarray(column, np.float64), factor_c)
        else:
            codes, values = categorical_codes(column)
            if 2 <= len(values) <= MOST_VALUES:
                links += _values(str(name), codes, values, factor_c)
    links.sort(key=lambda link: (-abs(link.strength), link.title))
    return tuple(links[:k])


def _number(name: str, values_c: NDArray[np.float64], factor_c: NDArray[Any]) -> list[LabelLink]:
    known = np.isfinite(values_c) & np.isfinite(factor_c)
    if known.sum() < MIN_CELLS:
        return []
    x, y = _ranks(values_c[known]), _ranks(np.asarray(factor_c, np.float64)[known])
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return [] if size == 0 else [LabelLink(name, "", float(x @ y) / size, int(known.sum()))]


def _values(
    name: str, codes: NDArray[np.int32], values: Sequence[str], factor_c: NDArray[Any]
) -> list[LabelLink]:
    known = (codes >= 0) & np.isfinite(factor_c)
    if not known.any():
        return []
    ranks = _ranks(np.asarray(factor_c, np.float64)[known])
    inside = np.bincount(codes[known], minlength=len(values))
    sums = np.bincount(codes[known], weights=ranks, minlength=len(values))
    outside = len(ranks) - inside
    links = []
    for value, n_in, n_out, total in zip(values, inside, outside, sums, strict=True):
        if min(n_in, n_out) >= MIN_CELLS:
            auc = (total - n_in * (n_in + 1) / 2) / (n_in * n_out)
            links.append(LabelLink(name, value, float(2 * auc - 1), int(n_in)))
    return links


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, ties at their mean."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values), np.float64)
