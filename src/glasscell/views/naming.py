"""What a person types, as the channel or the selection it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.channel import ChannelRef
from glasscell.data.selection import Cells, Everything, Selection, parse_selection
from glasscell.errors import DataError
from glasscell.views.colour_presenter import list_hits
from glasscell.views.search import SearchIndex

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.session import Session


def find_channel(session: Session, name: str | ChannelRef | None) -> ChannelRef | None:
    """Return what a name stands for; of two things of one name the one that is searched first.

    Parameters
    ----------
    name
        Whole name of a column, gene, group, embedding component ("umap 1") or result, or its kind and key
        ("gene:CD3E"); case matters only where two differ by nothing else. None for plain cells.

    Raises
    ------
    DataError
        Nothing is called so; the sentence names what comes near.
    """
    if name is None or isinstance(name, ChannelRef):
        return name
    kind, _, key = name.partition(":")
    near: list[ChannelRef] = []
    for hit in list_hits(session):
        names = (hit.title, *hit.aliases)
        if name in names or (kind == hit.ref.kind and key == hit.ref.key):
            return hit.ref
        if not near and any(name.casefold() == each.casefold() for each in names):
            near.append(hit.ref)
    if near:
        return near[0]
    offered = ", ".join(hit.title for hit in SearchIndex(tuple(list_hits(session))).find(name, 5))
    raise DataError(
        f'Nothing is called "{name}".' + (f" Near it: {offered}." if offered else " Look for it in the box.")
    )


def find_selection(session: Session, what: Any) -> Selection:
    """Return the selection that is meant.

    Parameters
    ----------
    what
        A selection; words such as ``layer=L5`` as on the command line; names of cells; their numbers; a bool
        mask ``(n_cells,)``; None for all cells.

    Raises
    ------
    DataError
        There is no such column, cell or number.
    """
    if what is None:
        return Everything()
    if isinstance(what, Selection):
        return what
    dataset = session.dataset
    if dataset is None:
        raise DataError("No data are open.")
    if isinstance(what, str):
        return parse_selection(what, dataset)
    given = np.asarray(what)
    if given.dtype == np.bool_:
        if given.shape != (dataset.n_cells,):
            raise DataError(f"A mask needs one entry for each of the {dataset.n_cells:,} cells.")
        return Cells(np.flatnonzero(given).astype(np.int32))
    if given.size and given.dtype.kind not in "iu":
        return Cells(_numbers(dataset, given))
    if given.size and not 0 <= int(given.min()) <= int(given.max()) < dataset.n_cells:
        raise DataError(f"Cells are numbered from 0 to {dataset.n_cells - 1:,}.")
    return Cells(np.unique(given).astype(np.int32))


def _numbers(dataset: Dataset, names: Any) -> Any:
    import pandas as pd

    found = pd.Index(dataset.cell_names).get_indexer(pd.Index(names.astype(str)))
    if (found < 0).any():
        lost = names[found < 0]
        raise DataError(f'{len(lost):,} of these cells are not here, such as "{lost[0]}".')
    return np.unique(found).astype(np.int32)
