"""Expression matrices: which one holds counts, normalised rows, and single columns fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from glasscell.errors import DataError

if TYPE_CHECKING:
    from anndata import AnnData

#: Key in ``uns`` of tables whose cells were generated: nothing in them is a count.
GENERATED = "glasscell.generated"
COUNT_LAYERS = ("counts", "count", "raw_counts", "raw_count", "raw", "umi", "umis")
_BLOCK = 1 << 22

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Matrix:
    """What one pass over a matrix says about it.

    Parameters
    ----------
    whole
        Every finite value is a whole number, none negative.
    finite
        No value is NaN or infinite.
    n_bad
        How many values are NaN or infinite.
    first_bad
        (cell, gene) of the first of them, or None.
    largest
        Largest finite value, 0 for an empty matrix.
    """

    whole: bool
    finite: bool
    n_bad: int
    first_bad: tuple[int, int] | None
    largest: float


def in_memory(matrix: Any) -> Any:
    """Return a numpy or scipy matrix from whatever AnnData holds (array, sparse, or backed on disk)."""
    if isinstance(matrix, np.ndarray) or sp.issparse(matrix):
        return matrix
    if hasattr(matrix, "to_memory"):
        return matrix.to_memory()
    if hasattr(matrix, "compute"):
        return matrix.compute()
    return np.asarray(matrix)


def stored_values(matrix: Any) -> npt.NDArray[Any]:
    """Return the values kept in memory as one flat array: of a sparse matrix those not zero."""
    if not sp.issparse(matrix):
        return np.asarray(matrix).reshape(-1)
    if matrix.format not in ("csr", "csc", "coo", "bsr", "dia"):
        matrix = matrix.tocsr()
    return np.asarray(matrix.data).reshape(-1)


def inspect_matrix(matrix: Any) -> Matrix:
    """Look once at every value of a matrix, in blocks.

    Parameters
    ----------
    matrix
        Dense or sparse, shape ``(n_cells, n_genes)``.

    Raises
    ------
    DataError
        The matrix does not hold numbers.
    """
    values = stored_values(matrix)
    if values.dtype.kind not in "biuf":
        raise DataError(
            f"The expression matrix holds {values.dtype} instead of numbers; save it as float or integer."
        )
    if values.dtype.kind in "biu":
        low = int(values.min()) if values.size else 0
        return Matrix(low >= 0, True, 0, None, float(values.max()) if values.size else 0.0)
    whole, n_bad, first, largest = True, 0, -1, 0.0
    for start in range(0, values.size, _BLOCK):
        block = values[start : start + _BLOCK]
        good = np.isfinite(block)
        if not good.all():
            if first < 0:
                first = start + int(np.argmin(good))
            n_bad += int(block.size - good.sum())
            block = block[good]
        if block.size:
            largest = max(largest, float(block.max()))
            whole = whole and bool(block.min() >= 0) and bool((block == np.floor(block)).all())
    return Matrix(whole, n_bad == 0, n_bad, _where(matrix, first), largest)


def _where(matrix: Any, flat: int) -> tuple[int, int] | None:
    if flat < 0:
        return None
    if not sp.issparse(matrix):
        row, column = np.unravel_index(flat, matrix.shape)
        return int(row), int(column)
    if matrix.format in ("csr", "csc"):
        major = int(np.searchsorted(matrix.indptr, flat, side="right")) - 1
        minor = int(matrix.indices[flat])
        return (major, minor) if matrix.format == "csr" else (minor, major)
    coo = matrix.tocoo()
    bad = int(np.argmin(np.isfinite(coo.data)))
    return int(coo.row[bad]), int(coo.col[bad])


def get_matrix(adata: AnnData, name: str) -> Any:
    """Fetch ``X``, ``layers/<key>`` or ``raw`` (its columns put in the order of the genes).

    Raises
    ------
    DataError
        There is no such matrix.
    """
    if name == "X":
        if adata.X is None:
            raise DataError("The file has no matrix X; choose a layer with counts= instead.")
        return in_memory(adata.X)
    if name.startswith("layers/"):
        key = name.removeprefix("layers/")
        if key not in adata.layers:
            raise DataError(
                f"There is no layer {key!r}; the file has {', '.join(map(repr, adata.layers)) or 'none'}."
            )
        return in_memory(adata.layers[key])
    if name == "raw" and adata.raw is not None:
        columns = adata.raw.var_names.get_indexer(adata.var_names) if adata.raw.var_names.is_unique else None
        if columns is None or (columns < 0).any():
            raise DataError("The raw matrix lacks some of the genes shown, so it cannot be used as counts.")
        return in_memory(adata.raw.X)[:, columns]
    raise DataError(f"There is no matrix {name!r}; write X, raw or layers/NAME.")


def _candidates(adata: AnnData) -> list[str]:
    if GENERATED in adata.uns:
        return []
    layers = sorted(adata.layers, key=lambda key: (str(key).casefold() not in COUNT_LAYERS, str(key)))
    names = [f"layers/{key}" for key in layers]
    if adata.X is not None:
        names.insert(0, "X")
    if adata.raw is not None:
        names.append("raw")
    return names


def count_choices(adata: AnnData) -> tuple[str, ...]:
    """Name every matrix that holds counts, the one taken by default first."""
    return tuple(name for name in _candidates(adata) if holds_counts(adata, name))


def find_counts(adata: AnnData) -> str | None:
    """Say which matrix holds counts: whole numbers, none negative; X is asked first, then layers, then raw.

    Returns
    -------
    ``"X"``, ``"layers/<key>"``, ``"raw"`` or None.
    """
    return next((name for name in _candidates(adata) if holds_counts(adata, name)), None)


def holds_counts(adata: AnnData, name: str) -> bool:
    """Whether a matrix is there and holds whole numbers only, none negative."""
    try:
        return inspect_matrix(get_matrix(adata, name)).whole
    except DataError:
        return False


def row_sums(matrix: Any) -> npt.NDArray[np.float64]:
    """Sum each row in float64, leaving NaN out; shape ``(n_cells,)``."""
    if not sp.issparse(matrix):
        return np.asarray(np.nansum(matrix, axis=1, dtype=np.float64)).reshape(-1)
    csr = matrix.tocsr()
    sums = np.zeros(csr.shape[0])
    filled = np.diff(csr.indptr) > 0
    if filled.any():
        sums[filled] = np.add.reduceat(csr.data, csr.indptr[:-1][filled], dtype=np.float64)
    for row in np.flatnonzero(~np.isfinite(sums)):
        values = csr.data[csr.indptr[row] : csr.indptr[row + 1]].astype(np.float64)
        sums[row] = values[np.isfinite(values)].sum()
    return sums


def size_factors(sizes_c: npt.NDArray[np.float64]) -> FloatArray:
    """Factor that brings each cell to the median total; 0 for a cell without counts.

    Parameters
    ----------
    sizes_c
        Total counts of each cell, shape ``(n_cells,)``.
    """
    positive = sizes_c > 0
    target = float(np.median(sizes_c[positive])) if positive.any() else 1.0
    factors = np.divide(target, sizes_c, out=np.zeros(sizes_c.shape), where=positive)
    return factors.astype(np.float32)


def normalise_rows(counts_cg: Any, factors_c: FloatArray) -> sp.csr_matrix:
    """Return log1p(counts x factor) as float32 CSR; the input is not changed."""
    csr = as_csr(counts_cg)
    scale = np.repeat(factors_c, np.diff(csr.indptr))
    return sp.csr_matrix((np.log1p(csr.data * scale), csr.indices, csr.indptr), shape=csr.shape)


def _canonical(matrix: Any) -> Any:
    """Add up entries stored twice, in a copy: log1p of the parts is not log1p of the sum."""
    if matrix.has_canonical_format:
        return matrix
    summed = matrix.copy()
    summed.sum_duplicates()
    return summed


def as_csr(matrix: Any) -> sp.csr_matrix:
    """Return a float32 CSR matrix, sharing memory where that needs no change."""
    csr = _canonical(sp.csr_matrix(matrix) if not sp.issparse(matrix) else matrix.tocsr())
    return sp.csr_matrix((csr.data.astype(np.float32, copy=False), csr.indices, csr.indptr), shape=csr.shape)


def as_columns(matrix: Any) -> Any:
    """Return a form whose columns are cheap: CSC for sparse, Fortran order for dense, float32."""
    if sp.issparse(matrix):
        csc = _canonical(matrix.tocsc())
        return sp.csc_matrix(
            (csc.data.astype(np.float32, copy=False), csc.indices, csc.indptr), shape=csc.shape
        )
    return np.asfortranarray(np.asarray(matrix, dtype=np.float32))


def column(columns: Any, position: int, factors_c: FloatArray | None = None) -> FloatArray:
    """Copy one column out of what `as_columns` returned, shape ``(n_cells,)``.

    Parameters
    ----------
    columns
        From `as_columns`.
    position
        Which column.
    factors_c
        Size factors: log1p(value x factor) is returned instead of the value.
    """
    if not sp.issparse(columns):
        dense = np.array(columns[:, position], dtype=np.float32)
        return dense if factors_c is None else np.log1p(dense * factors_c)
    span = slice(columns.indptr[position], columns.indptr[position + 1])
    cells, found = columns.indices[span], columns.data[span]
    values = np.zeros(columns.shape[0], dtype=np.float32)
    values[cells] = found if factors_c is None else np.log1p(found * factors_c[cells])
    return values
