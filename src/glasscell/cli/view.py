"""``glasscell view`` and ``glasscell demo``: the window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FileOption = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="File to open; without one an empty window")
]


def view_command(
    file: FileOption = None,
    session: Annotated[
        Path | None, typer.Option("--session", metavar="DIR", help="Saved session (.glasscell) to open")
    ] = None,
) -> None:
    """Open the window, with a file, with a saved session, or empty."""
    from glasscell.errors import DataError
    from glasscell.plugin.window import view

    if session is not None:
        from glasscell.session.persist import SESSION, holds_session

        if not (holds_session(session) or (session.name == SESSION and session.is_file())):
            raise DataError(f"{session} is not a saved session: give a folder that ends in .glasscell.")
        if file is not None:
            raise DataError("Give a file or a session, not both: a session knows its file.")
    view(file, session)


def demo_command(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Your own file instead of the sample")
    ] = None,
    screenshots: Annotated[
        Path | None, typer.Option("--screenshots", metavar="DIR", help="Take pictures of each step, then end")
    ] = None,
) -> None:
    """Do the main job in the window: open, prepare, train, explain, paint a gene's attribution."""
    from glasscell.plugin.demo import run_demo

    run_demo(file, screenshots)
