"""Attributions kept as a table, for networks that do not factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import DataError
from glasscell.explain.result import Bools, Evidence, Explanation, Floats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, kw_only=True)
class DenseAttribution(Explanation):
    """One number per explained cell and gene.

    Parameters
    ----------
    values_cg
        Attributions, ``(n, n_genes)``.
    above_cg
        Whether each input lies above its baseline, ``(n, n_genes)``.
    """

    values_cg: Floats
    above_cg: Bools

    def __post_init__(self) -> None:
        """Refuse a table that does not fit its axes."""
        super().__post_init__()
        shape = (len(self.cells), len(self.genes))
        if self.values_cg.shape != shape or self.above_cg.shape != shape:
            raise DataError(
                f"A table of {shape[0]} cells x {shape[1]} genes is needed; got {self.values_cg.shape}."
            )
        self.values_cg.setflags(write=False)

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return self.values_cg.nbytes + self.above_cg.nbytes

    def block(self, rows: Sequence[int] | NDArray[np.intp]) -> Floats:
        """Return a few rows of the table, ``(len(rows), n_genes)``."""
        return self.values_cg[np.asarray(rows, np.intp)]

    def row_sums(self) -> Floats:
        """Return the sum of each explained cell's attributions, ``(n,)`` float64."""
        return np.asarray(self.values_cg.sum(axis=1, dtype=np.float64))

    def _gene_rows(self, index: int) -> Floats:
        return self.values_cg[:, index]

    def _evidence_rows(self, rows: NDArray[np.intp]) -> Evidence:
        total_g, above_g = np.zeros(len(self.genes)), np.zeros(len(self.genes))
        for first in range(0, len(rows), 1024):
            part = rows[first : first + 1024]
            values_cg = self.values_cg[part]
            total_g += values_cg.sum(0, dtype=np.float64)
            above_g += np.where(self.above_cg[part], values_cg, 0).sum(0, dtype=np.float64)
        dtype, n = self.values_cg.dtype, len(rows)
        return Evidence(
            (total_g / n).astype(dtype), (above_g / n).astype(dtype), ((total_g - above_g) / n).astype(dtype)
        )
