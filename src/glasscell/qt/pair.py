"""Two maps of the same cells beside each other, and their difference below: one pointer in all three."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFormLayout, QGridLayout, QWidget

from glasscell.qt.canvas import CellCanvas
from glasscell.qt.canvas_tools import CanvasTools
from glasscell.qt.colour_bar import Strip
from glasscell.qt.swatch import QtSwatches
from glasscell.qt.text import Choice, PlainLabel, button, caption, column_of, heading, row_of
from glasscell.views import pair_view as words
from glasscell.views.legend_words import clipped, without_value
from glasscell.views.pair_view import PairView, shape_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.jobs.dispatcher import Dispatcher
    from glasscell.jobs.runner import JobRunner
    from glasscell.views.colour import ColourTable
    from glasscell.views.pair_view import PairGround, PairOffer, PairPicture

_HEIGHTS, _USUAL = (110, 210), 160


class _Key(QWidget):
    """What the colours mean: a bar with its unit, or swatches."""

    def __init__(self) -> None:
        super().__init__()
        self.strip, self.swatches = Strip(), QtSwatches()
        self.unit, self.marks = PlainLabel("", "muted", wrap=False), PlainLabel("", "warn")
        column_of(self.strip, self.unit, self.swatches, self.marks, parent=self).setSpacing(1)

    def show_table(self, table: ColourTable | None, more: Sequence[ColourTable] = ()) -> None:
        """Show what the colours of one or several tables mean."""
        bar = None if table is None else table.bar
        self.strip.set_bar(bar)
        self.strip.setVisible(bar is not None)
        self.unit.set_text("" if bar is None else bar.unit)
        self.swatches.set_legend(None if table is None else table.legend, counts=not more)
        bars = [one.bar for one in (table, *more) if one is not None and one.bar is not None]
        said = dict.fromkeys(text for one in bars for text in (clipped(one), without_value(one)) if text)
        self.marks.set_text("; ".join(said))


class QtPairView(PairView):
    """The view of two maps in Qt.

    Parameters
    ----------
    dispatcher, runner
        As in ``QtEmbeddingView``.
    """

    def __init__(self, dispatcher: Dispatcher | None = None, runner: JobRunner | None = None) -> None:
        super().__init__()
        self.what, self.gene = Choice(words.WHAT_TIP), Choice(words.GENE_TIP)
        self.left, self.right = Choice(words.LEFT_TIP), Choice(words.RIGHT_TIP)
        self.canvases = tuple(CellCanvas(dispatcher, runner) for _ in range(3))
        self.titles = tuple(PlainLabel("", wrap=False) for _ in self.canvases)
        self.tools = CanvasTools(self.canvases)
        self.paint = button(words.PAINT, words.PAINT_TIP)
        self.shared, self.own = _Key(), _Key()
        self.caption, self.message = PlainLabel("", "muted"), PlainLabel("", "muted")
        self.summary, self.notes = PlainLabel(""), PlainLabel("", "muted")
        self._choices, self._result = QWidget(), QWidget()
        self.widget = QWidget()
        self._content()
        self._connect()
        self.set_offer(words.PairOffer())
        self.set_ground(None)
        self.set_pair(None, "")

    def close_down(self) -> None:
        """Draw no more; the dock is going away."""
        for canvas in self.canvases:
            canvas.close_down()

    def set_offer(self, offer: PairOffer) -> None:
        """Offer what can be shown."""
        self._choices.setVisible(bool(offer.whats))
        self.what.set_names([key for key, _ in offer.whats], offer.what, words=dict(offer.whats))
        self.gene.set_names(offer.genes, offer.gene)
        for side, chosen in ((self.left, offer.left), (self.right, offer.right)):
            side.set_names([key for key, _ in offer.sides], chosen, words=dict(offer.sides))
        self._form.setRowVisible(self.gene, bool(offer.genes))

    def set_ground(self, ground: PairGround | None) -> None:
        """Place the cells."""
        self._fit(1.0 if ground is None or ground.tissue is None else shape_of(ground.tissue.bounds))
        for canvas in self.canvases:
            if ground is None:
                canvas.set_positions(None, "", "")
            elif ground.tissue is not None:
                canvas.set_positions(ground.positions_cd, "", "", ground.tissue)
            else:
                canvas.set_positions(ground.positions_cd, *ground.words)

    def set_pair(self, picture: PairPicture | None, message: str) -> None:
        """Colour the cells."""
        self.message.set_text(message)
        self._result.setVisible(picture is not None)
        if picture is None:
            return
        tables = (picture.left, picture.right, picture.difference)
        for canvas, table, title, said in zip(
            self.canvases, tables, self.titles, picture.titles, strict=True
        ):
            canvas.set_colours(table.table_u32)
            title.set_text(said)
        self.shared.show_table(picture.left, (picture.right,))
        self.own.show_table(picture.difference)
        self.summary.set_text(picture.summary)
        self.notes.set_text("; ".join(picture.notes))

    def set_hovered(self, cell: int | None, words: str) -> None:
        """Ring a cell in all three."""
        for canvas in self.canvases:
            canvas.set_hovered(cell)
        self.caption.set_text(words or "Point at a cell for its values.")

    def _fit(self, shape: float) -> None:
        """Be as high as the cells need in a dock of the usual width."""
        low, high = _HEIGHTS
        for canvas in self.canvases:
            canvas.setFixedHeight(round(min(max(_USUAL * shape + 16, low), high)))

    def _content(self) -> None:
        """Lay everything out."""
        self._form = form = QFormLayout(self._choices)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        rows = (("Show", self.what), ("Gene", self.gene), ("Left", self.left), ("Right", self.right))
        for title, control in rows:
            form.addRow(caption(title), control)
        for canvas in self.canvases:
            canvas.setMinimumSize(120, _HEIGHTS[0])
        for follower in self.canvases[1:]:
            follower.box.setXLink(self.canvases[0].box)
            follower.box.setYLink(self.canvases[0].box)
        column_of(
            row_of(self.tools, self.paint, stretch=0),
            self._maps(),
            self.caption,
            self.notes,
            parent=self._result,
        )
        column_of(heading(words.TITLE), self._choices, self.message, self._result, parent=self.widget)

    def _maps(self) -> QWidget:
        """Lay the three maps out in cells of one width, so that they stay at one scale."""
        maps, beside = QWidget(), QWidget()
        grid = QGridLayout(maps)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(3)
        for column in (0, 1):
            grid.setColumnStretch(column, 1)
            grid.addWidget(self.titles[column], 0, column)
            grid.addWidget(self.canvases[column], 1, column)
        shared = QWidget()
        column_of(PlainLabel(words.LIMITS_NOTE, "muted"), self.shared, parent=shared).setSpacing(1)
        grid.addWidget(shared, 2, 0, 1, 2)
        grid.addWidget(self.titles[2], 3, 0)
        grid.addWidget(self.canvases[2], 4, 0)
        column_of(self.own, self.summary, parent=beside).addStretch(1)
        grid.addWidget(beside, 4, 1)
        return maps

    def _connect(self) -> None:
        for choice in (self.what, self.gene, self.left, self.right):
            choice.activated.connect(self._on_choice)
        for canvas in self.canvases:
            canvas.hovered.connect(lambda cell: self.cell_hovered.emit(cell))
            canvas.box.outline_drawn.connect(lambda vertices, mode: self.selection_drawn.emit(vertices, mode))
        self.tools.clear.clicked.connect(lambda: self.selection_cleared.emit())
        self.paint.clicked.connect(lambda: self.difference_painted.emit())

    def _on_choice(self, _place: Any) -> None:
        self.pair_chosen.emit(self.what.name(), self.gene.name(), self.left.name(), self.right.name())
