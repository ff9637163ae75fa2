"""Calls arrive on the Qt thread, in order, from any thread."""

import gc
import threading
from typing import Any

import pytest

from glasscell.jobs import JobRunner
from glasscell.qt.dispatcher import QtDispatcher

pytestmark = pytest.mark.gui


def test_calls_from_a_worker_arrive_in_order_on_the_qt_thread(qtbot: Any) -> None:
    dispatcher, arrived = QtDispatcher(), []

    def work() -> None:
        for number in range(100):
            dispatcher.call_soon(lambda n=number: arrived.append((n, threading.current_thread())))

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert not arrived, "never on the caller's thread"
    qtbot.waitUntil(lambda: len(arrived) == 100)
    assert arrived == [(n, threading.main_thread()) for n in range(100)]


def test_later_calls_wait_and_can_be_cancelled_from_a_worker(qtbot: Any) -> None:
    dispatcher, arrived, timers = QtDispatcher(), [], []

    def work() -> None:
        timers.append(dispatcher.call_later(10, lambda: arrived.append("late")))
        dispatcher.call_later(10, lambda: arrived.append("never")).cancel()
        dispatcher.call_soon(lambda: arrived.append("soon"))

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    qtbot.waitUntil(lambda: "late" in arrived)
    assert arrived == ["soon", "late"]


def test_a_later_call_comes_although_nobody_keeps_its_timer(qtbot: Any) -> None:
    dispatcher, arrived = QtDispatcher(), []
    dispatcher.call_later(10, lambda: arrived.append("late"))
    gc.collect()
    qtbot.waitUntil(lambda: arrived == ["late"])


def test_progress_goes_on_arriving(qtbot: Any) -> None:
    runner, seen, enough = JobRunner(QtDispatcher()), [], threading.Event()

    def work(job: Any) -> None:
        for number in range(10_000):
            job.report(number / 10_000)
            if enough.wait(0.01):
                return

    job = runner.submit(work, title="count")
    job.progressed.connect(lambda progress: seen.append(progress.fraction))
    qtbot.waitUntil(lambda: len(seen) >= 4, timeout=10_000)
    enough.set()
    qtbot.waitUntil(lambda: job.is_finished)
    assert seen == sorted(set(seen))
    runner.shutdown()


def test_a_jobs_ending_is_told_on_the_qt_thread(qtbot: Any) -> None:
    runner, told = JobRunner(QtDispatcher()), []
    runner.submit(
        lambda job: 6 * 7, title="t", on_done=lambda j: told.append((j.result, threading.current_thread()))
    )
    qtbot.waitUntil(lambda: bool(told))
    assert told == [(42, threading.main_thread())]
    runner.shutdown()
