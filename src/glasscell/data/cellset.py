"""The algebra of selections: everything, fixed cells, and their combinations with ``& | ~ -``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from glasscell.errors import DataError

if TYPE_CHECKING:
    from glasscell.data.channel import BoolArray


class Selection:
    """Which cells, as a description. Instances are frozen and hashable."""

    kind: ClassVar[str]

    def mask(self, context: Any) -> BoolArray:
        """Return the selected cells as a read-only bool array of shape ``(n_cells,)``.

        Raises
        ------
        DataError
            A column, category or cell that the selection names is not there.
        """
        raise DataError(f"A {type(self).__name__} cannot select cells.")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types; `selection_from_json` gives an equal selection back."""
        return {"kind": self.kind}

    def __and__(self, other: Selection) -> Selection:
        return And((*_parts(self, And), *_parts(other, And)))

    def __or__(self, other: Selection) -> Selection:
        return Or((*_parts(self, Or), *_parts(other, Or)))

    def __invert__(self) -> Selection:
        return self.part if isinstance(self, Not) else Not(self)

    def __sub__(self, other: Selection) -> Selection:
        return self & ~other


@dataclass(frozen=True)
class Everything(Selection):
    """Every cell of the dataset."""

    kind: ClassVar[str] = "everything"

    def mask(self, context: Any) -> BoolArray:
        """Return True for every cell."""
        return frozen_mask(np.ones(context.dataset.n_cells, dtype=np.bool_))


@dataclass(frozen=True, eq=False)
class Cells(Selection):
    """A fixed set of cells, compared by a digest of their indices.

    Parameters
    ----------
    indices
        Row numbers; kept sorted, unique, int32 and read-only.
    """

    indices: npt.NDArray[np.int32]
    digest: str = ""
    kind: ClassVar[str] = "cells"

    def __post_init__(self) -> None:
        """Sort the indices, drop repeats, and work out the digest."""
        indices = np.unique(np.asarray(self.indices, dtype=np.int32))
        if len(indices) and indices[0] < 0:
            raise DataError("Cells are numbered from 0; a negative number was given.")
        indices.flags.writeable = False
        object.__setattr__(self, "indices", indices)
        object.__setattr__(self, "digest", hashlib.blake2b(indices.tobytes(), digest_size=12).hexdigest())

    @classmethod
    def from_mask(cls, mask: npt.ArrayLike) -> Cells:
        """Select the cells where `mask`, bool of shape ``(n_cells,)``, is True."""
        return cls(np.flatnonzero(np.asarray(mask, dtype=np.bool_)).astype(np.int32))

    def __len__(self) -> int:
        return len(self.indices)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cells) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def mask(self, context: Any) -> BoolArray:
        """Return True at the listed rows."""
        n_cells = context.dataset.n_cells
        if len(self.indices) and self.indices[-1] >= n_cells:
            raise DataError(
                f"The selection names cell {self.indices[-1]} but the dataset has {n_cells}; select the "
                f"cells again."
            )
        mask = np.zeros(n_cells, dtype=np.bool_)
        mask[self.indices] = True
        return frozen_mask(mask)

    def to_json(self) -> dict[str, Any]:
        """Return the row numbers."""
        return {"kind": self.kind, "indices": self.indices.tolist()}


@dataclass(frozen=True)
class And(Selection):
    """The cells in every part; every cell when there are no parts."""

    parts: tuple[Selection, ...]
    kind: ClassVar[str] = "and"

    def mask(self, context: Any) -> BoolArray:
        """Return the intersection."""
        mask = np.ones(context.dataset.n_cells, dtype=np.bool_)
        for part in self.parts:
            mask &= part.mask(context)
        return frozen_mask(mask)

    def to_json(self) -> dict[str, Any]:
        """Return the parts."""
        return {"kind": self.kind, "parts": [part.to_json() for part in self.parts]}


@dataclass(frozen=True)
class Or(Selection):
    """The cells in any part; none when there are no parts."""

    parts: tuple[Selection, ...]
    kind: ClassVar[str] = "or"

    def mask(self, context: Any) -> BoolArray:
        """Return the union."""
        mask = np.zeros(context.dataset.n_cells, dtype=np.bool_)
        for part in self.parts:
            mask |= part.mask(context)
        return frozen_mask(mask)

    def to_json(self) -> dict[str, Any]:
        """Return the parts."""
        return {"kind": self.kind, "parts": [part.to_json() for part in self.parts]}


@dataclass(frozen=True)
class Not(Selection):
    """The cells outside `part`; those whose value is missing are outside too."""

    part: Selection
    kind: ClassVar[str] = "not"

    def mask(self, context: Any) -> BoolArray:
        """Return the complement."""
        return frozen_mask(~self.part.mask(context))

    def to_json(self) -> dict[str, Any]:
        """Return the part."""
        return {"kind": self.kind, "part": self.part.to_json()}


def frozen_mask(mask: BoolArray) -> BoolArray:
    """Make a mask read-only, so that it can be shared and cached."""
    mask.flags.writeable = False
    return mask


def _parts(selection: Selection, kind: type[And | Or]) -> tuple[Selection, ...]:
    return selection.parts if isinstance(selection, kind) else (selection,)
