"""The difference of two channels: one number less the other, or whether two names are the same."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from glasscell.data.channel import CellValues, ChannelRef, CodeArray, resolve_channel
from glasscell.data.column import recode
from glasscell.errors import DataError

#: The two categories of a difference of names, and their colours on either ground.
SAME, OTHER = "the same", "not the same"
COLOURS = ("#6aa5d8", "#e0592a")


def difference_of(first: CellValues, second: CellValues) -> CellValues:
    """Return the first channel less the second, centred at zero; of names, where they are not the same.

    A cell without a value in either has none here.

    Parameters
    ----------
    first, second
        Of the same cells, both numbers or both names.

    Raises
    ------
    DataError
        One holds numbers and the other names, or they are of other cells.
    """
    if first.kind != second.kind:
        raise DataError("Numbers and names have no difference: choose two of the same kind.")
    if len(first) != len(second):
        raise DataError(f"{len(first)} cells less {len(second)} cells: choose two of the same data.")
    if first.values is not None and second.values is not None:
        unit = first.unit if first.unit == second.unit else f"{first.unit} less {second.unit}"
        return CellValues("difference", unit, first.values - second.values, centre=0.0)
    names = list(dict.fromkeys((*first.categories, *second.categories)))
    one, other = recoded(first, names), recoded(second, names)
    known = (one >= 0) & (other >= 0)
    codes = np.where(known, one != other, -1).astype(np.int32)
    return CellValues("difference", codes=codes, categories=(SAME, OTHER), palette=COLOURS)


def recoded(values: CellValues, names: list[str]) -> CodeArray:
    """Return the category of each cell as a place in ``names``, ``(n_cells,)``; -1 for none."""
    assert values.codes is not None
    return recode(values.codes, values.categories, names)


def difference_ref(first: ChannelRef, second: ChannelRef) -> ChannelRef:
    """Name the difference of two channels, so that every view can be coloured by it."""
    said = {
        name: json.dumps(ref.to_json(), sort_keys=True)
        for name, ref in zip("ab", (first, second), strict=True)
    }
    return ChannelRef.make("difference", "difference", **said)


def resolve_difference(context: Any, ref: ChannelRef) -> CellValues:
    """Return the difference of the two channels that a reference names.

    Raises
    ------
    DataError
        It names no two channels, or they have no difference.
    """
    try:
        refs = [ChannelRef.from_json(json.loads(str(ref.param(name, "")))) for name in "ab"]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError("This difference names no two channels: choose them again.") from error
    if any(one.kind == "difference" for one in refs):
        raise DataError("A difference of differences is not shown: choose two channels.")
    return difference_of(*(resolve_channel(context, one) for one in refs))
