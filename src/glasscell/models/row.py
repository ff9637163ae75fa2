"""Expression rows for training: dense in memory when they fit, otherwise made dense a block at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.models.preprocessing import Preprocessing

DENSE_BYTES = 1 << 30


def normalise(
    counts_cg: sparse.csr_matrix, size_c: NDArray[np.floating[Any]], target_sum: float
) -> sparse.csr_matrix:
    """Return log1p(counts / size * target_sum) as a new float32 CSR; a cell without counts stays zero."""
    factor_c = np.divide(target_sum, size_c, out=np.zeros(len(size_c)), where=np.asarray(size_c) > 0)
    lengths = np.diff(counts_cg.indptr)
    data = counts_cg.data * np.repeat(factor_c, lengths).astype(np.float32)
    return sparse.csr_matrix(
        (np.log1p(data, dtype=np.float32), counts_cg.indices, counts_cg.indptr), counts_cg.shape
    )


def input_rows(
    dataset: Dataset, preprocessing: Preprocessing, indices: NDArray[np.integer[Any]] | None = None
) -> sparse.csr_matrix:
    """Return a dataset's cells in a model's input space, all genes of the dataset, CSR float32.

    Parameters
    ----------
    preprocessing
        Recipe of the model; its ``target_sum`` holds, not the dataset's own median.
    indices
        Cells; None for all.
    """
    sizes_c = dataset.sizes_c
    if preprocessing.kind in ("log1p", "counts"):
        counts = dataset.expression_cg("counts")
        made = sparse.csr_matrix(counts if indices is None else counts[indices], dtype=np.float32)
        return made.log1p() if preprocessing.kind == "log1p" else made
    stored = preprocessing.kind == "stored" or sizes_c is None
    table = dataset.expression_cg("stored" if stored else "counts")
    rows = table if indices is None else table[indices]
    if stored or sizes_c is None:
        return sparse.csr_matrix(rows, dtype=np.float32)
    target_sum = preprocessing.target_sum or 1.0
    sizes_c = sizes_c if indices is None else sizes_c[indices]
    return normalise(sparse.csr_matrix(rows, dtype=np.float32), sizes_c, target_sum)


class Rows:
    """Rows of a sparse table as dense float32 tensors, moved to the device once where they fit.

    Parameters
    ----------
    table_cg
        CSR float32, ``(n_cells, n_genes)``.
    device
        Where the rows are wanted.
    dense_bytes
        Keep the whole table dense when it takes less than this.
    """

    def __init__(
        self, table_cg: sparse.csr_matrix, device: str = "cpu", dense_bytes: int = DENSE_BYTES
    ) -> None:
        self.table_cg = table_cg
        self.device = torch.device(device)
        fits = 4 * table_cg.shape[0] * table_cg.shape[1] <= dense_bytes
        self._dense: torch.Tensor | None = self._densify(table_cg) if fits else None

    def __len__(self) -> int:
        """Count the cells."""
        return int(self.table_cg.shape[0])

    @property
    def n_genes(self) -> int:
        """Count the columns."""
        return int(self.table_cg.shape[1])

    def _densify(self, block_cg: sparse.csr_matrix) -> torch.Tensor:
        return torch.from_numpy(block_cg.toarray()).to(self.device)

    def take(self, indices: torch.Tensor) -> torch.Tensor:
        """Return dense rows, ``(len(indices), n_genes)`` float32 on the device."""
        if self._dense is not None:
            return self._dense.index_select(0, indices.to(self.device))
        return self._densify(self.table_cg[indices.cpu().numpy()])

    def stored(self, indices: NDArray[np.integer[Any]]) -> sparse.csr_matrix:
        """Return some rows as they are kept, ``(len(indices), n_genes)``."""
        return self.table_cg[indices]

    def moments(self, indices: NDArray[np.integer[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and standard deviation of each gene over some rows, ``(n_genes,)`` float64 each."""
        block = self.table_cg[indices].astype(np.float64)
        mean = np.asarray(block.mean(axis=0)).ravel()
        square = np.asarray(block.multiply(block).mean(axis=0)).ravel()
        return mean, np.sqrt(np.maximum(square - mean**2, 0.0))
