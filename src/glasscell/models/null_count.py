"""Counts that keep every cell's depth and every gene's total and nothing else: what a twin learns from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle

#: Molecules dealt out anew at a time; bounds memory.
MOST_MOLECULES = 50_000_000


def redraw_counts(
    counts_cg: sparse.csr_matrix, strata: NDArray[np.integer[Any]], seed: int, job: JobHandle
) -> sparse.csr_matrix:
    """Deal all molecules of a batch out anew among its cells.

    Each cell keeps its number of molecules and each gene its total within the batch; which genes go together
    in a cell is lost. A model of such counts has nothing to learn but depth and gene means.

    Parameters
    ----------
    counts_cg
        Whole numbers, ``(n_cells, n_genes)``.
    strata
        Batch of each cell, ``(n_cells,)``; molecules stay within it.

    Returns
    -------
    Counts of the same shape, CSR float32.
    """
    rng = np.random.default_rng([seed, 0xDEA1])
    counts_cg = sparse.csr_matrix(counts_cg)
    size_c = np.asarray(counts_cg.sum(axis=1)).ravel().astype(np.int64)
    row, gene = [], []
    for stratum in np.unique(strata):
        cells = rng.permutation(np.flatnonzero(strata == stratum))
        for part in _parts(cells, size_c[cells]):
            job.report(None, "redrawing counts")
            block = sparse.csr_matrix(counts_cg[part])
            molecules = np.repeat(block.indices, block.data.astype(np.int64))
            gene.append(rng.permutation(molecules))
            row.append(np.repeat(part, np.diff(np.append(0, np.cumsum(size_c[part])))))
    ones = np.ones(sum(map(len, gene)), np.float32)
    return sparse.csr_matrix((ones, (np.concatenate(row), np.concatenate(gene))), counts_cg.shape)


def _parts(cells: NDArray[np.int64], size_c: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Cut cells into parts of about so many molecules as are dealt out at a time."""
    number = np.cumsum(size_c) // MOST_MOLECULES
    return np.split(cells, np.flatnonzero(np.diff(number)) + 1)


def scatter_genes(
    values_cg: sparse.csr_matrix, strata: NDArray[np.integer[Any]], seed: int, job: JobHandle
) -> sparse.csr_matrix:
    """Deal each gene's values out anew among the cells of a batch, gene by gene.

    For values that are no counts: every gene keeps all its values, and which go together in a cell is lost.

    Parameters
    ----------
    values_cg
        As the network takes them, ``(n_cells, n_genes)``.
    strata
        Batch of each cell, ``(n_cells,)``; values stay within it.

    Returns
    -------
    Values of the same shape, CSR float32.
    """
    rng = np.random.default_rng([seed, 0x5CA7])
    columns = sparse.csc_matrix(values_cg, dtype=np.float32)
    cells_of = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    drawn = []
    for gene in range(columns.shape[1]):
        if gene % 256 == 0:
            job.report(None, "redrawing values")
        value_c = columns[:, [gene]].toarray()[:, 0]
        for cells in cells_of:
            value_c[cells] = rng.permutation(value_c[cells])
        drawn.append(sparse.csc_matrix(value_c[:, None]))
    return sparse.csr_matrix(sparse.hstack(drawn))


def match_domains(
    own_c: NDArray[np.integer[Any]], twin_c: NDArray[np.integer[Any]], n_domains: int
) -> NDArray[np.int64]:
    """Pair each domain with the twin's that shares most cells with it, each once.

    Parameters
    ----------
    own_c, twin_c
        Domain of each cell in either net, -1 for none, ``(n_cells,)``.

    Returns
    -------
    The twin's domain for each of our own, ``(n_domains,)``.
    """
    shared_kk, known = np.zeros((n_domains, n_domains), np.int64), (own_c >= 0) & (twin_c >= 0)
    np.add.at(shared_kk, (own_c[known], twin_c[known]), 1)
    return np.asarray(linear_sum_assignment(-shared_kk)[1], np.int64)


def match_latents(
    own_cz: NDArray[np.floating[Any]], twin_cz: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Pair each latent with the twin's that follows it most closely, each once.

    Latents of two nets come in any order and with either sign; the twin is given its best chance.

    Returns
    -------
    The twin's latent for each of our own, ``(n_latent,)``, and its sign.
    """

    def standard(latent_cz: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        centred = np.asarray(latent_cz, np.float64) - latent_cz.mean(axis=0)
        return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=0), 1e-12))

    correlation_zz = standard(own_cz).T @ standard(twin_cz)
    own, order = linear_sum_assignment(-np.abs(correlation_zz))
    sign = np.where(correlation_zz[own, order] < 0, -1.0, 1.0)
    return np.asarray(order, np.int64), sign.astype(np.float32)
