"""What every dock is: a view of the viewer's session, at home in napari's window."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from glasscell.plugin.desk import desk_for
from glasscell.qt.save_picture import SavePicture
from glasscell.qt.style import adopt
from glasscell.qt.text import PlainLabel
from glasscell.views.view import View

if TYPE_CHECKING:
    from napari.viewer import Viewer

LOADING = "Loading PyTorch: a few seconds, once per session …"


class _Foot(View):
    """The control at the foot of a dock, so that it follows the theme."""

    def __init__(self, widget: SavePicture) -> None:
        self.widget = widget


class Dock(QWidget):
    """A dock widget; subclasses say which view and presenter it holds.

    It can be opened alone on an empty viewer, twice, and again after it was closed: everything it shows comes
    from the session, and taking it out of its dock ends it.

    Parameters
    ----------
    napari_viewer
        A viewer, or napari's proxy of one.
    """

    #: Whether to have torch imported, on this thread, before the view is made.
    needs_torch = False
    #: Pictures that can be saved from here, named as in ``figure.live.PICTURES``.
    pictures: tuple[str, ...] = ()

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.desk = desk_for(napari_viewer)
        self.desk.closed.connect(self.end)
        self.view: Any = None
        self.saver: SavePicture | None = None
        self._foot: _Foot | None = None
        self._presenter: Any = None
        self._docked = False
        self._ended = False
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        if self.needs_torch and "torch" not in sys.modules:
            self._loading = PlainLabel(LOADING)
            self._loading.setAlignment(Qt.AlignmentFlag.AlignCenter)
            adopt(self._loading)
            column.addWidget(self._loading)
            QTimer.singleShot(50, self._load_and_fill)
        else:
            self._fill()

    def make_view(self) -> Any:
        """Make the view this dock holds."""
        raise TypeError(f"{type(self).__name__} does not say what it shows")

    def make_presenter(self, view: Any) -> Any:
        """Wire the view to the session."""
        raise TypeError(f"{type(self).__name__} does not say what it shows")

    def end(self) -> None:
        """Stop listening to the session."""
        if self._ended:
            return
        self._ended = True
        self.desk.closed.disconnect(self.end, missing_ok=True)
        if self._presenter is not None:
            self._presenter.close()
        if self.view is not None:
            self.desk.leave(self.view)
        if self._foot is not None:
            self.desk.leave(self._foot)
        close_down = getattr(self.view, "close_down", None)
        if close_down is not None:
            close_down()

    def event(self, event: QEvent | None) -> bool:
        """Notice being taken out of the dock, which is how napari closes one."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._docked = True
            elif self._docked:
                QTimer.singleShot(0, self._on_undocked)
        return bool(super().event(event))

    def _on_undocked(self) -> None:
        if self.parent() is None:
            self.end()
            self.deleteLater()

    def _load_and_fill(self) -> None:
        if self._ended:
            return
        self.repaint()
        import torch  # noqa: F401 - on this thread, so that no worker stalls the window while it loads

        self._loading.deleteLater()
        self._fill()

    def _fill(self) -> None:
        self.view = self.make_view()
        self.desk.join(self.view)
        self.layout().addWidget(self.view.widget)
        if self.pictures:
            self.saver = SavePicture(self.desk.session, self.pictures)
            self._foot = _Foot(self.saver)
            self.desk.join(self._foot)
            self.layout().addWidget(self.saver)
        self._presenter = self.make_presenter(self.view)
