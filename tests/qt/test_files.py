"""Questions about files: what they say, and that names in them stay plain text."""

from typing import Any

import pytest

from glasscell.qt.files import ask_to_write

pytestmark = pytest.mark.gui
NAME = "<b>bold</b>.h5ad"


@pytest.mark.parametrize(("answer", "writes"), [("Write", True), ("Leave as it is", False)])
def test_the_name_of_a_file_is_plain_text(qtbot: Any, answer: str, writes: bool) -> None:
    from qtpy.QtCore import Qt, QTimer
    from qtpy.QtWidgets import QLabel, QMessageBox, QWidget

    parent = QWidget()
    qtbot.addWidget(parent)
    formats = []

    def press() -> None:
        (box,) = parent.findChildren(QMessageBox)
        formats.extend(label.textFormat() for label in box.findChildren(QLabel) if NAME in label.text())
        next(button for button in box.buttons() if button.text() == answer).click()

    QTimer.singleShot(0, press)
    assert ask_to_write(parent, NAME) is writes
    assert formats == [Qt.TextFormat.PlainText]
