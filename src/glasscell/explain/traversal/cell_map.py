"""The decoded change of one gene in every starting cell, step by step, each worked out once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import NotCompatible
from glasscell.jobs import QUIET, JobHandle

if TYPE_CHECKING:
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

    def next_after(self, step: int) -> int | None:
        """Return the step nearest to one that is not known yet; None when all are."""
        left = np.flatnonzero(~self.done)
        return int(left[np.abs(left - step).argmin()]) if len(left) else None

    def fill(
        self, step: int, dataset: Dataset, bundle: Bundle, job: JobHandle = QUIET
    ) -> NDArray[np.float32]:
        """Work one step out unless it is known, and return the change in each starting cell.

        Raises
        ------
        NotCompatible
            The model is another than the traversal's.
        """
        from glasscell.explain.traversal.engine import cell_values
        from glasscell.explain.traversal.request import need_decoder

        if bundle.id != self.found.model:
            raise NotCompatible("This traversal is of another model; traverse again.")
        if not self.done[step]:
            net, start = need_decoder(bundle), self.found.start
            decode = partial(cell_values, dataset, net, self.found.latent_cz, start, self.gene, job=job)
            if self._base_c is None:
                self._base_c = decode()
            value = float(self.found.values_ks[self.row, step])
            self.change_sc[step] = decode(factor=self.factor, value=value) - self._base_c
            self.done[step] = True
        change_c: NDArray[np.float32] = self.change_sc[step]
        return change_c
