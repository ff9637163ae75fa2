"""The same cells as if they had been sequenced less deeply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from glasscell.errors import DataError

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset


def thin_counts(counts_cg: Any, share: float, seed: int) -> sparse.csr_matrix:
    """Keep each molecule with one probability, on its own: ``Binomial(count, share)``.

    Parameters
    ----------
    counts_cg
        Whole numbers, ``(n_cells, n_genes)``, dense or sparse.
    share
        Probability that a molecule is kept, above 0 and at most 1.
    seed
        Same seed, same molecules.

    Returns
    -------
    Counts of the same shape, CSR float32, zeros not stored.

    Raises
    ------
    DataError
        The share is not one, or the values are no counts.
    """
    if not 0 < share <= 1:
        raise DataError(f"A share of counts to keep lies above 0 and at most at 1, not at {share:g}.")
    counts_cg = sparse.csr_matrix(counts_cg, dtype=np.float64)
    whole = np.rint(counts_cg.data)
    if len(whole) and (np.abs(whole - counts_cg.data).max() > 1e-3 or whole.min() < 0):
        raise DataError("Only counts can be thinned: choose the layer that holds whole numbers.")
    rng = np.random.default_rng([seed, 0x7B14])
    return split_counts(counts_cg, share, rng)[1]


def split_counts(
    counts_cg: sparse.csr_matrix, share: float, rng: np.random.Generator
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Divide counts molecule by molecule: each is taken with one probability, the rest is left.

    Of Poisson counts the two parts are independent, so nothing of what is taken leaks into the other.

    Parameters
    ----------
    counts_cg
        Whole numbers, ``(n_cells, n_genes)``.
    share
        Probability that a molecule is taken.

    Returns
    -------
    What is left and what is taken, CSR float32, summing to the counts; zeros of the second are not stored.

    References
    ----------
    Neufeld et al. 2024, doi:10.1093/biostatistics/kxac047, arXiv:2207.00554; Batson et al. 2019,
    arXiv:1907.01468.
    """
    counts_cg = sparse.csr_matrix(counts_cg)
    whole = np.rint(counts_cg.data).astype(np.int64)
    taken = rng.binomial(whole, share)
    pattern = (counts_cg.indices, counts_cg.indptr)
    left_cg, taken_cg = (
        sparse.csr_matrix((part.astype(np.float32), *pattern), counts_cg.shape, copy=True)
        for part in (whole - taken, taken)
    )
    taken_cg.eliminate_zeros()
    return left_cg, taken_cg


def thinned(dataset: Dataset, share: float, seed: int) -> Dataset:
    """Return the same cells, genes and tissue with thinned counts.

    Parameters
    ----------
    dataset
        With counts; never changed.
    share, seed
        As in `thin_counts`.

    Raises
    ------
    DataError
        The file has no counts.
    """
    import anndata as ad

    if not dataset.is_counts:
        raise DataError(
            "This file has no raw counts, so none can be left out: choose the layer that holds counts."
        )
    own = dataset.adata
    made = ad.AnnData(
        X=thin_counts(dataset.expression_cg("counts"), share, seed),
        obs=own.obs,
        var=own.raw.var if dataset.counts == "raw" and own.raw.n_vars == dataset.n_genes else own.var,
        uns=dict(own.uns),
        obsm={key: own.obsm[key] for key in own.obsm},
        obsp={key: own.obsp[key] for key in own.obsp},
    )
    return dataset.with_adata(made)
