"""Which units are on: codes that many cells share are clusters, units that go together are one toggle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def find_codes(on_cu: NDArray[np.bool_], min_cells: int) -> NDArray[np.int64]:
    """Call every code that so many cells share exactly a cluster.

    Parameters
    ----------
    on_cu
        Which units are on in each cell, ``(n, n_units)``.
    min_cells
        Codes of fewer cells are none.

    Returns
    -------
    Number of each cell's code, ``(n,)``, the most frequent 0 (ties go by which comes first); -1 for a cell
    whose code few others have.
    """
    packed = np.packbits(on_cu, axis=1)
    _, first, inverse, counts = np.unique(
        packed, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -counts))
    order = order[counts[order] >= max(min_cells, 1)]
    place = np.full(len(counts), -1, np.int64)
    place[order] = np.arange(len(order))
    return np.asarray(place[inverse.ravel()], np.int64)


def bits_of(code_ku: NDArray[np.bool_], bit_ju: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which toggles are on in each code, ``(n_codes, n_bits)``: their first unit says it for all."""
    if not len(bit_ju):
        return np.zeros((len(code_ku), 0), np.bool_)
    return np.asarray(code_ku[:, bit_ju.argmax(axis=1)], np.bool_)


def code_names(bit_kj: NDArray[np.bool_]) -> tuple[str, ...]:
    """Write each code as ones and zeros; a code that nothing tells apart is a lone dash."""
    return tuple("code " + ("".join("01"[int(on)] for on in row) or "-") for row in bit_kj)


def find_toggles(code_ku: NDArray[np.bool_], size_k: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Group units that are on in the same codes, ``(n_bits, n_units)``: each group is switched as one.

    Units that are on in all codes, or in none, tell nothing apart and belong to no toggle.

    Parameters
    ----------
    code_ku
        Which units are on in each code, ``(n_codes, n_units)``.
    size_k
        Cells of each code; toggles come by how many cells have them on.
    """
    n_codes, n_units = code_ku.shape
    if n_codes < 2:
        return np.zeros((0, n_units), np.bool_)
    pattern_ju, first, inverse = np.unique(code_ku.T, axis=0, return_index=True, return_inverse=True)
    varied = np.asarray(pattern_ju.any(axis=1) & ~pattern_ju.all(axis=1))
    order = np.lexsort((first, -(pattern_ju @ size_k)))
    order = order[varied[order]]
    return np.asarray(np.equal.outer(order, inverse.ravel()), np.bool_)
