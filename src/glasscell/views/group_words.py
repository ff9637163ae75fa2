"""What is written about groups, notes and files, and which groups stay chosen when the list changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from glasscell.views.groups_view import GroupRow

NAME, NAME_TIP = "Name for the selected cells", "Name of a new group; also of the next painted one"
ADD_TIP = "Keep the selected cells as a group under this name"
SELECT_TIP = "Select the cells of the chosen groups"
FILL_TIP = "Put the selected cells into the chosen group"
EMPTY_TIP = "Take the selected cells out of the chosen group"
MERGE_TIP = "Make one group of the chosen ones; it takes the name typed above, if any"
DELETE_TIP = "Forget the chosen groups; undo brings them back"
COLOUR, COLOUR_TIP = "Colour by groups", "Colour tissue and embedding by all groups"
NOTE, NOTE_TIP = "A sentence about the selected cells", "Press Enter to keep it"
KEEP_NOTE_TIP = "Keep this sentence with the selected cells"
DROP_NOTE_TIP = "Forget the chosen note; undo brings it back"
SAVE_SESSION_TIP = "Keep selection, groups, notes, colours, models and reasons in one folder"
OPEN_SESSION_TIP = "Open a session's folder (.glasscell)"
WRITE_TIP = "Write groups and results into the file that is open"
SAVE_COPY_TIP = "Write the data with groups and results to another file"
TABLE_TIP, SAVE_TABLE_TIP = "Which table to write as CSV", "Write the table as CSV"
WRITE_ASKED = "Write into the file?"
WRITTEN = "Groups, notes and results are written into the file that is open."


def group_count(row: GroupRow) -> str:
    """Write how many cells a group has, and how many of them are selected where not all are."""
    part = row.n_selected != row.n_cells
    return f"{row.n_selected:,} / {row.n_cells:,}" if part else f"{row.n_cells:,}"


def group_tip(row: GroupRow) -> str:
    """Say what the count of a group means."""
    return f"{row.n_selected:,} of {row.n_cells:,} selected"


def still_chosen(
    chosen: Collection[str], before: Sequence[GroupRow], rows: Sequence[GroupRow]
) -> frozenset[str]:
    """Return the chosen ones among other groups; one that changed its name in place stays chosen."""
    names, former = {row.name for row in rows}, {row.name for row in before}
    kept = names & set(chosen)
    if len(rows) == len(before):
        renamed = {new.name for old, new in zip(before, rows, strict=True) if old.name in chosen}
        kept |= renamed & (names - former)
    return frozenset(kept)


def kept_as(name: str) -> str:
    """Say where a file that is written into stays as it was."""
    place = Path(name)
    return f"{name}\nIt is kept as it is now under {place.stem}.previous{place.suffix}."
