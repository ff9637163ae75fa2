"""Attributions kept as a table, for networks that do not factor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import DataError
from glasscell.explain.result import PARTS, Bools, Evidence, Explanation, Floats

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
        Whether each cell's own input lies above its baseline, ``(n, n_genes)``.
    own_cg
        The part of ``values_cg`` that comes from the cell's own genes, the rest being its neighbours';
        None for models that look at one cell at a time.
    """

    values_cg: Floats
    above_cg: Bools
    own_cg: Floats | None = None

    def __post_init__(self) -> None:
        """Refuse a table that does not fit its axes."""
        super().__post_init__()
        shape = (len(self.cells), len(self.genes))
        if self.values_cg.shape != shape or self.above_cg.shape != shape:
            raise DataError(
                f"A table of {shape[0]} cells x {shape[1]} genes is needed; got {self.values_cg.shape}."
            )
        if self.own_cg is not None and self.own_cg.shape != shape:
            raise DataError(f"The own part of {shape[0]} x {shape[1]} is needed; got {self.own_cg.shape}.")
        self.values_cg.setflags(write=False)

    def part(self, which: str) -> DenseAttribution:
        """Return what comes from the cells' own genes, or from those of their neighbours.

        Parameters
        ----------
        which
            ``own``, ``neighbours`` or ``all``; the first two add up to the last.

        Raises
        ------
        DataError
            The model looks at one cell at a time, or there is no such part.
        """
        if which not in PARTS[:2] or self.own_cg is None:
            super().part(which)
            return self
        words = replace(self.provenance, params={**self.provenance.params, "part": which})
        values_cg = self.own_cg if which == "own" else self.values_cg - self.own_cg
        figures = {name: value for name, value in self.diagnostics.items() if name != "completeness_gap"}
        twin = self.twin.part(which) if isinstance(self.twin, DenseAttribution) else None
        return replace(
            self, values_cg=values_cg, own_cg=None, provenance=words, diagnostics=figures, twin=twin
        )

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        own = 0 if self.own_cg is None else self.own_cg.nbytes
        return self.values_cg.nbytes + self.above_cg.nbytes + own

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
