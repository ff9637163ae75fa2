"""A3: recolour an embedding of 1M cells, to pixels, against the brushes of pyqtgraph's own scatter."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.benchmarks.row import Row, paired, text

IDS = ("A3",)
N_CELLS = 1_000_000
ROUNDS = 3


def embedding(n_cells: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Thirty clouds of cells."""
    rng = np.random.default_rng(0)
    return rng.normal(0, 6, (30, 2))[rng.integers(0, 30, n_cells)] + rng.normal(0, 1, (n_cells, 2))


def genes(n_cells: int) -> list[Any]:
    """Two genes as channels, to go to and fro between."""
    from glasscell.data.channel import CellValues

    rng = np.random.default_rng(1)
    return [
        CellValues(f"gene {i}", unit="log", values=rng.gamma(1.0 + i, 1.0, n_cells).astype(np.float32))
        for i in range(2)
    ]


def rows() -> list[Row]:
    """From a gene's values to pixels: both colour by the same table, and both are painted at once."""
    import pyqtgraph as pg
    from qtpy.QtGui import QBrush, QColor
    from qtpy.QtWidgets import QApplication

    import glasscell.qt  # noqa: F401 - chooses pyqtgraph's binding
    from glasscell.qt.embedding import QtEmbeddingView
    from glasscell.views.colour import colour_table

    app = QApplication.instance() or QApplication([])
    positions_cd, channels, turn = embedding(N_CELLS), genes(N_CELLS), [0]
    view, plot = QtEmbeddingView(), pg.PlotWidget()
    scatter = pg.ScatterPlotItem(positions_cd[:, 0], positions_cd[:, 1], size=2, pen=None)
    plot.addItem(scatter)
    for widget in (view.widget, plot):
        widget.resize(900, 700)
        widget.show()
    view.set_positions(positions_cd, "UMAP 1", "UMAP 2")
    app.processEvents()

    def table() -> Any:
        turn[0] += 1
        return colour_table(channels[turn[0] // 2 % 2]).table_u32

    def ours() -> None:
        view.set_colours(table())
        view.canvas.viewport().repaint()

    def control() -> None:
        words, inverse = np.unique(table()[1:], return_inverse=True)
        colours = words.view(np.uint8).reshape(-1, 4)
        brushes = np.array([QBrush(QColor(*map(int, colour))) for colour in colours], dtype=object)
        scatter.setBrush(brushes[inverse])
        plot.viewport().repaint()

    ours_s, control_s = paired(ours, control, ROUNDS)
    before = np.asarray(view.canvas.raster.paint(table()))
    view.widget.close()
    plot.close()
    what = "recolour an embedding of 1M cells by another gene, to pixels"
    note = "the peer gets one shared brush per colour, its fastest way of taking a colour for each point"
    if not before.any():
        raise RuntimeError("nothing was drawn, so there is nothing to time")
    return [
        Row(
            "A3",
            what,
            text(ours_s),
            f"pyqtgraph scatter {text(control_s)}",
            control_s / ours_s,
            50,
            note=note,
        )
    ]
