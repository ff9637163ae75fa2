"""What happens on a worker thread while a job runs."""

from __future__ import annotations

import logging
import time
import traceback
from typing import TYPE_CHECKING, Any

from glasscell.errors import GlasscellError, JobCancelled
from glasscell.jobs.job import Ending, Job
from glasscell.jobs.progress import Outcome, Progress, estimate_eta

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)


class RunningJob:
    """What the job's function holds: its way to report, and the point where it is stopped."""

    def __init__(self, note: Callable[[Job[Any], Progress], None], job: Job[Any]) -> None:
        self._note = note
        self._job = job
        self._started = time.perf_counter()
        self._text = ""

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        """Note the progress; raise JobCancelled when the job was asked to stop."""
        self._text = text or self._text
        if fraction is not None:
            fraction = min(1.0, max(0.0, float(fraction)))
        eta = estimate_eta(fraction, time.perf_counter() - self._started)
        self._note(self._job, Progress(fraction, self._text, eta, metrics))
        if self._job._stop_as is not None:
            raise JobCancelled(f"{self._job.title} was stopped.")


def run(job: Job[Any], handle: RunningJob) -> Ending[Any]:
    """Run the job's function and say how it ended; never raises."""
    fn = job._fn
    if fn is None:
        return Ending(job._stop_as or Outcome.CANCELLED)
    try:
        return Ending(Outcome.DONE, fn(handle))
    except JobCancelled:
        return Ending(job._stop_as or Outcome.CANCELLED)
    except BaseException as error:  # a worker must end its job whatever was raised
        details = "".join(traceback.format_exception(error))
        link: BaseException | None = error
        while link is not None:  # the frames would keep the job's arrays alive
            traceback.clear_frames(link.__traceback__)
            link = link.__cause__ or link.__context__
        if not isinstance(error, GlasscellError):
            log.error("%s failed", job.title, exc_info=error)
        return Ending(Outcome.FAILED, error=error, details=details)
