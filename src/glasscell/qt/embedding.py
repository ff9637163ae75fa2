"""The embedding: a scatter of any number of cells with lasso, rectangle and linked hovering."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtWidgets import QLineEdit, QWidget

from glasscell.qt.arrow import ArrowItem
from glasscell.qt.canvas import CellCanvas
from glasscell.qt.canvas_tools import CanvasTools
from glasscell.qt.style import adopt, plain_tip, theme_of
from glasscell.qt.text import Choice, PlainLabel, column_of, row_of
from glasscell.views.scatter import NO_EMBEDDING, TWO_NAMES, embedding_words
from glasscell.views.view import EmbeddingView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.explain.perturbation.arrow import Arrows
    from glasscell.jobs.dispatcher import Dispatcher
    from glasscell.jobs.runner import JobRunner


class QtEmbeddingView(EmbeddingView):
    """The embedding view in Qt.

    Parameters
    ----------
    dispatcher
        For stamping when the view has come to rest.
    runner
        For stamping more than 200,000 cells in the background.
    """

    def __init__(self, dispatcher: Dispatcher | None = None, runner: JobRunner | None = None) -> None:
        super().__init__()
        self.widget = QWidget()
        self.canvas = CellCanvas(dispatcher, runner)
        self.arrows, self.arrow_note = ArrowItem(), PlainLabel("", "muted")
        self.canvas.box.addItem(self.arrows, ignoreBounds=True)
        self.choice = Choice("Which embedding to show")
        self.choice.setPlaceholderText("axes")
        self.choice.activated.connect(lambda: self._on_choice(self.choice.name()))
        bar = CanvasTools([self.canvas], self.choice)
        self.tools, self.modes, self.clear, self.home = bar.tools, bar.modes, bar.clear, bar.home
        self.clear.clicked.connect(lambda: self.selection_cleared.emit())
        self.x_name, self.y_name = QLineEdit(), QLineEdit()
        self.names = QWidget()
        self._names_row()
        column = column_of(bar, self.names, self.canvas, self.arrow_note, parent=self.widget)
        column.setContentsMargins(6, 6, 6, 6)
        column.setStretch(2, 1)
        self.canvas.hovered.connect(lambda cell: self.cell_hovered.emit(cell))
        self.canvas.box.outline_drawn.connect(
            lambda vertices, mode: self.selection_drawn.emit(vertices, mode)
        )
        adopt(self.widget)
        self.set_positions(None, "", "")
        self.set_arrows(None)

    def close_down(self) -> None:
        """Draw no more; the dock is going away."""
        self.canvas.close_down()

    def set_choices(self, names: Sequence[str], current: str | None) -> None:
        """Offer these embeddings, the current one chosen."""
        typed = current is None and not self.names.isHidden()
        words = {name: embedding_words(name) for name in names}
        self.choice.set_names([*names, TWO_NAMES], TWO_NAMES if typed else current, words)
        if current is None and not typed:
            self.choice.setCurrentIndex(-1)
        self.names.setVisible(typed)
        self.choice.setToolTip(
            plain_tip("Which embedding to show" if names else "No embedding yet: prepare the data")
        )

    def set_positions(self, positions_cd: NDArray[np.float64] | None, x_label: str, y_label: str) -> None:
        """Place the cells."""
        self.canvas.set_positions(positions_cd, x_label, y_label)
        empty = "" if positions_cd is not None else NO_EMBEDDING
        self.canvas.set_note(empty)

    def set_colours(self, table_u32: NDArray[np.uint32]) -> None:
        """Recolour: one take."""
        self.canvas.set_colours(table_u32)

    def set_hovered(self, cell: int | None) -> None:
        """Ring one cell."""
        self.canvas.set_hovered(cell)

    def set_stale(self, stale: bool) -> None:
        """Dim the picture while the next colours are computed."""
        self.canvas.set_stale(stale)

    def set_message(self, text: str) -> None:
        """Say why the plot is empty."""
        self.canvas.set_note(text)

    def set_arrows(self, arrows: Arrows | None) -> None:
        """Draw where cells go."""
        none_ad = np.empty((0, 2))
        ends = (none_ad, none_ad) if arrows is None else (arrows.start_ad, arrows.end_ad)
        self.arrows.set_arrows(*ends, theme_of(self.widget).text)
        self.arrow_note.set_text("" if arrows is None else arrows.caption)

    def _on_choice(self, name: str) -> None:
        self.names.setVisible(name == TWO_NAMES)
        if name != TWO_NAMES:
            self.axes_requested.emit(name)

    def _on_names(self) -> None:
        x, y = self.x_name.text().strip(), self.y_name.text().strip()
        if x and y:
            self.axis_names_requested.emit(x, y)

    def _names_row(self) -> None:
        for field, axis in ((self.x_name, "x"), (self.y_name, "y")):
            field.setPlaceholderText(f"{axis}: gene or column")
            field.returnPressed.connect(self._on_names)
        column_of(row_of(self.x_name, self.y_name, stretch=0), parent=self.names)
        self.names.setVisible(False)
