"""A job as a notebook has it: shown with its progress, awaited, cancelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import ipywidgets

from glasscell.jobs import Outcome
from glasscell.jupyter.dispatcher import call_on
from glasscell.jupyter.panel import Panel, Words, button, row, show

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
        self._shown: tuple[Any, Words, ipywidgets.Button] | None = None

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
        if self._shown is None:
            self._show()
        return self.widget._repr_mimebundle_(**kwargs)

    def _show(self) -> None:
        """Make the bar; one that nobody looks at is never made."""
        bar, words = ipywidgets.FloatProgress(min=0, max=1), Words(self.job.title)
        stop = button("Cancel", "Stop this job")
        self._shown = bar, words, stop
        self.widget = row(bar, stop, words)
        self.widget.running = self  # alive as long as the page, even where nobody keeps it
        self.hear_press(stop, self.job.cancel)
        self.job.progressed.connect(self._on_progressed)
        self.job.finished.connect(self._on_finished)
        if self.job.is_finished:
            self._on_finished(self.job)

    async def _ended(self) -> Any:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def wake(job: Job[Any]) -> None:
            call_on(loop, ended.set)

        self.job.finished.connect(wake)
        try:
            while not self.job.is_finished:
                await ended.wait()
        finally:
            self.job.finished.disconnect(wake, missing_ok=True)
        return self.job.value()

    def _on_progressed(self, progress: Progress) -> None:
        if self._shown is None:
            return
        bar, words, _ = self._shown
        if progress.fraction is not None:
            bar.value = progress.fraction
        left = "" if progress.eta_seconds is None else f", about {progress.eta_seconds:.0f} s left"
        words.say(f"{self.job.title}: {progress.text}{left}")

    def _on_finished(self, job: Job[Any]) -> None:
        if self._shown is None:
            return
        bar, words, stop = self._shown
        outcome = "" if job.outcome is None else job.outcome.value
        bar.value = 1.0
        bar.bar_style = "success" if job.outcome is Outcome.DONE else "warning"
        show(stop, False)
        said = job.note or ("" if job.error is None else str(job.error))
        words.say(f"{job.title}: {outcome}" + (f". {said}" if said else ""))
