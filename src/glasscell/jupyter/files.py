"""Saving and opening in a notebook: the session, the data, any table; paths are the kernel's machine's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from glasscell.jupyter.confirm import Confirm
from glasscell.jupyter.panel import Choice, Panel, button, column, line, row, show
from glasscell.views import group_words as says
from glasscell.views.typed_path import typed_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psygnal import SignalInstance


class JupyterFiles(Panel):
    """Lines for paths with buttons that say what is to be saved there."""

    session_save = Signal(object)
    session_open = Signal(object)
    data_save = Signal(object)
    table_save = Signal(str, object)

    def __init__(self) -> None:
        self._file = ""
        self.session = line("Folder of a session (.glasscell)")
        self.save_session = button("Save session", says.SAVE_SESSION_TIP)
        self.open_session = button("Open session", says.OPEN_SESSION_TIP)
        self.write = button("Write into file…", says.WRITE_TIP)
        self.asked = Confirm(says.WRITE_ASKED, "Write", "Leave as it is")
        self.copy = line("Path of a new .h5ad file", says.SAVE_COPY_TIP)
        self.save_copy = button("Save copy", says.SAVE_COPY_TIP)
        self.table = Choice("Table", says.TABLE_TIP)
        self.csv = line("Path of a new .csv file", says.SAVE_TABLE_TIP)
        self.save_table = button("Save CSV", says.SAVE_TABLE_TIP)
        self.widget = column(
            self.session,
            row(self.save_session, self.open_session, self.write),
            self.asked.widget,
            row(self.copy, self.save_copy, flex_flow="row nowrap"),
            self.table,
            row(self.csv, self.save_table, flex_flow="row nowrap"),
        )
        self.hear_press(self.save_session, lambda: self._save(self.session_save, self.session.value))
        self.hear_press(self.open_session, lambda: self._save(self.session_open, self.session.value))
        self.hear_press(self.write, self._on_write)
        self.hear_press(self.save_copy, lambda: self._save(self.data_save, self.copy.value, ".h5ad"))
        self.hear_press(self.save_table, self._on_save_table)

    def set_file(self, name: str) -> None:
        """Name the file that can be written into; empty for none."""
        if name != self._file:
            show(self.asked.widget, False)
        self._file = name
        self.write.disabled = not name

    def set_tables(self, names: Sequence[str]) -> None:
        """Offer these tables."""
        with self.telling():
            self.table.offer([(name, name) for name in names])
        for part in (self.save_table, self.save_copy, self.save_session):
            part.disabled = not names

    def _save(self, signal: SignalInstance, text: str, ending: str = "") -> None:
        path = typed_path(text, ending)
        if path is not None:
            signal.emit(path)

    def _on_write(self) -> None:
        if self._file:
            self.asked.ask(f"{says.WRITTEN}\n{says.kept_as(self._file)}", lambda: self.data_save.emit(None))

    def _on_save_table(self) -> None:
        path = typed_path(self.csv.value, ".csv")
        if path is not None and self.table.key:
            self.table_save.emit(self.table.key, path)
