"""Two batches, each gene measured better or worse in one of them, and kinds that only one batch has."""

from __future__ import annotations

from dataclasses import dataclass

import anndata as ad
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from glasscell.data.dataset import Dataset

BATCHES = ("A", "B")


@dataclass(frozen=True, eq=False)
class BatchShift:
    """Counts and the truth about them.

    Parameters
    ----------
    dataset
        Raw counts; obs ``batch`` and ``kind``.
    kind
        Kind of each cell, ``(n_cells,)`` int32: those in both batches come first, then those of batch A only,
        then those of batch B only.
    batch
        0 or 1, ``(n_cells,)`` int32.
    n_shared, n_alone
        Kinds in both batches, and kinds in each that the other lacks.
    factor_g
        How many times better batch B counts each gene, ``(n_genes,)``.
    """

    dataset: Dataset
    kind: npt.NDArray[np.int32]
    batch: npt.NDArray[np.int32]
    n_shared: int
    n_alone: int
    factor_g: npt.NDArray[np.float64]

    @property
    def shared(self) -> npt.NDArray[np.bool_]:
        """Cells of kinds that both batches have, ``(n_cells,)``."""
        return self.kind < self.n_shared


def make_batch_shift(
    seed: int = 0,
    *,
    n_cells: int = 2400,
    n_genes: int = 120,
    n_shared: int = 3,
    n_alone: int = 1,
    n_markers: int = 12,
    fold_change: float = 4.0,
    spread: float = 0.5,
    depth: float = 1000.0,
) -> BatchShift:
    """Draw negative-binomial counts of two batches.

    Every kind has markers of its own and as many cells in each batch that has it. All kinds are equally
    unlike each other, so that nothing but its genes says that a kind of one batch is none of the other's.

    Parameters
    ----------
    n_markers, fold_change
        Markers of each kind, and how much higher they are in it.
    spread
        Standard deviation of the log of each gene's factor in batch B; 0: no effect of the batch.
    depth
        Counts of a cell, in the median.
    """
    rng = np.random.default_rng([seed, 0x57])
    n_kinds = n_shared + 2 * n_alone
    per_batch = n_shared + n_alone
    batch = (np.arange(n_cells) % 2).astype(np.int32)
    kind = rng.integers(0, per_batch, n_cells).astype(np.int32)
    kind[(batch == 1) & (kind >= n_shared)] += n_alone
    log_rate_g = rng.normal(0.0, 0.7, n_genes)
    marker_kg = np.zeros((n_kinds, n_genes))
    order = rng.permutation(n_genes)
    for number in range(n_kinds):
        marker_kg[number, order[number * n_markers : (number + 1) * n_markers]] = np.log(fold_change)
    factor_g = np.exp(rng.normal(0.0, spread, n_genes))
    rate_cg = np.exp(log_rate_g + marker_kg[kind]) * np.where(batch[:, None] == 1, factor_g, 1.0)
    size_c = depth * rng.lognormal(0.0, 0.25, n_cells)
    mean_cg = rate_cg / rate_cg.sum(axis=1, keepdims=True) * size_c[:, None]
    counts_cg = rng.poisson(rng.gamma(5.0, mean_cg / 5.0))
    names = pd.Index([f"kind {number}" for number in range(n_kinds)])
    adata = ad.AnnData(
        sparse.csr_matrix(counts_cg.astype(np.float32)),
        obs=pd.DataFrame(
            {
                "batch": pd.Categorical.from_codes(batch, pd.Index(BATCHES)),
                "kind": pd.Categorical.from_codes(kind, names),
            },
            index=[f"cell-{number}" for number in range(n_cells)],
        ),
        var=pd.DataFrame(index=[f"G{number:04d}" for number in range(n_genes)]),
    )
    return BatchShift(Dataset(adata), kind, batch, n_shared, n_alone, factor_g)
