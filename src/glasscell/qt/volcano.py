"""Every gene of a contrast as a dot: change across, certainty or level up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QEvent, Signal

from glasscell.qt.style import theme_of
from glasscell.views.volcano import apart, kinds, lead_inks, limits

if TYPE_CHECKING:
    from glasscell.views.contrast_view import Volcano

N_LABELS = 4
_HEIGHT = 196
_LONGEST = 10
_LABEL_SHARE = 0.12  # of the height, so that no label lies on another


class QtVolcano(pg.PlotWidget):
    """Dots that can be clicked; the genes that lead a side are coloured and the first of them named."""

    gene_clicked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._volcano: Volcano | None = None
        self._labels: list[Any] = []
        self.dots = pg.ScatterPlotItem(pxMode=True, hoverable=False)
        self.dots.sigClicked.connect(self._on_dots)
        self.zero = pg.InfiniteLine(0.0, angle=90)
        self.addItem(self.zero)
        self.addItem(self.dots)
        self.setFixedHeight(_HEIGHT)
        self.setMouseEnabled(x=False, y=False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.getAxis("left").setWidth(40)
        self.getAxis("bottom").setHeight(36)
        self.getPlotItem().layout.setContentsMargins(5, 8, 2, 6)  # titles of axes hang over by five pixels
        self.restyle()

    def set_volcano(self, volcano: Volcano | None) -> None:
        """Draw other genes, or none."""
        self._volcano = volcano
        self.setVisible(volcano is not None)
        self._draw()

    def restyle(self) -> None:
        """Take the colours of the theme."""
        theme = theme_of(self)
        self.setBackground(theme.raised)
        self.zero.setPen(pg.mkPen(theme.edge))
        shown = self._volcano
        names = ("", "") if shown is None else (shown.y_name, shown.x_name)
        for side, name in zip(("left", "bottom"), names, strict=True):
            axis = self.getAxis(side)
            axis.setLabel(name.replace("<", "&lt;"))
            axis.setPen(theme.edge)
            axis.setTextPen(theme.muted)
        self._draw_dots()

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self.restyle()

    def _draw(self) -> None:
        shown = self._volcano
        if shown is not None and len(shown.genes):
            _, low, widest, high = limits(shown)
            room = 0.12 * ((high - low) or 1.0)
            self.setRange(
                xRange=(-1.25 * widest, 1.25 * widest), yRange=(low - room / 2, high + room), padding=0
            )
        self.restyle()

    def _draw_dots(self) -> None:
        for label in self._labels:
            self.removeItem(label)
        self._labels = []
        shown = self._volcano
        if shown is None:
            self.dots.clear()
            return
        theme = theme_of(self)
        inks = [pg.mkBrush(theme.unknown + "70"), *(pg.mkBrush(ink) for ink in lead_inks())]
        kind = kinds(shown)
        symbols = np.full(len(shown.genes), "o")
        symbols[list(shown.clipped)] = "t1"
        place = np.argsort(kind, kind="stable")  # those that lead are drawn last
        self.dots.setData(
            x=shown.x_g[place],
            y=shown.y_g[place],
            data=place,
            size=np.where(kind[place] > 0, 6, 4),
            brush=[inks[k] for k in kind[place]],
            symbol=symbols[place],
            pen=None,
        )
        least = _LABEL_SHARE * float(np.nanmax(shown.y_g) - np.nanmin(shown.y_g))
        for lead, anchor in ((shown.lead_a, (1.05, 0.5)), (shown.lead_b, (-0.05, 0.5))):
            for g in apart(lead, shown.y_g, least, N_LABELS):
                label = pg.TextItem(color=theme.text, anchor=anchor)
                name = shown.genes[g]
                label.setPlainText(name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…")
                label.setPos(float(shown.x_g[g]), float(shown.y_g[g]))
                self.addItem(label, ignoreBounds=True)
                self._labels.append(label)

    def _on_dots(self, item: Any, points: Any, event: Any = None) -> None:
        if self._volcano is not None and len(points):
            self.gene_clicked.emit(self._volcano.genes[int(points[-1].data())])
