"""Offering to bring back what a crash has interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QAbstractButton, QMessageBox, QWidget

from glasscell.session.journal import Journal, Lost, discard, find_lost, restore_lost

if TYPE_CHECKING:
    from pathlib import Path

    from glasscell.session import Session

#: Journals offered in this process; two windows do not offer the same.
_OFFERED: set[Path] = set()


class RestoreOffer:
    """Ask once, without holding up the window, whether lost work is wanted back.

    Parameters
    ----------
    parent
        The window to ask in.
    session
        Where the work is brought back.
    journal
        Takes over what is brought back.
    """

    def __init__(self, parent: QWidget, session: Session, journal: Journal | None) -> None:
        self._parent, self._session, self._journal = parent, session, journal
        self.box: QMessageBox | None = None
        self._lost: Lost | None = None
        self._timer = QTimer(parent)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._look)
        self._timer.start(0)

    def close(self) -> None:
        """Ask no more."""
        self._timer.stop()
        if self.box is not None:
            self.box.close()
            self.box = None

    def _look(self) -> None:
        lost = [one for one in find_lost() if one.folder not in _OFFERED]
        if not lost or self._session.jobs.closed:
            return
        self._lost = lost[0]
        _OFFERED.add(self._lost.folder)
        box = self.box = QMessageBox(self._parent)
        box.setObjectName("glasscell_restore")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setModal(False)
        box.setIcon(QMessageBox.Icon.Question)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setWindowTitle("Bring back your work?")
        box.setText("Glasscell did not end as it should last time. Its work was kept.")
        box.setInformativeText(self._lost.text())
        restore = box.addButton("Restore", QMessageBox.ButtonRole.AcceptRole)
        self._discard = box.addButton("Discard", QMessageBox.ButtonRole.DestructiveRole)
        self._restore = restore
        later = box.addButton("Later", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(restore)
        box.setEscapeButton(later)
        box.buttonClicked.connect(self._on_clicked)
        box.show()

    def _on_clicked(self, button: QAbstractButton) -> None:
        lost, self.box = self._lost, None
        if lost is None:
            return
        if button is self._restore:
            restore_lost(self._session, lost, self._journal)
        elif button is self._discard:
            discard(lost.folder)
        else:
            _OFFERED.discard(lost.folder)
