"""Gates of an sVAE in the real window, on cells of a real screen: trained by buttons, shown, read off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.palette import diverging_map, sequential_map
from glasscell.data.read import read

from .conftest import settled, spin, wait

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.slow]
TAKEN = ("control", "KLF1", "MAPK1", "SAMD1+PTPN12", "TMSB4X", "SGK1+TBX3")
TINY = {
    "n_latent": 6,
    "hidden": 32,
    "n_layers": 1,
    "dense_epochs": 6,
    "mask_epochs": 6,
    "max_epochs": 4,
    "learning_rate": 1e-2,
}


@pytest.fixture
def screen_file(real_data: Callable[[str], Path], tmp_path: Path) -> Path:
    """Six of the conditions, all their cells."""
    adata = read(real_data("norman2019_3375x500.h5ad")).adata
    part = adata[np.isin(np.asarray(adata.obs["perturbation"].astype(str)), TAKEN)].copy()
    path = tmp_path / "screen.h5ad"
    part.write_h5ad(path)
    return path


def pixels_of(widget: Any) -> Any:
    """What a widget shows, RGB, and how many of its pixels one of Qt's is."""
    from qtpy.QtGui import QImage

    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    buffer = image.constBits()
    buffer.setsize(image.sizeInBytes())
    rows = np.frombuffer(buffer, np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3), image.devicePixelRatio()


def middles(gates: Any, panel: int) -> dict[tuple[int, int], tuple[int, int]]:
    """Find the middle of every gate (panel 0) or shift (1) on the widget by asking what lies where."""
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for y in range(gates.height()):
        for x in range(0, gates.width(), 2):
            place = gates.cell_at(x, y)
            if place is not None and gates.panel_at(x) == panel:
                found.setdefault(place, []).append((x, y))
    return {place: points[len(points) // 2] for place, points in found.items()}


def tip_at(widget: Any, x: float, y: float) -> str:
    """Ask for the tooltip at a place and return what it says."""
    from qtpy.QtCore import QEvent, QPoint
    from qtpy.QtGui import QHelpEvent
    from qtpy.QtWidgets import QApplication, QToolTip

    place = QPoint(round(x), round(y))
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, place, widget.mapToGlobal(place)))
    return str(QToolTip.text())


def test_gates_of_a_screen(window: Callable[..., Any], screen_file: Path) -> None:
    made = window(screen_file)
    settled(made.desk)
    session = made.desk.session
    made.raise_dock("Traversal")
    spin(0.05)
    dock = made.docks["Traversal"].view
    assert not dock.gates.isVisible(), "no model, no gates"
    made.raise_dock("Model")
    spin(0.05)
    model = made.docks["Model"].view
    model.family.setCurrentIndex(model.family.findData("svae"))
    model.action.setCurrentIndex(model.action.findData("perturbation"))
    spin(0.05)
    model.control.setCurrentIndex(model.control.findData("control"))
    model.form.set_values(TINY)
    assert model.train.isEnabled(), model.reason.text()
    model.train.click()
    wait(lambda: not session.jobs.active, 800, "training, the twin and a map of the latents")
    settled(made.desk)
    assert session.bundle.family == "svae"
    net = session.bundle.folds[0]
    assert sorted(net.actions) == sorted(TAKEN)

    made.raise_dock("Traversal")
    spin(0.1)
    assert dock.gates.isVisible()
    picture = dock.gates.picture
    assert sorted(picture.actions) == sorted(TAKEN)
    assert picture.factors == tuple(map(str, range(6)))
    gates_az = np.asarray(net.parts()["gates"], np.float64)
    rows = [net.actions.index(name) for name in picture.actions]
    np.testing.assert_array_equal(picture.gates_az, gates_az[rows])
    assert (np.diff(picture.gates_az.sum(axis=1)) <= 0).all(), "the most open ones first"
    assert (gates_az[net.actions.index("control")] == 0).all(), "the control moves nothing"
    assert gates_az.max() - gates_az.min() > 0.1

    effects_az = np.asarray(net.parts()["effects"], np.float64)[rows]
    np.testing.assert_array_equal(picture.effects_az, effects_az)
    reach = np.quantile(np.abs(effects_az), 0.99)
    shown, scale = pixels_of(dock.gates)
    for panel, ramp, low, values in (
        (0, sequential_map(), 0.0, picture.gates_az),
        (1, diverging_map(), -reach, effects_az),
    ):
        places = middles(dock.gates, panel)
        assert set(places) == {(action, factor) for action in range(len(TAKEN)) for factor in range(6)}
        span = 1.0 if panel == 0 else 2 * reach
        for (action, factor), (x, y) in places.items():
            share = np.clip((values[action, factor] - low) / span, 0, 1)
            wanted = ramp[round(float(share) * (len(ramp) - 1))].lstrip("#")
            at = shown[int(y * scale), int(x * scale)]
            assert bytes(at).hex() == wanted, (panel, picture.actions[action], factor)
    strongest = np.unravel_index(picture.gates_az.argmax(), picture.gates_az.shape)
    said = tip_at(dock.gates, *places[(int(strongest[0]), int(strongest[1]))])
    assert f"{picture.actions[strongest[0]]} moves factor {strongest[1]}" in said
    assert f"{picture.gates_az.max():.2f}" in said
    assert f"shift {effects_az[strongest]:+.2f}" in said

    assert dock.sweep.isEnabled()
    dock.sweep.click()
    settled(made.desk)
    assert session.latest("traversal").factors == tuple(range(6))
    assert dock.gates.isVisible(), "the gates stay beside the factors they are of"
