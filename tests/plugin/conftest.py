"""Real viewers for the plugin's tests, with nothing left behind."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("napari")


@pytest.fixture(scope="session", autouse=True)
def _own_napari_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the settings of whoever runs the tests out of them."""
    before = os.environ.get("NAPARI_CONFIG")
    os.environ["NAPARI_CONFIG"] = str(tmp_path_factory.mktemp("napari") / "settings.yaml")
    yield
    if before is None:
        del os.environ["NAPARI_CONFIG"]
    else:
        os.environ["NAPARI_CONFIG"] = before


@pytest.fixture(autouse=True)
def _nothing_left(qapp: Any) -> Iterator[None]:
    """Fail a test that leaves a desk, a worker or a window."""
    from glasscell.plugin import desk

    yield
    from napari import Viewer

    for viewer in list(Viewer._instances):
        close(viewer)
    spin(0.05)
    assert not desk._DESKS, "a desk outlived its viewer"
    end = time.monotonic() + 10
    while time.monotonic() < end and workers():
        spin(0.02)
    assert not workers(), "a worker outlived its viewer"


@pytest.fixture
def viewer(qapp: Any) -> Iterator[Any]:
    """An empty viewer, shown."""
    import napari

    made = napari.Viewer(show=True)
    made.window.resize(900, 700)
    spin(0.1)
    yield made
    close(made)


@pytest.fixture
def window(qapp: Any) -> Iterator[Callable[..., Any]]:
    """Open the whole window, as often as wanted."""
    from glasscell.plugin.window import open_window

    made: list[Any] = []

    def open_one(path: Path | None = None) -> Any:
        made.append(open_window(path))
        spin(0.1)
        return made[-1]

    yield open_one
    for one in made:
        close(one.viewer)


def close(viewer: Any) -> None:
    """Close a viewer whose window the test may have closed already."""
    with contextlib.suppress(RuntimeError):  # Qt has deleted the window
        viewer.close()
    type(viewer)._instances.discard(viewer)


def workers() -> list[str]:
    """Names of our worker threads."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("glasscell")]


def spin(seconds: float) -> None:
    """Run the event loop for a while."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


def wait(condition: Callable[[], object], seconds: float = 60, what: str = "it") -> None:
    """Run the event loop until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        spin(0.02)


def settled(desk: Any) -> None:
    """Wait until no job runs and the canvas shows what it should."""
    wait(lambda: not desk.session.jobs.active, 240, "the jobs")
    wait(lambda: desk.tissue.cells.layers is None or desk.tissue.cells.ready, 60, "the canvas")
    spin(0.05)


def canvas_pixels(viewer: Any) -> NDArray[np.uint8]:
    """What the canvas shows, RGB."""
    return np.asarray(viewer.screenshot(canvas_only=True, flash=False))[..., :3]


def drag(desk: Any, world_vd: Any, modifiers: Any = None) -> None:
    """Draw on the tissue with the left button, through Qt, along world points."""
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    native, left, none = desk.tissue.canvas.native, Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    held = Qt.KeyboardModifier.NoModifier if modifiers is None else modifiers
    points = [QPointF(float(x), float(y)) for x, y in desk.tissue.canvas.to_screen(world_vd)]

    def send(kind: Any, point: Any, button: Any, buttons: Any) -> None:
        event = QMouseEvent(kind, point, QPointF(native.mapToGlobal(point.toPoint())), button, buttons, held)
        QApplication.sendEvent(native, event)

    send(QEvent.Type.MouseButtonPress, points[0], left, left)
    for point in points[1:]:
        spin(0.012)  # closer moves are dropped by vispy
        send(QEvent.Type.MouseMove, point, none, left)
    send(QEvent.Type.MouseButtonRelease, points[-1], left, none)
    spin(0.02)


def hover(desk: Any, x: float, y: float) -> None:
    """Move the mouse over a world point."""
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    native, none = desk.tissue.canvas.native, Qt.MouseButton.NoButton
    (screen,) = desk.tissue.canvas.to_screen([[x, y]])
    point = QPointF(float(screen[0]), float(screen[1]))
    everywhere = QPointF(native.mapToGlobal(point.toPoint()))
    kind, keys = QEvent.Type.MouseMove, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(native, QMouseEvent(kind, point, everywhere, none, none, keys))
    spin(0.02)


def grid_adata(side: int = 20, step: float = 10.0) -> Any:
    """A square grid of cells with counts, two halves as labels, and no embedding."""
    import anndata as ad
    import pandas as pd
    from scipy import sparse

    rng = np.random.default_rng(0)
    y, x = np.divmod(np.arange(side * side), side)
    half = np.where(x < side // 2, "left", "right")
    counts = rng.poisson(3.0, (side * side, 40)).astype(np.float32)
    counts[half == "left", :3] += 12
    obs = pd.DataFrame({"half": pd.Categorical(half)}, index=[f"cell{i}" for i in range(side * side)])
    var = pd.DataFrame(index=[f"GENE{i}" for i in range(40)])
    adata = ad.AnnData(sparse.csr_matrix(counts), obs=obs, var=var)
    adata.obsm["spatial"] = np.stack([x * step, y * step], axis=1).astype(np.float64)
    return adata


@pytest.fixture
def grid_file(tmp_path: Path) -> Path:
    """The grid as a file."""
    path = tmp_path / "grid.h5ad"
    grid_adata().write_h5ad(path)
    return path


@pytest.fixture
def cortex(real_data: Callable[[str], Path], tmp_path: Path) -> Path:
    """Every third cell and the 60 genes seen most, so that training takes seconds."""
    import anndata as ad

    whole = ad.read_h5ad(real_data("starmap_mpfc_BZ5.h5ad"))
    total = np.asarray(whole.X.sum(axis=0)).ravel()
    path = tmp_path / "cortex.h5ad"
    whole[::3, np.sort(np.argsort(-total)[:60])].copy().write_h5ad(path)
    return path


def search_for(shown: Any, text: str) -> None:
    """Type a name into the search box and take the first hit."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    shown.raise_dock("Colour by")
    search = shown.docks["Colour by"].view.search
    search.setFocus()
    search.clear()
    QTest.keyClicks(search, text)
    wait(lambda: bool(search.model.hits), 10, text)
    QTest.keyClick(search, Qt.Key.Key_Return)
    settled(shown.desk)


def press(button: Any) -> None:
    """Click a button with the mouse."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    assert button.isVisible()
    assert button.isEnabled(), button.toolTip()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
