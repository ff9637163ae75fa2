"""The embedding under a real mouse: pixels, outlines, hovering."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from glasscell.data.channel import CellValues
from glasscell.jobs import InlineDispatcher
from glasscell.qt.embedding import TWO_NAMES, QtEmbeddingView
from glasscell.qt.style import DARK, set_theme
from glasscell.views.colour import colour_table

pytestmark = pytest.mark.gui
SQUARE = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
COLOURS = ("#ff0000", "#00ff00", "#0000ff", "#ffff00")


@pytest.fixture(autouse=True)
def _every_mouse_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep pyqtgraph from skipping events that come faster than a hand moves."""
    import pyqtgraph as pg

    monkeypatch.setitem(pg.CONFIG_OPTIONS, "mouseRateLimit", 0)


@pytest.fixture
def view(qtbot: Any) -> QtEmbeddingView:
    made = QtEmbeddingView()
    qtbot.addWidget(made.widget)
    made.widget.resize(340, 380)
    made.widget.show()
    qtbot.waitExposed(made.widget)
    set_theme(True, made.widget)
    made.set_choices(("X_umap", "X_pca"), "X_umap")
    made.set_positions(SQUARE, "umap 1", "umap 2")
    made.set_colours(four())
    QApplication.processEvents()
    return made


def four(selected: NDArray[np.bool_] | None = None) -> NDArray[np.uint32]:
    values = CellValues("c", codes=np.arange(4), categories=tuple("abcd"), palette=COLOURS)
    return colour_table(values, selected).table_u32


def screen(view: QtEmbeddingView, x: float, y: float) -> QPoint:
    """Where a place of the plot is on the canvas widget."""
    scene = view.canvas.box.mapViewToScene(QPointF(x, y))
    return view.canvas.mapFromScene(scene)


def drag(view: QtEmbeddingView, places: list[tuple[float, float]], modifiers: Any = None) -> None:
    """Press, move and release the left button, with real events."""
    keys = Qt.KeyboardModifier.NoModifier if modifiers is None else modifiers
    target = view.canvas.viewport()
    points = [screen(view, x, y) for x, y in places]
    kinds = [QMouseEvent.Type.MouseButtonPress, *[QMouseEvent.Type.MouseMove] * (len(points) - 1)]
    for kind, point in [*zip(kinds, points, strict=True), (QMouseEvent.Type.MouseButtonRelease, points[-1])]:
        held = (
            Qt.MouseButton.NoButton
            if kind == QMouseEvent.Type.MouseButtonRelease
            else Qt.MouseButton.LeftButton
        )
        button = Qt.MouseButton.NoButton if kind == QMouseEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        there = QPointF(target.mapToGlobal(point))
        QApplication.sendEvent(target, QMouseEvent(kind, QPointF(point), there, button, held, keys))


def drawn(view: QtEmbeddingView) -> list[tuple[NDArray[np.float64], str]]:
    found: list[tuple[NDArray[np.float64], str]] = []
    view.selection_drawn.connect(lambda vertices, mode: found.append((vertices, mode)))
    return found


def test_every_cell_is_in_its_place_and_colour(view: QtEmbeddingView, pixels: Callable[..., Any]) -> None:
    seen = pixels(view.canvas.viewport())
    for (x, y), colour in zip(SQUARE, COLOURS, strict=True):
        at = screen(view, x, y)
        assert tuple(seen[at.y(), at.x()]) == tuple(bytes.fromhex(colour[1:]))
    middle = screen(view, 5, 5)
    assert tuple(seen[middle.y(), middle.x()]) == tuple(bytes.fromhex(DARK.canvas[1:]))


def test_unselected_cells_stay_as_grey_context(view: QtEmbeddingView, pixels: Callable[..., Any]) -> None:
    view.set_colours(four(np.array([True, False, True, True])))
    seen = pixels(view.canvas.viewport())
    at = screen(view, 10, 0)
    red, green, blue = (int(v) for v in seen[at.y(), at.x()])
    assert red == green == blue
    assert red > 30


