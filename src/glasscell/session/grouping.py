"""Named groups and notes: made from selections, painted, merged, and undone like everything else."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.channel import ChannelRef
from glasscell.data.selection import Cells, Everything, Or, Selection
from glasscell.errors import DataError
from glasscell.session.file import need_dataset
from glasscell.session.state import GROUP_COLOURS, Annotation, Group

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from glasscell.session.core import Core

#: Colours the cells by all groups at once.
ALL_GROUPS = ChannelRef("groups", "groups")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class Grouping:
    """What can be done with the groups and notes of a session; each call is one step to undo."""

    def __init__(self, session: Core) -> None:
        self._session = session

    def names(self) -> tuple[str, ...]:
        """Names of the groups, in order."""
        return tuple(group.name for group in self._session.state.groups)

    def add(self, name: str) -> None:
        """Name the selected cells; a group of that name is replaced.

        Raises
        ------
        DataError
            There is no name, or nothing is selected.
        """
        need_dataset(self._session)
        self._put(self._named(name), self._selected(), independent=self._is_independent())

    def rename(self, name: str, new: str) -> None:
        """Give a group another name.

        Raises
        ------
        DataError
            There is no such group, no new name, or another group has it.
        """
        group, new = self._group(name), self._named(new)
        if new != name and new in self.names():
            raise DataError(f'There is a group called "{new}" already; merge the two, or type another name.')
        self._replace(group, replace(group, name=new))

    def recolour(self, name: str, colour: str) -> None:
        """Give a group another colour, written ``#rrggbb``."""
        if _COLOUR.fullmatch(colour) is None:
            raise DataError(f"{colour!r} is not a colour; write it as #rrggbb.")
        group = self._group(name)
        self._replace(group, replace(group, colour=colour.lower()))

    def delete(self, names: Iterable[str]) -> None:
        """Forget groups; the cells stay."""
        gone = {self._group(name).name for name in names}
        self._update(group for group in self._session.state.groups if group.name not in gone)

    def merge(self, names: Sequence[str], into: str) -> None:
        """Make one group of several; it has the place and colour of the first.

        Raises
        ------
        DataError
            Fewer than two are named, or the new name belongs to a third.
        """
        wanted, into = [self._group(name) for name in dict.fromkeys(names)], self._named(into)
        if len(wanted) < 2:
            raise DataError("Merging needs two groups; choose another one as well.")
        if into in self.names() and into not in names:
            raise DataError(f'There is another group called "{into}"; choose it too, or type another name.')
        mask = Or(tuple(group.cells for group in wanted)).mask(self._session.context)
        honest = all(group.independent for group in wanted)
        one = replace(wanted[0], name=into, cells=Cells.from_mask(mask), independent=honest)
        gone = {group.name for group in wanted[1:]}
        self._update(
            one if group is wanted[0] else group
            for group in self._session.state.groups
            if group.name not in gone
        )

    def add_selected(self, name: str) -> None:
        """Put the selected cells into a group."""
        self.paint(name, self._selected().indices, independent=self._is_independent())

    def remove_selected(self, name: str) -> None:
        """Take the selected cells out of a group; one that is left without cells goes."""
        self.paint(name, self._selected().indices, erase=True, independent=self._is_independent())

    def paint(
        self,
        name: str,
        cells: NDArray[np.int32],
        *,
        erase: bool = False,
        transient: bool = False,
        independent: bool = True,
    ) -> None:
        """Add cells to a group, made when there is none of that name, or take them out.

        Parameters
        ----------
        cells
            Row numbers.
        erase
            Take them out instead.
        transient
            Part of a stroke that goes on; the whole stroke is one step to undo.
        independent
            Whether these cells were chosen without their counts, as on the tissue.
        """
        dataset, name = need_dataset(self._session), self._named(name)
        known = next((group for group in self._session.state.groups if group.name == name), None)
        if erase and known is None:
            raise DataError(f'There is no group called "{name}".')
        mask = np.zeros(dataset.n_cells, np.bool_)
        if known is not None:
            mask[known.cells.indices] = True
            independent = independent and known.independent
        mask[cells] = not erase
        if not mask.any():
            self._update((group for group in self._session.state.groups if group.name != name), transient)
            return
        self._put(name, Cells.from_mask(mask), independent=independent, transient=transient)

    def select(self, names: Sequence[str]) -> None:
        """Select the cells of groups."""
        parts = tuple(self._group(name).cells for name in names)
        if not parts:
            raise DataError("No group is chosen. Click one in the list.")
        self._session.update(selection=parts[0] if len(parts) == 1 else Or(parts))

    def colour_by(self) -> None:
        """Colour the cells by all groups."""
        self._session.update(channel=ALL_GROUPS)

    def annotate(self, text: str) -> None:
        """Write a sentence about the selected cells.

        Raises
        ------
        DataError
            There is no sentence, or nothing is selected.
        """
        need_dataset(self._session)
        if not text.strip():
            raise DataError("A note needs a sentence. Type one.")
        note = Annotation(text.strip(), self._selected())
        self._session.update(annotations=(*self._session.state.annotations, note))

    def forget_note(self, number: int) -> None:
        """Delete a note by its place in the list."""
        notes = self._session.state.annotations
        self._session.update(annotations=tuple(note for place, note in enumerate(notes) if place != number))

    def select_note(self, number: int) -> None:
        """Select the cells a note is about."""
        notes = self._session.state.annotations
        if 0 <= number < len(notes):
            self._session.update(selection=notes[number].cells)

    def _selected(self) -> Cells:
        selection: Selection = self._session.state.selection
        if isinstance(selection, Everything):
            raise DataError("No cells are selected. Draw round some on the tissue or in the embedding first.")
        cells = Cells.from_mask(self._session.mask())
        if not len(cells):
            raise DataError("The selection holds no cells. Draw a wider outline.")
        return cells

    def _group(self, name: str) -> Group:
        for group in self._session.state.groups:
            if group.name == name:
                return group
        raise DataError(f'There is no group called "{name}".')

    def _named(self, name: str) -> str:
        if not name.strip():
            raise DataError("A group needs a name. Type one.")
        return name.strip()

    def _replace(self, old: Group, new: Group) -> None:
        self._update(new if group is old else group for group in self._session.state.groups)

    def _is_independent(self) -> bool:
        """Whether the selected cells were chosen without their counts, as far as is known."""
        from glasscell.explain.contrast_origin import is_independent

        known = frozenset(one.cells.digest for one in self._session.state.groups if one.independent)
        return is_independent(self._session.state.selection, need_dataset(self._session), known)

    def _put(self, name: str, cells: Cells, *, independent: bool, transient: bool = False) -> None:
        groups = self._session.state.groups
        if name in self.names():
            changed = (
                replace(one, cells=cells, independent=independent) if one.name == name else one
                for one in groups
            )
            self._update(changed, transient)
            return
        taken = {group.colour for group in groups}
        colour = next((colour for colour in GROUP_COLOURS if colour not in taken), None)
        chosen = colour or GROUP_COLOURS[len(groups) % len(GROUP_COLOURS)]
        self._update((*groups, Group(name, cells, chosen, independent)), transient)

    def _update(self, groups: Iterable[Group], transient: bool = False) -> None:
        self._session.update(groups=tuple(groups), transient=transient)
