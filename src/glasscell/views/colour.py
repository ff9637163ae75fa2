"""One colour per cell: values, categories, what is missing and what is not selected, all in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from glasscell.data.palette import (
    categorical,
    diverging_map,
    greyed,
    pack,
    parse_colour,
    sequential_map,
    to_rgb,
)
from glasscell.errors import DataError
from glasscell.views.kernel import colour_codes, colour_numbers
from glasscell.views.legend import ColourBar, Legend, LegendItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from glasscell.data.channel import CellValues

__all__ = [
    "ColourBar",
    "ColourTable",
    "Colouring",
    "Default",
    "Legend",
    "LegendItem",
    "automatic_limits",
    "category_colours",
    "colour_table",
    "plain_table",
]

MISSING = "#a07840"
MISSING_ALPHA = 0.55
CONTEXT = "#808080"
CONTEXT_ALPHA = {"dark": 0.46, "light": 0.42}
PLAIN = {"dark": "#a9b4c0", "light": "#66727f"}


class Colouring(Protocol):
    """What the user changed about the colours; ``None`` or empty means the default."""

    @property
    def limits(self) -> tuple[float, float] | None:
        """Values at the ends of the colours."""

    @property
    def palette(self) -> Mapping[str, str] | Iterable[tuple[str, str]] | None:
        """Colour by category name."""

    @property
    def hidden(self) -> Iterable[str]:
        """Categories switched off."""


@dataclass(frozen=True)
class Default:
    """Nothing changed by the user."""

    limits: tuple[float, float] | None = None
    palette: tuple[tuple[str, str], ...] = ()
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class ColourTable:
    """A colour for every cell.

    Parameters
    ----------
    table_u32
        Little-endian RGBA, ``(n_cells + 1,)``; entry 0 is transparent, ``i + 1`` is cell ``i``.
    legend
        For categories, else None.
    bar
        For numbers, else None.
    """

    table_u32: NDArray[np.uint32]
    legend: Legend | None = None
    bar: ColourBar | None = None


def colour_table(
    values: CellValues,
    selected: NDArray[np.bool_] | None = None,
    colouring: Colouring | None = None,
    theme: str = "dark",
) -> ColourTable:
    """Colour cells by a channel.

    Cells not selected are translucent grey context; cells without a value have a colour of their own, which
    is neither that grey nor the colour of zero. Hidden categories are not drawn.

    Parameters
    ----------
    values
        One value or category per cell.
    selected
        Which cells are selected, ``(n_cells,)``; None for all.
    colouring
        Limits, palette and hidden categories set by the user.
    theme
        "dark" or "light": the ground on which cells lie; the colours of values are the same on both.

    Returns
    -------
    The table with its legend or colour bar.

    Raises
    ------
    DataError
        The selection is of other cells than the values.
    """
    colouring = Default() if colouring is None else colouring
    if selected is not None and len(selected) != len(values):
        raise DataError(f"a selection of {len(selected)} cells for {len(values)} values; select again")
    chosen = np.zeros(0, np.bool_) if selected is None else np.ascontiguousarray(selected, np.bool_)
    context = _word(CONTEXT, CONTEXT_ALPHA[theme])
    if values.kind == "categorical":
        return _categories(values, chosen, colouring, context)
    return _numbers(values, chosen, colouring, context)


def plain_table(n_cells: int, selected: NDArray[np.bool_] | None = None, theme: str = "dark") -> ColourTable:
    """Colour every cell alike, when there is nothing to colour by."""
    words = np.full(n_cells + 1, _word(PLAIN[theme]), np.uint32)
    words[0] = 0
    if selected is not None:
        words[1:][~selected] = _word(CONTEXT, CONTEXT_ALPHA[theme])
    return ColourTable(words)


def category_colours(values: CellValues, colouring: Colouring | None = None) -> tuple[str, ...]:
    """Colour of each category: the user's, else the file's, else the default one for its place."""
    default = categorical(len(values.categories))
    given = tuple(values.palette or ())
    own = dict(colouring.palette or ()) if colouring is not None else {}
    return tuple(
        parse_colour(own.get(name)) or parse_colour(given[i] if i < len(given) else None) or default[i]
        for i, name in enumerate(values.categories)
    )


def automatic_limits(values: NDArray[Any], centre: float | None) -> tuple[float, float]:
    """Range from the 1st to the 99th percentile; symmetric about a centre of zero, and never empty.

    Where that range is empty, as for a gene in few cells, it is the full range, so that those cells are seen.
    """
    some = _sample(values)
    if centre == 0:
        reach = float(np.percentile(np.abs(some), 99)) if some.size else 0.0
        reach = reach or float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0
        return -reach, reach
    low, high = (float(v) for v in np.percentile(some, (1, 99))) if some.size else (0.0, 0.0)
    if high <= low:
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return (low, high) if high > low else (low, low + 1.0)


def _categories(
    values: CellValues, chosen: NDArray[np.bool_], colouring: Colouring, context: np.uint32
) -> ColourTable:
    """Colour a categorical channel; ``chosen`` is empty when everything is selected."""
    names, codes = tuple(values.categories), np.ascontiguousarray(cast("Any", values.codes), np.int32)
    colours, hidden = category_colours(values, colouring), frozenset(colouring.hidden)
    lut = _lut(colours)
    lut[[i for i, name in enumerate(names) if name in hidden]] = 0
    words = np.zeros(len(codes) + 1, np.uint32)
    counts, totals = np.zeros(len(lut), np.int64), np.zeros(len(lut), np.int64)
    colour_codes(codes, lut, chosen, context, words, counts, totals)
    items = tuple(
        LegendItem(name, colours[i], int(counts[i]), int(totals[i]), name not in hidden)
        for i, name in enumerate(names)
    )
    return ColourTable(words, legend=Legend(values.title, items, int(counts[-1]), MISSING, values.note))


def _numbers(
    values: CellValues, chosen: NDArray[np.bool_], colouring: Colouring, context: np.uint32
) -> ColourTable:
    """Colour a continuous channel; ``chosen`` is empty when everything is selected."""
    numbers = np.ascontiguousarray(cast("Any", values.values), np.float32)
    centre = 0.0 if values.centre == 0 else None
    low, high = _limits(numbers, centre, colouring)
    colours = sequential_map() if centre is None else diverging_map()
    colours = greyed(colours) if values.greyed else colours
    words = np.zeros(len(numbers) + 1, np.uint32)
    below, above, missing, least, most = colour_numbers(
        numbers, low, high, _lut(colours), chosen, context, words
    )
    known = least <= most
    bar = ColourBar(
        title=values.title,
        unit=values.unit,
        low=low,
        high=high,
        data_low=least if known else float("nan"),
        data_high=most if known else float("nan"),
        colours=colours,
        centre=centre,
        below=int(below),
        above=int(above),
        missing=int(missing),
        missing_colour=MISSING,
        automatic=colouring.limits is None,
        percentiles=_offered(_sample(numbers), least, most, centre) if known else (),
        note=values.note,
    )
    return ColourTable(words, bar=bar)


def _limits(numbers: NDArray[np.float32], centre: float | None, colouring: Colouring) -> tuple[float, float]:
    """Put the user's limits right, or take the automatic ones."""
    if colouring.limits is None:
        return automatic_limits(numbers, centre)
    low, high = sorted(float(v) for v in colouring.limits)
    if centre is not None:
        high = max(abs(low), abs(high))
        low = -high
    return low, high if high > low else low + max(abs(low) * 1e-6, 1e-12)


