"""The control that saves a picture, the same in every dock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QFileDialog, QMenu, QToolButton, QWidget

from glasscell.errors import GlasscellError
from glasscell.qt.icon import icon
from glasscell.qt.style import adopt, plain_tip, theme_of
from glasscell.qt.text import row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glasscell.session import Session
    from glasscell.views.sight import Sight

WORDS = "Save picture…"
TIP = "Save the picture as SVG or PNG, as it is shown, with legend and units"


class SavePicture(QWidget):
    """A small row with one button; a menu where a dock has several pictures.

    Parameters
    ----------
    session
        Whose pictures are saved.
    pictures
        Names as in ``figure.live.PICTURES``.
    """

    def __init__(self, session: Session, pictures: Sequence[str]) -> None:
        super().__init__()
        self.button = QToolButton()
        self.button.setText(WORDS)
        self.button.setObjectName("glasscell_save_picture")
        self.button.setToolTip(plain_tip(TIP))
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.menu = QMenu(self.button)
        if len(pictures) == 1:
            self.button.clicked.connect(lambda: ask_and_save_picture(self, session, pictures[0]))
        else:
            for what in pictures:
                action = self.menu.addAction(save_words(what))
                action.setData(what)
            self.menu.triggered.connect(lambda action: ask_and_save_picture(self, session, action.data()))
            self.button.setMenu(self.menu)
            self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        row = row_of(None, self.button)
        row.setContentsMargins(6, 0, 6, 4)
        self.setLayout(row)
        adopt(self)
        self.restyle()

    def restyle(self) -> None:
        """Draw the icon in the colour of the theme."""
        self.button.setIcon(icon("save", theme_of(self).text))

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self.restyle()


def save_words(what: str) -> str:
    """Say which picture is saved, for a menu."""
    from glasscell.figure.live import PICTURES

    return f"Save picture of the {PICTURES[what]}…"


def ask_and_save_picture(
    parent: QWidget, session: Session, what: str, sight: Callable[[], Sight] | None = None
) -> None:
    """Let the user name a file for a picture; the session tells what is missing or wrong.

    Parameters
    ----------
    what
        One of ``figure.live.PICTURES``.
    sight
        Asked how the tissue is looked at.
    """
    from glasscell.figure.live import PICTURES, plan_picture, save_picture

    try:
        plan_picture(session, what)
        kinds = "Vector picture (*.svg);;Picture (*.png)"
        name, kind = QFileDialog.getSaveFileName(
            parent, f"Save picture of the {PICTURES[what]}", f"{what}.svg", kinds
        )
        if not name:
            return
        path = Path(name)
        if not path.suffix:
            path = path.with_suffix(".png" if "png" in kind else ".svg")
        save_picture(session, what, path, None if sight is None else sight())
    except GlasscellError as error:
        session.report(error, "Saving the picture")
