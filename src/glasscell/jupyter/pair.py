"""Two maps of the same cells beside each other in a notebook, and their difference below."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from glasscell.jupyter.canvas import JupyterCanvas
from glasscell.jupyter.panel import Choice, Panel, Words, button, column, row, show
from glasscell.jupyter.swatch import MapKey
from glasscell.jupyter.tool import CanvasTools
from glasscell.views import pair_view as words
from glasscell.views.pair_view import PairOffer, PairView
from glasscell.views.raster import draw_order, stamp_discs
from glasscell.views.scatter import bounds_of, dot_radius
from glasscell.views.stamp import Stamp

if TYPE_CHECKING:
    import ipywidgets
    from numpy.typing import NDArray

    from glasscell.jobs.dispatcher import Dispatcher
    from glasscell.jobs.runner import JobRunner
    from glasscell.views.pair_view import PairGround, PairPicture
    from glasscell.views.raster import Viewport

_HEIGHT = "190px"


class JupyterPairView(PairView, Panel):
    """The view of two maps in a notebook.

    Parameters
    ----------
    dispatcher, runner
        As in ``JupyterEmbeddingView``.
    """

    def __init__(self, dispatcher: Dispatcher | None = None, runner: JobRunner | None = None) -> None:
        super().__init__()
        self.what, self.gene = Choice("Show", words.WHAT_TIP), Choice("Gene", words.GENE_TIP)
        self.left, self.right = Choice("Left", words.LEFT_TIP), Choice("Right", words.RIGHT_TIP)
        self.canvases = tuple(JupyterCanvas(dispatcher, runner, reach=4, height=_HEIGHT) for _ in range(3))
        self.titles = tuple(Words() for _ in self.canvases)
        self.tools = CanvasTools(self.canvases, self.selection_cleared.emit)
        self.paint = button(words.PAINT, words.PAINT_TIP)
        self.shared, self.own = MapKey(), MapKey()
        self.caption, self.message = Words("", "muted"), Words("", "muted")
        self.summary, self.notes = Words(), Words("", "muted")
        self._choices = column(self.what, self.gene, self.left, self.right)
        self._result = self._content()
        self.widget = column(Words(words.TITLE, "head"), self._choices, self.message, self._result)
        self._connect()
        self._ground: PairGround | None = None
        self._order = np.zeros(0, np.int32)
        self.set_offer(PairOffer())
        self.set_ground(None)
        self.set_pair(None, "")
        self._on_theme()

    def close_down(self) -> None:
        """Draw no more; the explorer is going away."""
        for canvas in self.canvases:
            canvas.close_down()

    def set_offer(self, offer: PairOffer) -> None:
        """Offer what can be shown."""
        show(self._choices, bool(offer.whats))
        show(self.gene, bool(offer.genes))
        with self.telling():
            self.what.offer(offer.whats, offer.what)
            self.gene.offer([(gene, gene) for gene in offer.genes], offer.gene)
            for side, chosen in ((self.left, offer.left), (self.right, offer.right)):
                side.offer(offer.sides, chosen)

    def set_ground(self, ground: PairGround | None) -> None:
        """Place the cells."""
        self._ground = ground
        n_cells = 0 if ground is None else len(ground.positions_cd)
        if len(self._order) != n_cells:
            self._order = draw_order(n_cells)
        for canvas in self.canvases:
            if ground is None:
                canvas.show(None, None, 0)
                continue
            tissue = ground.tissue
            bounds = bounds_of(ground.positions_cd) if tissue is None else tissue.bounds
            canvas.scene.camera = replace(canvas.scene.camera, up=tissue is None)
            canvas.show(partial(self._stamp, canvas, ground), bounds, n_cells)
            corner = f"{ground.words[0]} →   {ground.words[1]} ↑" if tissue is None else ""
            unit, microns = ("", None) if tissue is None else (tissue.unit, tissue.microns_per_unit)
            canvas.set_overlay(mark=None, corner=corner, unit=unit, microns=microns)

    def set_pair(self, picture: PairPicture | None, message: str) -> None:
        """Colour the cells."""
        self.message.say(message, "muted")
        show(self._result, picture is not None)
        if picture is None:
            return
        tables = (picture.left, picture.right, picture.difference)
        for canvas, table, title, said in zip(
            self.canvases, tables, self.titles, picture.titles, strict=True
        ):
            canvas.scene.set_colours(table.table_u32)
            title.say(said)
        self.shared.show_table(picture.left, (picture.right,))
        self.own.show_table(picture.difference)
        self.summary.say(picture.summary)
        self.notes.say("; ".join(picture.notes), "muted")

    def set_hovered(self, cell: int | None, words: str) -> None:
        """Ring a cell in all three."""
        mark = None
        if cell is not None and self._ground is not None and 0 <= cell < len(self._ground.positions_cd):
            x, y = (float(v) for v in self._ground.positions_cd[cell])
            mark = (x, y, 0.0) if np.isfinite(x + y) else None
        for canvas in self.canvases:
            canvas.set_overlay(mark=mark)
        self.caption.say(words or "Point at a cell for its values.", "muted")

    def _content(self) -> ipywidgets.Widget:
        """Lay everything out."""
        half = {"flex": "1 1 0", "min_width": "0"}
        sides = [
            column(title, canvas.widget, **half)
            for title, canvas in zip(self.titles[:2], self.canvases[:2], strict=True)
        ]
        return column(
            self.tools.widget,
            self.paint,
            row(*sides, flex_flow="row nowrap", align_items="flex-end"),
            Words(words.LIMITS_NOTE, "muted"),
            self.shared.widget,
            self.titles[2],
            self.canvases[2].widget,
            self.own.widget,
            self.caption,
            self.summary,
            self.notes,
        )

    def _connect(self) -> None:
        for choice in (self.what, self.gene, self.left, self.right):
            self.hear(choice, lambda _key: self._on_choice())
        for canvas in self.canvases:
            canvas.hovered.connect(self._on_hovered)
            canvas.drawn.connect(self._on_drawn)
            canvas.cleared.connect(self._on_cleared)
            canvas.frame.happened.connect(partial(self._follow, canvas))
        self.hear_press(self.paint, lambda: self.difference_painted.emit())
        self.theme_changed.connect(self._on_theme)

    def _follow(self, moved: JupyterCanvas, event: object) -> None:
        """Look with all three where one looks."""
        seen, home = moved.scene.camera, moved.scene.home_pixel
        for canvas in self.canvases:
            if canvas is not moved:
                own = canvas.scene.camera
                pixel = seen.pixel / home * canvas.scene.home_pixel
                canvas.scene.look(replace(own, x=seen.x, y=seen.y, pixel=pixel))

    def _stamp(self, canvas: JupyterCanvas, ground: PairGround, viewport: Viewport) -> Stamp:
        if ground.tissue is not None:
            return Stamp(ground.tissue.raster(viewport))
        camera = canvas.scene.camera
        zoom = canvas.scene.home_pixel / (viewport.pixel * camera.ratio)
        radius = (
            dot_radius(camera.width * camera.height, len(self._order), zoom) * camera.ratio * viewport.pixel
        )
        return Stamp(stamp_discs(ground.positions_cd, radius, viewport, self._order))

    def _on_choice(self) -> None:
        self.pair_chosen.emit(self.what.key, self.gene.key, self.left.key, self.right.key)

    def _on_hovered(self, cell: int | None) -> None:
        self.cell_hovered.emit(cell)

    def _on_drawn(self, outline_vd: NDArray[np.float64], mode: str) -> None:
        self.selection_drawn.emit(outline_vd, mode)

    def _on_cleared(self) -> None:
        self.selection_cleared.emit()

    def _on_theme(self) -> None:
        for canvas in self.canvases:
            canvas.set_theme(self.theme)
