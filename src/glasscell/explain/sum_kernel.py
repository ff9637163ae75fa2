"""The sum over cells of input x slope per gene, in one pass over what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from glasscell.explain.result import Floats


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})  # type: ignore[untyped-decorator]
def _sum(
    indptr: Any,
    indices: Any,
    data: Any,
    slopes_ch: Any,
    weight_gh: Any,
    start_g: Any,
    both_g: Any,
    side_g: Any,
) -> None:
    for row in range(len(indptr) - 1):
        slope_h = slopes_ch[row]
        for at in range(indptr[row], indptr[row + 1]):
            gene = indices[at]
            weight_h = weight_gh[gene]
            slope = weight_h[0] * slope_h[0]
            for h in range(1, len(slope_h)):
                slope += weight_h[h] * slope_h[h]
            value, start = data[at], start_g[gene]
            change = value - start
            both_g[gene] += value * slope
            if (start >= 0 and change > 0) or (start < 0 and change < 0):
                side_g[gene] += change * slope


def weighted_sums(
    inputs_cg: sparse.csr_matrix, slopes_ch: Floats, weight_gh: Floats, start_g: Floats
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum input x slope, and the part of (input - start) x slope beyond the start, over cells.

    The slope of a cell in a gene is its hidden gradient times the gene's weights; only stored values are
    visited, and neither a cells x genes nor a genes x hidden table is made.

    Parameters
    ----------
    inputs_cg
        Inputs, ``(n, n_genes)``.
    slopes_ch
        Hidden gradients, ``(n, n_hidden)``.
    weight_gh
        First-layer weights, gene by gene, ``(n_genes, n_hidden)``.
    start_g
        The baseline; "beyond" is above it, or below where it is negative.

    Returns
    -------
    Two arrays of shape ``(n_genes,)``.
    """
    both_g, side_g = np.zeros(inputs_cg.shape[1]), np.zeros(inputs_cg.shape[1])
    _sum(
        inputs_cg.indptr,
        inputs_cg.indices,
        inputs_cg.data,
        np.ascontiguousarray(slopes_ch),
        weight_gh,
        start_g,
        both_g,
        side_g,
    )
    return cast("NDArray[np.float64]", both_g), cast("NDArray[np.float64]", side_g)
