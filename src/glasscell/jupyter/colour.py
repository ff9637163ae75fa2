"""Colour by anything: search box, legend or colour bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.palette import parse_colour
from glasscell.jupyter.colour_bar import JupyterColourBar
from glasscell.jupyter.panel import OPEN_BY_PATH, Panel, Words, column, show
from glasscell.jupyter.search_line import SearchLine
from glasscell.jupyter.sheet import Column, Heat, Sheet
from glasscell.views.legend_words import NO_VALUE, NO_VALUE_TIP, SEARCH, legend_count, legend_tip
from glasscell.views.view import ColourView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.legend import ColourBar, Legend
    from glasscell.views.search import Hit

_LEGEND = (
    Column("", "Switch off to hide these cells", "check"),
    Column("", "Click to change the colour", "swatch"),
    Column("Category", kind="words"),
    Column("Cells", "Of all; before it those that are selected, where only some are", "number"),
)
_CHECK, _SWATCH = 0, 1


class JupyterColourView(ColourView, Panel):
    """The colour view in a notebook."""

    open_data = OPEN_BY_PATH

    def __init__(self) -> None:
        super().__init__()
        self._legend: Legend | None = None
        self.line = SearchLine(SEARCH)
        self.search, self.hits = self.line.text, self.line.hits
        self.title, self.message = Words("", "head"), Words("", "muted")
        self.legend = Sheet(_LEGEND, "20em", heads=False)
        self.bar = JupyterColourBar()
        self.widget = column(self.line.widget, self.title, self.message, self.bar.widget, self.legend)
        self.line.typed.connect(lambda text: self.query_typed.emit(text))
        self.line.chosen.connect(lambda hit: self.channel_requested.emit(hit.ref))
        self.legend.changed.connect(self._on_legend)
        self.bar.limits_requested.connect(self.limits_requested.emit)
        self.set_hits(())
        self.set_legend(None)
        self.set_colour_bar(None)

    def set_hits(self, hits: Sequence[Hit]) -> None:
        """List what matches; the list is open only while somebody types."""
        self.line.set_hits(hits)

    def set_legend(self, legend: Legend | None) -> None:
        """Show the categories."""
        self._legend = legend
        show(self.legend, legend is not None)
        if legend is None:
            self.legend.show(())
            return
        rows: list[tuple[Any, ...]] = [
            (item.shown, item.colour, item.name, legend_count(item)) for item in legend.items
        ]
        tips, keys = [legend_tip(item) for item in legend.items], [item.name for item in legend.items]
        if legend.missing:
            rows.append(("", Heat(legend.missing_colour), NO_VALUE, f"{legend.missing:,}"))
            tips.append(NO_VALUE_TIP)
        self.legend.show(rows, tips, keys=keys)

    def set_colour_bar(self, bar: ColourBar | None) -> None:
        """Show the range."""
        self.bar.set_bar(bar)
        show(self.bar.widget, bar is not None)

    def set_title(self, text: str) -> None:
        """Name what is shown."""
        self.title.say(text, "head")

    def set_message(self, text: str) -> None:
        """Say what is missing or marked."""
        self.message.say(text, "muted")

    def _on_legend(self, number: int, place: int, value: object) -> None:
        items = self._legend.items if self._legend is not None else ()
        if number >= len(items):
            return
        colour = parse_colour(value)
        if place == _CHECK and isinstance(value, bool):
            self.category_toggled.emit(items[number].name, value)
        elif place == _SWATCH and colour is not None:
            self.category_recoloured.emit(items[number].name, colour)
