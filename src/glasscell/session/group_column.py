"""Groups and notes as columns: one to colour by, and those that are written into a file and read back.

- ``obs["glasscell.group.<slug>"]``: bool, one per group; name and colour stand in ``uns`` under that key;
- ``obs["glasscell.groups"]``: categorical, when there are two groups or more and no cell is in two;
- ``obs["glasscell.note.<number>"]``: bool, the cells of a note; its text stands in ``uns`` under that key.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.data.selection import Cells
from glasscell.errors import DataError
from glasscell.session.state import GROUP_COLOURS, Annotation, Group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

    from glasscell.data.dataset import Dataset
    from glasscell.session.context import Context

GROUP, GROUPS, NOTE = "glasscell.group.", "glasscell.groups", "glasscell.note."
SEVERAL, SEVERAL_COLOUR = "in several groups", "#8c8c8c"
_COLOUR = re.compile(r"#[0-9a-f]{6}")


def resolve_groups(context: Context, ref: ChannelRef) -> CellValues:
    """Return all groups as one column; cells in none are missing, cells in several have a name of their own.

    Raises
    ------
    DataError
        There are no groups.
    """
    groups = getattr(context, "groups", ())  # a picture from the shell has none
    if not groups:
        raise DataError("There are no groups yet. Select cells and name them, or paint some.")
    codes, several = codes_of(groups, context.dataset.n_cells)
    names, colours = [group.name for group in groups], [group.colour for group in groups]
    if several:
        word = SEVERAL
        while word in names:
            word += " "
        names, colours = [*names, word], [*colours, SEVERAL_COLOUR]
    return CellValues("groups", codes=codes, categories=tuple(names), palette=tuple(colours))


def codes_of(groups: Sequence[Group], n_cells: int) -> tuple[np.ndarray[Any, np.dtype[np.int32]], bool]:
    """Return the number of each cell's group, ``(n_cells,)``, and whether a cell is in several.

    -1 stands for none and ``len(groups)`` for several.
    """
    codes = np.full(n_cells, -1, np.int32)
    for number, group in enumerate(groups):
        own = group.cells.indices
        codes[own] = np.where(codes[own] == -1, number, len(groups))
    return codes, bool((codes == len(groups)).any())


def write_groups(adata: AnnData, groups: Sequence[Group], notes: Sequence[Annotation]) -> tuple[str, ...]:
    """Write groups and notes into a table of the caller's choice, in place of those it has.

    Parameters
    ----------
    adata
        The table; changed.

    Returns
    -------
    The keys written.
    """
    import pandas as pd

    ours = [key for key in adata.obs.columns if str(key).startswith((GROUP, NOTE)) or key == GROUPS]
    adata.obs = adata.obs.drop(columns=ours)
    for key in [*ours, f"{GROUPS}_colors"]:
        adata.uns.pop(key, None)
    keys: list[str] = []
    columns: dict[str, Any] = {}
    for group in groups:
        key = _free(f"{GROUP}{_slug(group.name)}", keys)
        columns[key] = _mask(group.cells, adata.n_obs)
        adata.uns[key] = json.dumps(
            {"name": group.name, "colour": group.colour, "independent": group.independent}, ensure_ascii=False
        )
        keys.append(key)
    for number, note in enumerate(notes, 1):
        key = f"{NOTE}{number}"
        columns[key] = _mask(note.cells, adata.n_obs)
        adata.uns[key] = json.dumps({"text": note.text}, ensure_ascii=False)
        keys.append(key)
    codes, several = codes_of(groups, adata.n_obs)
    if len(groups) > 1 and not several:
        columns[GROUPS] = pd.Categorical.from_codes(codes, pd.Index([group.name for group in groups]))
        adata.uns[f"{GROUPS}_colors"] = np.array([group.colour for group in groups])
        keys.append(GROUPS)
    for key, values in columns.items():
        adata.obs[key] = values
    return tuple(keys)


def read_groups(dataset: Dataset) -> tuple[tuple[Group, ...], tuple[Annotation, ...]]:
    """Read the groups and notes a file holds; a damaged name or colour is made up from the key."""
    groups: dict[str, Group] = {}
    notes: dict[int, Annotation] = {}
    for column in dataset.obs.columns:
        key = str(column)
        if not key.startswith((GROUP, NOTE)) or dataset.obs[column].dtype != bool:
            continue
        cells = Cells.from_mask(dataset.obs[column].to_numpy())
        if not len(cells):
            continue
        said = _said(dataset.adata.uns.get(key))
        if key.startswith(NOTE):
            number = key.removeprefix(NOTE)
            place = int(number) if number.isascii() and number.isdigit() else len(notes) + 10**6
            notes[place] = Annotation(str(said.get("text") or number), cells)
            continue
        name = str(said.get("name") or key.removeprefix(GROUP))
        colour = str(said.get("colour", ""))
        if _COLOUR.fullmatch(colour) is None:
            colour = GROUP_COLOURS[len(groups) % len(GROUP_COLOURS)]
        groups[name] = Group(name, cells, colour, said.get("independent") is True)
    return tuple(groups.values()), tuple(notes[place] for place in sorted(notes))


def _said(manifest: Any) -> dict[str, Any]:
    try:
        found = json.loads(str(manifest))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _mask(cells: Cells, n_cells: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    mask = np.zeros(n_cells, np.bool_)
    mask[cells.indices] = True
    return mask


def _free(key: str, taken: Sequence[str]) -> str:
    number, wanted = 1, key
    while wanted in taken:
        number += 1
        wanted = f"{key}-{number}"
    return wanted


def _slug(name: str) -> str:
    """Return a name that may be part of a key in a file: letters, digits, dots and dashes."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
