"""Bringing calls from worker threads to the thread that owns the session.

Each front end chooses one: Qt (in ``glasscell.qt``), asyncio (in a notebook), or the inline one here.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Timer(Protocol):
    """A call that has been put off and may still be called off."""

    def cancel(self) -> None:
        """Drop the call if it has not happened yet."""
        ...


class Dispatcher(ABC):
    """Run calls later on the owner thread. Both methods may be used from any thread."""

    @abstractmethod
    def call_soon(self, fn: Callable[[], object]) -> None:
        """Run ``fn`` on the owner thread, after the calls asked for before it."""

    @abstractmethod
    def call_later(self, milliseconds: int, fn: Callable[[], object]) -> Timer:
        """Run ``fn`` on the owner thread after some time, unless the returned timer is cancelled."""


class _Delayed:
    def __init__(self, fn: Callable[[], object]) -> None:
        self.fn: Callable[[], object] | None = fn

    def cancel(self) -> None:
        self.fn = None


class InlineDispatcher(Dispatcher):
    """A queue that runs when its owner says so, with a clock that moves only when told (tests, shell)."""

    def __init__(self) -> None:
        self._ready: deque[Callable[[], object]] = deque()
        self._delayed: list[tuple[float, int, _Delayed]] = []
        self._counter = itertools.count()
        self._now_ms = 0.0
        self._arrived = threading.Condition()

    @property
    def now_ms(self) -> float:
        """The fake clock, in milliseconds."""
        return self._now_ms

    def call_soon(self, fn: Callable[[], object]) -> None:
        """Queue ``fn`` for the next :meth:`run_pending`."""
        with self._arrived:
            self._ready.append(fn)
            self._arrived.notify_all()

    def call_later(self, milliseconds: int, fn: Callable[[], object]) -> Timer:
        """Queue ``fn`` for when the fake clock has advanced far enough."""
        delayed = _Delayed(fn)
        with self._arrived:
            heapq.heappush(self._delayed, (self._now_ms + milliseconds, next(self._counter), delayed))
        return delayed

    def run_pending(self) -> int:
        """Run what is queued now, and what those calls queue; return how many calls ran."""
        count = 0
        while True:
            with self._arrived:
                if not self._ready:
                    return count
                fn = self._ready.popleft()
            fn()
            count += 1

    def wait_for_call(self, timeout_s: float | None = None) -> bool:
        """Block until something is queued; False when the time is over first."""
        with self._arrived:
            return self._arrived.wait_for(lambda: bool(self._ready), timeout_s)

    def advance(self, milliseconds: float) -> int:
        """Move the fake clock and run what has become due, in order; return how many calls ran."""
        until = self._now_ms + milliseconds
        count = self.run_pending()
        while True:
            with self._arrived:
                if not self._delayed or self._delayed[0][0] > until:
                    break
                due, _, delayed = heapq.heappop(self._delayed)
                self._now_ms = max(self._now_ms, due)
            if delayed.fn is not None:
                delayed.fn()
                count += 1
            count += self.run_pending()
        self._now_ms = until
        return count + self.run_pending()


def pump(dispatcher: InlineDispatcher, condition: Callable[[], bool], timeout_s: float | None) -> bool:
    """Run the dispatcher's calls until ``condition`` holds; False when the time is over first."""
    end = None if timeout_s is None else time.monotonic() + timeout_s
    while not condition():
        if dispatcher.run_pending():
            continue
        left = None if end is None else end - time.monotonic()
        if (left is not None and left <= 0) or not dispatcher.wait_for_call(left):
            return condition()
    return True
