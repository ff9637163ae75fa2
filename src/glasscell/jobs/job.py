"""One piece of background work, as its owner sees it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from psygnal import Signal

from glasscell.jobs.progress import Outcome, Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from glasscell.jobs.handle import JobHandle

T = TypeVar("T")


@dataclass(frozen=True)
class Ending(Generic[T]):
    """What a worker leaves behind for the owner thread to settle."""

    outcome: Outcome
    result: T | None = None
    error: BaseException | None = None
    details: str = ""


class Owner(Protocol):
    """What a job asks of the runner that made it."""

    def stop(self, job: Job[Any], outcome: Outcome) -> None:
        """End the job, now or at its next report."""
        ...

    def wait_until(self, condition: Callable[[], bool], job: Job[Any], timeout_s: float | None) -> bool:
        """Block, keeping the owner's calls running."""
        ...


class Job(Generic[T]):
    """A queued, running or finished piece of work; made by :meth:`JobRunner.submit`.

    Everything public changes on the owner thread only, so a listener never sees half an ending.
    ``progressed`` carries a :class:`Progress`, ten times a second at most; ``finished`` carries the job,
    exactly once. ``details`` holds the traceback of a failure, ``note`` what became of the result when it
    was not used.
    """

    progressed = Signal(Progress)
    finished = Signal(object)

    def __init__(
        self,
        runner: Owner,
        number: int,
        fn: Callable[[JobHandle], T],
        *,
        title: str,
        lane: str,
        key: object = None,
        on_done: Callable[[Job[T]], object] | None = None,
    ) -> None:
        self.id = number
        self.title = title
        self.lane = lane
        self.key = key
        self.state = "queued"
        self.outcome: Outcome | None = None
        self.result: T | None = None
        self.error: BaseException | None = None
        self.details = ""
        self.note = ""
        self.progress = Progress()
        self._runner = runner
        self._fn: Callable[[JobHandle], T] | None = fn
        self._on_done = on_done
        # Below: written by the worker too, under the runner's lock.
        self._taken = False
        self._stop_as: Outcome | None = None
        self._ending: Ending[T] | None = None
        self._ended = threading.Event()
        self._latest: Progress | None = None
        self._delivering = False

    def __repr__(self) -> str:
        end = f" {self.outcome.value}" if self.outcome else ""
        return f"<Job {self.id} {self.title!r} {self.state}{end}>"

    @property
    def is_finished(self) -> bool:
        """Whether the outcome is known to the owner thread."""
        return self.state == "finished"

    def cancel(self) -> None:
        """Ask the job to stop; it does at its next report, or at once when it is still queued."""
        self._runner.stop(self, Outcome.CANCELLED)

    def wait(self, timeout: float | None = None) -> Job[T]:
        """Block until the job has finished, doing the owner's pending calls meanwhile; return the job.

        Raises
        ------
        TimeoutError
            It has not finished after ``timeout`` seconds.
        """
        if not self._runner.wait_until(lambda: self.is_finished, self, timeout):
            raise TimeoutError(f"{self.title} has not finished after {timeout} seconds.")
        return self

    def value(self, timeout: float | None = None) -> T:
        """Wait for the result and return it; raise the job's own error when it failed or was cancelled."""
        self.wait(timeout)
        if self.error is not None:
            raise self.error
        if self.outcome is not Outcome.DONE:
            from glasscell.errors import JobCancelled

            raise JobCancelled(f"{self.title} was {self.outcome.value if self.outcome else 'stopped'}.")
        result: Any = self.result
        return result  # type: ignore[no-any-return]

    def without_result(self) -> Job[T]:
        """Return a copy for the records, which keeps neither result nor error's frames alive."""
        copy: Job[T] = Job(self._runner, self.id, _nothing, title=self.title, lane=self.lane)
        copy.state, copy.outcome, copy.progress = self.state, self.outcome, self.progress
        copy.error, copy.details, copy.note = self.error, self.details, self.note
        copy._fn = None
        copy._ended.set()
        return copy


def _nothing(job: JobHandle) -> Any:
    return None
