"""Edges between genes: the result, its tables, and how it is written into an AnnData."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.rank import rank_correlation
from glasscell.errors import DataError
from glasscell.explain.store import slug

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray

#: An edge is called when its weight lies so many null standard deviations from zero.
LEAST_Z = 3.0
KEY = "glasscell.grn"
CAUTION = (
    "An edge says that the network uses one gene to foretell another, not that one regulates the other: "
    "trust it no more than the rank correlation beside it (docs/grn.md)."
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Edges:
    """Directed edges per cell state, each beside Spearman's correlation and a forest's importance.

    Parameters
    ----------
    regulators, targets
        Names of the genes that may act and of those foretold.
    places
        Columns of the targets among all genes of the model, ``(n_targets,)`` int64.
    states, n_cells
        Names of the cell states, and how many cells of each were averaged.
    weight_sgr
        Mean slope of a target's prediction along a regulator, in standard deviations of either, signed;
        ``(n_states, n_targets, n_regulators)`` float32, NaN for a gene and itself, as all that follow.
    z_sgr
        The weight in null standard deviations.
    spearman_sgr, forest_sgr
        Rank correlation over the state's cells, and importance in a forest of the target (no sign).
    n_nulls
        Null networks.
    model, fingerprint, data
        Id and digest of the bundle, and fingerprint of the dataset.
    """

    regulators: tuple[str, ...]
    targets: tuple[str, ...]
    places: NDArray[np.int64]
    states: tuple[str, ...]
    n_cells: tuple[int, ...]
    weight_sgr: NDArray[np.float32]
    z_sgr: NDArray[np.float32]
    spearman_sgr: NDArray[np.float32]
    forest_sgr: NDArray[np.float32]
    n_nulls: int
    model: str
    fingerprint: str
    data: str

    @cached_property
    def id(self) -> str:
        """A short name that changes with the model, the data and what was asked."""
        words = "|".join([self.fingerprint, self.data, str(self.n_nulls), *self.states])
        digest = hashlib.sha256(words.encode() + self.weight_sgr.tobytes() + self.z_sgr.tobytes())
        return f"edges-{digest.hexdigest()[:12]}"

    def table(self, state: str | None = None) -> pd.DataFrame:
        """List every edge, largest distance from the null first within each state.

        Returns
        -------
        ``regulator, target, weight, z, spearman, forest, state``.

        Raises
        ------
        DataError
            There is no such state.
        """
        return self._listed(state, None)

    def top(self, k: int = 20, state: str | None = None) -> pd.DataFrame:
        """List the ``k`` edges of each state that lie farthest from the null; columns as in ``table``."""
        return self._listed(state, k)

    def contrast(self, state: str, other: str, k: int = 20) -> pd.DataFrame:
        """List the edges whose weight differs most between two states, with both states' evidence.

        The difference has no null of its own: read it beside both z and both correlations.
        """
        import pandas as pd

        one, two = self._place(state), self._place(other)
        change_gr = self.weight_sgr[one] - self.weight_sgr[two]
        frames = []
        for name, at in ((state, one), (other, two)):
            frame = self._at(at, _largest(np.abs(change_gr), k))
            frames.append(frame.drop(columns=["state", "regulator", "target"]).add_suffix(f" in {name}"))
        chosen = self._at(one, _largest(np.abs(change_gr), k))[["regulator", "target"]]
        difference = frames[0][f"weight in {state}"] - frames[1][f"weight in {other}"]
        return pd.concat([chosen.assign(difference=difference), *frames], axis=1)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences a reader must see."""
        said = []
        for at, state in enumerate(self.states):
            known = np.isfinite(self.z_sgr[at])
            called = int((np.abs(self.z_sgr[at][known]) >= LEAST_Z).sum())
            said.append(
                f"{state}: {called:,} of {int(known.sum()):,} edges lie {LEAST_Z:g} or more null standard "
                f"deviations from zero; sizes of weights go with those of rank correlations at "
                f"{self.agreement(state):.2f}."
            )
        return (*said, CAUTION)

    def agreement(self, state: str) -> float:
        """Rank-correlate sizes of weights and of Spearman's correlations, 0 where one side does not vary."""
        at = self._place(state)
        known = np.isfinite(self.weight_sgr[at]) & np.isfinite(self.spearman_sgr[at])
        sizes = (np.abs(one[at][known]) for one in (self.weight_sgr, self.spearman_sgr))
        return float(np.nan_to_num(rank_correlation(*sizes)))

    def write_into(self, adata: AnnData) -> str:
        """Write called edges into ``varp``, regulators in rows, and what they are into ``uns``.

        Of each state ``glasscell.grn.weight.STATE``, ``.z.STATE`` and ``.spearman.STATE``; edges nearer to
        the null than ``LEAST_Z`` are left out. The CSV has them all.

        Raises
        ------
        DataError
            The table has other genes than the model.
        """
        from scipy import sparse

        if adata.n_vars <= int(self.places.max()):
            raise DataError(
                "The table has fewer genes than the model: write into the file it was trained on."
            )
        row_of = {name: int(at) for name, at in zip(self.targets, self.places, strict=True)}
        rows = np.asarray([row_of[name] for name in self.regulators], np.int64)
        keys = _keys(self.states)
        for at, state in enumerate(keys):
            gene, source = np.nonzero(np.abs(np.nan_to_num(self.z_sgr[at])) >= LEAST_Z)
            parts = {"weight": self.weight_sgr, "z": self.z_sgr, "spearman": self.spearman_sgr}
            for name, values_sgr in parts.items():
                adata.varp[f"{KEY}.{name}.{state}"] = sparse.csr_matrix(
                    (values_sgr[at, gene, source], (rows[source], self.places[gene])), (adata.n_vars,) * 2
                )
        adata.uns[KEY] = json.dumps(
            {
                "id": self.id,
                "model": self.model,
                "states": dict(zip(self.states, keys, strict=True)),
                "cells": dict(zip(self.states, self.n_cells, strict=True)),
                "nulls": self.n_nulls,
                "called": f"|z| >= {LEAST_Z:g}",
                "weight": "standard deviations of the target per standard deviation of the regulator",
                "caution": CAUTION,
            }
        )
        return KEY

    def _listed(self, state: str | None, k: int | None) -> pd.DataFrame:
        import pandas as pd

        wanted = range(len(self.states)) if state is None else [self._place(state)]
        frames = [self._at(at, _largest(np.abs(self.z_sgr[at]), k)) for at in wanted]
        return pd.concat(frames, ignore_index=True)

    def _at(self, state: int, flat: NDArray[np.int64]) -> pd.DataFrame:
        import pandas as pd

        gene, source = np.unravel_index(flat, self.weight_sgr.shape[1:])
        return pd.DataFrame(
            {
                "regulator": np.asarray(self.regulators, object)[source],
                "target": np.asarray(self.targets, object)[gene],
                "weight": self.weight_sgr[state, gene, source],
                "z": self.z_sgr[state, gene, source],
                "spearman": self.spearman_sgr[state, gene, source],
                "forest": self.forest_sgr[state, gene, source],
                "state": self.states[state],
            }
        )

    def _place(self, state: str) -> int:
        if state not in self.states:
            raise DataError(f"There is no state {state!r}; there are {', '.join(self.states)}.")
        return self.states.index(state)


def _keys(states: tuple[str, ...]) -> list[str]:
    """Return a part of a key for each state; names that would be the same are numbered."""
    made: list[str] = []
    for state in states:
        short, number = slug(state), 2
        while short in made:
            short, number = f"{slug(state)}-{number}", number + 1
        made.append(short)
    return made


def _largest(size_gr: NDArray[np.floating], k: int | None) -> NDArray[np.int64]:
    """Return flat places of the largest values, largest first; what is NaN is left out."""
    flat = size_gr.ravel()
    order = np.argsort(-np.where(np.isfinite(flat), flat, -np.inf), kind="stable")
    order = order[: int(np.isfinite(flat).sum())]
    return np.asarray(order if k is None else order[:k], np.int64)
