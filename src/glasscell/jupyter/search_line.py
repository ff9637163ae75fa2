"""A line to type in with the best hits below it; of many names only those few are sent to the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets
from psygnal import Signal

from glasscell.data.channel import ChannelRef
from glasscell.jupyter.panel import FILL, TITLE, Panel, column, show
from glasscell.jupyter.sheet import Column, Sheet
from glasscell.views.search import Hit, SearchIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

_HITS = (Column("Name"), Column("What it is", kind="number"))
N_LISTED = 12


class SearchLine(Panel):
    """Type, see the hits, click one or take the best with Enter.

    ``typed`` carries the text, ``chosen`` a hit, ``entered`` the text where Enter finds no hit.

    Parameters
    ----------
    hint
        What is typed, shown while the line is empty.
    title, tip
        Of the line.
    height
        CSS height beyond which hits scroll.
    """

    typed = Signal(str)
    chosen = Signal(object)  # Hit
    entered = Signal(str)

    def __init__(self, hint: str, title: str = "", tip: str = "", height: str = "14em") -> None:
        self.text = ipywidgets.Text(
            placeholder=hint, description=title, tooltip=tip or hint, continuous_update=True
        )
        self.text.layout.width = FILL if title else "auto"
        if title:
            self.text.style.description_width = TITLE
        self.hits = Sheet(_HITS, height, heads=False)
        self.widget = column(self.text, self.hits)
        self._hits: tuple[Hit, ...] = ()
        self._asking = False
        self.hear(self.text, self._on_typed)
        self.hear_enter(self.text, self._on_enter)
        self.hits.clicked.connect(lambda number, _: self._choose(number))
        self.set_hits(())

    def set_hits(self, hits: Sequence[Hit]) -> None:
        """List what matches; the list is open only while somebody types."""
        self._hits = tuple(hits)
        self.hits.show(
            [(hit.title, hit.subtitle) for hit in self._hits],
            ["\n".join((hit.title, *hit.aliases, hit.subtitle)) for hit in self._hits],
            keys=[repr(hit.ref) for hit in self._hits],
        )
        show(self.hits, bool(self._hits) and self._asking)

    def write(self, text: str) -> None:
        """Put a text into the line, and list nothing."""
        self._asking = False
        show(self.hits, False)
        with self.telling():
            self.text.value = text

    def _on_typed(self, text: str) -> None:
        self._asking = bool(text.strip())
        show(self.hits, bool(self._hits) and self._asking)
        self.typed.emit(text)

    def _on_enter(self) -> None:
        """Take the best hit."""
        if not self._asking:
            return
        if self._hits:
            self._choose(0)
        else:
            self.entered.emit(self.text.value)

    def _choose(self, number: int) -> None:
        hit = self._hits[number]
        self.write(hit.title)
        self.chosen.emit(hit)


class GeneLine(SearchLine):
    """Finds one of many genes.

    ``gene_chosen`` carries its name, or what was typed where Enter finds none; empty when a person empties
    the line.
    """

    gene_chosen = Signal(str)

    def __init__(self, title: str, hint: str, tip: str) -> None:
        super().__init__(hint, title, tip)
        self.names: tuple[str, ...] = ()
        self._index: SearchIndex | None = None
        self.typed.connect(self._on_query)
        self.chosen.connect(lambda hit: self.gene_chosen.emit(hit.title))
        self.entered.connect(lambda text: self.gene_chosen.emit(text.strip()))

    def offer(self, names: Sequence[str]) -> None:
        """Find among other names; they stay in the kernel."""
        given = tuple(dict.fromkeys(names))
        if given != self.names:
            self.names, self._index = given, None
            self.set_hits(())

    def _on_query(self, text: str) -> None:
        if not text.strip():
            self.set_hits(())
            self.gene_chosen.emit("")
            return
        if self._index is None:
            self._index = SearchIndex(Hit(ChannelRef("gene", name), name) for name in self.names)
        self.set_hits(self._index.find(text, N_LISTED))
