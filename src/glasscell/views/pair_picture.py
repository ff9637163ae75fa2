"""Two channels in the same colours, and their difference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from glasscell.data.channel import CellValues
from glasscell.data.class_colour import named_colours
from glasscell.data.difference import difference_of, recoded
from glasscell.views.colour import Default, automatic_limits, category_colours, colour_table
from glasscell.views.pair_view import PairPicture

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pair_picture(
    left: CellValues, right: CellValues, selected: NDArray[np.bool_] | None = None, theme: str = "dark"
) -> PairPicture:
    """Colour two channels alike, and their difference.

    Numbers of both sides have the same limits, from the values of both; names of both sides have the same
    colours. The difference is left less right, in a diverging map that is symmetric about zero; of names it
    shows where they are not the same.

    Parameters
    ----------
    left, right
        Of the same cells, both numbers or both names.
    selected
        Cells that stand out, ``(n_cells,)``; None for all.
    theme
        ``dark`` or ``light``.

    Raises
    ------
    DataError
        The two have no difference.
    """
    difference = difference_of(left, right)
    shown = Default()
    if left.values is not None and right.values is not None:
        centre = 0.0 if left.centre == 0 or right.centre == 0 else None
        left, right = replace(left, centre=centre), replace(right, centre=centre)
        both = np.concatenate([cast("NDArray[np.float32]", one.values) for one in (left, right)])
        shown = Default(limits=automatic_limits(both, centre))
    else:
        left, right = same_names(left, right)
    tables = [colour_table(one, selected, shown, theme) for one in (left, right)]
    notes = tuple(dict.fromkeys(note for note in (left.note, right.note) if note))
    return PairPicture(
        left=tables[0],
        right=tables[1],
        difference=colour_table(difference, selected, None, theme),
        titles=(left.title, right.title, difference_title(difference)),
        summary=summary_words(difference, selected),
        notes=notes,
    )


def same_names(left: CellValues, right: CellValues) -> tuple[CellValues, CellValues]:
    """Give both sides all names of either, in one order and in the same colours."""
    names = list(dict.fromkeys((*left.categories, *right.categories)))
    own = _given(left)
    taken = set(own.values())
    own |= {name: each for name, each in _given(right).items() if name not in own and each not in taken}
    palette = named_colours(names, own)
    made = [
        CellValues(
            one.title, codes=recoded(one, names), categories=tuple(names), palette=palette, note=one.note
        )
        for one in (left, right)
    ]
    return made[0], made[1]


def difference_title(difference: CellValues) -> str:
    """Say what the third picture shows."""
    return "left less right" if difference.values is not None else "where they differ"


def summary_words(difference: CellValues, selected: NDArray[np.bool_] | None) -> str:
    """Say how far two channels differ over the selected cells that have both."""
    known = ~difference.missing if selected is None else ~difference.missing & selected
    count = int(known.sum())
    if not count:
        return "No cell has a value on both sides."
    if difference.codes is not None:
        other = int((difference.codes[known] == 1).sum())
        return f"Not the same in {other:,} of {count:,} cells ({other / count:.0%})."
    values = cast("NDArray[np.float32]", difference.values)[known].astype(np.float64)
    higher, lower = int((values > 0).sum()), int((values < 0).sum())
    return (
        f"Of {count:,} cells {higher:,} are higher on the left and {lower:,} on the right; "
        f"mean difference {values.mean():+.3g}, mean size {np.abs(values).mean():.3g}."
    )


def cell_words(left: CellValues, right: CellValues, cell: int) -> str:
    """Say what both sides and the difference say of a cell."""
    words = f"left {left.text(cell)}, right {right.text(cell)}"
    difference = difference_of(left, right)
    return f"{words}, difference {difference.text(cell)}" if difference.values is not None else words


def _given(values: CellValues) -> dict[str, str]:
    """Return the colour of each category of a side that brings colours."""
    return dict(zip(values.categories, category_colours(values), strict=True)) if values.palette else {}
