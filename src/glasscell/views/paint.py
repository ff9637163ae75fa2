"""The colours all views of a session share, worked out once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.channel import CellValues
from glasscell.data.palette import pack, to_rgb
from glasscell.data.selection import Everything
from glasscell.errors import GlasscellError
from glasscell.session.resolve import Failed, Pending
from glasscell.views.colour import ColourTable, colour_table, plain_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import Job, JobHandle
    from glasscell.session import Session

#: In no colour map, and seen on both grounds.
LIT = "#19e62f"


@dataclass(frozen=True, eq=False)
class Paint:
    """What the cells look like now.

    Parameters
    ----------
    table
        Colours with legend or bar; None while ``job`` is working them out.
    values
        The channel behind the colours; None for plain cells.
    job
        Working on the values; the views keep their picture, marked stale.
    failure
        Why the channel cannot be shown, else empty.
    """

    table: ColourTable | None = None
    values: CellValues | None = None
    job: Job[object] | None = None
    failure: str = ""


def paint(session: Session, theme: str = "dark") -> Paint | None:
    """Colour the cells of a session by its state; None when nothing is open.

    The table is kept in the session's store, so the views of one session share it.
    """
    dataset, colouring = session.dataset, session.state.colouring
    if dataset is None:
        return None
    try:
        selected = selected_cells(session)
        lit = session.lit_cells
        if colouring.channel is None:
            return Paint(lit_table(plain_table(dataset.n_cells, selected, theme), lit))
        resolved = session.resolve(colouring.channel)
        if isinstance(resolved, Pending):
            return Paint(job=resolved.job)
        if isinstance(resolved, Failed):
            return Paint(plain_table(dataset.n_cells, selected, theme), failure=resolved.reason)
        values = resolved.values
        content = (values.fingerprint, values.palette, values.note)
        key = ("colours", *content, colouring, session.state.selection, theme)
        table = session.store.get(key)
        if table is None:
            table = colour_table(values, selected, colouring, theme)
            session.store.put(key, table, table.table_u32.nbytes)
        return Paint(lit_table(table, lit), values)
    except GlasscellError as error:
        return Paint(plain_table(dataset.n_cells, None, theme), failure=str(error))


def lit_table(table: ColourTable, cells: NDArray[np.int32] | None) -> ColourTable:
    """Give cells that are to stand out a colour of their own."""
    if cells is None or not len(cells):
        return table
    words = table.table_u32.copy()
    words[1 + cells[cells < len(words) - 1]] = pack(to_rgb([LIT]))[0]
    return replace(table, table_u32=words)


def warm_up(session: Session) -> None:
    """Load the compiled colour code in the background, once, before the first picture needs it."""
    key = ("colours", "warm")
    if session.store.get(key) is None:
        session.store.put(key, True, 1)
        few = (
            CellValues("warm", values=np.zeros(2, np.float32)),
            CellValues("warm", codes=np.arange(2, dtype=np.int32), categories=("a", "b")),
        )

        def work(job: JobHandle) -> None:
            for values in few:
                job.report(None)
                colour_table(values)

        session.jobs.submit(work, title="Get ready to draw", lane="view")


def selected_cells(session: Session) -> NDArray[np.bool_] | None:
    """Return the selected cells, None when that is all of them."""
    return None if isinstance(session.state.selection, Everything) else session.mask()
