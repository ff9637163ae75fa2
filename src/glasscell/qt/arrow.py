"""Arrows over a plot of cells: where a model expects them to go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg

from glasscell.views.arrow import arrow_lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ArrowItem(pg.PlotCurveItem):
    """All arrows as one curve in pieces, in the units of the axes."""

    def __init__(self) -> None:
        super().__init__([], [], connect="pairs", antialias=True)
        self.setZValue(8)

    def set_arrows(self, start_ad: NDArray[np.float64], end_ad: NDArray[np.float64], colour: str) -> None:
        """Draw shafts and barbs, ``(n_arrows, 2)`` each; none empties the plot."""
        self.setPen(pg.mkPen(colour, width=1.6))
        lines = arrow_lines(start_ad, end_ad)
        self.setData(lines[:, 0], lines[:, 1], connect="pairs")
