"""The control that saves a picture, pressed in every dock that has one; what is saved is what is shown."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from glasscell.qt.style import theme_of

from .conftest import settled, spin

pytestmark = pytest.mark.gui


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Answer every file dialog with a fresh path."""
    paths: list[Path] = []

    def answer(*args: Any, **kwargs: Any) -> tuple[str, str]:
        paths.append(tmp_path / f"{len(paths)}_{args[2]}")
        return str(paths[-1]), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    return paths


def press(dock: Any, what: str = "") -> None:
    """Press the button, or the entry of its menu."""
    saver = dock.saver
    if what:
        next(action for action in saver.menu.actions() if action.data() == what).trigger()
    else:
        QTest.mouseClick(saver.button, Qt.MouseButton.LeftButton)
    spin(0.05)


@pytest.mark.slow
def test_every_picture_is_saved_from_its_dock(
    window: Callable[..., Any], grid_file: Path, asked: list[Path]
) -> None:
    shown = window(grid_file)
    desk, session, docks = shown.desk, shown.desk.session, shown.docks
    settled(desk)
    for name in ("Embedding", "Attribution", "Contrast"):
        shown.raise_dock(name)
        spin(0.1)
        press(docks[name])
    assert asked == [], "nobody is asked for a file when there is nothing to save"
    assert {docks[name].saver.button.text() for name in ("Embedding", "Model")} == {"Save picture…"}
    session.prepare()
    settled(desk)
    session.fit("half", split="blocks", params={"max_epochs": 3})
    settled(desk)
    session.explain("class:left", cells="all")
    settled(desk)
    view = docks["Contrast"].view
    for box, key in ((view.a, "obs:half=left"), (view.b, "obs:half=right")):
        box.setCurrentIndex(box.findData(key))
    view.compare.click()
    settled(desk)
    for name, what in (
        ("Embedding", ""),
        ("Model", "curve"),
        ("Model", "metrics"),
        ("Attribution", ""),
        ("Contrast", ""),
    ):
        shown.raise_dock(name)
        spin(0.1)
        press(docks[name], what)
        settled(desk)
    for path, words in zip(
        asked, ("umap 1", "fold 1", "majority", "permuted-", "more in half: left"), strict=True
    ):
        assert words in path.read_text(encoding="utf-8"), path


def test_the_tissue_is_saved_as_it_is_turned_and_lit(
    window: Callable[..., Any], grid_file: Path, asked: list[Path]
) -> None:
    shown = window(grid_file)
    desk = shown.desk
    settled(desk)
    assert theme_of(shown.docks["Embedding"].saver).name == "dark"
    shown.viewer.theme = "light"
    assert theme_of(shown.docks["Embedding"].saver).name == "light"
    desk.tissue.canvas.rotate(1)
    desk.tissue.cells.layers[1].opacity = 0.5
    sight = desk.tissue.sight()
    assert (sight.turned, sight.across, sight.down) == (desk.tissue.canvas.turned, *desk.tissue.canvas.signs)
    assert sight.turned
    assert sight.cells == pytest.approx(0.5)
    entries = shown.docks["Tissue"].view.widget.send.menu().actions()
    next(one for one in entries if one.text() == "Save picture of the tissue…").trigger()
    settled(desk)
    assert asked[0].read_bytes().startswith(b"<?xml")