def _offered(
    some: NDArray[Any], least: float, most: float, centre: float | None
) -> tuple[tuple[str, float, float], ...]:
    """Ranges worth a button, from a sample of the values and their extremes."""
    if some.size == 0:
        return (("All", least, most),) if centre is None and most > least else ()
    if centre is not None:
        a, b = (float(v) for v in np.percentile(np.abs(some), (99, 95)))
        ends = (("All", max(-least, most)), ("99 %", a), ("95 %", b))
        return tuple((label, -end, end) for label, end in ends if end > 0)
    p1, p5, p95, p99 = (float(v) for v in np.percentile(some, (1, 5, 95, 99)))
    ranges = (("All", least, most), ("1-99 %", p1, p99), ("5-95 %", p5, p95))
    return tuple((label, low, high) for label, low, high in ranges if high > low)


def _sample(values: NDArray[Any]) -> NDArray[Any]:
    """Evenly spaced numbers, enough for a percentile; limits are no reason to wait at a million cells."""
    some: NDArray[Any] = values[:: max(len(values) // 100_000, 1)]
    finite: NDArray[Any] = some[np.isfinite(some)]
    return finite


def _lut(colours: tuple[str, ...]) -> NDArray[np.uint32]:
    """Packed colours with the one of a missing value at the end."""
    return np.append(pack(to_rgb(colours)), _word(MISSING, MISSING_ALPHA))


def _word(colour: str, alpha: float = 1.0) -> np.uint32:
    """One packed colour."""
    return np.uint32(pack(to_rgb([colour]), alpha)[0])
