"""A stretch of a job, reported as a share of the whole."""

from __future__ import annotations

from glasscell.jobs import JobHandle


class Part(JobHandle):
    """What a step of a longer job reports to."""

    def __init__(self, job: JobHandle, low: float, high: float, text: str) -> None:
        self._job, self._low, self._high, self._text = job, low, high, text

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        """Pass progress on, squeezed between the step's own limits."""
        whole = self._low if fraction is None else self._low + (self._high - self._low) * fraction
        self._job.report(whole, text or self._text, **metrics)
