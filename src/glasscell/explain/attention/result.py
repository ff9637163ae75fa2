"""The result of attention: weights by group with the measured change on removal beside each."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from glasscell.data.column import missing_name
from glasscell.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from glasscell.explain.attention.provenance import AttentionProvenance

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]

#: What can be asked of a group and a column; only the first three exist for a single cell.
QUANTITIES = ("relative", "weight", "removed", "z_twin", "z_random")
CELL_QUANTITIES = QUANTITIES[:3]
NOT_IMPORTANCE = (
    "Attention says where the model looks, not what matters: read it beside the change on removal."
)


@dataclass(frozen=True)
class AttentionRow:
    """A column (token or sender group) as one group of cells attends to it; None is what cannot be said.

    Parameters
    ----------
    weight
        Mean weight.
    relative
        Mean weight over the weight that uniform attention would give.
    removed
        Mean change of the target when the column is removed, after less before.
    n_removed
        Cells in which that was measured.
    z_twin, z_random
        ``relative`` against the twin, and against re-initialised nets; see ``average.null_z``.
    """

    group: str
    column: str
    weight: float | None
    relative: float | None
    removed: float | None
    n_removed: int
    z_twin: float | None
    z_random: float | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Attention(ABC):
    """Weights on two axes, groups of cells x columns, for several maps, with the change on removal.

    Maps are ``mean`` (over layers and heads), ``rollout``, ``norm`` (weights times the size of what they
    carry), ``layer:1`` ... and ``head:1.1`` ... Heads of different nets cannot be told apart by number, so
    heads are those of the first net over the cells that it explains.

    Parameters
    ----------
    cells
        Sorted indices of the cells that were asked about, ``(n,)``.
    columns
        Names of the tokens, or of the groups of the cells attended to.
    groups, group_of_cell
        Names of the groups, and the group of every cell of the dataset, -1 for none, ``(n_cells,)``.
    in_training
        Whether the net that was asked saw the cell in training, ``(n,)``.
    weight_mgt, relative_mgt
        Mean weight, and mean weight relative to uniform, per map, group and column.
    z_twin_mgt, z_random_mgt
        See ``average.null_z``; NaN where they cannot be had.
    removed_gt, n_removed_gt
        Mean change when a column is removed, and in how many cells it was measured.
    notes
        What a reader must know, one sentence each.
    """

    what: ClassVar[str] = "token"

    provenance: AttentionProvenance
    n_cells: int
    cells: Ints
    columns: tuple[str, ...]
    groups: tuple[str, ...]
    group_of_cell: Ints
    in_training: Bools
    maps: tuple[str, ...]
    weight_mgt: Floats
    relative_mgt: Floats
    z_twin_mgt: Floats
    z_random_mgt: Floats
    removed_gt: Floats
    n_removed_gt: Ints
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse axes that do not fit each other, and make all arrays read-only."""
        shape = (len(self.maps), len(self.groups), len(self.columns))
        for name in ("weight_mgt", "relative_mgt", "z_twin_mgt", "z_random_mgt"):
            if getattr(self, name).shape != shape:
                raise DataError(f"Attention of shape {shape} is needed; {name} is another.")
        if self.removed_gt.shape != shape[1:] or self.n_removed_gt.shape != shape[1:]:
            raise DataError("Attention is not shown without the change on removal: measure that too.")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @cached_property
    def id(self) -> str:
        """A short name that changes with anything the result depends on."""
        digest = hashlib.sha256(json.dumps(self.provenance.to_json(), sort_keys=True).encode())
        digest.update("\x1f".join((*self.groups, *self.columns)).encode())
        for array in (self.cells, self.group_of_cell):
            digest.update(np.ascontiguousarray(array).tobytes())
        return f"attention-{digest.hexdigest()[:12]}"

    @property
    def data(self) -> str:
        """Fingerprint of the dataset."""
        return self.provenance.data

    @property
    def unit(self) -> str:
        """Unit of the change on removal."""
        return self.provenance.unit

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return sum(name.startswith("layer:") for name in self.maps)

    @property
    def heads(self) -> int:
        """How many heads a layer has."""
        return sum(name.startswith("head:1.") for name in self.maps)

    @abstractmethod
    def cell_values(self, column: str, which: str = "mean", quantity: str = "relative") -> Floats:
        """Return one column for every cell, ``(n_cells,)``, NaN where nothing is known.

        Parameters
        ----------
        which
            A map.
        quantity
            ``relative``, ``weight`` or ``removed``.
        """

    def map_place(self, which: str) -> int:
        """Return the place of a map; an unknown one is refused with those there are."""
        if which not in self.maps:
            raise DataError(missing_name("map of attention", which, self.maps))
        return self.maps.index(which)

    def column_place(self, column: str) -> int:
        """Return the place of a column."""
        if column not in self.columns:
            raise DataError(missing_name(self.what, column, self.columns))
        return self.columns.index(column)

    def group_place(self, group: str) -> int:
        """Return the place of a group."""
        if group not in self.groups:
            raise DataError(missing_name("group", group, self.groups))
        return self.groups.index(group)

    def grouped(self, which: str = "mean", quantity: str = "relative") -> Floats:
        """Return a quantity for every group and column, ``(n_groups, n_columns)``."""
        if quantity not in QUANTITIES:
            raise DataError(f"Attention has {', '.join(QUANTITIES)}, not {quantity!r}.")
        if quantity == "removed":
            return self.removed_gt
        found: Floats = getattr(self, f"{quantity}_mgt")[self.map_place(which)]
        return found

    def row(self, group: str, column: str, which: str = "mean") -> AttentionRow:
        """Return everything about one group and column."""
        m, g, t = self.map_place(which), self.group_place(group), self.column_place(column)

        def said(value: Any) -> float | None:
            return float(value) if np.isfinite(value) else None

        return AttentionRow(
            group=group,
            column=column,
            weight=said(self.weight_mgt[m, g, t]),
            relative=said(self.relative_mgt[m, g, t]),
            removed=said(self.removed_gt[g, t]),
            n_removed=int(self.n_removed_gt[g, t]),
            z_twin=said(self.z_twin_mgt[m, g, t]),
            z_random=said(self.z_random_mgt[m, g, t]),
        )

    def top(
        self, group: str, k: int = 20, by: str = "relative", which: str = "mean"
    ) -> tuple[AttentionRow, ...]:
        """Return the k columns a group attends to most, or whose removal changes most (``by="removed"``)."""
        values_t = self.grouped(which, by)[self.group_place(group)]
        size_t = np.abs(values_t) if by == "removed" else values_t
        order = np.argsort(-np.where(np.isfinite(size_t), size_t, -np.inf), kind="stable")
        return tuple(self.row(group, self.columns[int(t)], which) for t in order[:k])

    def write_into(self, adata: AnnData) -> str:
        """Write what a file keeps into an AnnData and return its key; see ``store``."""
        from glasscell.explain.attention.store import write_attention

        return write_attention(adata, self)

    def table(self) -> pd.DataFrame:
        """Return one row per map, group and column."""
        import pandas as pd

        parts = []
        shape = (len(self.groups), len(self.columns))
        for place, which in enumerate(self.maps):
            part = {
                "map": which,
                "group": np.repeat(self.groups, shape[1]),
                self.what.replace(" ", "_"): np.tile(self.columns, shape[0]),
                "weight": self.weight_mgt[place].ravel(),
                "relative_to_uniform": self.relative_mgt[place].ravel(),
                f"change_when_removed ({self.unit})": self.removed_gt.ravel(),
                "cells_measured": self.n_removed_gt.ravel(),
                "z_twin": self.z_twin_mgt[place].ravel(),
                "z_reinitialised": self.z_random_mgt[place].ravel(),
            }
            parts.append(pd.DataFrame(part))
        return pd.concat(parts, ignore_index=True)
