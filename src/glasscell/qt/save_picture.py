"""Ask where a picture goes, and write it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog

from glasscell.errors import GlasscellError

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from glasscell.session import Session


def ask_and_save_picture(parent: QWidget, session: Session, what: str) -> None:
    """Let the user name a file for the ``tissue`` or ``embedding``; the session tells what is wrong."""
    kinds = "Vector picture (*.svg);;Picture (*.png)"
    name, kind = QFileDialog.getSaveFileName(parent, f"Save picture of the {what}", f"{what}.svg", kinds)
    if not name:
        return
    path = Path(name)
    if not path.suffix:
        path = path.with_suffix(".png" if "png" in kind else ".svg")
    from glasscell.figure.live import save_picture

    try:
        save_picture(session, what, path)
    except GlasscellError as error:
        session.report(error, "Saving the picture")
