"""Groups, notes and files, and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.selection import Everything
from glasscell.errors import DataError
from glasscell.session.grouping import ALL_GROUPS
from glasscell.session.table import tables
from glasscell.views.brush import Brush
from glasscell.views.groups_view import GroupRow, GroupsView, NoteRow
from glasscell.views.presenter import Presenter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from glasscell.session import Session, State


class GroupsPresenter(Presenter[GroupsView]):
    """List the groups and notes of a session; do what the view wishes, each as one step to undo.

    Parameters
    ----------
    pictures
        Gives camera and point size per picture, to be saved with the session.
    """

    def __init__(
        self, session: Session, view: GroupsView, pictures: Callable[[], dict[str, Any]] = dict
    ) -> None:
        super().__init__(session, view)
        self._pictures = pictures
        self._brush: tuple[str | None, Brush] | None = None
        do = session.grouping
        wishes: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
            (view.group_named, "Naming the group", do.add),
            (view.group_renamed, "Renaming the group", do.rename),
            (view.group_recoloured, "Changing the colour", do.recolour),
            (view.groups_deleted, "Deleting the group", do.delete),
            (view.groups_merged, "Merging the groups", do.merge),
            (view.groups_selected, "Selecting the group", do.select),
            (view.group_filled, "Adding the cells", do.add_selected),
            (view.group_emptied, "Removing the cells", do.remove_selected),
            (view.colour_requested, "Colouring by groups", self._on_colour),
            (view.stroke_drawn, "Painting", self._on_stroke),
            (view.note_written, "Writing the note", do.annotate),
            (view.note_selected, "Selecting the cells", do.select_note),
            (view.note_deleted, "Deleting the note", do.forget_note),
            (view.session_save_requested, "Saving the session", self._on_save_session),
            (view.session_open_requested, "Opening the session", session.open_session),
            (view.data_save_requested, "Saving", self._on_save_data),
            (view.table_save_requested, "Saving the table", session.save_table),
        )
        for signal, doing, wish in wishes:
            self.listen(signal, self._spoken(doing, wish))
        self._show()

    def _spoken(self, doing: str, wish: Callable[..., Any]) -> Callable[..., None]:
        def slot(*values: Any) -> None:
            with self.spoken(doing):
                wish(*values)
            if doing.startswith(("Renaming", "Changing")):
                self._show()  # a name that was refused goes back to what it was

        return slot

    def _on_changed(self, new: State, old: State) -> None:
        self._show()

    def _show(self) -> None:
        session, state = self.session, self.session.state
        dataset = session.dataset
        if dataset is None:
            self.view.set_groups(())
            self.view.set_notes(())
            self.view.set_enabled(False, False, self.view.open_data)
        else:
            everything = isinstance(state.selection, Everything)
            mask = None if everything else session.mask()
            self.view.set_groups(
                tuple(
                    GroupRow(
                        one.name,
                        one.colour,
                        len(one.cells),
                        len(one.cells) if mask is None else int(mask[one.cells.indices].sum()),
                    )
                    for one in state.groups
                )
            )
            self.view.set_notes(tuple(NoteRow(one.text, len(one.cells)) for one in state.annotations))
            placed = dataset.positions_cd is not None
            reason = "" if placed else f"These {dataset.observations} have no places to paint on."
            self.view.set_enabled(True, placed, reason)
        self.view.set_tables(tables(session))
        self.view.set_file(self._file())

    def _file(self) -> str:
        dataset = self.session.dataset
        return dataset.path.name if dataset is not None and dataset.path is not None else ""

    def _on_colour(self) -> None:
        if not self.session.state.groups:
            raise DataError("There are no groups yet. Select cells and name them, or paint some.")
        self.session.grouping.colour_by()

    def _on_stroke(self, name: str, path_vd: Any, radius: float, erase: bool, done: bool) -> None:
        session, dataset = self.session, self.session.dataset
        if dataset is None or dataset.positions_cd is None:
            return
        if self._brush is None or self._brush[0] != session.state.dataset:
            self._brush = (session.state.dataset, Brush(dataset.positions_cd))
        widest = max((section.radius for section in dataset.tissue.sections), default=0.0)
        cells = self._brush[1].cells_near(path_vd, max(radius, widest))
        known = name in session.grouping.names()
        if (known or not erase) and (len(cells) or known):
            session.grouping.paint(name, cells.astype(np.int32), erase=erase, transient=not done)
        if session.state.groups and session.state.colouring.channel != ALL_GROUPS:
            session.update(channel=ALL_GROUPS, transient=not done)

    def _on_save_session(self, path: Path) -> None:
        self.session.save_session(path, self._pictures())

    def _on_save_data(self, path: Path | None) -> None:
        dataset = self.session.dataset
        target = path if path is not None else None if dataset is None else dataset.path
        if target is None:
            raise DataError("These data were never in a file; save a copy instead.")
        self.session.save_data(target)
