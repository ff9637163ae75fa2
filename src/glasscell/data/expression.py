"""The expression of a dataset in the forms models and views ask for, each made once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from glasscell.data.matrix import (
    FloatArray,
    Matrix,
    as_columns,
    as_csr,
    column,
    find_counts,
    get_matrix,
    inspect_matrix,
    normalise_rows,
    row_sums,
    size_factors,
)
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt
    import scipy.sparse as sp
    from anndata import AnnData

KINDS = ("lognorm", "counts", "stored")


class Expression:
    """Counts, normalised values and single columns of one AnnData; nothing in it is changed.

    Parameters
    ----------
    adata
        Where the matrices live.
    counts
        ``"X"``, ``"raw"`` or ``"layers/<key>"`` to say which matrix holds counts; None to find out.

    Raises
    ------
    DataError
        There is no expression matrix, or the one named is absent or does not hold counts.
    """

    def __init__(self, adata: AnnData, counts: str | None = None) -> None:
        self._adata = adata
        self._lock = threading.RLock()
        self._made: dict[str, Any] = {}
        if adata.X is None and not len(adata.layers):
            raise DataError("The file holds no expression matrix (X is empty and there are no layers).")
        self.stored_name = "X" if adata.X is not None else f"layers/{next(iter(adata.layers))}"
        if counts is not None:
            _refuse_unless_counts(get_matrix(adata, counts), counts)
        self.counts = counts if counts is not None else find_counts(adata)
        if self.counts is None:
            self._once("facts", lambda: inspect_matrix(self._matrix("stored")))  # refuse text now, not later

    def _once(self, key: str, make: Callable[[], Any]) -> Any:
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]

    def _matrix(self, kind: str) -> Any:
        name = self.counts if kind != "stored" and self.counts is not None else self.stored_name
        return self._once(f"matrix {name}", lambda: get_matrix(self._adata, name))

    @property
    def facts(self) -> Matrix:
        """What one pass over the matrix in use (counts, else as stored) says about it."""
        made: Matrix = self._once("facts", lambda: inspect_matrix(self._matrix("counts")))
        return made

    @property
    def sizes_c(self) -> npt.NDArray[np.float64] | None:
        """Total counts of each cell, shape ``(n_cells,)``; None without counts."""
        if self.counts is None:
            return None
        sizes: npt.NDArray[np.float64] = self._once("sizes", lambda: row_sums(self._matrix("counts")))
        return sizes

    @property
    def _factors_c(self) -> FloatArray:
        sizes_c = self.sizes_c
        factors: FloatArray = self._once("factors", lambda: size_factors(sizes_c))  # type: ignore[arg-type]
        return factors

    def unit(self, kind: str = "lognorm") -> str:
        """Say in what unit a kind of expression is."""
        if kind == "counts":
            return "counts"
        if kind == "lognorm" and self.counts is not None:
            return "log1p of normalised counts"
        return "log1p, as stored" if "log1p" in self._adata.uns else "as stored"

    def _check_kind(self, kind: str) -> None:
        if kind not in KINDS:
            raise DataError(f"There is no expression {kind!r}; choose {', '.join(KINDS)}.")
        if kind == "counts" and self.counts is None:
            raise DataError(
                "This file holds no counts (its values are not whole numbers); use the values as stored, "
                "or name the matrix that holds counts."
            )

    def bad_value(self) -> str | None:
        """Name the first value that is NaN or infinite, in one sentence; None when all are finite."""
        if self.facts.first_bad is None:
            return None
        cell, gene = self.facts.first_bad
        where = f"cell {self._adata.obs_names[cell]}, gene {self._adata.var_names[gene]}"
        number = f"{self.facts.n_bad:,} values are" if self.facts.n_bad > 1 else "One value is"
        advice = "shown as missing, to be mended before training"
        return f"{number} NaN or infinite (first: {where}): {advice}."

    def all_cg(self, kind: str) -> sp.csr_matrix:
        """Return the whole matrix as float32 CSR, shape ``(n_cells, n_genes)``; treat it as read-only."""
        self._check_kind(kind)
        if kind != "stored":
            complaint = self.bad_value()
            if complaint is not None:
                raise DataError(complaint)
        if kind == "lognorm" and self.counts is not None:
            return self._once("lognorm", lambda: normalise_rows(self._matrix("counts"), self._factors_c))
        return self._once(f"rows {self._key(kind)}", lambda: as_csr(self._matrix(kind)))

    def _key(self, kind: str) -> str:
        return "stored" if kind == "stored" or self.counts is None else "counts"

    def gene_c(self, position: int, kind: str) -> FloatArray:
        """Return one gene as float32, shape ``(n_cells,)``; NaN where the file has none."""
        self._check_kind(kind)
        columns = self._once(f"columns {self._key(kind)}", lambda: as_columns(self._matrix(kind)))
        normalise = kind == "lognorm" and self.counts is not None
        return column(columns, position, self._factors_c if normalise else None)


def _refuse_unless_counts(matrix: Any, name: str) -> None:
    facts = inspect_matrix(matrix)
    if not facts.whole:
        raise DataError(f"{name} does not hold counts: some values are negative or not whole numbers.")
