"""Cells and selections as short JSON, and back from files that nobody vouches for."""

from __future__ import annotations

import base64
import binascii
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.selection import And, Cells, Not, Or, Selection, selection_from_json
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How deep saved selections may be nested.
MAX_DEPTH = 200


@lru_cache(maxsize=32)
def pack(cells: Cells) -> dict[str, Any]:
    """Write fixed cells as the gaps between their numbers, compressed."""
    gaps = np.diff(cells.indices.astype("<i4"), prepend=np.int32(0)).astype("<i4")
    text = base64.b64encode(zlib.compress(gaps.tobytes(), 1)).decode("ascii")
    return {"kind": "cells", "count": len(cells.indices), "packed": text}


def unpack(data: Mapping[str, Any], n_cells: int) -> Cells:
    """Read what `pack` wrote; no more is unpacked than so many cells need.

    Raises
    ------
    DataError
        The text is damaged, or names cells outside ``0 .. n_cells - 1``.
    """
    count, text = data["count"], data["packed"]
    if type(count) is not int or not 0 <= count <= n_cells or not isinstance(text, str):
        raise DataError("a set of cells has a wrong size")
    try:
        unzip = zlib.decompressobj()
        raw = unzip.decompress(base64.b64decode(text.encode("ascii"), validate=True), 4 * count + 1)
    except (zlib.error, binascii.Error, UnicodeEncodeError) as error:
        raise DataError("a set of cells is damaged") from error
    if len(raw) != 4 * count or (count and not unzip.eof):
        raise DataError("a set of cells is damaged")
    gaps = np.frombuffer(raw, "<i4").astype(np.int64)
    indices = np.cumsum(gaps)
    if count and (indices[0] < 0 or indices[-1] >= n_cells or (gaps[1:] <= 0).any()):
        raise DataError("a set of cells names cells that do not exist")
    return Cells(indices.astype(np.int32))


def pack_selection(selection: Selection) -> dict[str, Any]:
    """Write any selection."""
    if isinstance(selection, Cells):
        return pack(selection)
    if isinstance(selection, Not):
        return {"kind": "not", "part": pack_selection(selection.part)}
    if isinstance(selection, And | Or):
        return {"kind": selection.kind, "parts": [pack_selection(part) for part in selection.parts]}
    return selection.to_json()


def unpack_selection(data: Mapping[str, Any], n_cells: int, depth: int = 0) -> Selection:
    """Read what `pack_selection` wrote.

    Raises
    ------
    DataError
        It is damaged, nested too deeply, or of a kind that is not known. Other errors of a wrong type or a
        missing name are for the caller to put into words.
    """
    if depth > MAX_DEPTH:
        raise DataError("a selection is nested too deeply")
    kind = data["kind"]
    if kind == "cells":
        return unpack(data, n_cells)
    if kind == "not":
        return Not(unpack_selection(data["part"], n_cells, depth + 1))
    if kind in ("and", "or"):
        parts = tuple(unpack_selection(part, n_cells, depth + 1) for part in data["parts"])
        return And(parts) if kind == "and" else Or(parts)
    selection = selection_from_json(data)
    hash(selection)  # what cannot be compared cannot be a state
    return selection
