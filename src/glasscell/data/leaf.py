"""Selections by the content of columns: categories, ranges and lassos.

A leaf may be pinned: it then carries the fingerprint of its columns, so its mask is a function of the leaf
alone and can be cached under it, whatever happens to the dataset afterwards.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, ClassVar, cast

import numpy as np

from glasscell.data.cellset import Selection, frozen_mask
from glasscell.data.channel import BoolArray, ChannelRef, FloatArray, resolve_channel
from glasscell.data.column import missing_name
from glasscell.data.lasso import inside_polygon
from glasscell.errors import DataError


class MaskCache:
    """Masks of pinned leaves, least recently used ones dropped beyond a size in bytes.

    Parameters
    ----------
    limit
        Bytes kept at most; one mask takes a byte per cell.
    """

    def __init__(self, limit: int = 64 * 1024 * 1024) -> None:
        self.limit = limit
        self._masks: OrderedDict[Leaf, BoolArray] = OrderedDict()
        self._lock = Lock()

    def get(self, leaf: Leaf) -> BoolArray | None:
        """Return the mask of a pinned leaf, or None."""
        with self._lock:
            mask = self._masks.get(leaf)
            if mask is not None:
                self._masks.move_to_end(leaf)
            return mask

    def put(self, leaf: Leaf, mask: BoolArray) -> None:
        """Keep a mask, dropping the oldest ones beyond the limit."""
        with self._lock:
            self._masks[leaf] = mask
            self._masks.move_to_end(leaf)
            while len(self._masks) > 1 and sum(m.nbytes for m in self._masks.values()) > self.limit:
                self._masks.popitem(last=False)

    def clear(self) -> None:
        """Forget every mask."""
        with self._lock:
            self._masks.clear()


MASKS = MaskCache()


class Leaf(Selection):
    """A selection by the content of columns; `column` is their fingerprint once pinned, else empty."""

    column: str

    def columns(self) -> tuple[ChannelRef, ...]:
        """Return the channels that the leaf reads."""
        raise DataError(f"A {type(self).__name__} names no column.")

    def title(self) -> str:
        """Return the columns' names as words."""
        return '"' + '", "'.join(ref.key for ref in self.columns()) + '"'

    def fingerprint(self, context: Any) -> str:
        """Return the fingerprint that the leaf's columns have now."""
        return "+".join(resolve_channel(context, ref).fingerprint for ref in self.columns())

    def pinned(self, context: Any) -> Leaf:
        """Return the same leaf carrying the fingerprint of its columns, unless it carries one already."""
        return (
            self
            if self.column
            else cast("Leaf", replace(cast("Any", self), column=self.fingerprint(context)))
        )

    def mask(self, context: Any) -> BoolArray:
        """Return the cells, from the cache when the leaf's columns have not changed."""
        leaf = self.pinned(context)
        known = MASKS.get(leaf)
        if known is None or len(known) != context.dataset.n_cells:
            if self.column and self.column != self.fingerprint(context):
                raise DataError(
                    f"{self.title()} has changed since it was selected from; select the cells again."
                )
            known = frozen_mask(self._mask(context))
            MASKS.put(leaf, known)
        return known

    def _mask(self, context: Any) -> BoolArray:
        raise DataError(f"A {type(self).__name__} cannot select cells.")


@dataclass(frozen=True)
class Category(Leaf):
    """The cells whose category is one of `values`; missing cells never are."""

    ref: ChannelRef
    values: tuple[str, ...]
    column: str = ""
    kind: ClassVar[str] = "category"

    def __post_init__(self) -> None:
        """Accept any iterable of names, kept sorted so that equal choices compare equal."""
        object.__setattr__(self, "values", tuple(sorted({str(value) for value in self.values})))

    def columns(self) -> tuple[ChannelRef, ...]:
        """Return the one channel of categories."""
        return (self.ref,)

    def _mask(self, context: Any) -> BoolArray:
        column = resolve_channel(context, self.ref)
        if column.codes is None:
            raise DataError(f'"{self.ref.key}" holds numbers, not categories; select a range of it.')
        chosen = np.zeros(len(column.categories) + 1, dtype=np.bool_)
        for value in self.values:
            if value not in column.categories:
                raise DataError(missing_name(f'value of "{self.ref.key}" called', value, column.categories))
            chosen[column.categories.index(value)] = True
        return cast("BoolArray", chosen[column.codes])

    def to_json(self) -> dict[str, Any]:
        """Return the channel, the values and the fingerprint."""
        return {
            "kind": self.kind,
            "ref": self.ref.to_json(),
            "values": list(self.values),
            "column": self.column,
        }


