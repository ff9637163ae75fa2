"""The decoded change of one gene in every starting cell, step by step, each worked out once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import NotCompatible
from glasscell.jobs import QUIET, JobHandle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.traversal.result import Traversal
    from glasscell.models.bundle import Bundle


class CellMap:
    """What a slider shows: filled column by column, in whatever order its positions are asked for.

    Parameters
    ----------
    found
        Gives the start, the steps and the latents.
    gene, factor
        What is shown, and what is moved.
    """

    def __init__(self, found: Traversal, gene: str, factor: int) -> None:
        self.found, self.factor = found, factor
        self.gene = found.gene(gene)
        self.row = found.row(factor)
        self.change_sc = np.full((found.n_steps, len(found.start)), np.nan, np.float32)
        self.done = np.zeros(found.n_steps, np.bool_)
        self._base_c: NDArray[np.float32] | None = None

    @property
    def n_bytes(self) -> int:
        """Bytes of the map."""
        return self.change_sc.nbytes + 4 * len(self.found.start)

    @property
    def limit(self) -> float:
        """A scale that serves every step: the 99th percentile of sizes at the ends of the observed range."""
        ends = [step for step in self.ends if self.done[step]]
        sizes = np.abs(self.change_sc[ends]) if ends else np.zeros(0)
        return float(np.percentile(sizes, 99)) if sizes.size else 0.0

    @property
    def ends(self) -> tuple[int, int]:
        """Steps at the 1st and the 99th percentile of the factor."""
        low, high = (
            self.found.step_of(self.factor, end[self.row]) for end in (self.found.low_k, self.found.high_k)
        )
        return low, high

    def next_after(self, step: int, n: int = 1) -> list[int]:
        """Return the steps nearest to one that are not known yet; none when all are."""
        left = np.flatnonzero(~self.done)
        order = np.argsort(np.abs(left - step), kind="stable")[:n]
        return [int(one) for one in left[order]]

    def fill(self, steps: Sequence[int], dataset: Dataset, bundle: Bundle, job: JobHandle = QUIET) -> None:
        """Work steps out unless they are known.

        Raises
        ------
        NotCompatible
            The model is another than the traversal's.
        """
        from glasscell.explain.traversal.engine import cell_values
        from glasscell.explain.traversal.request import need_decoder

        if bundle.id != self.found.model:
            raise NotCompatible("This traversal is of another model; traverse again.")
        wanted = [step for step in dict.fromkeys(steps) if not self.done[step]]
        if not wanted:
            return
        values: list[float | None] = [float(self.found.values_ks[self.row, step]) for step in wanted]
        first = self._base_c is None
        found_sc = cell_values(
            dataset,
            need_decoder(bundle),
            self.found.latent_cz,
            self.found.start,
            self.gene,
            self.factor,
            [None, *values] if first else values,
            job,
        )
        if first:
            self._base_c, found_sc = found_sc[0], found_sc[1:]
        for step, values_c in zip(wanted, found_sc, strict=True):
            self.change_sc[step] = values_c - self._base_c
            self.done[step] = True
