"""The loss over epochs: one pair of lines a fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from qtpy.QtCore import QEvent, Qt

from glasscell.qt.style import theme_of
from glasscell.views.palette import categorical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.row import Curve


class QtCurve(pg.PlotWidget):
    """Training loss dashed, validation loss drawn through; a colour per net."""

    def __init__(self) -> None:
        super().__init__()
        self._curves: tuple[Curve, ...] = ()
        self.setFixedHeight(140)
        self.setMouseEnabled(x=False, y=False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.getAxis("left").setWidth(38)
        self.getAxis("bottom").setHeight(38)
        self.restyle()

    def set_curves(self, curves: Sequence[Curve]) -> None:
        """Draw other curves."""
        self._curves = tuple(curves)
        self.clear()
        for curve, colour in zip(curves, categorical(max(len(curves), 1)), strict=False):
            for losses, style in ((curve.train, Qt.PenStyle.DotLine), (curve.valid, Qt.PenStyle.SolidLine)):
                if losses:
                    pen = pg.mkPen(colour, width=1.8, style=style)
                    self.plot(range(1, len(losses) + 1), list(losses), pen=pen)
        self.setVisible(bool(curves))

    def restyle(self) -> None:
        """Take the colours of the theme."""
        theme = theme_of(self)
        self.setBackground(theme.raised)
        for side, name in (("left", "loss"), ("bottom", "epoch")):
            axis = self.getAxis(side)
            axis.setLabel(name)
            axis.setPen(theme.edge)
            axis.setTextPen(theme.muted)

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self.restyle()
