"""What is written beside a legend and a colour bar, and what limits typed there mean."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glasscell.views.legend import ColourBar, LegendItem

LOW_TIP = "Value at the left end of the colours"
HIGH_TIP = "Value at the right end"
LOW_FOLLOWS = "Follows the right end: zero stays in the middle"
AUTOMATIC, AUTOMATIC_TIP = "Auto", "Back to the range from the 1st to the 99th percentile"
SEARCH = "Colour by gene, column, attribution…"
NO_VALUE, NO_VALUE_TIP = "no value", "Cells without a category; they have a colour of their own"


def short(number: float) -> str:
    """Write a number in few characters."""
    return "-" if not math.isfinite(number) else f"{number:.3g}".replace("e-0", "e-").replace("e+0", "e")


def clipped(bar: ColourBar) -> str:
    """Say how many cells lie beyond the ends; empty for none."""
    parts = []
    if bar.below:
        parts.append(f"{bar.below:,} below {short(bar.low)}")
    if bar.above:
        parts.append(f"{bar.above:,} above {short(bar.high)}")
    return f"Clipped: {', '.join(parts)}" if parts else ""


def without_value(bar: ColourBar) -> str:
    """Say how many cells have no value; empty for none."""
    return f"{bar.missing:,} without a value" if bar.missing else ""


def ticks(bar: ColourBar) -> tuple[str, str, str]:
    """Write the numbers at the left end, in the middle and at the right end."""
    middle = (bar.low + bar.high) / 2
    return short(bar.low), "0" if bar.centre == 0 else short(middle), short(bar.high)


def wished_limits(bar: ColourBar, low: float, high: float) -> tuple[float, float] | None:
    """Return the limits meant by two numbers; None where there is no range between them.

    A bar with a centre follows its right end, so that zero stays in the middle.
    """
    if bar.centre is not None:
        low, high = -abs(high), abs(high)
    return (low, high) if math.isfinite(low) and math.isfinite(high) and high > low else None


def end_text(value: float) -> str:
    """Write an end of the range as it stands in its box."""
    return f"{value:.4g}"


def read_end(text: str, value: float) -> float:
    """Read an end of the range as typed; a text left as it was, or that is no number, stays ``value``."""
    if text == end_text(value):
        return value
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return value


def legend_count(item: LegendItem) -> str:
    """Write how many cells a category has, and how many of them are selected."""
    return f"{item.total:,}" if item.count == item.total else f"{item.count:,} / {item.total:,}"


def legend_tip(item: LegendItem) -> str:
    """Say what the count of a category means."""
    return f"{item.count:,} of {item.total:,} selected"
