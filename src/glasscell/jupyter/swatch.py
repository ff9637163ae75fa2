"""What the colours of a map mean in a notebook: a bar with its ends and unit, or names with swatches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from glasscell.jupyter.colour_bar import png
from glasscell.jupyter.panel import WIDE, Words, column, row, show
from glasscell.jupyter.sheet import Column, Heat, Sheet
from glasscell.views.bar_picture import bar_pixels
from glasscell.views.legend_words import clipped, ticks, without_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.colour import ColourTable

_NAMES = (Column("", "", "heat", "1.6em"), Column(), Column("", "", "number", "5em"))


class MapKey:
    """A bar or swatches, with nothing to change."""

    def __init__(self) -> None:
        self.strip = ipywidgets.Image(format="png", layout=ipywidgets.Layout(width=WIDE, height="16px"))
        self.ticks, self.unit = (Words(), Words(), Words()), Words("", "muted")
        self.names = Sheet(_NAMES, "10em", heads=False)
        self.marks = Words("", "warning")
        ends = row(*self.ticks, justify_content="space-between", padding="0 3%")
        self._bar = column(self.strip, ends, self.unit)
        self.widget = column(self._bar, self.names, self.marks)

    def show_table(self, table: ColourTable | None, more: Sequence[ColourTable] = ()) -> None:
        """Show what the colours of one or several tables mean."""
        bar, legend = (None, None) if table is None else (table.bar, table.legend)
        show(self._bar, bar is not None)
        show(self.names, legend is not None)
        if bar is not None:
            self.strip.value = png(bar_pixels(bar))
            for place, text in zip(self.ticks, ticks(bar), strict=True):
                place.say(text)
            self.unit.say(bar.unit, "muted")
        told = [] if legend is None else [(one.colour, one.name, one.count) for one in legend.items]
        if legend is not None and legend.missing:
            told.append((legend.missing_colour, "no value", legend.missing))
        rows = [(Heat(colour), name, "" if more else f"{count:,}") for colour, name, count in told]
        self.names.show(rows)
        bars = [one.bar for one in (table, *more) if one is not None and one.bar is not None]
        said = dict.fromkeys(text for one in bars for text in (clipped(one), without_value(one)) if text)
        self.marks.say("; ".join(said), "warning")
