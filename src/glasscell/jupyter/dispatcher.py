"""Bringing calls to the event loop of a kernel, also while Qt's loop runs in it (``%gui qt``)."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING, Any

from IPython import get_ipython

from glasscell.jobs.dispatcher import Dispatcher

if TYPE_CHECKING:
    from collections.abc import Callable

#: So often asyncio has a turn while Qt's loop runs in the kernel, beside calls that come from a thread.
TURN_MS = 50


class _Later:
    """A call that waits for its time on the loop."""

    def __init__(self, fn: Callable[[], object]) -> None:
        self._fn: Callable[[], object] | None = fn

    def cancel(self) -> None:
        """Drop the call if it has not happened yet."""
        self._fn = None

    def run(self) -> None:
        """Call, unless called off."""
        fn, self._fn = self._fn, None
        if fn is not None:
            fn()


class AsyncioDispatcher(Dispatcher):
    """Run calls on an asyncio event loop.

    Parameters
    ----------
    loop
        The loop to run on; the running one, or the thread's own, when left out.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop if loop is not None else _loop_here()
        shell: Any = get_ipython()
        if hasattr(shell, "kernel"):
            _take_turns()
            shell.events.register("post_run_cell", _take_turns)  # once; a later cell may say %gui qt

    def call_soon(self, fn: Callable[[], object]) -> None:
        """Queue ``fn`` for the loop; nothing happens once the loop is closed."""
        if not self._loop.is_closed():
            call_on(self._loop, fn)

    def call_later(self, milliseconds: int, fn: Callable[[], object]) -> _Later:
        """Run ``fn`` after some time, unless the returned timer is cancelled."""
        later = _Later(fn)
        self.call_soon(lambda: self._loop.call_later(milliseconds / 1000, later.run))
        return later


def call_on(loop: asyncio.AbstractEventLoop, fn: Callable[[], object]) -> None:
    """Queue a call for the loop of a kernel, from any thread.

    After ``%gui qt`` that loop stands still while Qt's runs, which is asked to make room at once.
    """
    loop.call_soon_threadsafe(fn)
    qt_loop = _qt_loop()
    if qt_loop is not None:
        core = sys.modules[type(qt_loop).__module__]
        with contextlib.suppress(RuntimeError):  # torn down meanwhile
            # Posted, not called: the loop may be about to begin, and would forget that it was to end.
            core.QMetaObject.invokeMethod(qt_loop, "quit", core.Qt.ConnectionType.QueuedConnection)


def _take_turns(result: object = None) -> None:
    """Let the kernel's Qt loop, if it has one, make room for asyncio's many times a second.

    ipykernel leaves it only when a message comes to the main shell: timers, awaited results and messages to
    subshells would wait for that. It takes the loop up again by itself. On the thread of both loops.
    """
    qt_loop = _qt_loop()
    if qt_loop is not None and getattr(qt_loop, "glasscell_turns", None) is None:
        qt_loop.glasscell_turns = turns = sys.modules[type(qt_loop).__module__].QTimer(qt_loop)
        turns.timeout.connect(qt_loop.quit)
        turns.start(TURN_MS)


def _qt_loop() -> Any:
    """Return the loop that ipykernel made for Qt; None without ``%gui qt``. Nothing is imported."""
    kernel: Any = getattr(get_ipython(), "kernel", None)
    return getattr(getattr(kernel, "app", None), "qt_event_loop", None)


def _loop_here() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.get_event_loop_policy().get_event_loop()
