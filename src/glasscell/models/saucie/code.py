"""Which units are on: codes that many cells share are clusters, units that go together are one toggle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Bools = Any


@dataclass(frozen=True, eq=False)
class Codes:
    """Codes that enough cells share, the most frequent first, and the toggles that tell them apart.

    Parameters
    ----------
    code_ku
        Which units are on in each code, ``(n_codes, n_units)``.
    bit_ju
        Which units each toggle switches, ``(n_bits, n_units)``: units that are on in the same codes. Units on
        in all codes, or in none, belong to no toggle.
    code_of_cell
        Code of each cell, ``(n,)``; -1 for a cell whose code few others have.
    """

    code_ku: NDArray[np.bool_]
    bit_ju: NDArray[np.bool_]
    code_of_cell: NDArray[np.int64]

    @property
    def bit_kj(self) -> NDArray[np.bool_]:
        """Which toggles are on in each code, ``(n_codes, n_bits)``."""
        return bits_of(self.code_ku, self.bit_ju)


def find_codes(on_cu: NDArray[np.bool_], min_cells: int) -> Codes:
    """Call every code that so many cells share exactly a cluster.

    Parameters
    ----------
    on_cu
        Which units are on in each cell, ``(n, n_units)``.
    min_cells
        Codes of fewer cells are none.

    Notes
    -----
    Clusters come by size, toggles by how many cells have them on; ties go by what comes first.
    """
    packed = np.packbits(on_cu, axis=1)
    _, first, inverse, counts = np.unique(
        packed, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -counts))
    order = order[counts[order] >= max(min_cells, 1)]
    place = np.full(len(counts), -1, np.int64)
    place[order] = np.arange(len(order))
    code_ku = np.asarray(on_cu[first[order]], np.bool_)
    return Codes(code_ku, _toggles(code_ku, counts[order]), place[inverse.ravel()])


def bits_of(code_ku: NDArray[np.bool_], bit_ju: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which toggles are on in each code, ``(n_codes, n_bits)``: their first unit says it for all."""
    if not len(bit_ju):
        return np.zeros((len(code_ku), 0), np.bool_)
    return np.asarray(code_ku[:, bit_ju.argmax(axis=1)], np.bool_)


def code_names(bit_kj: NDArray[np.bool_]) -> tuple[str, ...]:
    """Write each code as ones and zeros; a code that nothing tells apart is a lone dash."""
    return tuple("code " + ("".join("01"[int(on)] for on in row) or "-") for row in bit_kj)


def _toggles(code_ku: NDArray[np.bool_], size_k: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Group units that are on in the same codes, ``(n_bits, n_units)``."""
    n_codes, n_units = code_ku.shape
    if n_codes < 2:
        return np.zeros((0, n_units), np.bool_)
    pattern_ju, first, inverse = np.unique(code_ku.T, axis=0, return_index=True, return_inverse=True)
    varied = np.asarray(pattern_ju.any(axis=1) & ~pattern_ju.all(axis=1))
    order = np.lexsort((first, -(pattern_ju @ size_k)))
    order = order[varied[order]]
    return np.asarray(np.equal.outer(order, inverse.ravel()), np.bool_)
