"""Spatially variable genes: those a domain has more of than the domains around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from glasscell.errors import DataError
from glasscell.explain.adjoining import adjoining
from glasscell.explain.contrast_test import wilcoxon
from glasscell.explain.gene_set import adjust
from glasscell.explain.part import Part
from glasscell.explain.result import order
from glasscell.explain.tissue_shift import TissueShift, excess
from glasscell.jobs import QUIET

if TYPE_CHECKING:
    import pandas as pd

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MIN_CELLS = 10
SAME_COUNTS = "same counts"
CIRCULAR = (
    "The domains were made from these counts, so no p-value is shown: genes are only filtered and ranked."
)


@dataclass(frozen=True)
class GeneFilter:
    """What a gene must show to be called; the first four are the published ones.

    Parameters
    ----------
    in_fraction
        Share of the domain's cells that express it, above.
    ratio
        That share over the one in the domains around, above.
    fold
        exp of the difference of mean log expression, above.
    q
        Adjusted p of the rank-sum test, below.
    p_shift
        Share of places where a domain of that shape has as much of it, at most; 1 asks for none.
    """

    in_fraction: float = 0.8
    ratio: float = 1.0
    fold: float = 1.5
    q: float = 0.05
    p_shift: float = 0.05


@dataclass(frozen=True, eq=False)
class SpatialGeneRequest:
    """What is asked.

    Parameters
    ----------
    codes, names
        Domain of each cell, -1 for none, ``(n_cells,)``, and what domains are called.
    domain
        Number of the domain whose genes are wanted.
    keep
        What a gene must show.
    shifts
        How often the domain is moved over the tissue; 0 leaves that test out.
    circular
        Whether the domains were made from these counts.
    """

    codes: NDArray[np.integer[Any]]
    names: tuple[str, ...]
    domain: int
    keep: GeneFilter = GeneFilter()
    shifts: int = 199
    seed: int = 0
    circular: bool = True


@dataclass(frozen=True)
class SpatialGeneRow:
    """A gene that was called; ``q`` is None where it would be no p-value, ``p_shift`` where not asked."""

    gene: str
    in_fraction: float
    out_fraction: float
    fold: float
    score: float
    q: float | None
    p_shift: float | None


@dataclass(frozen=True, eq=False, kw_only=True)
class SpatialGenes:
    """Every gene of the file, in a domain against the domains around it; all arrays ``(n_genes,)``.

    Parameters
    ----------
    domain, around
        Names of the domain and of those it was compared with.
    n_in, n_out
        Cells on each side.
    radius
        Within which domains count as around it, in the unit of the positions.
    in_fraction, out_fraction, in_mean, out_mean
        Share of cells that express the gene, and mean log expression.
    fold
        exp of the difference of the means.
    score, q
        Of the rank-sum test, and its p adjusted over genes.
    p_shift
        Share of places, the real one among them, where the moved domain has at least as much of the gene, see
        ``excess``; NaN for genes that fail the other filters.
    called
        Which genes pass everything.
    shifts
        How often the domain was moved.
    circular
        Whether the domains were made from these counts; ``q`` then is a filter and no p-value.
    """

    domain: str
    around: tuple[str, ...]
    genes: tuple[str, ...]
    n_in: int
    n_out: int
    radius: float
    in_fraction: Floats
    out_fraction: Floats
    in_mean: Floats
    out_mean: Floats
    fold: Floats
    score: Floats
    q: Floats
    p_shift: Floats
    called: Bools
    shifts: int
    circular: bool
    notes: tuple[str, ...] = field(default=())

    @property
    def order(self) -> NDArray[np.int64]:
        """Places of the genes, those called first, each part by the score of the rank-sum test."""
        found = order(self.score)
        return np.concatenate([found[self.called[found]], found[~self.called[found]]])

    def first(self, n: int | None = None) -> tuple[str, ...]:
        """Return the genes called, by their score, n of them at most."""
        found = [self.genes[g] for g in self.order[: int(self.called.sum())]]
        return tuple(found[:n])

    def top(self, k: int) -> tuple[SpatialGeneRow, ...]:
        """Return the genes called, by their score, k of them at most."""
        places = [int(g) for g in self.order[: min(k, int(self.called.sum()))]]
        return tuple(
            SpatialGeneRow(
                gene=self.genes[g],
                in_fraction=float(self.in_fraction[g]),
                out_fraction=float(self.out_fraction[g]),
                fold=float(self.fold[g]),
                score=float(self.score[g]),
                q=None if self.circular else float(self.q[g]),
                p_shift=float(self.p_shift[g]) if np.isfinite(self.p_shift[g]) else None,
            )
            for g in places
        )

    def table(self) -> pd.DataFrame:
        """Return every gene, those called first; q as text where the domains were made from these counts."""
        import pandas as pd

        names = ("in_fraction", "out_fraction", "in_mean", "out_mean", "fold", "score", "q", "p_shift")
        columns: dict[str, Any] = {name: getattr(self, name)[self.order] for name in names}
        if self.circular:
            columns["q"] = SAME_COUNTS
        genes = np.asarray(self.genes, object)[self.order]
        return pd.DataFrame({"gene": genes, "called": self.called[self.order], **columns})


def spatial_genes(dataset: Dataset, request: SpatialGeneRequest, job: JobHandle = QUIET) -> SpatialGenes:
    """Find the genes that a domain has more of than the domains around it.

    Cells of the domain are compared with those of adjoining domains by a rank-sum test and by how many cells
    express a gene, and how much. On tissue most genes differ between any two smooth regions; so the domain is
    then moved over the tissue, and a gene is called only when the moved domain seldom has as much of it. It
    says nothing of why.

    Raises
    ------
    DataError
        The domain or its surroundings hold too few cells, or the cells have no positions.

    References
    ----------
    Hu et al. 2021, doi:10.1038/s41592-021-01255-8, methods (filters).
    """
    codes = np.asarray(request.codes)
    if codes.shape != (dataset.n_cells,):
        raise DataError(f"Give one domain for each of the {dataset.n_cells:,} {dataset.observations}.")
    inside = codes == request.domain
    if inside.sum() < MIN_CELLS:
        raise DataError(
            f"The domain holds {int(inside.sum())} {dataset.observations}; at least {MIN_CELLS} are needed."
        )
    radius, near = adjoining(dataset, codes, request.domain)
    outside = np.isin(codes, near)
    if outside.sum() < MIN_CELLS:
        raise DataError(
            f"Around the domain there are {int(outside.sum())} {dataset.observations} of other domains; at "
            f"least {MIN_CELLS} are needed: choose another domain or fewer domains."
        )
    tested = wilcoxon(dataset, inside, outside, Part(job, 0.0, 0.5, "Comparing domains"))
    assert tested.p_g is not None
    values_cg = dataset.expression_cg("lognorm")
    sides = [_side(values_cg, side) for side in (inside, outside)]
    (in_fraction, in_mean), (out_fraction, out_mean) = sides
    fold, q = np.exp(in_mean - out_mean), adjust(tested.p_g)
    keep = request.keep
    passed = (in_fraction > keep.in_fraction) & (fold > keep.fold) & (q < keep.q)
    passed &= in_fraction > keep.ratio * out_fraction
    p_shift, shifts = np.full(dataset.n_genes, np.nan), 0
    notes = [CIRCULAR] if request.circular else []
    called = passed
    if request.shifts > 0:
        p_shift[passed], shifts = _shifted(dataset, inside, np.flatnonzero(passed), request, job)
        called = passed & (np.nan_to_num(p_shift, nan=1.0) <= keep.p_shift)
        if shifts < request.shifts:
            notes.append(f"Only {shifts} of {request.shifts} moves kept half of the domain on the tissue.")
    return SpatialGenes(
        domain=request.names[request.domain],
        around=tuple(request.names[code] for code in near),
        genes=tuple(str(name) for name in dataset.genes.names),
        n_in=int(inside.sum()),
        n_out=int(outside.sum()),
        radius=radius,
        in_fraction=in_fraction,
        out_fraction=out_fraction,
        in_mean=in_mean,
        out_mean=out_mean,
        fold=fold,
        score=np.asarray(tested.score_g, np.float64),
        q=q,
        p_shift=p_shift,
        called=called,
        shifts=shifts,
        circular=request.circular,
        notes=tuple(notes),
    )


def _side(values_cg: sparse.csr_matrix, side: Bools) -> tuple[Floats, Floats]:
    """Return the share of cells that express each gene and its mean, ``(n_genes,)`` each."""
    rows = values_cg[np.flatnonzero(side)]
    share = np.asarray((rows > 0).mean(axis=0), np.float64).ravel()
    return share, np.asarray(rows.mean(axis=0), np.float64).ravel()


def _shifted(
    dataset: Dataset,
    inside: Bools,
    genes: NDArray[np.int64],
    request: SpatialGeneRequest,
    job: JobHandle,
) -> tuple[Floats, int]:
    """Return for some genes the share of places with as much of them, and how many moves there were."""
    from scipy.stats import rankdata

    assert dataset.positions_cd is not None
    move = TissueShift(dataset.positions_cd, np.asarray(dataset.sections.codes))
    values_cg = sparse.csc_matrix(dataset.expression_cg("lognorm"))[:, genes].toarray()
    ranks_cg = rankdata(values_cg, axis=0).astype(np.float64) if len(genes) else values_cg
    real_g = excess(ranks_cg, inside)
    rng = np.random.default_rng([request.seed, 0x5417])
    as_much_g, done = np.zeros(len(genes)), 0
    for number in range(request.shifts):
        job.report(0.5 + 0.5 * number / request.shifts, "Moving the domain over the tissue")
        there = move.moved(inside, rng)
        if there is None:
            continue
        as_much_g += excess(ranks_cg, there) >= real_g
        done += 1
    return (1 + as_much_g) / (1 + done), done
