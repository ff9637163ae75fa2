"""The runner of background jobs.

Every job walks this machine; each arrow is taken once, and ``finished`` fires at its end whatever happened::

                    taken by a worker              returned
      submit ──▶ QUEUED ─────────────▶ RUNNING ─────────────▶ FINISHED(DONE)
                    │                     │  raised ────────▶ FINISHED(FAILED, error)
                    │ stop()              │  stop(), seen at the next report
                    ▼                     ▼
        FINISHED(CANCELLED | SUPERSEDED)  FINISHED(CANCELLED | SUPERSEDED)

Workers only note how a job ended; the arrow into FINISHED is taken on the owner thread, through the
dispatcher. A job that returns although it was asked to stop counts as stopped, so that nobody uses a result
they gave up. Workers live as long as their lane has work, so an idle runner owns no thread.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import heapq
import itertools
import threading
import time
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from psygnal import Signal

from glasscell.errors import GlasscellError
from glasscell.jobs.dispatcher import Dispatcher, InlineDispatcher, pump
from glasscell.jobs.job import Ending, Job
from glasscell.jobs.progress import Outcome, Progress
from glasscell.jobs.work import RunningJob, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from glasscell.jobs.handle import JobHandle

T = TypeVar("T")

#: Lane -> how many of its jobs run at once.
LANES = {"train": 1, "compute": 1, "view": 1, "io": 2}
PROGRESS_INTERVAL_MS = 100
KEPT_FINISHED = 50


class _Lane:
    """A queue and the workers that empty it."""

    def __init__(self, name: str, width: int) -> None:
        self.name = name
        self.width = width
        self.queue: list[tuple[int, int, Job[Any]]] = []
        self.workers: set[threading.Thread] = set()


class JobRunner:
    """Run functions on worker threads, in lanes, and tell the owner thread about it.

    Parameters
    ----------
    dispatcher
        How workers reach the owner thread, which is the one that makes the runner or last set ``dispatcher``.
    """

    changed = Signal()  # a job was added, started or finished
    progressed = Signal(object)  # the job

    def __init__(self, dispatcher: Dispatcher | None = None) -> None:
        self._dispatcher = dispatcher if dispatcher is not None else InlineDispatcher()
        self._owner = threading.get_ident()
        self._lock = threading.RLock()
        self._lanes = {name: _Lane(name, width) for name, width in LANES.items()}
        self._numbers = itertools.count(1)
        self._active: dict[int, Job[Any]] = {}
        self._finished: deque[Job[Any]] = deque(maxlen=KEPT_FINISHED)
        self._leaving: list[threading.Thread] = []
        self.closed = False
        self._at_exit = functools.partial(_shut_down, weakref.ref(self))
        atexit.register(self._at_exit)

    @property
    def dispatcher(self) -> Dispatcher:
        """How workers reach the owner thread; setting it makes the current thread the owner."""
        return self._dispatcher

    @dispatcher.setter
    def dispatcher(self, dispatcher: Dispatcher) -> None:
        with self._lock:
            self._dispatcher = dispatcher
            self._owner = threading.get_ident()
            for job in self._active.values():
                job._delivering = False
                if job._ended.is_set():
                    self._post(functools.partial(self._settle, job))

    def is_owner(self, thread: int) -> bool:
        """Whether a thread, by its number, is the one that owns the session."""
        return thread == self._owner

    @property
    def jobs(self) -> tuple[Job[Any], ...]:
        """Jobs not yet finished and the last finished ones (without the view lane's), oldest first."""
        return tuple(sorted((*self._finished, *self._active.values()), key=lambda job: job.id))

    @property
    def active(self) -> tuple[Job[Any], ...]:
        """Jobs that are queued or running, oldest first."""
        return tuple(self._active.values())

    def submit(
        self,
        fn: Callable[[JobHandle], T],
        *,
        title: str,
        lane: str = "compute",
        key: object = None,
        on_done: Callable[[Job[T]], object] | None = None,
        priority: int = 0,
    ) -> Job[T]:
        """Queue ``fn(job)`` and return at once.

        Parameters
        ----------
        fn
            The work: a plain function of its handle, closed over a snapshot.
        title
            A few words for the job strip.
        lane
            ``train``, ``compute``, ``view`` or ``io``.
        key
            In the view lane, a new job supersedes the unfinished ones of the same key.
        on_done
            Called with the job on the owner thread, whatever the outcome, before ``finished`` is emitted.
        priority
            Jobs of a lane run in order of priority (0 before 1), then in the order they came.

        Raises
        ------
        GlasscellError
            The runner has been shut down.
        """
        with self._lock:
            if self.closed:
                raise GlasscellError(f"{title}: the session is closed. Open a new one to go on.")
            if lane == "view" and key is not None:
                for other in [job for job in self._active.values() if job.lane == lane and job.key == key]:
                    self.stop(other, Outcome.SUPERSEDED)
            job = Job(self, next(self._numbers), fn, title=title, lane=lane, key=key, on_done=on_done)
            self._active[job.id] = job
            place = self._lanes[lane]
            heapq.heappush(place.queue, (priority, job.id, job))
            self._leaving = [thread for thread in self._leaving if thread.is_alive()]
            if len(place.workers) < place.width:
                worker = threading.Thread(
                    target=self._work, args=(place,), name=f"glasscell-{lane}", daemon=True
                )
                place.workers.add(worker)
                worker.start()
        self.changed.emit()
        return job

    def stop(self, job: Job[Any], outcome: Outcome) -> None:
        """Ask a job to end as CANCELLED or SUPERSEDED; no effect once it has ended."""
        with self._lock:
            if job._ended.is_set() or job._stop_as is not None:
                return
            job._stop_as = outcome
            if not job._taken:
                lane = self._lanes[job.lane]
                lane.queue = [entry for entry in lane.queue if entry[2] is not job]
                heapq.heapify(lane.queue)
                self._end(job, Ending(outcome))

    def wait_idle(self, timeout_s: float | None = None) -> bool:
        """Block until no job is left, doing the owner's pending calls; False when time is over first."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while self._active:
            left = None if end is None else max(0.0, end - time.monotonic())
            job = next(iter(self._active.values()))
            if not self.wait_until(lambda job=job: job.is_finished, job, left):  # type: ignore[misc]
                return False
        return True

    def wait_until(self, condition: Callable[[], bool], job: Job[Any], timeout_s: float | None) -> bool:
        """Pump the owner's calls until ``condition`` holds; off the owner thread, just block for the job."""
        if threading.get_ident() != self._owner:
            return job._ended.wait(timeout_s)
        if isinstance(self._dispatcher, InlineDispatcher):
            return pump(self._dispatcher, condition, timeout_s)
        if not job._ended.wait(timeout_s):
            return False
        self._settle(job)
        return condition()

    def shutdown(self, timeout_s: float = 10.0) -> bool:
        """Stop every job, join the workers, and settle what has not been; True when all ended in time."""
        with self._lock:
            self.closed = True
            active = list(self._active.values())
            for job in active:
                self.stop(job, Outcome.CANCELLED)
            workers = [*self._leaving, *(worker for lane in self._lanes.values() for worker in lane.workers)]
        end = time.monotonic() + timeout_s
        for worker in workers:
            worker.join(max(0.0, end - time.monotonic()))
        for job in active:
            if job._ended.is_set():
                self._settle(job)
        atexit.unregister(self._at_exit)
        return not any(worker.is_alive() for worker in workers)

    def note_progress(self, job: Job[Any], progress: Progress) -> None:
        """Take a report from a worker; it reaches the owner thread ten times a second at most."""
        with self._lock:
            job._latest = progress
            if job._delivering:
                return
            job._delivering = True
        self._post(functools.partial(self._deliver, job))

    def _deliver(self, job: Job[Any]) -> None:
        with self._lock:
            if job.is_finished or job._latest is None:
                job._delivering = False
                return
            job.progress, job._latest = job._latest, None
        self._dispatcher.call_later(PROGRESS_INTERVAL_MS, functools.partial(self._deliver, job))
        job.progressed.emit(job.progress)
        self.progressed.emit(job)

    def _work(self, lane: _Lane) -> None:
        while True:
            with self._lock:
                if not lane.queue:
                    me = threading.current_thread()
                    lane.workers.discard(me)
                    self._leaving.append(me)
                    return
                job = heapq.heappop(lane.queue)[2]
                job._taken = True
            self._post(functools.partial(self._start, job))
            ending = run(job, RunningJob(self.note_progress, job))
            with self._lock:
                if ending.outcome is Outcome.DONE and job._stop_as is not None:
                    ending = Ending(job._stop_as)
                self._end(job, ending)
            del job, ending

    def _end(self, job: Job[Any], ending: Ending[Any]) -> None:
        job._ending = ending
        job._fn = None
        job._ended.set()
        self._post(functools.partial(self._settle, job))

    def _post(self, call: Callable[[], object]) -> None:
        # A toolkit that is being torn down may refuse calls; shutdown settles what is left.
        with contextlib.suppress(RuntimeError):
            self._dispatcher.call_soon(call)

    def _start(self, job: Job[Any]) -> None:
        if job.state == "queued":
            job.state = "running"
            self.changed.emit()

    def _settle(self, job: Job[Any]) -> None:
        ending = job._ending
        if ending is None or job.is_finished:
            return
        if job._latest is not None:
            job.progress, job._latest = job._latest, None
        job.state, job.outcome = "finished", ending.outcome
        job.result, job.error, job.details = ending.result, ending.error, ending.details
        job._ending = None
        on_done, job._on_done = job._on_done, None
        del self._active[job.id]
        try:
            if on_done is not None:
                on_done(job)
        finally:
            if job.lane != "view":
                self._finished.append(job.without_result())
            try:
                job.finished.emit(job)
            finally:
                self.changed.emit()


def _shut_down(runner: weakref.ref[JobRunner]) -> None:
    alive = runner()
    if alive is not None:
        alive.shutdown(5.0)
