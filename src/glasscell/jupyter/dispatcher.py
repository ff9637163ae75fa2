"""Bringing calls to the event loop of a kernel."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from glasscell.jobs.dispatcher import Dispatcher

if TYPE_CHECKING:
    from collections.abc import Callable


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

    def call_soon(self, fn: Callable[[], object]) -> None:
        """Queue ``fn`` for the loop; nothing happens once the loop is closed."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(fn)

    def call_later(self, milliseconds: int, fn: Callable[[], object]) -> _Later:
        """Run ``fn`` after some time, unless the returned timer is cancelled."""
        later = _Later(fn)
        self.call_soon(lambda: self._loop.call_later(milliseconds / 1000, later.run))
        return later


def _loop_here() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.get_event_loop_policy().get_event_loop()
