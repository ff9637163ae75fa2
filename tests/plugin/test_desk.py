"""One session a viewer, and its end."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import settled, spin, wait, workers

pytestmark = pytest.mark.gui


def endless(desk: Any) -> Any:
    """Start a job that only ends when it is told to."""
    gate = threading.Event()

    def work(job: Any) -> None:
        while True:
            job.report(None, "waiting")
            gate.wait(0.01)

    job = desk.session.jobs.submit(work, title="Count to infinity", lane="train")
    wait(lambda: job.state == "running")
    return job


def press_when_asked(text: str) -> list[str]:
    """Press a button of the closing question as soon as it is asked; return its words and their format."""
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication, QMessageBox

    said: list[str] = []

    def look() -> None:
        for box in QApplication.topLevelWidgets():
            if isinstance(box, QMessageBox) and box.isVisible():
                said.extend((f"{box.text()} {box.informativeText()}", box.textFormat().name))
                next(button for button in box.buttons() if button.text() == text).click()
                return
        QTimer.singleShot(20, look)

    QTimer.singleShot(20, look)
    return said


def test_proxies_share_a_session_and_viewers_do_not(viewer: Any) -> None:
    import napari
    from napari.utils._proxies import PublicOnlyProxy

    from glasscell.plugin.desk import session_for

    session = session_for(viewer)
    assert session_for(PublicOnlyProxy(viewer)) is session
    other = napari.Viewer(show=False)
    assert session_for(other) is not session
    other.close()


def test_closing_asks_and_keeps_the_window_when_told_so(viewer: Any) -> None:
    from glasscell.plugin.desk import desk_for

    desk = desk_for(viewer)
    job = endless(desk)
    said = press_when_asked("Keep open")
    main = desk.tissue.canvas.main_window
    main.close()
    assert "Count to infinity" in said[0]
    assert said[1] == "PlainText"
    assert main.isVisible()
    assert not job.is_finished
    assert not desk.session.jobs.closed


def test_closing_ends_the_jobs_when_told_so(viewer: Any) -> None:
    from glasscell.plugin.desk import desk_for

    desk = desk_for(viewer)
    job = endless(desk)
    press_when_asked("Stop and close")
    desk.tissue.canvas.main_window.close()
    wait(lambda: job.is_finished)
    assert job.outcome.value == "cancelled"
    wait(lambda: not workers())


def test_nothing_is_asked_without_jobs_or_by_a_program(viewer: Any) -> None:
    import napari

    from glasscell.plugin.desk import desk_for

    desk = desk_for(viewer)
    job = endless(desk)
    viewer.close()
    assert job.is_finished
    quiet = napari.Viewer(show=True)
    spin(0.05)
    main = desk_for(quiet).tissue.canvas.main_window
    main.close()
    spin(0.05)


def test_a_closed_window_leaves_no_session(window: Callable[..., Any], grid_file: Path) -> None:
    from glasscell.plugin import desk

    shown = window(grid_file)
    settled(shown.desk)
    shown.viewer.close()
    assert not desk._DESKS
    with pytest.raises(Exception, match="closed"):
        shown.desk.session.open(grid_file)
