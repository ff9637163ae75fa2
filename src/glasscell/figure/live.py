"""The picture a session shows now, written to a file in the background."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from glasscell.errors import DataError
from glasscell.figure.cell import CellLook, embedding_figure, tissue_figure
from glasscell.figure.page import check_ending, save_figure
from glasscell.session.resolve import Failed, Pending
from glasscell.session.work import submit
from glasscell.views.paint import selected_cells

if TYPE_CHECKING:
    from pathlib import Path

    from glasscell.jobs import Job, JobHandle
    from glasscell.session import Session


def save_picture(session: Session, what: str, path: Path) -> Job[Any]:
    """Write the ``tissue`` or the ``embedding`` of a session as SVG or PNG, coloured as it is shown.

    Raises
    ------
    DataError
        No data are open, the colours are not there yet, or the ending is another one.
    """
    check_ending(path.suffix.lower())
    dataset, state = session.dataset, session.state
    if dataset is None:
        raise DataError("No data are open. Open a file first.")
    look, views = _look(session), state.views

    def work(job: JobHandle) -> Path:
        job.report(0.1, f"Drawing the {what}")
        if what == "tissue":
            sheet = tissue_figure(dataset, look)
        else:
            sheet = embedding_figure(dataset, look, key=views.embedding, components=views.components)
        job.report(0.6, f"Writing {path.name}")
        save_figure(sheet, path)
        return path

    def commit(job: Job[Path], written: Path) -> None:
        session.say("info", f"Picture saved to {written}.")

    return submit(session, work, commit, title=f"Save picture {path.name}", lane="io")


def _look(session: Session) -> CellLook:
    look = CellLook(None, selected_cells(session), session.state.colouring)
    if session.state.colouring.channel is None:
        return look
    resolved = session.resolve(session.state.colouring.channel)
    if isinstance(resolved, Pending):
        raise DataError("The colours are still being worked out: save the picture when they are shown.")
    if isinstance(resolved, Failed):
        raise DataError(resolved.reason)
    return replace(look, values=resolved.values)
