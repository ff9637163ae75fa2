"""The traversal dock in a real viewer: sweep, drag a slider, and watch both views follow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.palette import pack
from glasscell.models.fit import FitRequest, fit
from glasscell.models.vae.family import VaeParams
from glasscell.testing.planted import planted_adata
from glasscell.views.paint import LIT

from .conftest import canvas_pixels, settled, spin, wait

pytestmark = [pytest.mark.gui, pytest.mark.timeout(300)]


def give_vae(session: Any) -> None:
    """Let the session hold a small vae trained on its data."""
    params = VaeParams(n_latent=6, hidden=32, max_epochs=4)
    bundle = fit(session.dataset, FitRequest(family="vae", params=params))
    session.update(model=session.hold("bundle", bundle))


def pull(slider: Any, *steps: int) -> None:
    """Drag the handle over some steps with the mouse and let it go."""
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    def place(step: int) -> Any:  # asked each time: a scroll bar may come and make the slider narrower
        return QPoint(round(slider.x_of(float(slider.row.values_s[step]))), round(slider.track.center().y()))

    left = Qt.MouseButton.LeftButton
    QTest.mousePress(slider, left, pos=place(steps[0]))
    spin(0.1)
    for step in steps[1:]:
        send_move(slider, place(step))
        spin(0.03)
    QTest.mouseRelease(slider, left, pos=place(steps[-1]))


def send_move(widget: Any, place: Any) -> None:
    """Move with the left button held, which QTest cannot say."""
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    none, left = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
    at = QPointF(place)
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        at,
        QPointF(widget.mapToGlobal(place)),
        none,
        left,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(widget, event)


def swept(made: Any) -> Any:
    """Bring the dock to the front and press its button."""
    settled(made.desk)
    made.raise_dock("Traversal")
    made.raise_dock("Embedding")
    spin(0.1)
    view = made.docks["Traversal"].view
    assert view.sweep.isEnabled()
    view.sweep.click()
    settled(made.desk)
    return view


@pytest.fixture
def planted_file(tmp_path: Path) -> Path:
    """A small file with counts, places and an embedding."""
    adata = planted_adata(n_cells=150, n_genes=30, n_sections=2)
    adata.obsm["X_umap"] = np.random.default_rng(0).normal(size=(150, 2)).astype(np.float32)
    path = tmp_path / "planted.h5ad"
    adata.write_h5ad(path)
    return path


def test_alone_on_an_empty_viewer_it_says_what_to_do(viewer: Any) -> None:
    from glasscell.plugin.traversal_dock import TraversalDock

    dock = TraversalDock(viewer)
    viewer.window.add_dock_widget(dock)
    spin(0.1)
    assert not dock.view.sweep.isEnabled()
    assert dock.view.reason.text() == "Open data first."
    dock.desk.session.open_dataset(Dataset(planted_adata(n_cells=60, n_genes=20)))
    settled(dock.desk)
    assert "Train or load a model" in dock.view.reason.text()
    give_vae(dock.desk.session)
    assert dock.view.sweep.isEnabled()


def test_a_slider_recolours_both_views_while_it_moves(window: Callable[..., Any], planted_file: Path) -> None:
    made = window(planted_file)
    settled(made.desk)
    session = made.desk.session
    give_vae(session)
    view = swept(made)
    slider = view.factors.sliders[1]
    pull(slider, 14, 22)
    settled(made.desk)
    spin(0.1)
    channel = session.state.colouring.channel
    assert (channel.kind, channel.param("factor"), channel.param("step")) == ("traversal", 1, slider.step)
    assert slider.step in (21, 22, 23)
    embedding = made.docks["Embedding"].view.canvas
    table_22 = made.desk.tissue.cells.table_u32.copy()
    pixels_22 = canvas_pixels(made.viewer).copy()
    green = np.array([0x19, 0xE6, 0x2F])
    lit = (np.abs(pixels_22.astype(int) - green).max(axis=2) < 12).sum()
    assert lit > 20, "the nearest cells stand out on the tissue"
    words = table_22[1 + session.lit_cells]
    assert (words == pack(np.array([[0x19, 0xE6, 0x2F]]) / 255)[0]).all()
    assert LIT == "#19e62f"
    pull(slider, 22, 8)
    settled(made.desk)
    spin(0.1)
    assert not np.array_equal(made.desk.tissue.cells.table_u32, table_22)
    assert (canvas_pixels(made.viewer) != pixels_22).any()
    wait(lambda: np.array_equal(embedding._table, made.desk.tissue.cells.table_u32), 10, "both views")
    np.testing.assert_array_equal(embedding._table, made.desk.tissue.cells.table_u32)
    assert view.bars.picture.observed
    pull(slider, 8, 28)
    settled(made.desk)
    spin(0.1)
    assert not view.bars.picture.observed
    assert "beyond" in view.readout.whole_text()
    pixels = canvas_pixels(made.viewer).astype(int)
    cells = (np.abs(pixels - green).max(axis=2) > 60) & (pixels.max(axis=2) > 60)
    spread = (pixels.max(axis=2) - pixels.min(axis=2))[cells]
    assert np.percentile(spread, 95) < 60, "beyond what was observed everything is nearly grey"


def test_keys_names_genes_and_play(window: Callable[..., Any], planted_file: Path) -> None:
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    made = window(planted_file)
    settled(made.desk)
    session = made.desk.session
    give_vae(session)
    view = swept(made)
    slider = view.factors.sliders[0]
    before = slider.step
    QTest.keyClick(slider, Qt.Key.Key_Right)
    settled(made.desk)
    assert session.state.colouring.channel.param("step") == before + 1
    QTest.mouseClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(10, 15))
    assert session.state.colouring.channel.kind == "latent"
    QTest.mouseClick(view.bars, Qt.MouseButton.LeftButton, pos=QPoint(20, 17 * 3 + 4))
    settled(made.desk)
    chosen = view.bars.picture.up[2].gene
    assert session.state.colouring.channel.key == chosen
    assert view.gene.text() == chosen
    view.light.click()
    assert session.lit_cells is None
    view.play.click()
    steps: set[int] = set()
    wait(lambda: steps.add(slider.step) or len(steps) > 4, 30, "the factor to move by itself")
    view.play.click()
    settled(made.desk)
    stopped = slider.step
    spin(0.4)
    assert slider.step == stopped
    assert view.play.text() == "Play"


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize(("name", "column"), [("dlpfc_151673.h5ad", "layer"), ("pbmc3k.h5ad", "louvain")])
def test_on_real_data(
    window: Callable[..., Any], real_data: Callable[[str], Path], name: str, column: str
) -> None:
    made = window(real_data(name))
    settled(made.desk)
    session = made.desk.session
    give_vae(session)
    settled(made.desk)
    made.raise_dock("Traversal")
    spin(0.1)
    view = made.docks["Traversal"].view
    wanted = next(key for key in (view.start.itemData(i) for i in range(view.start.count())) if column in key)
    view.start.setCurrentIndex(view.start.findData(wanted))
    view.sweep.click()
    settled(made.desk)
    found = session.latest("traversal")
    assert wanted.endswith(found.start_name.split(": ")[1])
    strengths = [max((abs(link.strength) for link in links), default=0) for links in found.links]
    assert max(strengths) > 0.5, "some factor of a trained model goes along with a label"
    factor = int(np.argmax(strengths))
    slider = view.factors.sliders[factor]
    view.factors.area.ensureWidgetVisible(slider)
    spin(0.05)
    pull(slider, 14, 20, 24)
    settled(made.desk)
    values = session.resolve(session.state.colouring.channel).values
    assert np.isfinite(values.values).sum() == len(found.start)
    assert np.abs(values.values[found.start]).max() > 0.01
    assert values.title.startswith(view.gene.placeholderText().split(" ")[0])
    assert view.links.genes.rowCount() > 0
    assert column in view.near.whole_text()
    shown = view.bars.picture.up[0]
    assert abs(slider.step - 24) <= 1
    step = found.change_ksg[found.row(factor), slider.step, found.gene(shown.gene)]
    assert shown.change == pytest.approx(float(step))
