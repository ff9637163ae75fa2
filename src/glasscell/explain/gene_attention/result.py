"""Attention between genes as groups of cells show it, with the measured change on removal."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.column import missing_name
from glasscell.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

CO_EXPRESSION = (
    "Attention between genes is mostly co-expression and shows no regulation: read it beside the rank "
    "correlation and the change on removal."
)


@dataclass(frozen=True)
class GenePair:
    """One gene attending to another in a group of cells; None is what was not measured or cannot be said.

    Parameters
    ----------
    gene, attends_to
        Names.
    weight
        Mean weight over the cells that express ``gene``.
    relative
        That over what a net would give that heeds only how present genes are.
    removed
        Mean change of the guess of ``gene`` when ``attends_to`` is taken away, in units of expression.
    correlation
        Spearman's, of the two genes over the group's cells.
    n_cells
        Cells of the group that express both.
    """

    group: str
    gene: str
    attends_to: str
    weight: float
    relative: float
    removed: float
    correlation: float | None
    n_cells: int


@dataclass(frozen=True, eq=False, kw_only=True)
class GeneAttention:
    """Sums over cells of attention between genes; no cell's own table is kept.

    Parameters
    ----------
    genes, groups
        Names of the tokens and of the groups.
    n_cells_g
        Cells of each group.
    weight_gtt
        Mean weight over layers, heads and cells that express the asking gene, ``(groups, genes, genes)``,
        row attends to column; NaN where no cell does.
    relative_gtt
        That over attention by presence alone.
    head_ghtt
        Mean weight by head over the cells that the first net explains, ``(groups, layers * heads, genes,
        genes)``; None where it was not asked for.
    both_gtt
        Cells that express both genes.
    pairs
        Those whose removal was measured, by group: the most attended to first, then some drawn by chance.
    agreement_g
        Spearman's correlation over the pairs drawn by chance of attention relative to presence with the size
        of the change on removal; NaN where it cannot be told.
    notes
        What a reader must know.
    """

    genes: tuple[str, ...]
    groups: tuple[str, ...]
    n_cells_g: NDArray[np.int64]
    weight_gtt: Floats
    relative_gtt: Floats
    head_ghtt: Floats | None
    both_gtt: NDArray[np.int64]
    pairs: tuple[GenePair, ...]
    agreement_g: Floats
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse attention without removal, and make all arrays read-only."""
        if {pair.group for pair in self.pairs} != set(self.groups):
            raise DataError("Attention is not shown without the change on removal: measure that too.")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    def top(self, group: str, k: int = 20) -> tuple[GenePair, ...]:
        """Return the pairs of a group that were measured, the most attended to first."""
        if group not in self.groups:
            raise DataError(missing_name("group", group, self.groups))
        found = [pair for pair in self.pairs if pair.group == group]
        return tuple(sorted(found, key=lambda pair: -pair.relative)[:k])

    def table(self) -> pd.DataFrame:
        """Return the pairs that were measured, one row each."""
        import pandas as pd

        return pd.DataFrame([vars(pair) for pair in self.pairs])
