"""A short text that changes when the cells, the genes or the expression values change."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

if TYPE_CHECKING:
    from collections.abc import Iterable

_WHOLE = 64 << 20
_PIECES = 512
_PIECE = 64 << 10


def _feed(digest: Any, values: npt.NDArray[Any]) -> None:
    """Hash an array whole when it is small, else its length, 512 evenly spaced pieces and its sum."""
    array = np.ascontiguousarray(values)
    digest.update(f"{array.dtype.str}{array.shape}".encode())
    data = array.reshape(-1).view(np.uint8)
    if data.nbytes <= _WHOLE:
        digest.update(data)
        return
    for start in np.linspace(0, data.nbytes - _PIECE, _PIECES).astype(np.int64):
        digest.update(data[start : start + _PIECE])
    digest.update(repr(float(np.sum(array, dtype=np.float64))).encode())


def _feed_names(digest: Any, names: Iterable[str]) -> None:
    digest.update("\x00".join(names).encode("utf-8", "surrogatepass"))
    digest.update(b"\x01")


def hash_data(matrix: Any, cell_names: Iterable[str], gene_names: Iterable[str]) -> str:
    """Fingerprint a table of expression values.

    It tells files apart and notices edits; it is no defence against somebody who wants two files to look
    alike.

    Parameters
    ----------
    matrix
        Dense or sparse, shape ``(n_cells, n_genes)``.
    cell_names, gene_names
        Names of its rows and columns.

    Returns
    -------
    32 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=16)
    _feed_names(digest, cell_names)
    _feed_names(digest, gene_names)
    if sp.issparse(matrix):
        csr = matrix.tocsr()
        # Index width and value width depend on how a file was written, not on what it says.
        for part, kind in ((csr.indptr, np.int64), (csr.indices, np.int32), (csr.data, np.float32)):
            _feed(digest, part.astype(kind, copy=False))
    else:
        _feed(digest, np.asarray(matrix, dtype=np.float32))
    return digest.hexdigest()
