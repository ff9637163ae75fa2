"""The compare dock pressed on real tissue: tick, train, cancel, read, point, draw, colour, save."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from .conftest import canvas_pixels, press, settled, spin, wait

pytestmark = pytest.mark.gui
OTHER = (0xE0, 0x59, 0x2A)  # where two do not say the same


def choose(box: Any, key: str) -> None:
    assert box.findData(key) >= 0, key
    box.setCurrentIndex(box.findData(key))
    box.activated.emit(box.currentIndex())


def tick(models: Any, *wanted: str) -> None:
    """Click on the boxes until these and no others are ticked."""
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    for row in range(models.count()):
        item = models.item(row)
        key, is_ticked = item.data(int(Qt.ItemDataRole.UserRole)), item.checkState() == Qt.CheckState.Checked
        if (key in wanted) != is_ticked:
            models.scrollToItem(item)
            box = models.visualItemRect(item)
            at = QPoint(box.left() + 10, box.center().y())
            QTest.mouseClick(models.viewport(), Qt.MouseButton.LeftButton, pos=at)


def pixels_of(canvas: Any) -> NDArray[np.uint8]:
    """What a canvas shows, RGB."""
    from qtpy.QtGui import QImage

    image = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    flat = np.frombuffer(image.constBits().asarray(image.sizeInBytes()), np.uint8)
    rows = flat.reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()]
    return rows.reshape(image.height(), image.width(), 3)


def has(pixels: NDArray[np.uint8], colour: tuple[int, int, int]) -> int:
    return int((np.abs(pixels.astype(int) - colour).max(axis=-1) <= 2).sum())


def point_at(canvas: Any, cell: int) -> None:
    """Move the mouse over a cell."""
    from qtpy.QtCore import QEvent, QPointF, Qt

    x, y = canvas._positions_cd[cell]
    point = QPointF(canvas.mapFromScene(canvas.box.mapViewToScene(QPointF(x, y))))
    send(canvas, QEvent.Type.MouseMove, point, Qt.MouseButton.NoButton, Qt.MouseButton.NoButton)


def send(canvas: Any, kind: Any, point: Any, button: Any, buttons: Any) -> None:
    """Let the mouse do something on a canvas."""
    from qtpy.QtCore import QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    place, keys = canvas.viewport(), Qt.KeyboardModifier.NoModifier
    everywhere = QPointF(place.mapToGlobal(point.toPoint()))
    QApplication.sendEvent(place, QMouseEvent(kind, point, everywhere, button, buttons, keys))
    spin(0.015)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.timeout(600)
def test_the_whole_way(window: Callable[..., Any], cortex: Path) -> None:
    from qtpy.QtTest import QTest

    shown = window(cortex)
    settled(shown.desk)
    session = shown.desk.session
    shown.raise_dock("Compare")
    spin(0.2)
    view = shown.docks["Compare"].view
    assert view.run.isEnabled()
    tick(view.models, "vae", "classifier")
    assert view.ticked() == ("classifier", "vae")
    view.seeds.selectAll()
    QTest.keyClicks(view.seeds, "0, 1, 2, 3")
    press(view.run)
    job = next(job for job in session.jobs.active if job.lane == "train")
    wait(lambda: (job.progress.fraction or 0) > 0 or job.is_finished, 120, "some progress")
    wait(lambda: view.progress.value() > 0, 20, "the bar")
    assert "classifier, seed 0" in view.doing.whole_text()
    press(view.cancel)
    wait(lambda: job.is_finished, 60, "the cancel")
    assert job.outcome.value == "cancelled"
    assert session.latest("comparison") is None
    view.seeds.selectAll()
    QTest.keyClicks(view.seeds, "0")
    press(view.run)
    wait(lambda: not session.jobs.active, 400, "the models")
    settled(shown.desk)
    found = session.latest("comparison")
    assert found.models == ("classifier", "vae")
    names = [view.table.item(row, 0).text() for row in range(view.table.rowCount())]
    assert names == ["classifier", "majority", "logistic", "coordinates"]
    deviance = next(key for key, words in view._picture.figures if "deviance" in words)
    choose(view.figure, deviance)
    assert view.table.item(0, 0).text() == "vae"
    assert view.heatmap.isVisible()
    assert view.pair.left.name() == "compared:classifier"
    choose(view.pair.right, "compared:vae")
    spin(0.2)
    assert session.latest("pair").right.param("model") == "vae"
    folder = os.environ.get("GLASSCELL_PICTURES")
    if folder:
        for theme in ("dark", "light"):
            shown.viewer.theme = theme
            spin(0.5)
            shown.desk.tissue.canvas.main_window.grab().save(f"{folder}/compare_{theme}.png")


@pytest.mark.real_data
def test_two_maps_are_linked_with_all_views(
    window: Callable[..., Any], cortex: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qtpy.QtWidgets import QFileDialog, QScrollArea

    from glasscell.testing.toy_comparison import toy_comparison

    shown = window(cortex)
    settled(shown.desk)
    session = shown.desk.session
    shown.raise_dock("Compare")
    view = shown.docks["Compare"].view
    session.hold("comparison", toy_comparison(session.dataset, "cell_type"))
    pair = view.pair
    left, right, difference = pair.canvases
    choose(pair.right, "compared:rough")
    view.widget.findChild(QScrollArea).ensureWidgetVisible(pair.own, 0, 120)
    spin(0.4)
    legend = {item.name: item.colour for item in pair_legend(pair, session)}
    colour = tuple(bytes.fromhex(legend["eL6-1"][1:]))
    assert has(pixels_of(left), colour) > 50
    assert has(pixels_of(right), colour) > 50
    assert has(pixels_of(left), OTHER) == 0
    assert has(pixels_of(difference), OTHER) > 50
    at_home = left.viewport_now()
    assert right.viewport_now().pixel == pytest.approx(at_home.pixel, rel=0.02)
    assert difference.viewport_now().pixel == pytest.approx(at_home.pixel, rel=0.02)

    point_at(left, 100)
    wait(lambda: session.hovered_cell is not None, 10, "the pointer")
    cell = session.hovered_cell
    assert pair.caption.whole_text().startswith(str(session.dataset.cell_names[cell]))
    for canvas in pair.canvases:
        ring = canvas._ring.getData()
        assert (float(ring[0][0]), float(ring[1][0])) == tuple(session.dataset.positions_cd[cell])

    press(pair.tools.tools["rectangle"])
    draw(right, (-60, -40), (0, 40))
    wait(lambda: not session.mask().all(), 10, "the rectangle")
    x, middle = session.dataset.positions_cd[:, 0], float(np.mean(right.box.viewRange()[0]))
    chosen = session.mask()
    assert chosen.any()
    assert x[chosen].max() <= middle + 3 * at_home.pixel
    press(pair.tools.clear)
    assert session.mask().all()

    before = has(canvas_pixels(shown.viewer), OTHER)
    press(pair.paint)
    settled(shown.desk)
    assert session.state.colouring.channel.kind == "difference"
    assert has(canvas_pixels(shown.viewer), OTHER) > before + 100

    paths: list[Path] = []

    def answer(*args: Any) -> tuple[str, str]:
        paths.append(tmp_path / f"{len(paths)}_{args[2]}")
        return str(paths[-1]), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    press(view.save)
    press(shown.docks["Compare"].saver.button)
    settled(shown.desk)
    assert set(pd.read_csv(paths[0])["model"]) > {"sure", "majority", "voting"}
    written = paths[1].read_text()
    assert "where they differ" in written
    assert "Do they give the same reasons" in written


def pair_legend(pair: Any, session: Any) -> Any:
    """Colours of the classes, as both sides have them."""
    from glasscell.views.pair_picture import pair_picture

    chosen = session.latest("pair")
    left, right = (session.resolve(ref) for ref in (chosen.left, chosen.right))
    return pair_picture(left.values, right.values).left.legend.items


def draw(canvas: Any, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Drag over a canvas, in pixels from its middle."""
    from qtpy.QtCore import QEvent, QPointF, Qt

    middle = canvas.viewport().rect().center()
    x, y = (np.linspace(a, b, 12) for a, b in zip(start, end, strict=True))
    points = [QPointF(middle.x() + across, middle.y() + down) for across, down in zip(x, y, strict=True)]
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    send(canvas, QEvent.Type.MouseButtonPress, points[0], left, left)
    for point in points[1:]:
        send(canvas, QEvent.Type.MouseMove, point, none, left)
    send(canvas, QEvent.Type.MouseButtonRelease, points[-1], left, none)


