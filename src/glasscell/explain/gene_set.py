"""Which gene sets a list of genes falls into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.gene_set import MAX_GENES, MIN_GENES, GeneSet, read_gmt
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

__all__ = ["CAUTION", "MAX_GENES", "MIN_GENES", "GeneSet", "SetOverlap", "adjust", "overlap", "read_gmt"]

CAUTION = "The test takes genes for independent, which they are not: read q as an order, not as a certainty."


@dataclass(frozen=True)
class SetOverlap:
    """How a list of genes falls into one set.

    Parameters
    ----------
    name
        The set.
    n_set
        Its genes among the measured ones.
    expected
        Genes of the list that would fall into it by chance.
    p, q
        Hypergeometric chance of at least so many; the same adjusted over the sets tested.
    genes
        Those of the list in the set, in the order of the list.
    """

    name: str
    n_set: int
    expected: float
    p: float
    q: float
    genes: tuple[str, ...]


def overlap(
    listed: Sequence[str], measured: Collection[str], sets: Sequence[GeneSet]
) -> tuple[SetOverlap, ...]:
    """Test which sets a list of genes falls into, against the genes that were measured.

    Sets with fewer than 5 or more than 500 measured genes are left out. Letter case is ignored.

    Parameters
    ----------
    listed
        Genes of interest; only measured ones count.
    measured
        Every gene that could have been listed.
    sets
        What is tested.

    Returns
    -------
    Sets with at least one gene of the list, smallest p first.

    Raises
    ------
    DataError
        No listed gene was measured, or no set has enough measured genes.

    References
    ----------
    Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    from scipy.stats import hypergeom

    universe = {gene.casefold() for gene in measured}
    shown = {gene.casefold(): gene for gene in reversed(listed) if gene.casefold() in universe}
    drawn = [key for key in dict.fromkeys(gene.casefold() for gene in listed) if key in shown]
    if not drawn:
        raise DataError("None of the listed genes was measured here, so no gene set can be tested.")
    tested = []
    for one in sets:
        inside = {gene.casefold() for gene in one.genes} & universe
        if MIN_GENES <= len(inside) <= MAX_GENES:
            tested.append((one.name, inside))
    if not tested:
        raise DataError(
            f"No gene set has {MIN_GENES} to {MAX_GENES} of the measured genes; check that the sets are "
            "of this species and name genes as the data do."
        )
    hits = [[key for key in drawn if key in inside] for _, inside in tested]
    sizes = np.array([len(inside) for _, inside in tested])
    p_s = hypergeom.sf(np.array([len(hit) for hit in hits]) - 1, len(universe), sizes, len(drawn))
    q_s = adjust(np.asarray(p_s, np.float64))
    rows = [
        SetOverlap(
            name,
            len(inside),
            len(drawn) * len(inside) / len(universe),
            float(p),
            float(q),
            tuple(shown[key] for key in hit),
        )
        for (name, inside), hit, p, q in zip(tested, hits, p_s, q_s, strict=True)
        if hit
    ]
    return tuple(sorted(rows, key=lambda row: (row.p, row.name)))


def adjust(p: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Adjust p-values for how many there are by Benjamini and Hochberg; NaN stays NaN and does not count."""
    q = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    if len(known):
        order = known[np.argsort(p[known], kind="stable")]
        raised = p[order] * len(known) / np.arange(1, len(known) + 1)
        q[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return q
