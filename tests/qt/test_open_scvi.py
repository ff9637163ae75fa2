"""The button that opens a model of scvi-tools says what that runs, and asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("qtpy")
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox

from glasscell.qt.model import QtModelView

pytestmark = pytest.mark.gui


def answer(name: str, seen: list[str]) -> None:
    """Press a button of the question once it is shown."""

    def press() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(20, press)
            return
        seen.append(box.text())
        assert box.textFormat() == Qt.TextFormat.PlainText
        next(button for button in box.buttons() if button.text() == name).click()

    QTimer.singleShot(20, press)


def test_it_asks_before_it_opens(qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    view = QtModelView()
    qtbot.addWidget(view.widget)
    view.widget.resize(360, 640)
    view.widget.show()
    opened: list[Path] = []
    seen: list[str] = []
    view.scvi_requested.connect(opened.append)
    folder = tmp_path / "<b>saved"
    folder.mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    qtbot.mouseClick(view.scvi, Qt.MouseButton.LeftButton)
    assert "no model saved by scvi-tools" in view.message.whole_text()
    (folder / "model.pt").touch()
    answer("Cancel", seen)
    qtbot.mouseClick(view.scvi, Qt.MouseButton.LeftButton)
    assert opened == []
    answer("Open", seen)
    qtbot.mouseClick(view.scvi, Qt.MouseButton.LeftButton)
    assert opened == [folder]
    assert all("nothing in the file is run" in words and folder.name in words for words in seen)
    assert len(seen) == 2
