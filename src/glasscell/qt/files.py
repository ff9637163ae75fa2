"""Saving and opening: the session, the data, any table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from glasscell.qt.text import Choice, PlainLabel, button, column_of, row_of
from glasscell.views import group_words as says

if TYPE_CHECKING:
    from collections.abc import Sequence

_FILES = "Cells (*.h5ad);;All files (*)"


class QtFiles(QWidget):
    """Buttons that ask for a place and say what is to be saved there."""

    session_save = Signal(object)
    session_open = Signal(object)
    data_save = Signal(object)
    table_save = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self._file = ""
        self.save_session = button("Save session…", says.SAVE_SESSION_TIP)
        self.open_session = button("Open session…", says.OPEN_SESSION_TIP)
        self.write = button("Write into file…", says.WRITE_TIP)
        self.save_copy = button("Save copy…", says.SAVE_COPY_TIP)
        self.table = Choice(says.TABLE_TIP)
        self.save_table = button("Save CSV…", says.SAVE_TABLE_TIP)
        self.note = PlainLabel("", "muted")
        column_of(
            row_of(self.save_session, self.open_session, None),
            row_of(self.write, self.save_copy, None),
            row_of(PlainLabel("Table", wrap=True), self.table, self.save_table, stretch=1),
            self.note,
            parent=self,
        )
        self.save_session.clicked.connect(self._on_save_session)
        self.open_session.clicked.connect(self._on_open_session)
        self.write.clicked.connect(self._on_write)
        self.save_copy.clicked.connect(self._on_save_copy)
        self.save_table.clicked.connect(self._on_save_table)

    def set_file(self, name: str) -> None:
        """Name the file that can be written into; empty for none."""
        self._file = name
        self.write.setEnabled(bool(name))

    def set_tables(self, names: Sequence[str]) -> None:
        """Offer these tables."""
        self.table.set_names(names)
        self.save_table.setEnabled(bool(names))
        self.save_copy.setEnabled(bool(names))
        self.save_session.setEnabled(bool(names))

    def _on_save_session(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the session as a folder", "session.glasscell")
        if path:
            self.session_save.emit(Path(path))

    def _on_open_session(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Open a session's folder (.glasscell)")
        if path:
            self.session_open.emit(Path(path))

    def _on_write(self) -> None:
        if ask_to_write(self, self._file):
            self.data_save.emit(None)

    def _on_save_copy(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save a copy of the data", "", _FILES)
        if path:
            self.data_save.emit(Path(path) if Path(path).suffix else Path(f"{path}.h5ad"))

    def _on_save_table(self) -> None:
        name = self.table.name()
        path, _ = QFileDialog.getSaveFileName(self, f"Save the table {name}", f"{name}.csv", "CSV (*.csv)")
        if path:
            self.table_save.emit(name, Path(path) if Path(path).suffix else Path(f"{path}.csv"))


def ask_to_write(parent: QWidget, name: str) -> bool:
    """Ask whether a file may be replaced by one with groups and results in it."""
    box = QMessageBox(parent)
    box.setObjectName("glasscell_write")
    box.setIcon(QMessageBox.Icon.Question)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setWindowTitle(says.WRITE_ASKED)
    box.setText(says.WRITTEN)
    box.setInformativeText(says.kept_as(name))
    write = box.addButton("Write", QMessageBox.ButtonRole.AcceptRole)
    leave = box.addButton("Leave as it is", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(leave)
    box.setEscapeButton(leave)
    box.exec()
    return box.clickedButton() is write