def test_no_labels_and_nothing_open(viewer: Any, tmp_path: Path) -> None:
    import anndata as ad
    from qtpy.QtCore import Qt

    from glasscell.plugin.compare_dock import CompareDock

    dock = CompareDock(viewer)
    viewer.window.add_dock_widget(dock, name="Compare")
    wait(lambda: dock.view is not None, 60, "torch")
    view = dock.view
    assert not view.run.isEnabled()
    assert view.reason.whole_text() == "Open data first."
    counts = np.random.default_rng(0).poisson(2.0, (60, 12)).astype(np.float32)
    ad.AnnData(counts).write_h5ad(tmp_path / "bare.h5ad")
    dock.desk.open(tmp_path / "bare.h5ad")
    settled(dock.desk)
    assert view.run.isEnabled()
    assert "No column sorts these cells into classes" in view.reason.whole_text()
    items = {
        view.models.item(row).data(int(Qt.ItemDataRole.UserRole)): view.models.item(row)
        for row in range(view.models.count())
    }
    assert not items["classifier"].flags() & Qt.ItemFlag.ItemIsEnabled
    assert "lasso and name two groups" in items["classifier"].toolTip()
    assert items["vae"].checkState() == Qt.CheckState.Checked
    tick(view.models)
    assert view.ticked() == ()
    press(view.run)
    assert "Tick one model" in dock.desk.session.messages[-1].text
    viewer.window.remove_dock_widget(dock)
    spin(0.1)
    assert dock._ended
