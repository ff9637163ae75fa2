"""Networks that have nothing to learn: each gene's values are dealt out anew among the cells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from glasscell.models.null_count import scatter_genes
from glasscell.models.row import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import TrainingData

_SMALLEST = 1e-12


def scattered(data: TrainingData, used: NDArray[np.integer[Any]], seed: int, job: JobHandle) -> TrainingData:
    """Return the data with the used genes permuted over cells, one by one; the others are zero."""
    table_cg = sparse.csr_matrix(data.rows.table_cg[:, used])
    drawn_cg = scatter_genes(table_cg, np.zeros(table_cg.shape[0], np.int32), seed, job)
    columns = np.asarray(used)[drawn_cg.indices]
    whole_cg = sparse.csr_matrix((drawn_cg.data, columns, drawn_cg.indptr), data.rows.table_cg.shape)
    return replace(data, rows=Rows(whole_cg, str(data.rows.device)))


def spread_of_edges(
    null_kgr: NDArray[np.floating[Any]], sources: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """Return the usual size of an edge where there is none, ``(n_used, n_sources)``.

    A few null networks tell the spread of one edge badly, all their edges together tell it well: the mean
    square of an edge is that of its gene times that of its regulator over the mean of all.

    Parameters
    ----------
    null_kgr
        Edges of the null networks, ``(n_nulls, n_used, n_sources)``; a gene and itself are left out.
    """
    known_gr = np.ones(null_kgr.shape[1:], np.bool_)
    known_gr[sources, np.arange(len(sources))] = False
    square_gr = np.where(known_gr, np.mean(np.square(np.asarray(null_kgr, np.float64)), axis=0), 0.0)
    gene_g = square_gr.sum(axis=1) / np.maximum(known_gr.sum(axis=1), 1)
    source_r = square_gr.sum(axis=0) / np.maximum(known_gr.sum(axis=0), 1)
    every = max(float(square_gr.sum() / max(known_gr.sum(), 1)), _SMALLEST)
    return np.asarray(np.sqrt(np.maximum(np.outer(gene_g, source_r) / every, _SMALLEST)))