@dataclass(frozen=True)
class Range(Leaf):
    """The cells whose number lies in ``[low, high]``, ends included; missing cells never do."""

    ref: ChannelRef
    low: float = -math.inf
    high: float = math.inf
    column: str = ""
    kind: ClassVar[str] = "range"

    def __post_init__(self) -> None:
        """Refuse a range that can hold nothing."""
        if not self.low <= self.high:
            raise DataError(f"A range from {self.low:g} to {self.high:g} is empty; swap or correct the ends.")

    def columns(self) -> tuple[ChannelRef, ...]:
        """Return the one channel of numbers."""
        return (self.ref,)

    def _mask(self, context: Any) -> BoolArray:
        values = resolve_channel(context, self.ref).values
        if values is None:
            raise DataError(f'"{self.ref.key}" holds categories, not numbers; select some of its categories.')
        numbers = values.astype(np.float64)
        return (numbers >= self.low) & (numbers <= self.high)

    def to_json(self) -> dict[str, Any]:
        """Return the channel, the ends (null where open) and the fingerprint."""
        low, high = (end if math.isfinite(end) else None for end in (self.low, self.high))
        return {"kind": self.kind, "ref": self.ref.to_json(), "low": low, "high": high, "column": self.column}


@dataclass(frozen=True)
class Lasso(Leaf):
    """The cells inside an outline drawn on the tissue, on an embedding, or over two channels.

    Parameters
    ----------
    space
        "tissue", "embedding:X_umap" (any embedding), or "channels" for two channels named in `axes`.
    vertices
        Corners (x, y) in the units of that space.
    axes
        Embedding: the two components drawn (0 and 1 when empty). Channels: the two references.
    """

    space: str
    vertices: tuple[tuple[float, float], ...]
    axes: tuple[int | ChannelRef, ...] = ()
    column: str = ""
    kind: ClassVar[str] = "lasso"

    def __post_init__(self) -> None:
        """Accept any (k, 2) array of corners."""
        corners = tuple((float(x), float(y)) for x, y in self.vertices)
        object.__setattr__(self, "vertices", corners)
        object.__setattr__(self, "axes", tuple(self.axes))

    def columns(self) -> tuple[ChannelRef, ...]:
        """Return the channels of x and y."""
        if self.space == "tissue":
            return (ChannelRef("position", "x"), ChannelRef("position", "y"))
        if self.space.startswith("embedding:"):
            key = self.space.removeprefix("embedding:")
            components = [axis for axis in self.axes or (0, 1) if isinstance(axis, int)]
            if len(components) == 2:
                return tuple(ChannelRef.make("embedding", key, component=number) for number in components)
        references = tuple(axis for axis in self.axes if isinstance(axis, ChannelRef))
        if self.space == "channels" and len(references) == 2:
            return references
        raise DataError(f'A lasso over "{self.space}" with axes {self.axes} cannot be read; draw it again.')

    def _mask(self, context: Any) -> BoolArray:
        if self.space == "tissue":
            if context.dataset.positions_cd is None:
                raise DataError("These cells have no positions, so nothing can be selected on the tissue.")
            return inside_polygon(context.dataset.positions_cd, self.vertices)
        x, y = (_numbers(context, ref) for ref in self.columns())
        return inside_polygon(np.column_stack([x, y]), self.vertices)

    def to_json(self) -> dict[str, Any]:
        """Return the space, the axes, the corners and the fingerprint."""
        axes = [axis.to_json() if isinstance(axis, ChannelRef) else axis for axis in self.axes]
        corners = [list(corner) for corner in self.vertices]
        return {
            "kind": self.kind,
            "space": self.space,
            "vertices": corners,
            "axes": axes,
            "column": self.column,
        }


def _numbers(context: Any, ref: ChannelRef) -> FloatArray:
    values = resolve_channel(context, ref).values
    if values is None:
        raise DataError(f'"{ref.key}" holds categories, so a lasso cannot be drawn over it.')
    return values
