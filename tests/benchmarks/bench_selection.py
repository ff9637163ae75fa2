"""A4: a lasso over 1M cells, against prepared shapely; A5: select half of them, against napari's points."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from tests.benchmarks.bench_recolour import N_CELLS, Screen, show_theirs, tissue, wait_for
from tests.benchmarks.row import Row, paired, text

IDS = ("A4", "A5")
N_CORNERS = 100


def outline() -> np.ndarray[Any, np.dtype[np.float64]]:
    """A wavy lasso drawn by a hand that trembles."""
    rng = np.random.default_rng(0)
    turn = np.linspace(0, 2 * np.pi, N_CORNERS, endpoint=False)
    reach = 2500 + 400 * np.sin(9 * turn) + rng.normal(0, 60, N_CORNERS)
    return np.stack([4000 + reach * np.cos(turn), 3900 + reach * np.sin(turn)], axis=1)


def lasso(positions_cd: Any) -> Row:
    """Both test the bounding box first; the peer prepares its polygon anew, as a new lasso needs."""
    from glasscell.data.lasso import inside_polygon

    corners_vd, x, y = outline(), positions_cd[:, 0], positions_cd[:, 1]
    (left, low), (right, high) = corners_vd.min(axis=0), corners_vd.max(axis=0)

    def control() -> Any:
        polygon = shapely.Polygon(corners_vd)
        shapely.prepare(polygon)
        near = np.flatnonzero((x > left) & (x < right) & (y > low) & (y < high))
        inside = np.zeros(len(x), np.bool_)
        inside[near] = shapely.contains_xy(polygon, x[near], y[near])
        return inside

    mismatches = int((inside_polygon(positions_cd, corners_vd) != control()).sum())
    if mismatches:
        raise RuntimeError(f"{mismatches} cells are inside for one and outside for the other")
    ours_s, control_s = paired(lambda: inside_polygon(positions_cd, corners_vd), control, rounds=9)
    what, note = "lasso 1M cells with 100 corners", "0 mismatches"
    return Row("A4", what, text(ours_s), f"shapely {text(control_s)}", control_s / ours_s, 1, note=note)


def half_selected(positions_cd: Any) -> Row:
    """Ours: the session's selection to both views' pixels. Peer: one Points layer with its highlight."""
    import anndata
    import napari
    import scipy.sparse
    from qtpy.QtWidgets import QApplication

    from glasscell.data.dataset import Dataset
    from glasscell.data.selection import Cells
    from glasscell.plugin.desk import desk_for
    from glasscell.plugin.docks import EmbeddingDock

    adata = anndata.AnnData(scipy.sparse.csr_matrix((len(positions_cd), 2), dtype=np.float32))
    adata.obsm["spatial"], adata.obsm["X_umap"] = positions_cd, positions_cd[::-1].copy()
    viewer, other = napari.Viewer(), napari.Viewer()
    for window in (viewer.window, other.window):
        window.resize(1366, 768)
    desk, dock = desk_for(viewer), EmbeddingDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    screen, their_screen = Screen(viewer), Screen(other)
    wait_for(lambda: dock.view is not None)
    desk.session.open_dataset(Dataset(adata))
    wait_for(lambda: desk.tissue.cells.ready and not desk.session.jobs.active)
    canvas = dock.view.canvas
    points = show_theirs(other, positions_cd)
    wait_for(lambda: their_screen.drawn > 0 and screen.drawn > 0)
    halves = [np.arange(start, len(positions_cd), 2, dtype=np.int32) for start in (0, 1)]
    selections = [Cells(half) for half in halves]
    sets = [set(half.tolist()) for half in halves]
    turn = [0, 0]

    def ours() -> None:
        turn[0] += 1
        desk.session.update(selection=selections[turn[0] % 2])
        screen.render()
        canvas.viewport().repaint()

    def control() -> None:
        turn[1] += 1
        points.selected_data = sets[turn[1] % 2]
        their_screen.render()

    try:
        ours()
        shown = int(desk.session.mask().sum())
        tissue_before = np.asarray(desk.tissue.cells.layers[1].data).copy()
        embedding_before = canvas.grab().toImage()
        ours()
        followed = (tissue_before != desk.tissue.cells.layers[1].data).any()
        if shown != len(halves[0]) or not followed or embedding_before == canvas.grab().toImage():
            raise RuntimeError("the selection did not reach the pixels, so there is nothing to time")
        QApplication.processEvents()  # what the grabs have asked for; till then the canvas is not repainted
        ours_s, control_s = paired(ours, control, rounds=2)
    finally:
        other.close()
        desk.close()
        viewer.close()
        QApplication.processEvents()
    what = "select 500k of 1M cells, shown in tissue and embedding"
    return Row("A5", what, text(ours_s), f"napari selected_data {text(control_s)}", control_s / ours_s, 50)


def rows() -> list[Row]:
    """Measure both."""
    positions_cd = np.ascontiguousarray(tissue(N_CELLS).positions_cd)
    return [lasso(positions_cd), half_selected(positions_cd)]
