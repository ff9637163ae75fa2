"""Choose how much neighbours count without labels: by counts that were taken out beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.thin import split_counts
from glasscell.jobs import QUIET
from glasscell.models.spagcn.kernel import find_length, kernel_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from glasscell.data.neighbour import Neighbours
    from glasscell.jobs import JobHandle

#: What is tried.
SHARES = (0.5, 1.0, 3.0, 6.0, 12.0)
HELD_OUT = 0.1
#: The deviance is measured on so many cells at most; all cells smooth them.
MOST_CELLS = 5000
#: Counts at the tissue's mean that every prediction starts from, as a share of a median cell's.
PRIOR = 0.05
_BLOCK = 512


@dataclass(frozen=True, eq=False)
class ShareChoice:
    """What was tried and what was taken.

    Parameters
    ----------
    share
        The smallest of ``shares`` within one standard error of the best.
    shares
        Those tried, ascending.
    deviance_p
        Mean Poisson deviance of held-out counts over all entries, for each.
    error
        Standard error over cells of the best of them.
    """

    share: float
    shares: tuple[float, ...]
    deviance_p: NDArray[np.float64]
    error: float

    def sentence(self) -> str:
        """Say what was chosen, and by what."""
        tried = ", ".join(f"{p:g}: {d:.4f}" for p, d in zip(self.shares, self.deviance_p, strict=True))
        return (
            f"p = {self.share:g} was chosen without labels: the smallest within one standard error "
            f"({self.error:.4f}) of the best at foretelling a tenth of the counts (deviance at {tried})."
        )


def choose_share(
    counts_cg: sparse.csr_matrix,
    neighbours: Neighbours,
    *,
    seed: int = 0,
    shares: tuple[float, ...] = SHARES,
    job: JobHandle = QUIET,
) -> ShareChoice:
    """Choose p, the weight of neighbours, by how well smoothed counts foretell held-out ones.

    A tenth of all counts is held out. The rest is added up over each cell and its neighbours with the weights
    of each p; the shares of genes in that sum foretell the cell's held-out counts. The smallest p within one
    standard error of the best is taken. A p that is too small leaves noise, one too large mixes tissues.

    Parameters
    ----------
    counts_cg
        Raw counts, ``(n_cells, n_genes)``.
    neighbours
        Enough of them for the largest p that is tried; a p they cannot have is left out.

    Raises
    ------
    ModelError
        None of the shares can be had with so few neighbours.

    References
    ----------
    Breiman et al. 1984, Classification and regression trees, section 3.4.3 (one standard error).
    """
    rng = np.random.default_rng([seed, 0x7417])
    kept_cg, held_cg = split_counts(counts_cg, HELD_OUT, rng)
    cells = np.flatnonzero(np.asarray(held_cg.sum(axis=1)).ravel() > 0)
    cells = np.sort(rng.permutation(cells)[:MOST_CELLS])
    most = neighbours.n_edges / max(int((neighbours.degree > 0).sum()), 1)
    possible = tuple(share for share in shares if share < 0.95 * most) or shares[:1]
    found_pc = np.zeros((len(possible), len(cells)))
    for number, share in enumerate(possible):
        kernel = kernel_matrix(neighbours, find_length(neighbours, share))
        for start in range(0, len(cells), _BLOCK):
            job.report((number + start / len(cells)) / len(possible), f"p of {share:g}")
            block = cells[start : start + _BLOCK]
            found_pc[number, start : start + _BLOCK] = _deviance(kernel[block], kept_cg, held_cg[block])
    deviance_p = found_pc.mean(axis=1) if len(cells) else np.zeros(len(possible))
    best = int(deviance_p.argmin())
    error = float(found_pc[best].std(ddof=1) / np.sqrt(len(cells))) if len(cells) > 1 else 0.0
    first = int(np.flatnonzero(deviance_p <= deviance_p[best] + error)[0])
    return ShareChoice(possible[first], possible, deviance_p, error)


def _deviance(
    kernel: sparse.csr_matrix, kept_cg: sparse.csr_matrix, held_cg: sparse.csr_matrix
) -> NDArray[np.float64]:
    """Return each cell's Poisson deviance, the mean over genes.

    Expected counts add up to those held out, so that only entries with a held-out count are left of it.
    """
    size_c = np.asarray(kept_cg.sum(axis=1), np.float64).ravel()
    mean_g = np.asarray(kept_cg.sum(axis=0), np.float64).ravel() + 0.5
    mean_g /= mean_g.sum()
    prior = PRIOR * float(np.median(size_c[size_c > 0])) if (size_c > 0).any() else 1.0
    pooled_cg = (kernel @ kept_cg).toarray()
    total_c = kernel @ size_c + prior
    held = held_cg.tocoo()
    of_cell = np.asarray(held_cg.sum(axis=1), np.float64).ravel()
    rate = (pooled_cg[held.row, held.col] + prior * mean_g[held.col]) / total_c[held.row]
    part = 2 * held.data * np.log(held.data / (of_cell[held.row] * rate))
    return np.asarray(np.bincount(held.row, part, minlength=held_cg.shape[0]) / held_cg.shape[1])
