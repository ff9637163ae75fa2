"""Which fold and block each cell is in, whoever decided it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from glasscell.data.channel import BoolArray, CodeArray


@dataclass(frozen=True, eq=False)
class Split:
    """The fold of every cell.

    Parameters
    ----------
    scheme
        The scheme as asked for; figures on held-out cells must name it.
    folds
        int32, shape ``(n_cells,)``; -1 where the cell is not used.
    blocks
        int32, shape ``(n_cells,)``, index into `block_names`; a block always lies within one fold. -1 where
        not used.
    block_names
        Name of each block.
    description
        One sentence for people.
    warnings
        Sentences on what the split cannot show.
    near_cf
        bool, shape ``(n_cells, n_folds)``: the cells too near to a fold to be trained on when it is held
        out, or None.
    """

    scheme: str
    folds: CodeArray
    blocks: CodeArray
    block_names: tuple[str, ...]
    description: str
    warnings: tuple[str, ...] = ()
    near_cf: BoolArray | None = None

    @property
    def n_folds(self) -> int:
        """Return the number of folds."""
        return int(self.folds.max(initial=-1)) + 1

    def held_out(self, fold: int) -> BoolArray:
        """Return the cells of one fold, bool of shape ``(n_cells,)``."""
        return np.asarray(self.folds == fold)

    def training(self, fold: int) -> BoolArray:
        """Return the cells to train on when `fold` is held out: the other folds less the gap around it."""
        mask = np.asarray((self.folds >= 0) & (self.folds != fold))
        return mask if self.near_cf is None else mask & ~self.near_cf[:, fold]

    def block_of(self, cell: int) -> str:
        """Return the name of one cell's block, empty when it has none."""
        block = int(self.blocks[cell])
        return "" if block < 0 else self.block_names[block]
