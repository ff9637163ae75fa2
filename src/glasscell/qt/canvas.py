"""A plot of cells drawn as one picture: a raster of the visible part, coloured by one take."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QRectF, Qt, QTimer, Signal
from qtpy.QtWidgets import QLabel

from glasscell.qt.draw import DrawBox
from glasscell.qt.style import theme_of
from glasscell.qt.text import PlainLabel
from glasscell.views.raster import CellRaster, Viewport, draw_order, stamp_discs
from glasscell.views.scatter import bounds_of, dot_radius, has_no_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qtpy.QtGui import QKeyEvent, QResizeEvent

    from glasscell.jobs.dispatcher import Dispatcher, Timer
    from glasscell.jobs.runner import JobRunner
    from glasscell.views.picture import TissuePicture

_REST_MS = 60
_MARGIN = 0.12
_REACH_PX = 4
_STAMP_HERE = 200_000


class CellCanvas(pg.PlotWidget):
    """The plot inside the embedding view.

    Parameters
    ----------
    dispatcher
        For stamping when the view has come to rest; without one a Qt timer.
    runner
        For stamping large data in the background; without one it happens in place.
    """

    hovered = Signal(object)  # cell or None

    def __init__(self, dispatcher: Dispatcher | None = None, runner: JobRunner | None = None) -> None:
        self.box = DrawBox()
        super().__init__(viewBox=self.box)
        self._dispatcher, self._runner = dispatcher, runner
        self._positions_cd: NDArray[np.float64] | None = None
        self._tissue: TissuePicture | None = None
        self._order = np.zeros(0, np.int32)
        self._table = np.zeros(1, np.uint32)
        self._raster: CellRaster | None = None
        self._rest: Timer | None = None
        self._ended = False
        self._timer = QTimer(self)
        self._generation = 0
        self._home_pixel = 1.0
        self._under: int | None = None
        self._image = pg.ImageItem(axisOrder="row-major")
        self._ring = pg.ScatterPlotItem(size=13, pxMode=True)
        self._ring.setZValue(10)
        for item in (self._image, self._ring):
            self.box.addItem(item, ignoreBounds=True)
        self.corner = QLabel()
        self.corner.setTextFormat(Qt.TextFormat.PlainText)
        self.note = PlainLabel(wrap=True)
        for label in (self.corner, self.note):
            label.setParent(self)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.stamp)
        self.hideButtons()
        self.setMinimumSize(160, 140)
        self.box.disableAutoRange()
        self.box.sigRangeChanged.connect(self._on_moved)
        self.box.sigResized.connect(self._on_moved)
        self.scene().sigMouseMoved.connect(self._on_mouse_moved)
        self.show_axes("", "")
        self.restyle()

    @property
    def raster(self) -> CellRaster | None:
        """The raster on the screen."""
        return self._raster

    def set_positions(
        self,
        positions_cd: NDArray[np.float64] | None,
        x_label: str,
        y_label: str,
        tissue: TissuePicture | None = None,
    ) -> None:
        """Place the cells and show all of them: as discs, or y down as the outlines of a tissue."""
        self._tissue = tissue
        self.box.invertY(tissue is not None)
        self._positions_cd = None if positions_cd is None else np.ascontiguousarray(positions_cd, np.float64)
        self._raster = None
        self._generation += 1
        self._image.clear()
        self._ring.setData([], [])
        n_cells = 0 if positions_cd is None else len(positions_cd)
        if len(self._order) != n_cells:
            self._order = draw_order(n_cells)
        if len(self._table) != n_cells + 1:
            self._table = np.zeros(n_cells + 1, np.uint32)
        self.show_axes(x_label, y_label)
        self.go_home()
        self.stamp()

    def set_colours(self, table_u32: NDArray[np.uint32]) -> None:
        """Recolour what is on the screen."""
        self._table = table_u32
        self._paint()

    def set_hovered(self, cell: int | None) -> None:
        """Ring one cell."""
        positions_cd = self._positions_cd
        known = cell is not None and positions_cd is not None and cell < len(positions_cd)
        place_d = positions_cd[cell] if known and positions_cd is not None else np.full(2, np.nan)
        shown = np.isfinite(place_d).all()
        self._ring.setData(*((place_d[:1], place_d[1:]) if shown else ([], [])))

    def set_stale(self, stale: bool) -> None:
        """Dim the picture while its colours answer the previous question."""
        self._image.setOpacity(0.4 if stale else 1.0)

    def set_note(self, text: str) -> None:
        """Show a sentence in the middle."""
        self.note.set_text(text)
        self._place_labels()

    def show_axes(self, x_label: str, y_label: str) -> None:
        """Show axes with ticks where the numbers mean something, else the names in the corner alone."""
        bare = has_no_unit(x_label, y_label) or not x_label
        self.box.setAspectLocked(bare)
        for side, name in (("bottom", x_label), ("left", y_label)):
            self.showAxis(side, not bare)
            if not bare:
                self.getAxis(side).setLabel(html.escape(name))
        self.corner.setText(f"{x_label} →   {y_label} ↑" if bare and x_label else "")
        self._place_labels()

    def go_home(self) -> None:
        """Show all cells."""
        bounds = bounds_of(self._positions_cd) if self._tissue is None else self._tissue.bounds
        if bounds is None:
            return
        x0, y0, x1, y1 = bounds
        width, height = (x1 - x0) or 1.0, (y1 - y0) or 1.0
        self.box.setRange(QRectF(x0, y0, width, height), padding=0.05)
        self._home_pixel = self.viewport_now().pixel

    def viewport_now(self) -> Viewport:
        """Pixels of the screen, with a margin for panning."""
        (x0, x1), (y0, y1) = self.box.viewRange()
        ratio = self.devicePixelRatioF()
        columns, rows = max(round(self.box.width() * ratio), 1), max(round(self.box.height() * ratio), 1)
        pixel_x, pixel_y = (x1 - x0) / columns, (y1 - y0) / rows
        more_x, more_y = round(columns * _MARGIN), round(rows * _MARGIN)
        return Viewport(
            x=x0 + (0.5 - more_x) * pixel_x,
            y=y0 + (0.5 - more_y) * pixel_y,
            pixel=pixel_x,
            height=rows + 2 * more_y,
            width=columns + 2 * more_x,
            stretch=pixel_y / pixel_x,
        )

    def stamp(self) -> None:
        """Draw the raster of what is visible now."""
        if self._ended or not isalive(self.box):  # a whole window may go without closing its parts one by one
            return
        positions_cd, order = self._positions_cd, self._order
        if positions_cd is None or self.box.width() < 2:
            return
        viewport = self.viewport_now()
        if self._raster is not None and self._raster.viewport == viewport:
            return
        radius, tissue = self._radius_px(viewport) * viewport.pixel, self._tissue
        self._generation += 1
        generation = self._generation

        def work(job: Any) -> CellRaster:
            if tissue is not None:
                return tissue.raster(viewport)
            return stamp_discs(positions_cd, radius, viewport, order)

        if self._runner is None or len(positions_cd) <= _STAMP_HERE:
            self._on_stamped(generation, work(None))
            return

        def done(job: Any) -> None:
            if job.result is not None:
                self._on_stamped(generation, job.result)

        self._runner.submit(
            work, title="Draw the embedding", lane="view", key=("embedding", id(self)), on_done=done
        )

    def close_down(self) -> None:
        """Stamp no more: the widget goes away, and a timer must not find it gone."""
        self._ended = True
        self._timer.stop()
        if self._rest is not None:
            self._rest.cancel()

    def restyle(self) -> None:
        """Take the colours of the theme."""
        theme = theme_of(self)
        self.setBackground(theme.canvas)
        self.box.set_ink(theme.accent)
        self._ring.setPen(pg.mkPen(theme.text, width=2))
        self._ring.setBrush(None)
        for side in ("bottom", "left"):
            self.getAxis(side).setPen(theme.edge)
            self.getAxis(side).setTextPen(theme.muted)
        for label in (self.corner, self.note):
            label.setStyleSheet(f"color: {theme.muted}; background: transparent;")

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange and hasattr(self, "_ring"):
            self.restyle()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Keep the labels in their places."""
        super().resizeEvent(event)
        if hasattr(self, "note"):
            self._place_labels()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Escape drops the outline being drawn."""
        if event is not None and event.key() == Qt.Key.Key_Escape:
            self.box.cancel()
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent | None) -> None:
        """No cell is under the mouse any more."""
        super().leaveEvent(event)
        self._tell_hovered(None)

    def _radius_px(self, viewport: Viewport) -> float:
        """Size of a dot: as large as there is room for, growing slowly while zooming in."""
        zoom, area = self._home_pixel / viewport.pixel, self.box.width() * self.box.height()
        return dot_radius(area, len(self._order), zoom) * float(self.devicePixelRatioF())

    def _on_moved(self, *_: object) -> None:
        """Stamp again once the view rests."""
        if self._ended:
            return
        if self._dispatcher is None:
            self._timer.start(_REST_MS)
            return
        if self._rest is not None:
            self._rest.cancel()
        self._rest = self._dispatcher.call_later(_REST_MS, self.stamp)

    def _on_stamped(self, generation: int, raster: CellRaster) -> None:
        """Show a raster unless a newer one was asked for."""
        if generation == self._generation and not self._ended and isalive(self.box):
            self._raster = raster
            self._paint()

    def _paint(self) -> None:
        raster = self._raster
        if raster is None or len(self._table) <= raster.highest:
            return
        x0, y0, x1, y1 = raster.viewport.bounds
        self._image.setImage(raster.paint(self._table), autoLevels=False, levels=None)
        self._image.setRect(QRectF(x0, y0, x1 - x0, y1 - y0))

    def _on_mouse_moved(self, at: Any) -> None:
        if self._raster is None or not self.box.sceneBoundingRect().contains(at):
            self._tell_hovered(None)
            return
        point = self.box.mapSceneToView(at)
        reach = round(_REACH_PX * self.devicePixelRatioF())
        self._tell_hovered(self._raster.pick(point.x(), point.y(), reach))

    def _tell_hovered(self, cell: int | None) -> None:
        if cell != self._under:
            self._under = cell
            self.hovered.emit(cell)

    def _place_labels(self) -> None:
        """Corner label at the bottom left, sentence in the middle."""
        self.corner.adjustSize()
        self.corner.move(6, self.height() - self.corner.height() - 4)
        self.note.setGeometry(self.rect().adjusted(20, 10, -20, -10))
