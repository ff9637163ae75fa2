"""Bringing what a browser says to the thread that owns the session.

Notebooks may deliver the messages of widgets on another thread, so that a page stays alive while a cell runs.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from glasscell.jobs import JobRunner

_homes: list[ref[JobRunner]] = []


def settle(runner: JobRunner) -> None:
    """Take the calling thread as home, and the runner's dispatcher as the way there."""
    _homes[:] = [known for known in _homes if (one := known()) is not None and not one.closed]
    _homes.append(ref(runner))


def is_home() -> bool:
    """Whether this is the thread that owns the sessions; so it is before there is any."""
    runner = _latest()
    return runner is None or runner.is_owner(threading.get_ident())


def at_home(call: Callable[..., object], *args: Any) -> None:
    """Call on the thread that owns the sessions: at once when this is it, else as soon as it is free."""
    runner = _latest()
    if runner is None or is_home():
        call(*args)
    else:
        runner.dispatcher.call_soon(partial(call, *args))


def _latest() -> JobRunner | None:
    for known in reversed(_homes):
        runner = known()
        if runner is not None and not runner.closed:
            return runner
    return None
