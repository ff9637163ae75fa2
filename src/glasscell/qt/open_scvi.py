"""A button that opens a model saved by scvi-tools, after saying what that runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QMessageBox, QPushButton

from glasscell.errors import GlasscellError
from glasscell.qt.style import plain_tip
from glasscell.views.model_wish import SCVI, SCVI_ASKED, SCVI_TIP

if TYPE_CHECKING:
    from collections.abc import Callable


class OpenScviButton(QPushButton):
    """Ask for a folder, say what opening it does, and hand the folder on when that is wanted.

    Parameters
    ----------
    on_chosen
        Called with the folder once it was confirmed.
    on_problem
        Called with one sentence when the folder holds no such model.
    """

    def __init__(self, on_chosen: Callable[[Path], object], on_problem: Callable[[str], object]) -> None:
        super().__init__(SCVI)
        self._on_chosen, self._on_problem = on_chosen, on_problem
        self.setToolTip(plain_tip(SCVI_TIP))
        self.clicked.connect(self._on_clicked)

    def _on_clicked(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Open a folder saved by scvi-tools")
        if folder:
            self.offer(Path(folder))

    def offer(self, path: Path) -> None:
        """Say what opening a folder runs, and open it on a yes."""
        from glasscell.models.scvi.file import what_it_runs

        try:
            words = what_it_runs(path)
        except GlasscellError as error:
            self._on_problem(str(error))
            return
        box = QMessageBox(self)
        box.setObjectName("glasscell_open_scvi")
        box.setIcon(QMessageBox.Icon.Question)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setWindowTitle(SCVI_ASKED)
        box.setText(words)
        go_on = box.addButton("Open", QMessageBox.ButtonRole.AcceptRole)
        stay = box.addButton("Cancel", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(go_on)
        box.setEscapeButton(stay)
        box.exec()
        chosen = box.clickedButton() is go_on
        box.deleteLater()
        if chosen:
            self._on_chosen(path)
