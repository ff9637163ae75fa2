"""The embedding in a notebook."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import ipywidgets
import numpy as np

from glasscell.jupyter.canvas import JupyterCanvas
from glasscell.jupyter.panel import OPEN_BY_PATH, WIDE, Choice, Panel, Words, column, row, show
from glasscell.jupyter.tool import CanvasTools
from glasscell.views.raster import draw_order, stamp_discs
from glasscell.views.scatter import (
    NO_EMBEDDING,
    TWO_NAMES,
    bounds_of,
    dot_radius,
    embedding_words,
    has_no_unit,
)
from glasscell.views.stamp import Stamp
from glasscell.views.view import EmbeddingView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.explain.perturbation.arrow import Arrows
    from glasscell.jobs.dispatcher import Dispatcher
    from glasscell.jobs.runner import JobRunner
    from glasscell.views.raster import Viewport

_REACH_PIXELS = 4


class JupyterEmbeddingView(EmbeddingView, Panel):
    """The embedding view in a notebook.

    Parameters
    ----------
    dispatcher
        For stamping when the view has come to rest; that of the runner where there is one.
    runner
        For stamping in the background.
    """

    open_data = OPEN_BY_PATH

    def __init__(
        self, dispatcher: Dispatcher | None = None, runner: JobRunner | None = None, height: str = "420px"
    ) -> None:
        super().__init__()
        self.canvas = JupyterCanvas(dispatcher, runner, up=True, reach=_REACH_PIXELS, height=height)
        self.choice = Choice("Axes", "Which embedding to show")
        self.choice.style.description_width = "3em"
        self.choice.layout.width = "13em"
        self.tools = CanvasTools((self.canvas,), self.selection_cleared.emit)
        self.x_name, self.y_name = (
            ipywidgets.Text(placeholder=f"{axis}: gene or column", continuous_update=False) for axis in "xy"
        )
        for field in (self.x_name, self.y_name):
            field.layout.width, field.layout.flex, field.layout.max_width = "8em", "1 1 8em", "14em"
            self.hear(field, lambda _: self._on_names())
        self.names = row(self.x_name, self.y_name, width="auto", flex="1 1 17em")
        self.arrow_note = Words("", "muted")
        axes = row(self.choice, self.names)
        self.widget = column(self.tools.widget, self.canvas.widget, axes, self.arrow_note, width=WIDE)
        self._order = np.zeros(0, np.int32)
        self.hear(self.choice, self._on_choice)
        self.canvas.hovered.connect(self._on_hovered)
        self.canvas.drawn.connect(self._on_drawn)
        self.canvas.cleared.connect(self._on_cleared)
        self.theme_changed.connect(self._on_theme)
        self._positions_cd: NDArray[np.float64] | None = None
        show(self.names, False)
        self._on_theme()
        self.set_positions(None, "", "")

    def close_down(self) -> None:
        """Draw no more; the explorer is going away."""
        self.canvas.close_down()

    def set_choices(self, names: Sequence[str], current: str | None) -> None:
        """Offer these embeddings, the current one chosen."""
        typed = current is None and bool(names) and self.choice.key == TWO_NAMES
        choices = [*((name, embedding_words(name)) for name in names), (TWO_NAMES, TWO_NAMES)]
        blank = [] if current is not None or typed else [("", "axes")]
        with self.telling():
            self.choice.offer([*blank, *choices], TWO_NAMES if typed else current or "")
        show(self.names, typed)
        self.choice.tooltip = "Which embedding to show" if names else "No embedding yet: prepare the data"

    def set_positions(self, positions_cd: NDArray[np.float64] | None, x_label: str, y_label: str) -> None:
        """Place the cells and show all of them."""
        bounds = bounds_of(positions_cd)
        self._positions_cd = None if positions_cd is None else np.ascontiguousarray(positions_cd, np.float64)
        n_cells = 0 if positions_cd is None else len(positions_cd)
        if len(self._order) != n_cells:
            self._order = draw_order(n_cells)
        bare = has_no_unit(x_label, y_label) or not x_label
        draw = (
            partial(self._stamp, self._positions_cd, self._order) if self._positions_cd is not None else None
        )
        self.canvas.show(draw, bounds, n_cells, locked=bare)
        corner = f"{x_label} →   {y_label} ↑" if bare and x_label else ""
        axes = None if bare else (x_label, y_label)
        message = "" if positions_cd is not None else NO_EMBEDDING
        self.canvas.set_overlay(mark=None, corner=corner, axes=axes, message=message)

    def set_colours(self, table_u32: NDArray[np.uint32]) -> None:
        """Recolour: one take, one frame."""
        self.canvas.scene.set_colours(table_u32)

    def set_hovered(self, cell: int | None) -> None:
        """Ring one cell."""
        positions_cd = self._positions_cd
        mark = None
        if cell is not None and positions_cd is not None and 0 <= cell < len(positions_cd):
            x, y = (float(v) for v in positions_cd[cell])
            mark = (x, y, 0.0) if np.isfinite(x + y) else None
        self.canvas.set_overlay(mark=mark)

    def set_stale(self, stale: bool) -> None:
        """Dim the picture while the next colours are computed."""
        self.canvas.set_stale(stale)

    def set_message(self, text: str) -> None:
        """Say why the plot is empty."""
        self.canvas.set_overlay(message=text)

    def set_arrows(self, arrows: Arrows | None) -> None:
        """Draw where cells go."""
        ends = None if arrows is None or not len(arrows.start_ad) else (arrows.start_ad, arrows.end_ad)
        self.canvas.set_overlay(arrows=ends)
        self.arrow_note.say("" if arrows is None else arrows.caption, "muted")

    def _stamp(
        self, positions_cd: NDArray[np.float64], order: NDArray[np.int32], viewport: Viewport
    ) -> Stamp:
        scene = self.canvas.scene
        camera = scene.camera
        zoom = scene.home_pixel / (viewport.pixel * camera.ratio)
        radius = dot_radius(camera.width * camera.height, len(order), zoom) * camera.ratio * viewport.pixel
        return Stamp(stamp_discs(positions_cd, radius, viewport, order))

    def _on_choice(self, name: str) -> None:
        show(self.names, name == TWO_NAMES)
        if name and name != TWO_NAMES:
            self.axes_requested.emit(name)

    def _on_names(self) -> None:
        x, y = self.x_name.value.strip(), self.y_name.value.strip()
        if x and y:
            self.axis_names_requested.emit(x, y)

    def _on_hovered(self, cell: int | None) -> None:
        self.cell_hovered.emit(cell)

    def _on_drawn(self, outline_vd: NDArray[np.float64], mode: str) -> None:
        self.selection_drawn.emit(outline_vd, mode)

    def _on_cleared(self) -> None:
        self.selection_cleared.emit()

    def _on_theme(self) -> None:
        self.canvas.set_theme(self.theme)
