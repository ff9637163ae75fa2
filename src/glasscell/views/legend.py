"""What stands beside a picture: the legend of a category, the colour bar of a number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LegendItem:
    """One category.

    Parameters
    ----------
    name
        As in the data, plain text.
    colour
        ``#rrggbb``.
    count
        Cells of this category among the selected ones.
    total
        Cells of this category.
    shown
        False when the category is switched off.
    """

    name: str
    colour: str
    count: int
    total: int
    shown: bool = True


@dataclass(frozen=True)
class Legend:
    """Categories with colours and counts; ``missing`` counts the cells without a category."""

    title: str
    items: tuple[LegendItem, ...]
    missing: int
    missing_colour: str
    note: str = ""


@dataclass(frozen=True)
class ColourBar:
    """The range of a number, with everything needed to read it honestly.

    Parameters
    ----------
    title, unit
        What is shown, and in what.
    low, high
        Values at the ends of the colours.
    data_low, data_high
        Smallest and largest value.
    colours
        The map, low to high.
    centre
        0 for a diverging map, whose limits are always symmetric; None for a sequential one.
    below, above
        Cells outside the limits: they are drawn in the end colours, and the bar marks it.
    missing, missing_colour
        Cells without a value, and their colour.
    automatic
        Whether the limits are the default ones.
    percentiles
        Ranges on offer, ``(label, low, high)``.
    note
        One sentence that must stand beside the picture ("held out").
    """

    title: str
    unit: str
    low: float
    high: float
    data_low: float
    data_high: float
    colours: tuple[str, ...]
    centre: float | None
    below: int
    above: int
    missing: int
    missing_colour: str
    automatic: bool
    percentiles: tuple[tuple[str, float, float], ...]
    note: str = ""
