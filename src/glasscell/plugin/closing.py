"""Closing the window: ask while jobs are running, then end them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QMessageBox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qtpy.QtWidgets import QMainWindow, QWidget


class ClosingGuard(QObject):
    """Watch a viewer's window.

    Parameters
    ----------
    window
        Main window of the viewer.
    canvas
        Its canvas: already hidden when a program closes the viewer, who is not asked.
    running
        Titles of the jobs that would be lost.
    on_closed
        Ends everything; called once, when the window really closes.
    """

    _done = True  # also of one that Python has taken apart while Qt still tells it of events

    def __init__(
        self,
        window: QMainWindow,
        canvas: QWidget,
        running: Callable[[], Sequence[str]],
        on_closed: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._window, self._canvas, self._running, self._on_closed = window, canvas, running, on_closed
        self._closing = False
        self._done = False
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Hold a close back until it is wanted; end the session once the window is gone."""
        if self._done or watched is None or watched is not self._window or event is None:
            return False
        if event.type() == QEvent.Type.Close:
            titles = tuple(self._running())
            if titles and self._canvas.isVisible() and not ask_to_stop(self._window, titles):
                event.ignore()
                return True
            self._closing = True
            if not watched.isVisible():
                self._finish()
        elif event.type() == QEvent.Type.Hide and self._closing and not event.spontaneous():
            self._finish()
        return False

    def _finish(self) -> None:
        self._done = True
        self._on_closed()


def ask_to_stop(parent: QWidget, titles: Sequence[str]) -> bool:
    """Ask whether running jobs may be stopped."""
    box = QMessageBox(parent)
    box.setObjectName("glasscell_closing")
    box.setIcon(QMessageBox.Icon.Question)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setWindowTitle("Stop the running jobs?")
    one = len(titles) == 1
    box.setText("A job is still running." if one else f"{len(titles)} jobs are still running.")
    box.setInformativeText("\n".join([*titles, "", "What they have done so far is lost if you close now."]))
    stop = box.addButton("Stop and close", QMessageBox.ButtonRole.DestructiveRole)
    keep = box.addButton("Keep open", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(keep)
    box.setEscapeButton(keep)
    box.exec()
    return box.clickedButton() is stop
