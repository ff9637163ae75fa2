"""The tissue in a notebook."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import ipywidgets
import numpy as np

from glasscell.jupyter.canvas import JupyterCanvas
from glasscell.jupyter.channel import Channels
from glasscell.jupyter.panel import OPEN_BY_PATH, WIDE, Panel, Words, column, row, show
from glasscell.jupyter.tool import CanvasTools
from glasscell.views.sight import Sight
from glasscell.views.stamp import Stamp, TissueDrawing, tissue_extent
from glasscell.views.view import TissueView

if TYPE_CHECKING:
    from collections.abc import Callable

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

    open_data = OPEN_BY_PATH

    def __init__(
        self, dispatcher: Dispatcher | None = None, runner: JobRunner | None = None, height: str = "420px"
    ) -> None:
        super().__init__()
        self.canvas = JupyterCanvas(dispatcher, runner, height=height)
        self.tools = CanvasTools((self.canvas,), self.selection_cleared.emit)
        self.plane = ipywidgets.SelectionSlider(
            options=[""], tooltip="Height: show all planes, or the cells and pictures of one"
        )
        self.picture_opacity, self.cell_opacity = (
            ipywidgets.FloatSlider(1.0, min=0.0, max=1.0, step=0.05, description=name, readout=False)
            for name in ("Picture", "Cells")
        )
        for slider in (self.plane, self.picture_opacity, self.cell_opacity):
            slider.layout.width = "13em"
            slider.style.description_width = "4em"
        self.sliders = row(self.plane, self.picture_opacity, self.cell_opacity)
        self.channels = Channels()
        self.caption = Words("", "muted")
        self.widget = column(
            self.tools.widget,
            self.canvas.widget,
            self.caption,
            self.sliders,
            self.channels.widget,
            width=WIDE,
        )
        self._picture: TissuePicture | None = None
        self._drawing: TissueDrawing | None = None
        self._sight = Sight()
        self.hear(self.plane, self._on_plane, "index")
        self.hear(self.picture_opacity, lambda share: self.canvas.scene.set_look(picture_opacity=share))
        self.hear(self.cell_opacity, lambda share: self.canvas.scene.set_look(cell_opacity=share))
        self.canvas.hovered.connect(self._on_hovered)
        self.canvas.drawn.connect(self._on_drawn)
        self.canvas.cleared.connect(self._on_cleared)
        self.channels.changed.connect(self._redraw)
        self.theme_changed.connect(self._on_theme)
        self._on_theme()

    @property
    def picture(self) -> TissuePicture | None:
        """What is drawn."""
        return self._picture

    def close_down(self) -> None:
        """Draw no more; the explorer is going away."""
        self.canvas.close_down()

    @property
    def sight(self) -> Sight:
        """Plane, gene, channels and opacity, for a picture of the same on paper."""
        plane = None if self._picture is None else self._picture.plane
        sight = replace(self._sight, plane=plane, cells=float(self.cell_opacity.value))
        return sight if self._drawing is None else self._drawing.look(sight, self.channels.chosen)

    def set_picture(self, picture: TissuePicture | None) -> None:
        """Draw another tissue; None empties the canvas."""
        self._picture, self._sight = picture, Sight()
        self._drawing = None if picture is None else TissueDrawing(picture)
        self.channels.set_picture(picture)
        unit, microns = ("", None) if picture is None else (picture.unit, picture.microns_per_unit)
        self.canvas.set_overlay(mark=None, unit=unit, microns=microns)
        self._show_sliders()
        if picture is None:
            self.canvas.show(None, None, 0)
            return
        extent = tissue_extent(picture)
        self.canvas.show(self._draw(), picture.bounds, picture.n_cells, extent=extent)

    def set_plane(self, picture: TissuePicture) -> None:
        """Draw another plane of the same tissue; the camera stays."""
        self._picture = picture
        self._show_sliders()
        self._redraw()

    def set_gene(self, gene: str | None) -> None:
        """Show the transcripts of one gene only; None for those of all."""
        changed, self._sight = gene != self._sight.gene, replace(self._sight, gene=gene)
        if changed and self._picture is not None and self._picture.points:
            self._redraw()

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
        self.caption.say(text.replace("   ", "  ·  "), "muted")

    def set_stale(self, stale: bool) -> None:
        """Say that the colours are about to change."""
        self.canvas.set_stale(stale, "computing …")

    def _draw(self) -> Callable[[Viewport], Stamp] | None:
        if self._drawing is None or self._picture is None:
            return None
        return partial(self._drawing.stamp, self._picture, self._sight, dict(self.channels.chosen))

    def _redraw(self) -> None:
        self.canvas.scene.redraw(self._draw())

    def _show_sliders(self) -> None:
        picture = self._picture
        planes = () if picture is None else picture.plane_words()
        with self.telling():
            if planes and tuple(self.plane.options) != planes:
                self.plane.options = planes
            if planes and picture is not None:
                self.plane.index = 0 if picture.plane is None else picture.plane + 1
        show(self.plane, bool(planes))
        has_images = picture is not None and any(section.images for section in picture.sections)
        show(self.picture_opacity, has_images)
        show(self.cell_opacity, has_images)

    def _on_plane(self, place: int) -> None:
        self.plane_requested.emit(place - 1 if place else None)

    def _on_hovered(self, cell: int | None) -> None:
        self.cell_hovered.emit(cell)

    def _on_drawn(self, outline_vd: NDArray[np.float64], mode: str) -> None:
        self.selection_drawn.emit(outline_vd, mode)

    def _on_cleared(self) -> None:
        self.selection_cleared.emit()

    def _on_theme(self) -> None:
        self.canvas.set_theme(self.theme)
