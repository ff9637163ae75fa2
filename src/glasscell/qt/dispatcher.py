"""Bringing calls to the Qt thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from qtpy.QtCore import QCoreApplication, QObject, Qt, QTimer, Signal

from glasscell.jobs.dispatcher import Dispatcher

if TYPE_CHECKING:
    from collections.abc import Callable


class _Carrier(QObject):
    """A queued signal with a call in it; Qt delivers it on the thread this object lives on."""

    called = Signal(object)
    delayed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.called.connect(self._on_called, Qt.ConnectionType.QueuedConnection)
        self.delayed.connect(self._on_delayed, Qt.ConnectionType.QueuedConnection)

    def _on_called(self, fn: Callable[[], object]) -> None:
        fn()

    def _on_delayed(self, later: _Later) -> None:
        later.start()


class _Later:
    """A call that waits for its time on the Qt thread."""

    def __init__(self, milliseconds: int, fn: Callable[[], object]) -> None:
        self._milliseconds = milliseconds
        self._fn: Callable[[], object] | None = fn

    def start(self) -> None:
        if self._fn is not None:
            QTimer.singleShot(
                self._milliseconds, lambda: self._run()
            )  # a bound method would not keep us alive

    def cancel(self) -> None:
        """Drop the call if it has not happened yet."""
        self._fn = None

    def _run(self) -> None:
        fn, self._fn = self._fn, None
        if fn is not None:
            fn()


class QtDispatcher(Dispatcher):
    """Run calls on the Qt thread that made this object.

    Raises
    ------
    RuntimeError
        There is no Qt application yet, so nothing could ever be delivered.
    """

    def __init__(self) -> None:
        if QCoreApplication.instance() is None:
            raise RuntimeError("a QtDispatcher needs a Qt application; create the viewer first")
        self._carrier = _Carrier()

    def call_soon(self, fn: Callable[[], object]) -> None:
        """Queue ``fn`` for the event loop."""
        self._emit("called", fn)

    def call_later(self, milliseconds: int, fn: Callable[[], object]) -> _Later:
        """Run ``fn`` after some time, unless the returned timer is cancelled."""
        later = _Later(milliseconds, fn)
        self._emit("delayed", later)
        return later

    def _emit(self, name: str, load: object) -> None:
        """Emit, unless the application has already torn its objects down."""
        try:
            cast("Signal", getattr(self._carrier, name)).emit(load)
        except RuntimeError:
            if QCoreApplication.instance() is not None and not QCoreApplication.closingDown():
                raise
