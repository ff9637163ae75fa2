"""Colour by anything: search box, legend or colour bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from glasscell.qt.colour_bar import QtColourBar
from glasscell.qt.legend import QtLegend
from glasscell.qt.search_box import SearchBox
from glasscell.qt.style import adopt
from glasscell.qt.text import PlainLabel, column_of
from glasscell.views.legend_words import SEARCH
from glasscell.views.view import ColourView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.legend import ColourBar, Legend
    from glasscell.views.search import Hit


class QtColourView(ColourView):
    """The colour view in Qt."""

    def __init__(self) -> None:
        super().__init__()
        self.widget = QWidget()
        self.search = SearchBox(SEARCH)
        self.title = PlainLabel("", "heading", wrap=False)
        self.message = PlainLabel("", "muted")
        self.legend = QtLegend()
        self.bar = QtColourBar()
        self._spring = QWidget()
        column = column_of(
            self.search, self.title, self.message, self.bar, self.legend, self._spring, parent=self.widget
        )
        column.setContentsMargins(8, 8, 8, 8)
        column.setStretch(4, 1)
        column.setStretch(5, 1)
        adopt(self.widget)
        self.search.query_typed.connect(lambda text: self.query_typed.emit(text))
        self.search.hit_chosen.connect(lambda hit: self.channel_requested.emit(hit.ref))
        self.legend.category_toggled.connect(lambda name, shown: self.category_toggled.emit(name, shown))
        self.legend.category_recoloured.connect(
            lambda name, colour: self.category_recoloured.emit(name, colour)
        )
        self.bar.limits_requested.connect(lambda limits: self.limits_requested.emit(limits))
        self.set_legend(None)
        self.set_colour_bar(None)

    def set_hits(self, hits: Sequence[Hit]) -> None:
        """List what matches."""
        self.search.set_hits(hits)

    def set_legend(self, legend: Legend | None) -> None:
        """Show the categories."""
        self.legend.set_legend(legend)
        self.legend.setVisible(legend is not None)
        self._spring.setVisible(legend is None)

    def set_colour_bar(self, bar: ColourBar | None) -> None:
        """Show the range."""
        self.bar.set_bar(bar)
        self.bar.setVisible(bar is not None)

    def set_title(self, text: str) -> None:
        """Name what is shown."""
        self.title.set_text(text)

    def set_message(self, text: str) -> None:
        """Say what is missing or marked."""
        self.message.set_text(text)
