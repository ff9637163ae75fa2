"""A factor that moves by itself, to and fro within what was observed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from glasscell.explain.traversal import Traversal
    from glasscell.jobs import Dispatcher, Job

INTERVAL_MS = 120


class Player:
    """Takes a step, waits until it is shown and a while longer, and takes the next.

    Parameters
    ----------
    dispatcher
        Where to wait.
    move
        Shows factor and step; returns the job when that takes one.
    tell
        Told whether it is playing.
    """

    def __init__(
        self,
        dispatcher: Callable[[], Dispatcher],
        move: Callable[[int, int], Job[Any] | None],
        tell: Callable[[bool], object],
    ) -> None:
        self._dispatcher, self._move, self._tell = dispatcher, move, tell
        self._found: Traversal | None = None
        self._at, self._way, self._run = (0, 0), 1, 0

    @property
    def playing(self) -> bool:
        """Whether a factor moves now."""
        return self._found is not None

    def play(self, found: Traversal, factor: int, step: int) -> None:
        """Let a factor move from a step on."""
        self._found, self._at, self._way = found, (factor, step), 1
        self._run += 1
        self._tell(True)
        self._next(self._run)

    def stop(self) -> None:
        """Stay where it is."""
        if self._found is not None:
            self._found = None
            self._tell(False)

    def _next(self, run: int) -> None:
        found = self._found
        if found is None or run != self._run:
            return
        factor, step = self._at
        ways = [way for way in (self._way, -self._way) if self._goes(found, factor, step + way)]
        if not ways:
            self.stop()
            return
        self._way = ways[0]
        self._at = (factor, step + self._way)
        job = self._move(*self._at)
        if job is None:
            self._wait(run)
        else:
            job.finished.connect(lambda _job: self._wait(run))

    def _wait(self, run: int) -> None:
        if self._found is not None:
            self._dispatcher().call_later(INTERVAL_MS, lambda: self._next(run))

    @staticmethod
    def _goes(found: Traversal, factor: int, step: int) -> bool:
        return 0 <= step < found.n_steps and found.is_observed(factor, step)
