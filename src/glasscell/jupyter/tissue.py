"""The tissue in a notebook."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from glasscell.jupyter.canvas import JupyterCanvas
from glasscell.jupyter.panel import WIDE, Panel, Words, column
from glasscell.jupyter.tool import CanvasTools
from glasscell.views.scene import Stamp
from glasscell.views.view import TissueView

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs.dispatcher import Dispatcher
    from glasscell.jobs.runner import JobRunner
    from glasscell.views.picture import TissuePicture
    from glasscell.views.raster import Viewport


class JupyterTissueView(TissueView, Panel):
    """The tissue view in a notebook.

    Parameters
    ----------
    dispatcher
        For stamping when the view has come to rest; that of the runner where there is one.
    runner
        For stamping in the background.
    """

    def __init__(
        self, dispatcher: Dispatcher | None = None, runner: JobRunner | None = None, height: str = "420px"
    ) -> None:
        super().__init__()
        self.canvas = JupyterCanvas(dispatcher, runner, height=height)
        self.tools = CanvasTools(self.canvas, self.selection_cleared.emit)
        self.caption = Words("", "muted")
        self.widget = column(self.tools.widget, self.canvas.widget, self.caption, width=WIDE)
        self._picture: TissuePicture | None = None
        self._gene: str | None = None
        self.canvas.hovered.connect(self._on_hovered)
        self.canvas.drawn.connect(self._on_drawn)
        self.canvas.cleared.connect(self._on_cleared)
        self.theme_changed.connect(self._on_theme)
        self._on_theme()

    @property
    def picture(self) -> TissuePicture | None:
        """What is drawn."""
        return self._picture

    def close_down(self) -> None:
        """Draw no more; the explorer is going away."""
        self.canvas.close_down()

    def set_picture(self, picture: TissuePicture | None) -> None:
        """Draw another tissue; None empties the canvas."""
        self._picture = picture
        self.canvas.set_overlay(
            mark=None,
            unit="" if picture is None else picture.unit,
            microns=None if picture is None else picture.microns_per_unit,
        )
        if picture is None:
            self.canvas.scene.show(None, None, 0)
        else:
            self.canvas.scene.show(partial(_stamp, picture, self._gene), picture.bounds, picture.n_cells)

    def set_plane(self, picture: TissuePicture) -> None:
        """Draw another plane of the same tissue; the camera stays."""
        self._picture = picture
        self.canvas.scene.redraw(partial(_stamp, picture, self._gene))

    def set_gene(self, gene: str | None) -> None:
        """Show the transcripts of one gene only; None for those of all."""
        changed, self._gene = gene != self._gene, gene
        if changed and self._picture is not None and self._picture.points:
            self.canvas.scene.redraw(partial(_stamp, self._picture, gene))

    def set_colours(self, table_u32: NDArray[np.uint32]) -> None:
        """Recolour: one take, one frame."""
        self.canvas.scene.set_colours(table_u32)

    def set_hovered(self, cell: int | None) -> None:
        """Ring one cell, or none."""
        picture, mark = self._picture, None
        if picture is not None and cell is not None and 0 <= cell < picture.n_cells:
            x, y = (float(v) for v in picture.positions_cd[cell])
            mark = (x, y, float(picture.radius_c[cell])) if np.isfinite(x + y) else None
        self.canvas.set_overlay(mark=mark)

    def set_caption(self, text: str) -> None:
        """Show one line below the tissue."""
        self.caption.say(text, "muted")

    def set_stale(self, stale: bool) -> None:
        """Say that the colours are about to change."""
        self.canvas.scene.set_look(stale=stale)
        self.canvas.set_overlay(badge="computing …" if stale else "")

    def _on_hovered(self, cell: int | None) -> None:
        self.cell_hovered.emit(cell)

    def _on_drawn(self, outline_vd: NDArray[np.float64], mode: str) -> None:
        self.selection_drawn.emit(outline_vd, mode)

    def _on_cleared(self) -> None:
        self.selection_cleared.emit()

    def _on_theme(self) -> None:
        self.canvas.set_theme(self.theme)


def _stamp(picture: TissuePicture, gene: str | None, viewport: Viewport) -> Stamp:
    return Stamp(picture.raster(viewport))
