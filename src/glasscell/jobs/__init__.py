"""Background work: jobs that report, can be cancelled, and end exactly once."""

from __future__ import annotations

from glasscell.jobs.dispatcher import Dispatcher, InlineDispatcher, Timer
from glasscell.jobs.handle import QUIET, JobHandle, QuietJob
from glasscell.jobs.job import Job
from glasscell.jobs.progress import Outcome, Progress
from glasscell.jobs.runner import LANES, JobRunner

__all__ = [
    "LANES",
    "QUIET",
    "Dispatcher",
    "InlineDispatcher",
    "Job",
    "JobHandle",
    "JobRunner",
    "Outcome",
    "Progress",
    "QuietJob",
    "Timer",
]
