"""The arithmetic of a contrast: Wilcoxon over cells in blocks of genes, and pseudobulk over donors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.contrast_unit import Replicates
    from glasscell.explain.result import Bools, Floats
    from glasscell.jobs import JobHandle

#: Values of a dense block that the test may hold at once.
BLOCK_VALUES = 20_000_000
PRIOR_COUNT = 2.0


@dataclass(frozen=True, eq=False)
class Tested:
    """What a test says of every gene, each ``(n_genes,)``; ``p_g`` is None where no test was made."""

    score_g: Floats
    change_g: Floats
    mean_a_g: Floats
    mean_b_g: Floats
    p_g: Floats | None


def wilcoxon(dataset: Dataset, a: Bools, b: Bools, job: JobHandle) -> Tested:
    """Compare cells by scanpy's rank-sum test with ties corrected, a block of genes at a time.

    ``score_g`` is the z of the test. ``change_g`` is log2 of the ratio of mean normalised counts, to both of
    which the same is added (one count spread over the smaller side), so that equal means give 0 however
    large the sides are; a difference of means where the file holds no counts.

    References
    ----------
    Wilcoxon 1945, doi:10.2307/3001968; scanpy's ``rank_genes_groups``.
    """
    cells = np.concatenate([np.flatnonzero(a), np.flatnonzero(b)])
    n_a, n = int(a.sum()), len(cells)
    values_cg = sparse.csc_matrix(dataset.expression_cg("lognorm")[cells])
    step = max(1, BLOCK_VALUES // n)
    score_g, p_g = np.zeros(dataset.n_genes), np.ones(dataset.n_genes)
    for start in range(0, dataset.n_genes, step):
        job.report(start / dataset.n_genes, "Comparing cells")
        block = slice(start, min(start + step, dataset.n_genes))
        score_g[block], p_g[block] = _scanpy_block(values_cg[:, block], n_a)
    mean_a_g, mean_b_g = _means(values_cg[:n_a], dataset), _means(values_cg[n_a:], dataset)
    if dataset.is_counts:
        prior = 1 / min(n_a, n - n_a)
        change_g = np.log2((mean_a_g + prior) / (mean_b_g + prior))
    else:
        change_g = mean_a_g - mean_b_g
    return Tested(score_g, change_g, mean_a_g, mean_b_g, p_g)


def _scanpy_block(values_cg: sparse.csc_matrix, n_a: int) -> tuple[Floats, Floats]:
    import scanpy
    from anndata import AnnData

    table = AnnData(sparse.csr_matrix(values_cg))
    table.obs["side"] = np.where(np.arange(table.n_obs) < n_a, "a", "b")
    table.obs["side"] = table.obs["side"].astype("category")
    table.uns["log1p"] = {"base": None}
    with np.errstate(all="ignore"):
        scanpy.tl.rank_genes_groups(
            table, "side", groups=["a"], reference="b", method="wilcoxon", tie_correct=True, use_raw=False
        )
    found = table.uns["rank_genes_groups"]
    place = found["names"]["a"].astype(np.int64)
    score_g, p_g = np.empty(len(place)), np.empty(len(place))
    score_g[place], p_g[place] = found["scores"]["a"], found["pvals"]["a"]
    constant = ~np.isfinite(score_g)  # a gene that is the same in every cell
    return np.where(constant, 0.0, score_g), np.where(constant, 1.0, p_g)


def _means(values_cg: sparse.csc_matrix, dataset: Dataset) -> Floats:
    """Mean of normalised counts, or of the values as stored, per gene."""
    if not dataset.is_counts:
        return np.asarray(values_cg.mean(axis=0), np.float64).ravel()
    linear = values_cg.copy()
    linear.data = np.expm1(linear.data)
    return np.asarray(linear.mean(axis=0), np.float64).ravel()


def pseudobulk(dataset: Dataset, a: Bools, b: Bools, of: Replicates, job: JobHandle) -> Tested:
    """Compare donors: one profile per donor and side, paired where each donor stands on both.

    A profile is log2 of counts per million with two counts added in proportion to its depth, so that rare
    genes do not lead; the mean of values as stored where the file holds no counts. With four donors a side
    the p is a t-test's (paired, else Welch's) and the score that t with the median standard error added to
    its own; with fewer, the mean change is the score and there is no p.

    References
    ----------
    Squair et al. 2021, doi:10.1038/s41467-021-25960-2 (donors as the unit); Tusher et al. 2001,
    doi:10.1073/pnas.091062498 (the added error).
    """
    job.report(None, "Adding up donors")
    profiles_a, profiles_b = _profiles(dataset, [(a, of.a), (b, of.b)], of.donor_c)
    mean_a_g, mean_b_g = profiles_a.mean(axis=0), profiles_b.mean(axis=0)
    change_g = mean_a_g - mean_b_g
    if not of.enough:
        return Tested(change_g, change_g, mean_a_g, mean_b_g, None)
    if of.paired:
        n = len(of.a)
        error_g = (profiles_a - profiles_b).std(axis=0, ddof=1) / np.sqrt(n)
        freedom_g = np.full(len(error_g), n - 1.0)
    else:
        part_a, part_b = (p.var(axis=0, ddof=1) / len(p) for p in (profiles_a, profiles_b))
        error_g = np.sqrt(part_a + part_b)
        below = part_a**2 / (len(of.a) - 1) + part_b**2 / (len(of.b) - 1)
        freedom_g = np.divide(error_g**4, below, out=np.ones_like(below), where=below > 0)
    return Tested(
        change_g / (error_g + (np.median(error_g) or 1.0)),
        change_g,
        mean_a_g,
        mean_b_g,
        _p_of(change_g, error_g, freedom_g),
    )


def _p_of(change_g: Floats, error_g: Floats, freedom_g: Floats) -> Floats:
    from scipy.stats import t

    ratio_g = np.divide(change_g, error_g, out=np.zeros_like(change_g), where=error_g > 0)
    return np.asarray(np.where(error_g > 0, 2 * t.sf(np.abs(ratio_g), freedom_g), 1.0), np.float64)


def _profiles(
    dataset: Dataset, sides: list[tuple[Bools, tuple[int, ...]]], donor_c: NDArray[np.int32]
) -> tuple[Floats, ...]:
    """One row per donor of each side, ``(n_donors, n_genes)``."""
    table_cg = dataset.expression_cg("counts" if dataset.is_counts else "lognorm")
    sums: list[Any] = []
    for side, donors in sides:
        for donor in donors:
            rows = table_cg[np.flatnonzero(side & (donor_c == donor))]
            total = np.asarray(rows.sum(axis=0), np.float64).ravel()
            sums.append(total if dataset.is_counts else total / rows.shape[0])
    table = np.array(sums)
    if dataset.is_counts:
        depth = table.sum(axis=1, keepdims=True)
        prior = PRIOR_COUNT * depth / max(float(depth.mean()), 1.0)
        table = np.log2((table + prior) / (depth + 2 * prior) * 1e6)
    first = len(sides[0][1])
    return table[:first], table[first:]
