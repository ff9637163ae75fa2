"""Cells in which gene sets are at work beside sets that do nothing: who is who is known."""

from __future__ import annotations

from dataclasses import dataclass

import anndata as ad
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from glasscell.data.dataset import Dataset
from glasscell.data.gene_set import GeneSet


@dataclass(frozen=True, eq=False)
class PathwayActivity:
    """Counts and the truth about them.

    Parameters
    ----------
    dataset
        Raw counts.
    sets
        The annotation: sets at work first (``TRUE_1``, ...), then decoys (``DECOY_1``, ...).
    activity_cp
        Activity of each set at work, ``(n_cells, n_true)``.
    mask_pg
        Genes that the sets at work do move, ``(n_true, n_genes)``; the annotation may be wrong about some.
    """

    dataset: Dataset
    sets: tuple[GeneSet, ...]
    activity_cp: npt.NDArray[np.float64]
    mask_pg: npt.NDArray[np.bool_]

    @property
    def n_true(self) -> int:
        """Count the sets at work."""
        return len(self.mask_pg)

    def shuffled(self, seed: int = 0) -> tuple[GeneSet, ...]:
        """Return sets of the same sizes and overlaps whose genes are others: names of genes are exchanged."""
        names = [str(name) for name in self.dataset.genes.names]
        order = np.random.default_rng([seed, 0x5F]).permutation(len(names))
        other = {name: names[place] for name, place in zip(names, order, strict=True)}
        return tuple(GeneSet(one.name, frozenset(other[gene] for gene in one.genes)) for one in self.sets)


def make_pathway_activity(
    seed: int = 0,
    *,
    n_cells: int = 2000,
    n_genes: int = 600,
    n_true: int = 12,
    n_decoys: int = 18,
    genes_per_set: int = 30,
    overlap: float = 0.2,
    wrong: float = 0.1,
    depth: float = 2000.0,
    nuisance: float = 0.5,
) -> PathwayActivity:
    """Draw cells with several sets at work at once.

    Parameters
    ----------
    overlap
        Share of a set's genes taken from the sets before it.
    wrong
        Share of each annotation's genes replaced by genes the set does not move.
    depth
        Counts of a cell, in the median.
    nuisance
        Size of a factor that moves all genes and belongs to no set.

    Notes
    -----
    Activities are gamma distributed (many cells with little, some with much) and independent; a gene's log
    rate rises by 0.3 to 0.9 per unit. Counts are negative binomial with dispersion 5.
    """
    rng = np.random.default_rng([seed, 0x56])
    member_pg = _members(rng, n_true, n_genes, genes_per_set, overlap)
    activity_cp = rng.gamma(1.0, 1.0, size=(n_cells, n_true))
    weight_pg = member_pg * rng.uniform(0.3, 0.9, size=member_pg.shape)
    log_rate_cg = rng.normal(0.0, 1.0, size=n_genes) + activity_cp @ weight_pg
    log_rate_cg += nuisance * rng.normal(size=(n_cells, 1)) * rng.normal(0.0, 1.0, size=n_genes)
    rate_cg = np.exp(log_rate_cg)
    size_c = depth * np.exp(rng.normal(0.0, 0.3, size=n_cells))
    mean_cg = size_c[:, None] * rate_cg / rate_cg.sum(axis=1, keepdims=True)
    counts_cg = rng.poisson(rng.gamma(5.0, mean_cg / 5.0))
    genes = [f"G{number:04d}" for number in range(n_genes)]
    sets = [_annotated(rng, f"TRUE_{p + 1}", member_pg[p], genes, wrong) for p in range(n_true)]
    for number in range(n_decoys):
        own = rng.choice(n_genes, genes_per_set, replace=False)
        sets.append(GeneSet(f"DECOY_{number + 1}", frozenset(genes[g] for g in own), "decoy"))
    adata = ad.AnnData(
        sparse.csr_matrix(counts_cg.astype(np.float32)),
        obs=pd.DataFrame(index=[f"cell-{number}" for number in range(n_cells)]),
        var=pd.DataFrame(index=genes),
        obsm={"activity": activity_cp},
    )
    return PathwayActivity(Dataset(adata), tuple(sets), activity_cp, member_pg)


def _members(
    rng: np.random.Generator, n_sets: int, n_genes: int, size: int, overlap: float
) -> npt.NDArray[np.bool_]:
    """Draw sets, part of each from those before it."""
    member_pg = np.zeros((n_sets, n_genes), np.bool_)
    for p in range(n_sets):
        used = np.flatnonzero(member_pg.any(axis=0))
        shared = min(round(overlap * size), len(used)) if p else 0
        rest = np.flatnonzero(~member_pg.any(axis=0))
        member_pg[p, rng.choice(used, shared, replace=False) if shared else []] = True
        member_pg[p, rng.choice(rest, min(size - shared, len(rest)), replace=False)] = True
    return member_pg


def _annotated(
    rng: np.random.Generator, name: str, member_g: npt.NDArray[np.bool_], genes: list[str], wrong: float
) -> GeneSet:
    """Return a set as annotated, a share of its genes replaced by outsiders."""
    own, outside = np.flatnonzero(member_g), np.flatnonzero(~member_g)
    n_wrong = round(wrong * len(own))
    kept = rng.choice(own, len(own) - n_wrong, replace=False)
    added = rng.choice(outside, n_wrong, replace=False)
    return GeneSet(name, frozenset(genes[g] for g in (*kept, *added)), "at work")
