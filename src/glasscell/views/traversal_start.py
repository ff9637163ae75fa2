"""Which cells a traversal may start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.data.channel import ChannelRef
from glasscell.data.column import categorical_codes, is_continuous
from glasscell.data.selection import Category, Everything
from glasscell.session.contrasting import GROUP, SELECTED
from glasscell.session.traversing import ALL

if TYPE_CHECKING:
    from glasscell.data.selection import Selection
    from glasscell.session import Session

MOST_VALUES, MOST_STARTS = 40, 300


def starts(session: Session) -> list[tuple[str, str, Selection | str]]:
    """List all cells, the selected ones, groups, and values of label columns: key, words, what it is."""
    dataset = session.dataset
    cells = "cells" if dataset is None else dataset.observations
    offered: list[tuple[str, str, Selection | str]] = [(ALL, f"all {cells}", ALL)]
    if not isinstance(session.state.selection, Everything):
        offered.append((SELECTED, f"selected {cells}", SELECTED))
    names_of_groups = [group.name for group in session.state.groups]
    offered += [(f"{GROUP}{name}", f"group {name}", f"{GROUP}{name}") for name in names_of_groups]
    for column in () if dataset is None else dataset.obs.columns:
        if dataset is None or is_continuous(dataset.obs[column]):
            continue
        _, names = categorical_codes(dataset.obs[column])
        if 2 <= len(names) <= MOST_VALUES:
            ref = ChannelRef("obs", str(column))
            offered += [
                (f"obs:{column}={name}", f"{column}: {name}", Category(ref, (name,))) for name in names
            ]
    return offered[:MOST_STARTS]
