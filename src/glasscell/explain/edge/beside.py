"""What edges of a network are shown beside: rank correlation, and a forest per gene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle

Floats = Any
#: Trees of each gene's forest, and cells that a tree needs at an end.
TREES, LEAST_LEAF = 50, 5
_SMALLEST = 1e-12


def rank_correlations(values_cg: Floats, sources: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
    """Return Spearman's correlation of each gene with each regulator, ``(n_used, n_sources)``.

    0 where a gene has one value in all cells, NaN for a gene and itself.
    """
    from scipy.stats import rankdata

    rank_cg = np.asarray(rankdata(values_cg, axis=0), np.float64)
    rank_cg -= rank_cg.mean(axis=0)
    rank_cg /= np.maximum(np.sqrt((rank_cg**2).sum(axis=0)), _SMALLEST)
    found_gr = np.clip(rank_cg.T @ rank_cg[:, sources], -1, 1).astype(np.float32)
    found_gr[sources, np.arange(len(sources))] = np.nan
    return np.asarray(found_gr)


def forest_importance(
    values_cg: Floats, sources: NDArray[np.integer[Any]], seed: int, job: JobHandle, trees: int = TREES
) -> NDArray[np.float32]:
    """Return how much each regulator serves a forest that foretells each gene, ``(n_used, n_sources)``.

    Extremely randomised trees over the other regulators, the square root of their number tried at a branch;
    importances of a gene sum to 1. They have no sign. NaN for a gene and itself.

    References
    ----------
    Huynh-Thu et al. 2010, doi:10.1371/journal.pone.0012776 (GENIE3).
    """
    from sklearn.ensemble import ExtraTreesRegressor

    values = np.asarray(values_cg, np.float32)
    found_gr = np.zeros((values.shape[1], len(sources)), np.float32)
    place = {int(gene): at for at, gene in enumerate(sources)}
    for gene in range(values.shape[1]):
        job.report(gene / values.shape[1], f"forest {gene + 1} of {values.shape[1]}")
        others = np.flatnonzero(sources != gene)
        if gene in place:
            found_gr[gene, place[gene]] = np.nan
        if not len(others) or np.ptp(values[:, gene]) == 0:
            continue
        forest = ExtraTreesRegressor(
            trees, max_features="sqrt", min_samples_leaf=LEAST_LEAF, random_state=(seed + gene) % (1 << 31)
        )
        forest.fit(values[:, sources[others]], values[:, gene])
        found_gr[gene, others] = forest.feature_importances_
    return found_gr
