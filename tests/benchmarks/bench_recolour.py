"""Recolour by another gene in napari, to a rendered canvas.

A1: 1M cells against napari's Points layer; A2: 10M cells against 1M of ours.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from tests.benchmarks.row import Row, paired, seconds, text

IDS = ("A1", "A2")
N_CELLS = 1_000_000
MANY_CELLS = 10_000_000
ROUNDS = 3


def tissue(n_cells: int) -> Any:
    """A million cells on a round section, 8 mm across."""
    from glasscell.views.picture import TissuePicture
    from glasscell.views.raster import draw_order

    rng = np.random.default_rng(0)
    angle, reach = rng.uniform(0, 2 * np.pi, n_cells), 4000 * np.sqrt(rng.uniform(0, 1, n_cells))
    positions_cd = 4000 + np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1)
    radius_c, bounds = np.full(n_cells, 3.0), (0.0, 0.0, 8000.0, 8000.0)
    return TissuePicture((), (), positions_cd, positions_cd, radius_c, "um", draw_order(n_cells), bounds)


def genes(n_cells: int) -> list[Any]:
    """Two genes as channels."""
    from glasscell.data.channel import CellValues

    rng = np.random.default_rng(1)
    drawn = [rng.gamma(1.0 + place, 1.0, n_cells).astype(np.float32) for place in range(2)]
    return [CellValues(title=f"gene {i}", unit="log", values=values) for i, values in enumerate(drawn)]


class Screen:
    """A viewer's canvas that says when it has really been drawn."""

    def __init__(self, viewer: Any) -> None:
        canvas = viewer.window._qt_viewer.canvas
        self.native, self.drawn = canvas.native, 0
        canvas._scene_canvas.events.draw.connect(self._on_draw)

    def _on_draw(self, event: Any) -> None:
        self.drawn += 1

    def render(self) -> None:
        """Draw the canvas now and wait until every pixel is there."""
        from vispy import gloo

        before = self.drawn
        self.native.repaint()
        gloo.gl.glFinish()
        if self.drawn == before:
            raise RuntimeError("the canvas was not drawn, so there is nothing to time")


def wait_for(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    """Let the event loop run until something holds."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the canvas did not come to rest")
        QApplication.processEvents()


def show_ours(viewer: Any, picture: Any) -> tuple[Any, Any]:
    """Show the cells our way; return the view and its runner."""
    from glasscell.jobs import JobRunner
    from glasscell.plugin.tissue_view import NapariTissueView
    from glasscell.qt.dispatcher import QtDispatcher

    runner = JobRunner(QtDispatcher())
    view = NapariTissueView(viewer, runner)
    view.set_picture(picture)
    return view, runner


def show_theirs(viewer: Any, positions_cd: Any) -> Any:
    """Show the cells as a Points layer: one symbol, no border, colours given as RGBA."""
    white = np.ones((len(positions_cd), 4), np.float32)
    return viewer.add_points(
        positions_cd[:, ::-1], size=6.0, border_width=0, symbol="disc", face_color=white, units=("um", "um")
    )


class Ours:
    """A viewer that shows cells our way, and goes from a gene's values to pixels."""

    def __init__(self, n_cells: int) -> None:
        import napari

        self.picture, self.channels = tissue(n_cells), genes(n_cells)
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1366, 768)
        self.view, self.runner = show_ours(self.viewer, self.picture)
        self.screen, self.turn = Screen(self.viewer), 0
        self.view.set_colours(self.table())
        wait_for(lambda: self.view.cells.ready and self.screen.drawn > 0)

    def table(self) -> Any:
        """Colour by the other gene."""
        from glasscell.views.colour import colour_table

        self.turn += 1
        return colour_table(self.channels[self.turn % 2]).table_u32

    def recolour(self) -> None:
        """Go from values to pixels."""
        self.view.set_colours(self.table())
        self.screen.render()

    def close(self) -> None:
        """End its jobs and its window."""
        self.runner.shutdown()
        self.view.close()
        self.viewer.close()


def against_points(ours: Ours) -> Row:
    """Both build the same colours, assign them, draw, and wait for GL."""

    def control() -> None:
        rgba = ours.table()[1:].view(np.uint8).reshape(-1, 4)
        points.face_color = rgba.astype(np.float32) / 255
        ours.screen.render()

    points = show_theirs(ours.viewer, ours.picture.positions_cd)
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(ROUNDS + 1):
        for is_ours, call in ((True, ours.recolour), (False, control)):
            ours.view.cells.layers[0].visible, points.visible = is_ours, not is_ours
            ours.screen.render()
            times[is_ours].append(seconds(call))
    ours_s, control_s = (statistics.median(times[which][1:]) for which in (True, False))
    ours.view.cells.layers[0].visible = True
    ours.viewer.layers.remove(points)
    what = "recolour 1M cells by another gene in napari, to pixels"
    return Row("A1", what, text(ours_s), f"napari Points {text(control_s)}", control_s / ours_s, 50)


def against_fewer(ours: Ours) -> Row:
    """Ten times the cells in a second window of the same size."""
    many = Ours(MANY_CELLS)
    try:
        many_s, few_s = paired(many.recolour, ours.recolour, rounds=9)
    finally:
        many.close()
    what = "the same with 10M cells"
    return Row("A2", what, text(many_s), f"1M of ours {text(few_s)}", many_s / few_s, 2.5, at_least=False)


def rows() -> list[Row]:
    """Measure both in one process."""
    ours = Ours(N_CELLS)
    try:
        return [against_points(ours), against_fewer(ours)]
    finally:
        ours.close()
