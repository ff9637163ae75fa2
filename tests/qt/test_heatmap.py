"""The heatmap widget pressed: what is under the pointer, zooming, dragging, names that stay plain."""

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from glasscell.qt.heat_multiples import QtMultiples
from glasscell.qt.heatmap import Place, QtHeatmap
from glasscell.qt.style import set_theme
from glasscell.views.attention_view import Multiples
from glasscell.views.heat import HeatPanel, HeatPicture

pytestmark = pytest.mark.gui


def picture(n_rows: int = 40, n_columns: int = 4) -> HeatPicture:
    values = np.linspace(-1, 1, n_rows * n_columns).reshape(n_rows, n_columns)
    values[min(3, n_rows - 1), min(2, n_columns - 1)] = np.nan
    panels = (
        HeatPanel("relative", "attention", values, (-1, 1), "log2 x uniform", diverging=True),
        HeatPanel("removed", "change when removed", -values, (-1, 1), "logit", diverging=True),
    )
    rows = tuple(f"<b>ROW {k}</b> & more" for k in range(n_rows))
    return HeatPicture(rows, tuple(f"group {k}" for k in range(n_columns)), panels, ("cells →", "tokens ↓"))


@pytest.fixture
def heatmap(qtbot: Any) -> QtHeatmap:
    made = QtHeatmap()
    qtbot.addWidget(made)
    made.resize(340, 360)
    made.set_picture(picture())
    made.show()
    qtbot.waitExposed(made)
    return made


def turn(widget: QtHeatmap, point: QPointF, delta: int, keys: Any = Qt.KeyboardModifier.NoModifier) -> None:
    everywhere = QPointF(widget.mapToGlobal(point.toPoint()))
    event = QWheelEvent(
        point, everywhere, QPoint(0, 0), QPoint(0, delta), Qt.MouseButton.NoButton, keys,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def test_pixels_hover_and_click(heatmap: QtHeatmap) -> None:
    clicked: list[Place] = []
    hovered: list[Place | None] = []
    heatmap.clicked.connect(clicked.append)
    heatmap.hovered.connect(hovered.append)
    shown = heatmap.picture
    assert shown is not None
    image = heatmap.grab().toImage()
    ratio = heatmap.devicePixelRatioF()
    for place in (Place(0, 0, 0), Place(39, 3, 0), Place(0, 0, 1), Place(20, 1, 1)):
        point = heatmap.centre_of(place)
        assert heatmap.place_at(point) == place
        pixel = image.pixelColor(int(point.x() * ratio), int(point.y() * ratio)).getRgb()[:3]
        wanted = shown.panels[place.panel].rgba("#000000")[place.row, place.column, :3]
        assert np.abs(np.array(pixel) - wanted).max() <= 3
        QTest.mouseClick(heatmap, Qt.MouseButton.LeftButton, pos=point.toPoint())
        assert clicked[-1] == place
        QTest.mouseMove(heatmap, point.toPoint())
    assert heatmap.place_at(QPointF(2, 2)) is None
    assert hovered[-1] == Place(20, 1, 1)
    QTest.mouseMove(heatmap, QPoint(2, 2))
    assert hovered[-1] is None


def test_zoom_drag_and_home(heatmap: QtHeatmap) -> None:
    point = heatmap.centre_of(Place(10, 1, 0))
    for _ in range(4):
        turn(heatmap, point, 120)
    assert heatmap.rows.shown < 20
    assert heatmap.place_at(point) == Place(10, 1, 0), "what is under the pointer stays there"
    assert heatmap.columns.shown == 4
    turn(heatmap, point, 120, Qt.KeyboardModifier.ShiftModifier)
    assert heatmap.columns.shown < 4
    first = heatmap.rows.first
    clicked: list[Place] = []
    heatmap.clicked.connect(clicked.append)
    QTest.mousePress(heatmap, Qt.MouseButton.LeftButton, pos=point.toPoint())
    for step in (10, 20, 40):
        QTest.mouseMove(heatmap, point.toPoint() - QPoint(0, step))
    QTest.mouseRelease(heatmap, Qt.MouseButton.LeftButton, pos=point.toPoint() - QPoint(0, 40))
    assert heatmap.rows.first > first
    assert not clicked, "a drag is no click"
    for _ in range(40):
        turn(heatmap, point, 120)
    assert heatmap.rows.shown == pytest.approx(3)
    heatmap.set_picture(picture())
    assert heatmap.rows.shown == pytest.approx(3), "another map of the same rows keeps the part that is shown"
    QTest.mouseDClick(heatmap, Qt.MouseButton.LeftButton, pos=point.toPoint())
    assert (heatmap.rows.first, heatmap.rows.shown, heatmap.columns.shown) == (0, 40, 4)
    QTest.keyClicks(heatmap, "+")
    assert heatmap.rows.shown < 40
    QTest.keyClicks(heatmap, "0")
    assert heatmap.rows.shown == 40
    turn(heatmap, QPointF(2, 2), 120)
    assert heatmap.rows.shown == 40, "off the tables the dock scrolls"


def test_themes_marks_and_few_rows(heatmap: QtHeatmap) -> None:
    from glasscell.qt.style import adopt

    adopt(heatmap)
    seen = []
    for dark in (True, False):
        set_theme(dark, heatmap)
        seen.append(heatmap.grab().toImage().pixelColor(heatmap.centre_of(Place(3, 2, 0)).toPoint()).name())
    assert seen[0] != seen[1], "what is missing has the theme's own grey"
    before = heatmap.grab().toImage()
    heatmap.set_marked(Place(5, 1, 1))
    assert heatmap.grab().toImage() != before
    heatmap.set_picture(picture(2, 2))
    assert heatmap.height() < 220
    heatmap.set_picture(None)
    assert heatmap.place_at(QPointF(200, 200)) is None
    heatmap.grab()


def test_multiples_are_chosen(qtbot: Any) -> None:
    made = QtMultiples()
    qtbot.addWidget(made)
    made.resize(340, 100)
    keys = ("layer:1", "head:1.1", "head:1.2", "layer:2", "head:2.1", "head:2.2")
    base = picture(6, 3)
    panels = tuple(base.panels[0] for _ in keys)
    made.set_multiples(Multiples(keys, (2, 3), HeatPicture(base.rows, base.columns, panels)), "layer:1")
    made.show()
    chosen: list[str] = []
    made.chosen.connect(chosen.append)
    for number, key in enumerate(keys):
        QTest.mouseClick(made, Qt.MouseButton.LeftButton, pos=made.box(number).center().toPoint())
        assert chosen[-1] == key
    made.grab()
    made.set_multiples(None, "")
    assert not made.isVisible()