def test_lasso_tells_its_outline_in_the_units_of_the_axes(view: QtEmbeddingView, qtbot: Any) -> None:
    found = drawn(view)
    qtbot.mouseClick(view.tools["lasso"], Qt.MouseButton.LeftButton)
    path = np.array([(4, 4), (6, 4), (6, 6), (5, 7), (4, 6)], float)
    drag(view, [tuple(place) for place in path])
    ((vertices, mode),) = found
    assert mode == "replace"
    for place in path:
        assert np.abs(vertices - place).max(axis=1).min() < 0.1, "every corner was followed"
    assert vertices.min() > 3.8
    assert vertices.max() < 7.2
    assert not view.canvas.box._points, "nothing is left of the drawing"


@pytest.mark.parametrize(
    ("keys", "mode"),
    [
        (Qt.KeyboardModifier.ShiftModifier, "add"),
        (Qt.KeyboardModifier.AltModifier, "subtract"),
        (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier, "intersect"),
    ],
)
def test_rectangle_and_modifier_keys(view: QtEmbeddingView, qtbot: Any, keys: Any, mode: str) -> None:
    found = drawn(view)
    qtbot.mouseClick(view.tools["rectangle"], Qt.MouseButton.LeftButton)
    drag(view, [(4, 4), (8, 8), (11, 12)], keys)
    ((vertices, told),) = found
    assert told == mode
    assert vertices.shape == (4, 2)
    np.testing.assert_allclose(vertices.min(axis=0), [4, 4], atol=0.2)
    np.testing.assert_allclose(vertices.max(axis=0), [11, 12], atol=0.2)


def test_menu_sets_the_mode_for_those_whose_window_manager_takes_alt(
    view: QtEmbeddingView, qtbot: Any
) -> None:
    found = drawn(view)
    subtract = next(a for a in view.modes.menu().actions() if a.data() == "subtract")
    subtract.trigger()
    qtbot.mouseClick(view.tools["rectangle"], Qt.MouseButton.LeftButton)
    drag(view, [(4, 4), (8, 8)])
    assert found[0][1] == "subtract"


def test_move_pans_and_draws_nothing_and_home_comes_back(view: QtEmbeddingView, qtbot: Any) -> None:
    found, before = drawn(view), view.canvas.box.viewRange()
    drag(view, [(5, 5), (7, 7), (9, 9)])
    assert not found
    assert view.canvas.box.viewRange() != before
    qtbot.mouseClick(view.home, Qt.MouseButton.LeftButton)
    np.testing.assert_allclose(view.canvas.box.viewRange(), before, atol=1e-9)


