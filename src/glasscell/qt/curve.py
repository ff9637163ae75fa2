"""The loss over epochs: one pair of lines a fold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from qtpy.QtCore import QEvent, Qt

from glasscell.data.palette import categorical
from glasscell.qt.style import theme_of
from glasscell.views.curve_picture import ends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.row import Curve


class QtCurve(pg.PlotWidget):
    """Training loss dashed, validation loss drawn through; a colour per net."""

    def __init__(self) -> None:
        super().__init__()
        self._curves: tuple[Curve, ...] = ()
        self._lines: dict[tuple[int, Qt.PenStyle], Any] = {}
        self.setFixedHeight(148)
        self.setMouseEnabled(x=False, y=False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.disableAutoRange()
        self.getAxis("left").setWidth(38)
        self.getAxis("bottom").setHeight(36)
        self.getPlotItem().layout.setContentsMargins(5, 4, 2, 6)  # titles of axes hang over by five pixels
        self.restyle()

    def set_curves(self, curves: Sequence[Curve]) -> None:
        """Draw other curves."""
        self._curves = tuple(curves)
        wanted = {
            (place, style): losses
            for place, curve in enumerate(self._curves)
            for losses, style in ((curve.train, Qt.PenStyle.DotLine), (curve.valid, Qt.PenStyle.SolidLine))
            if losses
        }
        for gone in [key for key in self._lines if key not in wanted]:
            self.removeItem(self._lines.pop(gone))
        colours = categorical(max(len(self._curves), 1))
        for (place, style), losses in wanted.items():
            if (place, style) not in self._lines:
                pen = pg.mkPen(colours[place], width=1.8, style=style)
                self._lines[place, style] = self.plot(pen=pen)
            self._lines[place, style].setData(range(1, len(losses) + 1), list(losses))
        if wanted:
            end, (low, high) = ends(self._curves)
            # Ends that seldom move spare drawing the axes anew at every step of a training.
            self.setRange(xRange=(1, end), yRange=(low, high), padding=0.08)
        self.setVisible(bool(curves))

    def restyle(self) -> None:
        """Take the colours of the theme."""
        theme = theme_of(self)
        self.setBackground(theme.raised)
        for side, name in (("left", "loss"), ("bottom", "epoch")):
            axis = self.getAxis(side)
            axis.setLabel(name)
            axis.enableAutoSIPrefix(False)
            axis.setPen(theme.edge)
            axis.setTextPen(theme.muted)

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self.restyle()
