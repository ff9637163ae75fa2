"""A1: recolour 1M cells by another gene in napari, to a rendered canvas, against its Points layer."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from tests.benchmarks.row import Row, seconds, text

IDS = ("A1",)
N_CELLS = 1_000_000
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


def rows() -> list[Row]:
    """Go from a gene's values to pixels: both build the same colours, assign them, draw, wait for GL."""
    import napari

    from glasscell.views.colour import colour_table

    picture, channels = tissue(N_CELLS), genes(N_CELLS)
    viewer = napari.Viewer()
    viewer.window.resize(1366, 768)
    view, runner = show_ours(viewer, picture)
    screen = Screen(viewer)

    def ours(place: int) -> None:
        view.set_colours(colour_table(channels[place]).table_u32)
        screen.render()

    def control(place: int) -> None:
        rgba = colour_table(channels[place]).table_u32[1:].view(np.uint8).reshape(-1, 4)
        points.face_color = rgba.astype(np.float32) / 255
        screen.render()

    try:
        view.set_colours(colour_table(channels[0]).table_u32)
        wait_for(lambda: view.cells.ready and screen.drawn > 0)
        points = show_theirs(viewer, picture.positions_cd)
        times: dict[bool, list[float]] = {True: [], False: []}
        for turn in range(ROUNDS + 1):
            for is_ours, call in ((True, ours), (False, control)):
                view.cells.layers[0].visible, points.visible = is_ours, not is_ours
                screen.render()
                times[is_ours].append(seconds(lambda call=call, turn=turn: call(turn % 2)))
    finally:
        runner.shutdown()
        view.close()
        viewer.close()
    ours_s, control_s = (statistics.median(times[which][1:]) for which in (True, False))
    what = "recolour 1M cells by another gene in napari, to pixels"
    return [Row("A1", what, text(ours_s), f"napari Points {text(control_s)}", control_s / ours_s, 50)]
