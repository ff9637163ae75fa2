"""The job strip of a notebook: what is running, how far, and that the right one is cancelled."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from glasscell.jobs import JobHandle
from glasscell.session import Session
from glasscell.views.job_presenter import JobPresenter
from glasscell.views.row import JobRow

pytest.importorskip("ipywidgets")
from glasscell.jupyter.job import JupyterJobView

MARKUP = "<img src=x onerror=alert(1)>"


def press(view: JupyterJobView, row: int, key: int | None = None) -> None:
    message = {"type": "clicked", "row": row, "column": 3, "key": key}
    view.sheet._on_message(view.sheet, message, [])


def test_jobs_say_how_far_how_long_and_how_they_ended() -> None:
    view = JupyterJobView()
    assert view.empty.layout.display is None
    running = JobRow(4, MARKUP, "fold 1", 0.25, 83.0, "running", "")
    failed = JobRow(3, "Old", "No counts.", 0.5, None, "finished", "failed")
    view.set_jobs((running, JobRow(2, "Next", "", None, None, "queued", ""), failed))
    assert view.sheet.rows == [
        (f"{MARKUP}\nfold 1", 0.25, "1 min 23 s left", "Cancel"),
        ("Next", 0.0, "queued", "Cancel"),
        ("Old\nNo counts.", "", "failed", ""),
    ]
    assert view.sheet._body["warned"] == [[2, 2]]
    assert view.empty.layout.display == "none"
    view.set_jobs((JobRow(5, "New", "", None, None, "running", ""),))
    assert view.sheet.rows[0][1] is None, "a bar that runs while nobody knows how far"


def test_a_late_click_cancels_the_job_that_was_clicked() -> None:
    view, asked = JupyterJobView(), []
    view.cancel_requested.connect(asked.append)
    first = JobRow(1, "First", "", None, None, "running", "")
    view.set_jobs((JobRow(2, "Second", "", None, None, "queued", ""), first))
    assert asked == []
    press(view, 0, key=1)
    assert asked == [1]
    press(view, 0)
    assert asked == [1, 2]
    view.set_jobs((JobRow(1, "First", "", 1.0, None, "finished", "done"),))
    press(view, 0, key=1)
    press(view, 0, key=7)
    assert asked == [1, 2]


def test_a_job_of_a_session_is_shown_and_cancelled() -> None:
    session, view = Session(), JupyterJobView()
    presenter = JobPresenter(session, view)
    started = threading.Event()

    def work(job: JobHandle) -> Any:
        while True:
            job.report(0.5, "half")
            started.set()
            threading.Event().wait(0.01)

    session.jobs.submit(work, title=MARKUP, lane="compute")
    assert started.wait(10)
    assert view.sheet.rows[0][0].startswith(MARKUP)
    press(view, 0, key=view.sheet._body["keys"][0])
    assert session.jobs.wait_idle(20)
    assert view.sheet.rows[0][2] == "cancelled"
    session.report(ValueError(MARKUP), "Trying")
    assert MARKUP not in view.message.value
    assert view.message.kind == "error"
    presenter.close()
    assert session.close()
