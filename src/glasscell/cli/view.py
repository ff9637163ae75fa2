"""``glasscell view`` and ``glasscell demo``: the window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FileOption = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="File to open; without one an empty window")
]


def view_command(file: FileOption = None) -> None:
    """Open the window, with a file or empty."""
    from glasscell.plugin.window import view

    view(file)


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
