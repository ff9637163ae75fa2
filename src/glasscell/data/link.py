"""Links between the table and what is drawn: by key, never by order, and mismatches in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glasscell.data.tissue import Pair, TissueMask

if TYPE_CHECKING:
    from collections.abc import Sequence

_DENSE_LABELS = 1 << 24


@dataclass(frozen=True, eq=False)
class Link:
    """Which element belongs to which cell.

    Parameters
    ----------
    positions_c
        For each cell the position of its element, -1 when it has none; int64.
    unused
        Number of elements that belong to no cell.
    missing
        Some of the keys of cells without element.
    repeated
        Some keys that two cells claim; the first cell has it.
    n_repeated
        Number of cells that came second.
    """

    positions_c: npt.NDArray[np.int64]
    unused: int
    missing: tuple[str, ...]
    repeated: tuple[str, ...]
    n_repeated: int = 0

    @property
    def n_missing(self) -> int:
        """Number of cells whose key no element has."""
        return int((self.positions_c < 0).sum()) - self.n_repeated


def as_keys(values: Sequence[Any] | npt.NDArray[Any]) -> list[str]:
    """Write keys as text so that 7, 7.0, "7" and numpy's 7 are one key."""
    keys = []
    for value in np.asarray(values, dtype=object).tolist():
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = str(value).strip()
        keys.append(text[:-2] if text.endswith(".0") and text[:-2].isdecimal() else text)
    return keys


def link_keys(cells: Sequence[Any] | npt.NDArray[Any], elements: Sequence[Any] | npt.NDArray[Any]) -> Link:
    """Match the instance keys of cells to those of elements (masks, shapes, points).

    Parameters
    ----------
    cells
        Key of each cell, integers or text.
    elements
        Key of each element, integers or text.
    """
    place: dict[str, int] = {}
    for position, key in enumerate(as_keys(elements)):
        place.setdefault(key, position)
    taken: set[str] = set()
    positions_c = np.full(len(cells), -1, dtype=np.int64)
    missing, repeated = [], []
    for cell, key in enumerate(as_keys(cells)):
        if key not in place:
            missing.append(key)
        elif key in taken:
            repeated.append(key)
        else:
            taken.add(key)
            positions_c[cell] = place[key]
    return Link(positions_c, len(place) - len(taken), tuple(missing[:5]), tuple(repeated[:5]), len(repeated))


def mismatch(link: Link, n_elements: int, what: str, key: str, noun: str = "element") -> str | None:
    """Say in one sentence what does not match; None when everything does.

    Parameters
    ----------
    link
        Result of `link_keys`.
    n_elements
        Number of elements.
    what
        The element's name in the file.
    key
        The column that holds the keys.
    noun
        What one element is called.
    """
    n_cells = len(link.positions_c)
    if n_cells and link.n_missing == n_cells:
        return (
            f"None of the {n_cells:,} cells matches {what!r}: {key!r} holds {', '.join(link.missing[:3])}, "
            f"... and {what!r} has {n_elements:,} others; it is not linked, check the instance key."
        )
    parts = []
    if link.repeated:
        parts.append(f"{link.n_repeated:,} cells repeat a {key!r} (such as {', '.join(link.repeated[:3])})")
    if link.missing:
        some = ", ".join(link.missing[:3])
        parts.append(f"{link.n_missing:,} of {n_cells:,} cells have no {noun} (such as {some})")
    if link.unused:
        parts.append(f"{link.unused:,} of {n_elements:,} {noun}s have no cell")
    return f"{what!r}: {'; '.join(parts)}." if parts else None


def link_mask(
    labels_yx: npt.NDArray[Any],
    keys: npt.NDArray[Any],
    cells: npt.NDArray[np.int64],
    *,
    name: str,
    key: str,
    scale: Pair,
    translate: Pair,
) -> tuple[TissueMask | None, str | None]:
    """Link a label image to cells.

    Parameters
    ----------
    labels_yx
        Whole numbers, 0 = background.
    keys, cells
        Instance key and index of each cell of this section.
    name, key
        Name of the mask and of the column of keys, for messages.
    scale, translate
        See `TissueMask`.

    Returns
    -------
    The mask (None when no cell matches) and what does not match, in one sentence.
    """
    labels = np.asarray(labels_yx)
    if labels.dtype.kind not in "biu":
        return None, f"{name!r} holds {labels.dtype} instead of labels; it is not linked."
    top = int(labels.max()) if labels.size else 0
    low = int(labels.min()) if labels.size else 0
    renamed = low < 0 or top > _DENSE_LABELS
    if renamed:
        present = np.concatenate([[0], np.setdiff1d(labels, [0])])  # 0 first, so that background stays 0
        order = np.argsort(present, kind="stable")
        compact = order[np.searchsorted(present, labels, sorter=order)]
    else:
        present = np.arange(top + 1)
        compact = labels
    flat = compact.reshape(-1).astype(np.int64, copy=False)
    drawn = np.flatnonzero(np.bincount(flat, minlength=len(present)))
    drawn = drawn[drawn > 0]
    link = link_keys(keys, present[drawn])
    complaint = mismatch(link, len(drawn), name, key, "label")
    linked = link.positions_c >= 0
    if not linked.any():
        return None, complaint
    lut = np.full(len(present), -1, dtype=np.int32)
    lut[drawn[link.positions_c[linked]]] = cells[linked]
    own = present.astype(np.int64) if renamed else None
    mask = TissueMask(name, compact.astype(np.int32, copy=False), scale, translate, lut, own)
    return mask, complaint
