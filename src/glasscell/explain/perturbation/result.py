"""The result of a perturbation: what a model expects to change in each cell, and how that compares."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glasscell.data.column import missing_name
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]

SOURCE = "doi:10.1038/s41586-023-06139-9"  # in-silico perturbation of a trained network
EXPECTED = "This is what the model expects, not what was measured: a screen must confirm it."


@dataclass(frozen=True, kw_only=True)
class PerturbationProvenance:
    """Everything needed to make the result again and to judge whether it is out of date."""

    title: str
    genes: tuple[str, ...]
    direction: str
    action: str
    params: Mapping[str, Any]
    nets: str
    seed: int
    model: str
    model_fingerprint: str
    data: str
    family: str
    labels: str = ""
    method: str = "perturbation"
    source: str = SOURCE

    def __post_init__(self) -> None:
        """Refuse a result that cannot say what it is of."""
        for name in ("title", "direction", "model", "data", "source"):
            if not getattr(self, name):
                raise DataError(f"A perturbation needs its provenance: {name} is empty.")

    def to_json(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {**asdict(self), "genes": list(self.genes), "params": dict(self.params)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> PerturbationProvenance:
        """Rebuild what ``to_json`` gave."""
        return cls(**{**values, "genes": tuple(values["genes"])})


@dataclass(frozen=True)
class Comparison:
    """How the effect compares with that of random genes of like expression, changed the same way.

    Parameters
    ----------
    effect, controls
        Mean effect size in the same cells: of the change, and of each control.
    z
        Of the effect among the controls; None with fewer than two, or when they are all equal.
    as_large
        How many controls have at least this effect.
    """

    effect: float
    controls: tuple[float, ...]
    z: float | None
    as_large: int


@dataclass(frozen=True)
class Observed:
    """How a learned perturbation's decoded change compares with the measured one, over genes.

    Parameters
    ----------
    own
        Correlation (Pearson) with the mean shift of the cells that were given it against control.
    others
        Mean correlation with the mean shift of each other perturbation.
    n_cells
        Cells that were given it.
    """

    own: float
    others: float | None
    n_cells: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Perturbation:
    """What a model expects of some cells after a change, against the same cells as they are.

    Parameters
    ----------
    n_cells
        Of the dataset.
    cells
        Sorted indices of the changed cells, ``(n,)``.
    in_training
        Whether the net that was asked saw the cell in training, ``(n,)``.
    classes, sorts
        Names of the classes or domains, and which of the two; empty when the model sorts nothing.
    before_ck, after_ck
        Logits, ``(n, n_classes)``; None without classes.
    before_cz, after_cz
        Latents, ``(n, n_latent)``; None without.
    genes, expected_g, change_g
        Decoded genes, their mean decoded expression as the cells are, and its mean change; None where the
        model does not decode.
    effect_c
        Size of the change in each cell, ``(n,)``, in ``effect_unit``.
    effect_unit
        ``standard deviations of the latents``, or ``logits``.
    unit
        Of decoded expression.
    comparison
        Against matched controls; None where there are none.
    observed
        Against measured cells; None where there are none.
    notes
        What a reader must know, one sentence each.
    called, called_cb
        Names of what cells are called, ``unknown`` among them where the model's settings allow it, and what
        each cell is called before and after, ``(n, 2)`` int32. Without them it is the likeliest class.
    """

    provenance: PerturbationProvenance
    n_cells: int
    cells: Ints
    in_training: Bools
    classes: tuple[str, ...]
    sorts: str
    before_ck: Floats | None
    after_ck: Floats | None
    before_cz: Floats | None
    after_cz: Floats | None
    genes: tuple[str, ...]
    expected_g: Floats | None
    change_g: Floats | None
    effect_c: Floats
    effect_unit: str
    unit: str
    comparison: Comparison | None
    observed: Observed | None
    notes: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    called_cb: Ints | None = None

    def __post_init__(self) -> None:
        """Refuse axes that do not fit each other, and make all arrays read-only."""
        names = ("in_training", "before_ck", "after_ck", "before_cz", "after_cz", "effect_c", "called_cb")
        for name in names:
            value = getattr(self, name)
            if value is not None and len(value) != len(self.cells):
                raise DataError(f"A perturbation of {len(self.cells)} cells is needed; {name} is of others.")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @cached_property
    def id(self) -> str:
        """A short name that changes with anything the result depends on."""
        digest = hashlib.sha256(json.dumps(self.provenance.to_json(), sort_keys=True).encode())
        digest.update(np.ascontiguousarray(self.cells).tobytes())
        return f"perturbation-{digest.hexdigest()[:12]}"

    @property
    def data(self) -> str:
        """Fingerprint of the dataset."""
        return self.provenance.data

    @property
    def title(self) -> str:
        """What was done, in a few words."""
        return self.provenance.title

    def everywhere(self, values_c: Floats) -> NDArray[np.float32]:
        """Spread one value per changed cell over all cells, ``(n_cells,)``, NaN elsewhere."""
        whole_c = np.full(self.n_cells, np.nan, np.float32)
        whole_c[self.cells] = values_c
        return whole_c

    def logit_change(self, name: str) -> NDArray[np.float32]:
        """Return the change of one class's logit against the mean of all, for every cell of the dataset."""
        if self.before_ck is None or self.after_ck is None:
            raise DataError("This model sorts cells into nothing, so no class changes.")
        if name not in self.classes:
            raise DataError(missing_name(self.sorts, name, self.classes))
        change_ck = np.asarray(self.after_ck, np.float64) - self.before_ck
        return self.everywhere(change_ck[:, self.classes.index(name)] - change_ck.mean(axis=1))

    @property
    def names(self) -> tuple[str, ...]:
        """What cells can be called: the classes, and ``unknown`` where the model's settings allow it."""
        return self.called or self.classes

    @cached_property
    def codes(self) -> tuple[Ints, Ints]:
        """What each changed cell is called before and after, as places in ``names``, ``(n,)`` each."""
        if self.called_cb is not None:
            return self.called_cb[:, 0], self.called_cb[:, 1]
        if self.before_ck is None or self.after_ck is None:
            raise DataError("This model sorts cells into nothing, so no class changes.")
        return self.before_ck.argmax(axis=1).astype(np.int32), self.after_ck.argmax(axis=1).astype(np.int32)

    def flips(self) -> tuple[tuple[str, str, int, float], ...]:
        """Return how many cells change class: before, after, cells, share of the cells before; most first."""
        if not self.classes:
            return ()
        before_c, after_c = self.codes
        names, size = self.names, np.bincount(before_c, minlength=len(self.names))
        counted: dict[tuple[int, int], int] = {}
        for pair in zip(before_c.tolist(), after_c.tolist(), strict=True):
            if pair[0] != pair[1]:
                counted[pair] = counted.get(pair, 0) + 1
        rows = [(names[a], names[b], n, n / int(size[a])) for (a, b), n in sorted(counted.items())]
        return tuple(sorted(rows, key=lambda row: -row[2]))

    def top(self, k: int = 20) -> tuple[tuple[str, float], ...]:
        """Return the genes whose decoded expression changes most, with their mean change."""
        if self.change_g is None:
            return ()
        order = np.argsort(-np.abs(self.change_g), kind="stable")[:k]
        return tuple((self.genes[int(g)], float(self.change_g[g])) for g in order)

    def table(self) -> pd.DataFrame:
        """Return one row per decoded gene, largest change first, or per flip where none is decoded."""
        import pandas as pd

        if self.change_g is None or self.expected_g is None:
            columns = ["before", "after", "cells", "share_of_before"]
            return pd.DataFrame(list(self.flips()), columns=columns)
        order = np.argsort(-np.abs(self.change_g), kind="stable")
        return pd.DataFrame(
            {
                "gene": np.asarray(self.genes)[order],
                f"decoded_before ({self.unit})": self.expected_g[order],
                f"decoded_change ({self.unit})": self.change_g[order],
            }
        )
