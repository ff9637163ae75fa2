"""The result of a traversal: change by factor, step and gene, with what is needed to doubt it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray

    from glasscell.explain.gene_set import GeneSet
    from glasscell.explain.traversal.label import LabelLink
    from glasscell.explain.traversal.nearest import Nearest

#: A factor that is never further from 0 than this does nothing.
VANISHED = 0.5
BEYOND = "beyond the 1-99 % of the factor that was observed: the decoder extrapolates"


class GeneChange(NamedTuple):
    """A gene and its decoded change."""

    gene: str
    change: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Traversal:
    """Every factor swept over its observed range, from one group of cells.

    All expression in it is decoded, never counts.

    Parameters
    ----------
    factors, names, named
        Numbers of the swept latents; their names, which are the numbers unless the model gives its latents
        a meaning (``named``).
    genes
        The model's, in order.
    values_ks
        Values of the steps, ascending, ``(n_factors, n_steps)``.
    low_k, high_k
        1st and 99th percentile of each factor over all cells.
    start_k
        Mean of each factor over the starting cells.
    base_g
        Mean expected expression of the drawn starting cells as they are.
    change_ksg
        Its mean change with one latent set to a step's value, ``(n_factors, n_steps, n_genes)``.
    slope_kg
        Mean derivative of expected expression by each factor at the start, ``(n_factors, n_genes)``.
    highest_kdg, lowest_kdg
        Possible effects, see ``Effects``.
    nearest, links
        Real cells beside each step; labels that go along with each factor.
    latent_cz
        Latents of all cells, ``(n_cells, n_latent)``.
    start, start_name
        Rows of the starting cells and how people call them.
    unit
        Of expression, that of the model's input.
    model, data
        Id of the bundle; fingerprint of the dataset.
    n_drawn, seed
        How many starting cells were decoded, and the seed of the draw.
    """

    factors: tuple[int, ...]
    names: tuple[str, ...]
    named: bool
    genes: tuple[str, ...]
    values_ks: NDArray[np.float64]
    low_k: NDArray[np.float64]
    high_k: NDArray[np.float64]
    start_k: NDArray[np.floating[Any]]
    base_g: NDArray[np.float32]
    change_ksg: NDArray[np.float32]
    slope_kg: NDArray[np.float64]
    highest_kdg: NDArray[np.float32]
    lowest_kdg: NDArray[np.float32]
    nearest: Nearest
    links: tuple[tuple[LabelLink, ...], ...]
    latent_cz: NDArray[np.float32] = field(repr=False)
    start: NDArray[np.int32] = field(repr=False)
    start_name: str
    unit: str
    model: str
    data: str
    observations: str
    n_drawn: int
    seed: int
    digest: str = field(repr=False)

    @property
    def id(self) -> str:
        """A short name that changes with the model, the data, the start and the settings."""
        return f"traversal-{self.digest[:12]}"

    @property
    def n_steps(self) -> int:
        """Steps of each sweep."""
        return int(self.values_ks.shape[1])

    @cached_property
    def _place(self) -> dict[str, int]:
        return {gene: place for place, gene in enumerate(self.genes)}

    @cached_property
    def middle_k(self) -> NDArray[np.intp]:
        """The step nearest to where each factor of the start is."""
        away_ks = np.abs(self.values_ks - np.asarray(self.start_k)[:, None])
        return np.asarray(away_ks.argmin(axis=1))

    def row(self, factor: int) -> int:
        """Return the place of a factor among the swept ones.

        Raises
        ------
        DataError
            It was not swept.
        """
        if factor not in self.factors:
            raise DataError(f"Factor {factor} was not swept: traverse again with it.")
        return self.factors.index(factor)

    def gene(self, gene: str) -> int:
        """Return the place of a gene among the model's; DataError when it is none of them."""
        if gene not in self._place:
            raise DataError(f"The model does not know {gene}: choose one of its {len(self.genes):,} genes.")
        return self._place[gene]

    def title(self, factor: int) -> str:
        """Return what a factor is called: a number unless the model gives it a meaning."""
        name = self.names[self.row(factor)]
        return name if self.named else f"factor {name}"

    def is_observed(self, factor: int, step: int) -> bool:
        """Whether a step lies within the 1st to 99th percentile of what was observed."""
        row = self.row(factor)
        return bool(self.low_k[row] <= self.values_ks[row, step] <= self.high_k[row])

    def is_vanished(self, factor: int) -> bool:
        """Whether a factor never leaves 0 by more than 0.5 in any cell: it carries nothing."""
        return bool(np.abs(self.latent_cz[:, self.factors[self.row(factor)]]).max(initial=0.0) < VANISHED)

    def step_of(self, factor: int, value: float) -> int:
        """Return the step nearest to a value."""
        return int(np.abs(self.values_ks[self.row(factor)] - value).argmin())

    def top(self, factor: int, step: int, k: int = 10) -> tuple[list[GeneChange], list[GeneChange]]:
        """Return the genes that go up most and those that go down most at a step."""
        change_g = self.change_ksg[self.row(factor), step]
        order = np.argsort(-change_g, kind="stable")
        up = [GeneChange(self.genes[g], float(change_g[g])) for g in order[:k] if change_g[g] > 0]
        down = [GeneChange(self.genes[g], float(change_g[g])) for g in order[::-1][:k] if change_g[g] < 0]
        return up, down

    def specific(self, factor: int, direction: str = "up", k: int = 10) -> list[GeneChange]:
        """Return the genes a factor alone can move most, going up or down from 0, best first.

        The figure is DRVI's product of the effect with all others at their least and at their most.
        """
        row, side = self.row(factor), ("up", "down").index(direction)
        score_g = self.highest_kdg[row, side] * self.lowest_kdg[row, side]
        order = np.argsort(-score_g, kind="stable")[:k]
        return [GeneChange(self.genes[g], float(score_g[g])) for g in order if score_g[g] > 0]

    def set_changes(
        self, sets: Sequence[GeneSet], factor: int, step: int, min_genes: int = 5
    ) -> list[GeneChange]:
        """Return the mean change over the genes of each set at a step, largest in size first.

        Sets with fewer than ``min_genes`` of the model's genes are left out; letter case is ignored.
        """
        place = {gene.casefold(): g for g, gene in enumerate(self.genes)}
        change_g = self.change_ksg[self.row(factor), step]
        found = []
        for one in sets:
            inside = [place[key] for key in {gene.casefold() for gene in one.genes} if key in place]
            if len(inside) >= min_genes:
                found.append(GeneChange(one.name, float(change_g[sorted(inside)].mean(dtype=np.float64))))
        return sorted(found, key=lambda row: (-abs(row.change), row.gene))

    def limit(self, factor: int, gene: str) -> float:
        """Return the largest mean change of a gene within the observed range: a scale for every step."""
        row = self.row(factor)
        seen = (self.values_ks[row] >= self.low_k[row]) & (self.values_ks[row] <= self.high_k[row])
        return float(np.abs(self.change_ksg[row, seen, self.gene(gene)]).max(initial=0.0))

    def write_into(self, adata: AnnData) -> str:
        """Write itself into an AnnData and return the key; see ``traversal.store``."""
        from glasscell.explain.traversal.store import write_traversal

        return write_traversal(adata, self)

    def table(self) -> pd.DataFrame:
        """One row per factor and gene: change at the ends of the observed range, slope, possible effects."""
        import pandas as pd

        parts = []
        for row, factor in enumerate(self.factors):
            low, high = (self.step_of(factor, end[row]) for end in (self.low_k, self.high_k))
            parts.append(
                pd.DataFrame(
                    {
                        "factor": self.names[row],
                        "gene": self.genes,
                        "decoded_change_at_1_percent": self.change_ksg[row, low],
                        "decoded_change_at_99_percent": self.change_ksg[row, high],
                        "slope": self.slope_kg[row],
                        "possible_up": self.highest_kdg[row, 0],
                        "possible_up_alone": self.lowest_kdg[row, 0],
                        "possible_down": self.highest_kdg[row, 1],
                        "possible_down_alone": self.lowest_kdg[row, 1],
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)
