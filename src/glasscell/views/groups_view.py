"""What a view of groups, notes and files can show and wish for, for every toolkit."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psygnal import Signal

from glasscell.views.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class GroupRow:
    """A group in the list: its cells, and how many of them are selected."""

    name: str
    colour: str
    n_cells: int
    n_selected: int


@dataclass(frozen=True)
class NoteRow:
    """A note in the list."""

    text: str
    n_cells: int


class GroupsView(View):
    """Name, paint, merge and note cells; save and open the session; write files.

    ``stroke_drawn(name, path_vd, radius, erase, done)`` carries the new part of a brush stroke: points
    ``(n, 2)`` of (x, y) and a radius in the units of the dataset's positions; ``done`` ends the stroke.
    """

    group_named = Signal(str)  # the selected cells
    group_renamed = Signal(str, str)
    group_recoloured = Signal(str, str)  # name, #rrggbb
    groups_deleted = Signal(tuple)
    groups_merged = Signal(tuple, str)  # names, name of the whole
    groups_selected = Signal(tuple)
    group_filled = Signal(str)  # with the selected cells
    group_emptied = Signal(str)  # of the selected cells
    colour_requested = Signal()
    stroke_drawn = Signal(str, object, float, bool, bool)
    note_written = Signal(str)
    note_selected = Signal(int)
    note_deleted = Signal(int)
    session_save_requested = Signal(object)  # Path
    session_open_requested = Signal(object)  # Path
    data_save_requested = Signal(object)  # Path, or None for the file itself
    table_save_requested = Signal(str, object)  # name, Path

    @abstractmethod
    def set_groups(self, rows: Sequence[GroupRow]) -> None:
        """List the groups."""

    @abstractmethod
    def set_notes(self, rows: Sequence[NoteRow]) -> None:
        """List the notes."""

    @abstractmethod
    def set_tables(self, names: Sequence[str]) -> None:
        """Offer these tables as CSV."""

    @abstractmethod
    def set_file(self, name: str) -> None:
        """Name the file that can be written into; empty when there is none."""

    @abstractmethod
    def set_enabled(self, enabled: bool, has_places: bool, reason: str) -> None:
        """Allow work on groups, and painting where cells have places, or grey it out and say why."""
