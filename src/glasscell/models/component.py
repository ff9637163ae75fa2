"""Principal components of some genes, for networks whose units begin there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from glasscell.models.baseline import principal_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle

#: Cells that components are found in, at most.
MOST_CELLS = 5000
_MOST_DENSE = 1000


def sample_cells(train: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Draw the training cells that a start is found on, ``(n,)``, sorted; all where there are few."""
    return np.sort(np.random.default_rng([seed, 0x5E7]).permutation(train)[:MOST_CELLS])


class GeneComponents:
    """Finds leading principal axes of any genes over some cells.

    A few thousand cells cannot tell thousands of weights from noise; components leave little to learn.

    Parameters
    ----------
    table_cg
        Input of the cells that may be looked at, ``(n_cells, n_genes)``.
    mean_g, scale_g
        What is taken off each gene's values and what they are then divided by, ``(n_genes,)``.
    """

    def __init__(
        self,
        table_cg: sparse.csr_matrix,
        mean_g: NDArray[np.floating[Any]],
        scale_g: NDArray[np.floating[Any]],
        *,
        seed: int,
    ) -> None:
        self._table = sparse.csr_matrix(table_cg @ sparse.diags(1 / scale_g), dtype=np.float32)
        self._columns = self._table.tocsc()
        self._shift_g, self._seed = np.asarray(mean_g, np.float64) / scale_g, seed

    def of(
        self, genes: NDArray[np.integer[Any]], most: int, job: JobHandle
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the leading axes of some genes and how far cells spread along them.

        All axes are divided by the root mean square of the cells' places along them, together, so that small
        components stay small.

        Parameters
        ----------
        genes
            Columns of the table, ``(n,)``.
        most
            Axes wanted; fewer come where there are fewer genes or cells.

        Returns
        -------
        Axes ``(n, n_axes)``, to be applied to standardised values, and the root mean square of the places
        along each, ``(n_axes,)``, largest first.
        """
        if len(genes) > _MOST_DENSE:
            every = len(genes) == self._table.shape[1]
            table = self._table if every else sparse.csr_matrix(self._columns[:, genes])
            _, axes_gp = principal_axes(table, most, seed=self._seed, job=job, fraction=0.0)
            return _scaled(table, axes_gp, -self._shift_g[genes] @ axes_gp)
        values_cg = self._columns[:, genes].toarray().astype(np.float64) - self._shift_g[genes]
        axes_gp = np.linalg.eigh(values_cg.T @ values_cg)[1][:, ::-1][:, :most]
        return _scaled(values_cg, axes_gp)


def _scaled(
    values_cg: NDArray[np.float64] | sparse.csr_matrix,
    axes_gp: NDArray[np.floating[Any]],
    shift_p: NDArray[np.float64] | float = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Divide axes by the root mean square of the cells' places along them, all axes together."""
    square_p = np.mean(np.square(values_cg @ axes_gp + shift_p), axis=0)
    size = max(float(np.sqrt(square_p.mean())), 1e-6)
    return np.asarray(axes_gp / size, np.float64), np.sqrt(square_p) / size
