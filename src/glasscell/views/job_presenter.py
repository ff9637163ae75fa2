"""The job strip and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.jobs import Outcome
from glasscell.session.journal import KEEPING
from glasscell.views.presenter import Presenter
from glasscell.views.row import JobRow
from glasscell.views.view import JobView

if TYPE_CHECKING:
    from glasscell.jobs import Job
    from glasscell.session import Session


class JobPresenter(Presenter[JobView]):
    """List the jobs, newest first, without the view lane's; pass on messages and cancelling.

    What was kept for recovery is not listed: nobody asked for it, and it would hide what somebody did.
    """

    def __init__(self, session: Session, view: JobView) -> None:
        super().__init__(session, view)
        self.listen(session.jobs.changed, self._show)
        self.listen(session.jobs.progressed, self._on_progressed)
        self.listen(session.message, view.set_message)
        self.listen(view.cancel_requested, self._on_cancel)
        if session.messages:
            view.set_message(session.messages[-1].level, session.messages[-1].text)
        self._show()

    def _show(self) -> None:
        jobs = [job for job in self.session.jobs.jobs if job.lane != "view" and not _kept(job)]
        self.view.set_jobs(tuple(job_row(job) for job in reversed(jobs)))

    def _on_progressed(self, job: Job[Any]) -> None:
        if job.lane != "view":
            self._show()

    def _on_cancel(self, number: int) -> None:
        for job in self.session.jobs.active:
            if job.id == number:
                job.cancel()


def _kept(job: Job[Any]) -> bool:
    return job.title.startswith(KEEPING) and job.outcome is Outcome.DONE


def job_row(job: Job[Any]) -> JobRow:
    """Put a job into one line; a finished one says how it ended."""
    progress = job.progress
    outcome = "" if job.outcome is None else job.outcome.value
    text = job.note or (str(job.error).partition("\n")[0] if job.error is not None else progress.text)
    done = job.state == "finished"
    fraction = 1.0 if outcome == "done" else progress.fraction
    return JobRow(
        job.id, job.title, text, fraction, None if done else progress.eta_seconds, job.state, outcome
    )