def test_escape_and_clicks_select_nothing(view: QtEmbeddingView, qtbot: Any) -> None:
    found = drawn(view)
    qtbot.mouseClick(view.tools["lasso"], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(view.canvas.viewport(), Qt.MouseButton.LeftButton, pos=screen(view, 5, 5))
    assert not found


def test_hovering_tells_cells_once_and_leaving_tells_none(view: QtEmbeddingView, qtbot: Any) -> None:
    told: list[int | None] = []
    view.cell_hovered.connect(told.append)
    scene = view.canvas.box.mapViewToScene
    for x, y in ((10, 10), (10.05, 10), (5, 5), (0, 10)):
        view.canvas.scene().sigMouseMoved.emit(scene(QPointF(x, y)))
    QApplication.sendEvent(view.canvas, QEvent(QEvent.Type.Leave))
    assert told == [3, None, 2, None]


def test_hovered_cell_is_ringed_without_emitting(view: QtEmbeddingView) -> None:
    told: list[int | None] = []
    view.cell_hovered.connect(told.append)
    view.set_hovered(1)
    assert view.canvas._ring.getData()[0].tolist() == [10.0]
    view.set_hovered(None)
    assert len(view.canvas._ring.getData()[0]) == 0
    assert not told


def test_zooming_stamps_again_at_rest_and_stays_crisp(qtbot: Any) -> None:
    clock = InlineDispatcher()
    view = QtEmbeddingView(clock)
    qtbot.addWidget(view.widget)
    view.widget.resize(340, 380)
    view.widget.show()
    qtbot.waitExposed(view.widget)
    view.set_positions(SQUARE, "umap 1", "umap 2")
    view.set_colours(four())
    clock.advance(200)
    coarse = view.canvas.raster
    view.canvas.box.setRange(xRange=(9, 11), yRange=(9, 11), padding=0)
    assert view.canvas.raster is coarse, "while it moves the picture stays"
    clock.advance(200)
    fine = view.canvas.raster
    assert fine is not None
    assert coarse is not None
    assert fine.viewport.pixel < coarse.viewport.pixel / 3
    assert fine.pick(10, 10) == 3
    assert not fine.visible(4)[:3].any()


def test_umap_has_no_ticks_and_genes_have_and_names_stay_plain(view: QtEmbeddingView) -> None:
    assert not view.canvas.getAxis("bottom").isVisible()
    assert view.canvas.corner.text() == "umap 1 →   umap 2 ↑"
    view.set_positions(SQUARE * [1, 100], "<b>IL2</b> (log)", "IL4 (log)")
    assert view.canvas.getAxis("bottom").isVisible()
    assert view.canvas.getAxis("bottom").labelText == "&lt;b&gt;IL2&lt;/b&gt; (log)"
    assert view.canvas.raster is not None
    assert view.canvas.raster.pick(10, 1000) == 3


def test_choices_and_typed_axes(view: QtEmbeddingView, qtbot: Any) -> None:
    chosen: list[Any] = []
    view.axes_requested.connect(chosen.append)
    view.axis_names_requested.connect(lambda x, y: chosen.append((x, y)))
    view.set_choices(("X_umap", "X_pca"), "X_pca")
    assert (view.choice.name(), view.choice.currentText()) == ("X_pca", "PCA")
    assert not chosen, "set methods never emit"
    for name in ("X_umap", TWO_NAMES):
        view.choice.setCurrentIndex(view.choice.findData(name))
        view.choice.activated.emit(view.choice.currentIndex())
    qtbot.keyClicks(view.x_name, "PCP4")
    qtbot.keyClicks(view.y_name, "MOBP")
    qtbot.keyClick(view.y_name, Qt.Key.Key_Return)
    assert chosen == ["X_umap", ("PCP4", "MOBP")]


def test_empty_says_so_and_missing_places_are_not_drawn(view: QtEmbeddingView) -> None:
    view.set_positions(None, "", "")
    view.set_message("Open data first.")
    assert view.canvas.note.whole_text() == "Open data first."
    places = SQUARE.copy()
    places[2] = np.nan
    view.set_message("")
    view.set_positions(places, "umap 1", "umap 2")
    assert view.canvas.raster is not None
    assert view.canvas.raster.visible(4).tolist() == [True, True, False, True]
    view.set_hovered(2)


def test_clear_button_and_stale_mark(view: QtEmbeddingView, qtbot: Any) -> None:
    cleared: list[bool] = []
    view.selection_cleared.connect(lambda: cleared.append(True))
    qtbot.mouseClick(view.clear, Qt.MouseButton.LeftButton)
    assert cleared == [True]
    view.set_stale(True)
    assert view.canvas._image.opacity() < 1
    view.set_stale(False)
    assert view.canvas._image.opacity() == 1


def test_both_themes_change_the_ground(view: QtEmbeddingView, pixels: Callable[..., Any]) -> None:
    set_theme(False, view.widget)
    seen = pixels(view.canvas.viewport())
    middle = screen(view, 5, 5)
    assert tuple(seen[middle.y(), middle.x()]) == (255, 255, 255)


def test_pixels_at_twice_the_device_ratio(tmp_path: Path) -> None:
    """A second process, because the factor is read once."""
    code = """
import numpy as np
from qtpy.QtWidgets import QApplication
app = QApplication([])
from glasscell.qt.embedding import QtEmbeddingView
view = QtEmbeddingView()
view.widget.resize(340, 380)
view.widget.show()
view.set_positions(np.array([[0.0, 0.0], [10.0, 10.0]]), "umap 1", "umap 2")
view.set_colours(np.array([0, 0xFF0000FF, 0xFF00FF00], np.uint32))
for _ in range(20):
    app.processEvents()
view.canvas.stamp()
raster, box = view.canvas.raster, view.canvas.box
assert view.canvas.devicePixelRatioF() == 2.0, view.canvas.devicePixelRatioF()
assert abs(raster.viewport.width - 2 * box.width() * 1.24) < 8, (raster.viewport, box.width())
image = view.canvas.grab().toImage()
at = view.canvas.mapFromScene(box.mapViewToScene(__import__("qtpy.QtCore").QtCore.QPointF(10, 10)))
colour = image.pixelColor(at.x() * 2, at.y() * 2)
assert (colour.red(), colour.green(), colour.blue()) == (0, 255, 0), colour.getRgb()
print("crisp")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "QT_SCALE_FACTOR": "2"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "crisp" in done.stdout, done.stderr
