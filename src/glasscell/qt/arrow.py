"""Arrows over a plot of cells: where a model expects them to go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Of an arrow's length, and the angle of its barbs in degrees.
HEAD, ANGLE = 0.35, 155.0


class ArrowItem(pg.PlotCurveItem):
    """All arrows as one curve in pieces, in the units of the axes."""

    def __init__(self) -> None:
        super().__init__([], [], connect="pairs", antialias=True)
        self.setZValue(8)

    def set_arrows(self, start_ad: NDArray[np.float64], end_ad: NDArray[np.float64], colour: str) -> None:
        """Draw shafts and barbs, ``(n_arrows, 2)`` each; none empties the plot."""
        self.setPen(pg.mkPen(colour, width=1.6))
        lines = outline(start_ad, end_ad)
        self.setData(lines[:, 0], lines[:, 1], connect="pairs")


def outline(start_ad: NDArray[np.float64], end_ad: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return pairs of points: a shaft and two barbs per arrow, ``(6 x n_arrows, 2)``."""
    shift_ad = np.asarray(end_ad, np.float64) - start_ad
    parts = [start_ad, end_ad]
    for angle in np.deg2rad((ANGLE, -ANGLE)):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        parts += [end_ad, end_ad + HEAD * shift_ad @ turn.T]
    return np.stack(parts, axis=1).reshape(-1, 2)
