"""Groups in a notebook: name the selected cells, merge; notes; saving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.data.palette import parse_colour
from glasscell.jupyter.files import JupyterFiles
from glasscell.jupyter.panel import OPEN_BY_PATH, Panel, Words, button, column, fold, line, row, show
from glasscell.jupyter.sheet import Column, Sheet
from glasscell.views import group_words as says
from glasscell.views.groups_view import GroupsView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.groups_view import GroupRow, NoteRow

_GROUPS = (
    Column("", "Choose the group", "check"),
    Column("", "Click to change the colour", "swatch"),
    Column("Group"),
    Column("Cells", kind="number"),
)
_CHECK, _SWATCH = 0, 1
_NOTES = (Column("Note", kind="words"), Column(kind="number"), Column(kind="button"), Column(kind="button"))
_SELECT, _DELETE = 2, 3
RENAME_TIP = "Give the chosen group the name typed above"
#: Why there is no brush here.
NO_BRUSH = "The brush is in the window only: here draw a lasso on the tissue, then name or add the cells."


class JupyterGroupsView(GroupsView, Panel):
    """The groups view in a notebook; it never utters ``stroke_drawn``."""

    open_data = OPEN_BY_PATH

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[GroupRow, ...] = ()
        self._chosen: frozenset[str] = frozenset()
        self._n_notes = 0
        self._enabled = False
        self.name = line(says.NAME, says.NAME_TIP)
        self.add = button("Name", says.ADD_TIP, main=True)
        self.rename = button("Rename", RENAME_TIP)
        self.groups = Sheet(_GROUPS, "16em", heads=False)
        self.select, self.fill = button("Select", says.SELECT_TIP), button("Add", says.FILL_TIP)
        self.empty = button("Remove", says.EMPTY_TIP)
        self.merge, self.delete = button("Merge", says.MERGE_TIP), button("Delete", says.DELETE_TIP)
        self.colour = button(says.COLOUR, says.COLOUR_TIP)
        self.reason = Words("", "muted")
        self.notes = Sheet(_NOTES, "9em", heads=False)
        self.note = line(says.NOTE, says.NOTE_TIP)
        self.keep_note = button("Note", says.KEEP_NOTE_TIP)
        self.files = JupyterFiles()
        self.widget = column(
            row(self.name, self.add, self.rename, flex_flow="row nowrap"),
            self.groups,
            row(self.select, self.fill, self.empty, self.merge, self.delete, self.colour),
            self.reason,
            fold(
                "Notes",
                column(self.notes, row(self.note, self.keep_note, flex_flow="row nowrap")),
                is_open=True,
            ),
            fold("Session and files", self.files.widget, is_open=True),
        )
        self._connect()
        self.set_groups(())
        self.set_notes(())
        self.set_tables(())
        self.set_file("")
        self.set_enabled(False, False, "")

    def set_groups(self, rows: Sequence[GroupRow]) -> None:
        """List the groups; those chosen stay chosen."""
        self._chosen = says.still_chosen(self._chosen, self._rows, rows)
        self._rows = tuple(rows)
        self.colour.disabled = not rows
        show(self.groups, bool(rows))
        self._show_chosen()

    def set_notes(self, rows: Sequence[NoteRow]) -> None:
        """List the notes."""
        self._n_notes = len(rows)
        self.notes.show([(row.text, f"{row.n_cells:,}", "Select", "Delete") for row in rows])
        show(self.notes, bool(rows))

    def set_tables(self, names: Sequence[str]) -> None:
        """Offer tables as CSV."""
        self.files.set_tables(names)

    def set_file(self, name: str) -> None:
        """Name the file that can be written into."""
        self.files.set_file(name)

    def set_enabled(self, enabled: bool, has_places: bool, reason: str) -> None:
        """Allow work on groups, or say why not; painting is never allowed here, and says so."""
        self._enabled = enabled
        for part in (self.name, self.add, self.note, self.keep_note):
            part.disabled = not enabled
        self.reason.say(reason or (NO_BRUSH if has_places else ""), "muted")

    def chosen(self) -> tuple[str, ...]:
        """Names of the chosen groups, in the order of the list."""
        return tuple(row.name for row in self._rows if row.name in self._chosen)

    def choose(self, *names: str) -> None:
        """Choose groups by name."""
        self._chosen = frozenset(row.name for row in self._rows if row.name in names)
        self._show_chosen()

    def _connect(self) -> None:
        self.hear_press(self.add, self._on_add)
        self.hear_enter(self.name, self._on_add)
        self.hear_press(self.rename, self._on_rename)
        self.groups.clicked.connect(self._on_clicked)
        self.groups.changed.connect(self._on_changed)
        self.hear_press(self.select, lambda: self.groups_selected.emit(self.chosen()))
        self.hear_press(self.fill, lambda: self.group_filled.emit(self.chosen()[0]))
        self.hear_press(self.empty, lambda: self.group_emptied.emit(self.chosen()[0]))
        self.hear_press(self.merge, self._on_merge)
        self.hear_press(self.delete, lambda: self.groups_deleted.emit(self.chosen()))
        self.hear_press(self.colour, self.colour_requested.emit)
        self.hear_press(self.keep_note, self._on_note)
        self.hear_enter(self.note, self._on_note)
        self.notes.clicked.connect(self._on_note_clicked)
        self.files.session_save.connect(self.session_save_requested.emit)
        self.files.session_open.connect(self.session_open_requested.emit)
        self.files.data_save.connect(self.data_save_requested.emit)
        self.files.table_save.connect(self.table_save_requested.emit)

    def _show_chosen(self) -> None:
        """Tick the chosen groups and allow what can be done with so many."""
        self.groups.show(
            [(row.name in self._chosen, row.colour, row.name, says.group_count(row)) for row in self._rows],
            [says.group_tip(row) for row in self._rows],
            keys=[row.name for row in self._rows],
        )
        n_chosen = len(self.chosen())
        for part in (self.select, self.delete):
            part.disabled = not n_chosen
        for part in (self.fill, self.empty, self.rename):
            part.disabled = n_chosen != 1
        self.merge.disabled = n_chosen < 2

    def _on_clicked(self, number: int, place: int) -> None:
        """Choose a group, or no more, by a click on its name."""
        if place > _SWATCH:
            self._turn(self._rows[number].name, self._rows[number].name not in self._chosen)

    def _on_changed(self, number: int, place: int, value: object) -> None:
        name, colour = self._rows[number].name, parse_colour(value)
        if place == _CHECK and isinstance(value, bool):
            self._turn(name, value)
        elif place == _SWATCH and colour is not None:
            self.group_recoloured.emit(name, colour)

    def _turn(self, name: str, chosen: bool) -> None:
        self._chosen = self._chosen | {name} if chosen else self._chosen - {name}
        self._show_chosen()

    def _on_add(self) -> None:
        name = self.name.value.strip()
        if not self._enabled:
            return
        self.group_named.emit(name)
        self._take(name)

    def _on_rename(self) -> None:
        name = self.name.value.strip()
        if name and len(self.chosen()) == 1:
            self.group_renamed.emit(self.chosen()[0], name)
            if self.chosen() == (name,):
                self.name.value = ""

    def _on_merge(self) -> None:
        names = self.chosen()
        if len(names) < 2:
            return
        into = self.name.value.strip() or names[0]
        self.groups_merged.emit(names, into)
        self._take(into)

    def _take(self, name: str) -> None:
        """Choose a group that has come to be, and empty the line of names."""
        if any(row.name == name for row in self._rows):
            self.choose(name)
            self.name.value = ""

    def _on_note(self) -> None:
        before = self._n_notes
        if self._enabled:
            self.note_written.emit(self.note.value)
        if self._n_notes > before:
            self.note.value = ""

    def _on_note_clicked(self, number: int, place: int) -> None:
        if place == _SELECT:
            self.note_selected.emit(number)
        elif place == _DELETE:
            self.note_deleted.emit(number)
