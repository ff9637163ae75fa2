"""How a session's commands become jobs: the work on a snapshot, then one commit on the owner thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from glasscell.jobs import Job, JobHandle, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from glasscell.session.core import Core

T = TypeVar("T")

_STOPPED = "stopped. Nothing was changed."


def submit(
    session: Core,
    fn: Callable[[JobHandle], T],
    commit: Callable[[Job[T], T], None],
    *,
    title: str,
    lane: str,
    priority: int = 0,
    after: Callable[[], None] | None = None,
) -> Job[T]:
    """Run ``fn`` in the background and ``commit`` its result, saying in one sentence how it ended otherwise.

    Parameters
    ----------
    commit
        Called with the job and its result when it is done; it may refuse a stale result with
        :func:`set_aside`.
    after
        Called at the very end, whatever the outcome.
    """

    def done(job: Job[T]) -> None:
        try:
            if job.outcome is Outcome.DONE:
                commit(job, job.result)  # type: ignore[arg-type]
                if lane not in ("io", "view"):
                    _outdate(session, title)
            elif job.outcome is Outcome.FAILED and job.error is not None:
                session.report(job.error, title, job.details)
            elif not session.jobs.closed:
                session.say("info", f"{title}: {_STOPPED}")
        except Exception as error:
            session.report(error, title)
        finally:
            if after is not None:
                after()

    return session.jobs.submit(fn, title=title, lane=lane, on_done=done, priority=priority)


def _outdate(session: Core, title: str) -> None:
    """Let no earlier job's "stopped" stand as the last word when a later one is done."""
    if session.messages and session.messages[-1].text.endswith(_STOPPED):
        session.say("info", f"{title}: done.")


def set_aside(session: Core, job: Job[T], reason: str) -> None:
    """Leave a result out of the state because what it was made from has changed meanwhile."""
    job.note = reason
    session.say("warning", f"{job.title}: {reason}")
