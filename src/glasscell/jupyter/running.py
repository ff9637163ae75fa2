"""A job as a notebook has it: shown with its progress, awaited, cancelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import ipywidgets

from glasscell.jobs import Outcome
from glasscell.jupyter.panel import Panel, Words, button, row

if TYPE_CHECKING:
    from collections.abc import Generator

    from glasscell.jobs import Job, Progress


class Running(Panel):
    """Work in the background; the kernel stays free meanwhile.

    ``await running`` gives the result or raises what went wrong; the last expression of a cell, it shows a
    bar with a button that cancels.

    Parameters
    ----------
    job
        What a command of the session returned.
    """

    def __init__(self, job: Job[Any]) -> None:
        self.job = job
        self._bar = ipywidgets.FloatProgress(min=0, max=1)
        self._words = Words(job.title)
        self._stop = button("Cancel", "Stop this job")
        self.widget = row(self._bar, self._stop, self._words)
        self.hear_press(self._stop, job.cancel)
        job.progressed.connect(self._on_progressed)
        job.finished.connect(self._on_finished)
        if job.is_finished:
            self._on_finished(job)

    @property
    def done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self.job.is_finished

    def cancel(self) -> None:
        """Ask the job to stop; it does at its next report."""
        self.job.cancel()

    def value(self, timeout: float | None = None) -> Any:
        """Wait without letting anything else run, and return the result; raise what went wrong."""
        return self.job.value(timeout)

    def __await__(self) -> Generator[Any, None, Any]:
        """Wait while the kernel goes on; return the result or raise what went wrong."""
        return self._ended().__await__()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.widget._repr_mimebundle_(**kwargs)

    async def _ended(self) -> Any:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def wake(job: Job[Any]) -> None:
            loop.call_soon_threadsafe(ended.set)

        self.job.finished.connect(wake)
        try:
            while not self.job.is_finished:
                await ended.wait()
        finally:
            self.job.finished.disconnect(wake, missing_ok=True)
        return self.job.value()

    def _on_progressed(self, progress: Progress) -> None:
        if progress.fraction is not None:
            self._bar.value = progress.fraction
        left = "" if progress.eta_seconds is None else f", about {progress.eta_seconds:.0f} s left"
        self._words.say(f"{self.job.title}: {progress.text}{left}")

    def _on_finished(self, job: Job[Any]) -> None:
        outcome = "" if job.outcome is None else job.outcome.value
        self._bar.value = 1.0
        self._bar.bar_style = "success" if job.outcome is Outcome.DONE else "warning"
        self._stop.layout.display = "none"
        said = job.note or ("" if job.error is None else str(job.error))
        self._words.say(f"{job.title}: {outcome}" + (f". {said}" if said else ""))
