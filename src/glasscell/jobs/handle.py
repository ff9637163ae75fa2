"""What a long function gets, to say how far it is and to be stopped."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class JobHandle(Protocol):
    """The argument of a job function ``fn(job) -> result``."""

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        """Tell the share done, and stop here when asked to.

        Call it every 0.25 s or more often: it is cheap, and the only place where a job can be cancelled.

        Parameters
        ----------
        fraction
            0 to 1, or None when it cannot be known.
        text
            A few words about the current step; empty keeps the last.
        metrics
            Numbers to plot, for instance ``train_loss=0.3``.

        Raises
        ------
        JobCancelled
            Somebody asked for the job to stop.
        """
        ...


class QuietJob:
    """A handle for calls from a script: it shows nothing and is never cancelled."""

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        """Do nothing."""


QUIET: JobHandle = QuietJob()
