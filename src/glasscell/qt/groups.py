"""Groups: name the selected cells, paint, merge; notes; saving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLineEdit, QListWidget, QPushButton, QSlider, QWidget

from glasscell.qt.files import QtFiles
from glasscell.qt.group_list import QtGroupList
from glasscell.qt.style import plain_tip
from glasscell.qt.text import Fold, PlainLabel, button, column_of, line, row_of, scrolled
from glasscell.views import group_words as says
from glasscell.views.groups_view import GroupsView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.views.groups_view import GroupRow, NoteRow

#: What a painted group is called until it gets a name.
PAINTED = "painted"


class _Content(QWidget):
    """The page; it carries the Qt signals of the brush's controls."""

    brush_changed = Signal()


class QtGroupsView(GroupsView):
    """The groups view in Qt; ``content.brush_changed`` says that the brush was taken or put away."""

    def __init__(self) -> None:
        super().__init__()
        self.content = _Content()
        self.name = QLineEdit()
        self.name.setPlaceholderText(says.NAME)
        self.name.setToolTip(plain_tip(says.NAME_TIP))
        self.add = button("Name", says.ADD_TIP, primary=True)
        self.groups = QtGroupList()
        self.select = button("Select", says.SELECT_TIP)
        self.fill = button("Add", says.FILL_TIP)
        self.empty = button("Remove", says.EMPTY_TIP)
        self.merge = button("Merge", says.MERGE_TIP)
        self.delete = button("Delete", says.DELETE_TIP)
        self.colour = button(says.COLOUR, says.COLOUR_TIP)
        self.brush = _toggle("Paint", "Drag on the tissue to paint cells into the chosen group")
        self.eraser = _toggle("Erase", "Drag takes cells out instead; so does holding Alt")
        self.size = QSlider(Qt.Orientation.Horizontal)
        self.size.setRange(2, 80)
        self.size.setValue(16)
        self.size.setToolTip(plain_tip("Radius of the brush, in pixels of the screen"))
        self.reason = PlainLabel("", "muted")
        self.notes = QListWidget()
        self.notes.setMaximumHeight(90)
        self.notes.setToolTip(plain_tip("Double-click a note to select its cells"))
        self.note = QLineEdit()
        self.note.setPlaceholderText(says.NOTE)
        self.note.setToolTip(plain_tip(says.NOTE_TIP))
        self.keep_note = button("Note", says.KEEP_NOTE_TIP)
        self.drop_note = button("Delete", says.DROP_NOTE_TIP)
        self.files = QtFiles()
        self.widget = scrolled(self._lay_out())
        self._connect()
        self.set_groups(())
        self.set_notes(())
        self.set_tables(())
        self.set_file("")
        self.set_enabled(False, False, "")

    def set_groups(self, rows: Sequence[GroupRow]) -> None:
        """List the groups."""
        self.groups.set_rows(rows)
        self.colour.setEnabled(bool(rows))
        self._show_chosen()

    def set_notes(self, rows: Sequence[NoteRow]) -> None:
        """List the notes."""
        self.notes.clear()
        for row in rows:
            self.notes.addItem(f"{row.text}  ({row.n_cells:,})")
            item = self.notes.item(self.notes.count() - 1)
            if item is not None:
                item.setToolTip(plain_tip(row.text))
        self.notes.setVisible(bool(rows))
        self.drop_note.setEnabled(bool(rows))

    def set_tables(self, names: Sequence[str]) -> None:
        """Offer tables as CSV."""
        self.files.set_tables(names)

    def set_file(self, name: str) -> None:
        """Name the file that can be written into."""
        self.files.set_file(name)

    def set_enabled(self, enabled: bool, has_places: bool, reason: str) -> None:
        """Allow work on groups and painting, or say why not."""
        for part in (self.name, self.add, self.note, self.keep_note):
            part.setEnabled(enabled)
        for tool in (self.brush, self.eraser, self.size):
            tool.setEnabled(enabled and has_places)
        if not (enabled and has_places):
            self.brush.setChecked(False)
        self.reason.set_text(reason)

    def paint(self, path_vd: NDArray, radius: float, erase: bool, done: bool) -> None:  # type: ignore[type-arg]
        """Say that the brush passed over the tissue."""
        chosen = self.groups.chosen()
        typed = self.name.text().strip()
        name = typed or (chosen[0] if chosen else PAINTED)
        self.stroke_drawn.emit(name, path_vd, radius, erase or self.eraser.isChecked(), done)
        if done and (typed or not chosen):
            self.groups.choose(name)
            self.name.clear()

    def _lay_out(self) -> QWidget:
        notes, brush = QWidget(), QWidget()
        column_of(self.notes, row_of(self.note, self.keep_note, self.drop_note, stretch=0), parent=notes)
        column_of(
            row_of(self.brush, self.eraser, PlainLabel("Size"), self.size, stretch=3),
            self.reason,
            parent=brush,
        )
        column = column_of(
            row_of(self.name, self.add, stretch=0),
            self.groups,
            row_of(self.select, self.fill, self.empty, None),
            row_of(self.merge, self.delete, self.colour, None),
            line(),
            brush,
            line(),
            Fold("Notes", notes),
            Fold("Session and files", self.files),
            parent=self.content,
        )
        column.addStretch(1)
        return self.content

    def _connect(self) -> None:
        for signal in (self.add.clicked, self.name.returnPressed):
            signal.connect(lambda *_: self._on_add())
        for signal in (self.keep_note.clicked, self.note.returnPressed):
            signal.connect(lambda *_: self._on_note())
        self.groups.renamed.connect(self.group_renamed.emit)
        self.groups.recoloured.connect(self.group_recoloured.emit)
        self.groups.itemSelectionChanged.connect(self._show_chosen)
        self.select.clicked.connect(lambda: self.groups_selected.emit(self.groups.chosen()))
        self.fill.clicked.connect(lambda: self.group_filled.emit(self.groups.chosen()[0]))
        self.empty.clicked.connect(lambda: self.group_emptied.emit(self.groups.chosen()[0]))
        self.merge.clicked.connect(lambda: self._on_merge())
        self.delete.clicked.connect(lambda: self.groups_deleted.emit(self.groups.chosen()))
        self.colour.clicked.connect(lambda: self.colour_requested.emit())
        self.notes.itemDoubleClicked.connect(lambda item: self.note_selected.emit(self.notes.row(item)))
        self.drop_note.clicked.connect(lambda: self._on_drop_note())
        self.brush.toggled.connect(lambda _: self.content.brush_changed.emit())
        self.files.session_save.connect(self.session_save_requested.emit)
        self.files.session_open.connect(self.session_open_requested.emit)
        self.files.data_save.connect(self.data_save_requested.emit)
        self.files.table_save.connect(self.table_save_requested.emit)

    def _show_chosen(self) -> None:
        n_chosen = len(self.groups.chosen())
        for part in (self.select, self.delete):
            part.setEnabled(n_chosen > 0)
        for part in (self.fill, self.empty):
            part.setEnabled(n_chosen == 1)
        self.merge.setEnabled(n_chosen > 1)

    def _on_add(self) -> None:
        name = self.name.text().strip()
        self.group_named.emit(name)
        if self.groups.holds(name):
            self.groups.choose(name)
            self.name.clear()

    def _on_merge(self) -> None:
        names = self.groups.chosen()
        into = self.name.text().strip() or names[0]
        self.groups_merged.emit(names, into)
        self.groups.choose(into)
        self.name.clear()

    def _on_note(self) -> None:
        before = self.notes.count()
        self.note_written.emit(self.note.text())
        if self.notes.count() > before:
            self.note.clear()

    def _on_drop_note(self) -> None:
        place = self.notes.currentRow()
        self.note_deleted.emit(place if place >= 0 else self.notes.count() - 1)


def _toggle(text: str, tip: str) -> QPushButton:
    made = button(text, tip)
    made.setCheckable(True)
    return made
