"""Attributions kept as a product: two thin factors instead of a table of cells x genes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError
from glasscell.explain.result import Evidence, Explanation, Floats, Ints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from glasscell.explain.method import Difference


@dataclass(frozen=True, eq=False, kw_only=True)
class FactoredAttribution(Explanation):
    """``A = D * (G @ W)``: D from the inputs, G averaged behind the first layer, W the first layer's weights.

    Exact for gradient methods when a network begins with a linear layer. One gene for every cell is a
    matrix-vector product, a selection's mean is one sparse product, and cells x genes is never built.

    Parameters
    ----------
    inputs_cg
        What the nets saw, CSR, ``(n, n_genes)``.
    difference
        What D is: "input - baseline", "input" or "one".
    baselines_bg
        The baselines in use, ``(n_baselines, n_genes)``.
    baseline_of_cell
        Row of ``baselines_bg`` for each explained cell, ``(n,)``.
    gradients_ch
        Averaged hidden gradients, ``(n, n_hidden)``.
    weights
        First-layer weights per net, each ``(n_hidden, n_genes)``.
    net_of_cell
        Index into ``weights`` for each explained cell, ``(n,)``.
    """

    inputs_cg: sparse.csr_matrix
    difference: Difference
    baselines_bg: Floats
    baseline_of_cell: Ints
    gradients_ch: Floats
    weights: tuple[Floats, ...]
    net_of_cell: Ints

    def __post_init__(self) -> None:
        """Refuse factors that do not fit each other."""
        super().__post_init__()
        n, n_genes = len(self.cells), len(self.genes)
        if self.inputs_cg.shape != (n, n_genes) or len(self.gradients_ch) != n:
            raise DataError(
                f"Factors for {n} cells x {n_genes} genes are needed; got inputs {self.inputs_cg.shape}."
            )
        if any(weight.shape != (self.gradients_ch.shape[1], n_genes) for weight in self.weights):
            raise DataError("First-layer weights do not fit the hidden gradients.")
        if self.baselines_bg.shape[1:] != (n_genes,):
            raise DataError("The baseline does not cover the model's genes.")

    @property
    def nbytes(self) -> int:
        """Memory held by the factors, in bytes (the sparse inputs may be shared with the dataset)."""
        inputs = self.inputs_cg.data.nbytes + self.inputs_cg.indices.nbytes + self.inputs_cg.indptr.nbytes
        return int(inputs) + self.gradients_ch.nbytes + sum(weight.nbytes for weight in self.weights)

    @cached_property
    def _columns(self) -> sparse.csc_matrix:
        return self.inputs_cg.tocsc()

    def _gene_rows(self, index: int) -> Floats:
        # One pass over the gradients serves all nets: reading them takes the time, not the sums.
        slopes_cf = self.gradients_ch @ np.stack([weight[:, index] for weight in self.weights], axis=1)
        slope: Floats = np.take_along_axis(slopes_cf, self.net_of_cell[:, None], axis=1)[:, 0]
        if self.difference == "one":
            return slope
        if self.difference == "input":
            values = np.zeros_like(slope)
        else:
            values = -self.baselines_bg[self.baseline_of_cell, index].astype(slope.dtype)
        column = self._columns
        part = slice(column.indptr[index], column.indptr[index + 1])
        values[column.indices[part]] += column.data[part]
        return values * slope

    def block(self, rows: Sequence[int] | NDArray[np.intp]) -> Floats:
        """Return dense attributions of a few rows, ``(len(rows), n_genes)``; ask for few at a time."""
        rows = np.asarray(rows, np.intp)
        out = np.empty((len(rows), len(self.genes)), self.gradients_ch.dtype)
        for net, weight in enumerate(self.weights):
            inside = self.net_of_cell[rows] == net
            out[inside] = self.gradients_ch[rows[inside]] @ weight
        if self.difference != "one":
            change = self.inputs_cg[rows].toarray().astype(out.dtype, copy=False)
            if self.difference == "input - baseline":
                change -= self.baselines_bg[self.baseline_of_cell[rows]]
            out *= change
        return out

    def row_sums(self) -> Floats:
        """Return the sum of each explained cell's attributions, ``(n,)`` float64: a sparse product a net."""
        sums_c = np.empty(len(self.cells))
        for net, weight in enumerate(self.weights):
            rows = np.flatnonzero(self.net_of_cell == net)
            for part in np.array_split(rows, max(1, len(rows) // 8192)):
                if self.difference == "one":
                    change_ch = np.broadcast_to(weight.sum(axis=1), (len(part), len(weight)))
                else:
                    change_ch = self.inputs_cg[part] @ weight.T
                if self.difference == "input - baseline":
                    change_ch = change_ch - (self.baselines_bg @ weight.T)[self.baseline_of_cell[part]]
                sums_c[part] = np.einsum("ch,ch->c", self.gradients_ch[part], change_ch, dtype=np.float64)
        return sums_c

    def _evidence_rows(self, rows: NDArray[np.intp]) -> Evidence:
        n_genes = len(self.genes)
        total_g, above_g, below_g = (np.zeros(n_genes, np.float64) for _ in range(3))
        for net, weight in enumerate(self.weights):
            for start in range(len(self.baselines_bg)):
                part = rows[(self.net_of_cell[rows] == net) & (self.baseline_of_cell[rows] == start)]
                if len(part):
                    self._add_part(part, weight, self._start(start), (total_g, above_g, below_g))
        dtype = self.gradients_ch.dtype
        total, above, below = ((values / len(rows)).astype(dtype) for values in (total_g, above_g, below_g))
        return Evidence(total, above, below)

    def _start(self, index: int) -> Floats:
        return (
            self.baselines_bg[index] if self.difference == "input - baseline" else np.zeros(len(self.genes))
        )

    def _add_part(
        self, part: NDArray[np.intp], weight: Floats, start_g: Floats, sums: tuple[Any, ...]
    ) -> None:
        """Add the sums over cells that share a net and a baseline."""
        total_g, above_g, below_g = sums
        from glasscell.explain.sum_kernel import weighted_sums

        slopes_ch = self.gradients_ch[part]
        slope_g = np.asarray(slopes_ch.sum(0, dtype=np.float64) @ weight, np.float64)
        if self.difference == "one":
            total_g += slope_g
            above_g += slope_g
            return
        inputs_cg = self.inputs_cg[part]
        # Zeros are not stored and all lie on one side of the baseline, so the other side is sparse.
        both_g, side_g = weighted_sums(inputs_cg, slopes_ch, np.ascontiguousarray(weight.T), start_g)
        both_g -= start_g * slope_g
        up_g = np.where(start_g >= 0, side_g, both_g - side_g)
        total_g += both_g
        above_g += up_g
        below_g += both_g - up_g
