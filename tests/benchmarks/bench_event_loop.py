"""E3: gaps of a 10 ms timer in the window while a model trains, against it idle; and cancelling."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from tests.benchmarks.row import Row, text

IDS = ("E3",)
SECONDS = 60.0
TICK_MS = 10
CANCEL_S = 0.25


class Metronome:
    """A timer that notes how long it was kept waiting."""

    def __init__(self) -> None:
        from qtpy.QtCore import Qt, QTimer

        self.beats: list[float] = []
        self.timer = QTimer()
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.setInterval(TICK_MS)
        self.timer.timeout.connect(lambda: self.beats.append(time.perf_counter()))

    def gaps_s(self, seconds: float, keep_going: Any = None) -> np.ndarray:
        """Run the event loop and return the times between beats; ``keep_going`` is called at each beat."""
        from qtpy.QtCore import QEventLoop, QTimer

        loop = QEventLoop()
        self.beats.clear()
        if keep_going is not None:
            self.timer.timeout.connect(keep_going)
        QTimer.singleShot(int(seconds * 1000), loop.quit)
        self.timer.start()
        loop.exec()
        self.timer.stop()
        if keep_going is not None:
            self.timer.timeout.disconnect(keep_going)
        return np.diff(self.beats)


def wait_until(condition: Any, timeout_s: float) -> float:
    """Run the event loop until something holds; return the seconds it took."""
    from qtpy.QtWidgets import QApplication

    started = time.perf_counter()
    while not condition():
        if time.perf_counter() - started > timeout_s:
            raise TimeoutError("waited too long")
        QApplication.processEvents()
        time.sleep(0.001)
    return time.perf_counter() - started


def rows() -> list[Row]:
    from glasscell.data.sample import sample_path
    from glasscell.plugin.window import open_window

    window = open_window(sample_path())
    session, metronome = window.desk.session, Metronome()
    window.raise_dock("Model")
    model = window.docks["Model"].view

    def train_on() -> None:
        if not session.jobs.active:
            model.train.click()

    try:
        wait_until(lambda: session.dataset is not None and window.desk.tissue.cells.ready, 120)
        model.labels.setCurrentText("layer")
        model.form.set_values({"max_epochs": 1000, "patience": 1000})
        train_on()
        first_s = metronome.gaps_s(8.0)  # the first use imports what training needs
        session.jobs.jobs[-1].cancel()
        wait_until(lambda: not session.jobs.active, 30)
        idle_s = metronome.gaps_s(SECONDS)
        train_on()
        busy_s = metronome.gaps_s(SECONDS, train_on)
        job = next(job for job in session.jobs.active if job.lane == "train")
        wait_until(lambda: job.state == "running", 30)
        job.cancel()
        cancelled_s = wait_until(lambda: job.is_finished, 30)
        outcome = job.outcome.value
    finally:
        window.viewer.close()
    p99, idle = (float(np.percentile(gaps, 99)) for gaps in (busy_s, idle_s))
    bar = max(0.05, 3 * idle)
    note = f"longest gap {text(busy_s.max())}; first use, imports included: {text(first_s.max())}"
    ended = f"{text(cancelled_s)} until {outcome}"
    return [
        Row(
            "E3",
            "p99 gap of a 10 ms timer while training, 60 s",
            text(p99),
            f"idle {text(idle)}",
            p99 * 1e3,
            bar * 1e3,
            at_least=False,
            note=note,
        ),
        Row(
            "E3",
            "cancel a training run",
            ended,
            "250 ms, a step not counted",
            cancelled_s * 1e3 if outcome == "cancelled" else float("inf"),
            CANCEL_S * 1e3,
            at_least=False,
        ),
    ]
