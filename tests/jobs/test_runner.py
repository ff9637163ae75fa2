"""Background jobs: one ending each, on the owner thread, whatever happens."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from glasscell.errors import DataError, GlasscellError, JobCancelled
from glasscell.jobs import Dispatcher, InlineDispatcher, Job, JobHandle, JobRunner, Outcome, Progress, Timer


@pytest.fixture
def runner() -> Any:
    made = JobRunner(InlineDispatcher())
    yield made
    assert made.shutdown(10.0)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("glasscell-")]


class Gate:
    """A job that waits inside until it is let on, reporting when asked."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.released = threading.Event()

    def __call__(self, job: JobHandle) -> str:
        self.entered.set()
        assert self.released.wait(10)
        job.report(0.5)
        return "through"


def test_a_job_returns_its_result_and_fires_once_on_the_owner_thread(runner: JobRunner) -> None:
    fired: list[tuple[int, Outcome | None]] = []
    job = runner.submit(lambda job: 6 * 7, title="product")
    job.finished.connect(lambda done: fired.append((threading.get_ident(), done.outcome)))
    assert job.state == "queued"
    assert job.value(10) == 42
    runner.dispatcher.run_pending()  # type: ignore[attr-defined]
    assert fired == [(threading.get_ident(), Outcome.DONE)]
    assert job.state == "finished"


def test_a_failed_job_keeps_its_error_and_lets_go_of_its_arrays(runner: JobRunner) -> None:
    refs: list[Any] = []

    def work(job: JobHandle) -> None:
        big = np.zeros(1000).view(type("Big", (np.ndarray,), {}))
        refs.append(weakref.ref(big))
        raise DataError("The file is empty. Choose another.")

    job = runner.submit(work, title="read").wait(10)
    assert job.outcome is Outcome.FAILED
    assert isinstance(job.error, DataError)
    assert "big = np.zeros" not in job.details
    assert "DataError" in job.details
    gc.collect()
    assert refs[0]() is None
    with pytest.raises(DataError, match="empty"):
        job.value()


def test_even_system_exit_ends_the_job_and_not_the_lane(runner: JobRunner) -> None:
    def work(job: JobHandle) -> None:
        raise SystemExit(3)

    assert runner.submit(work, title="exits").wait(10).outcome is Outcome.FAILED
    assert runner.submit(lambda job: 1, title="next").value(10) == 1


def test_a_running_job_is_cancelled_at_its_next_report(runner: JobRunner) -> None:
    gate = Gate()
    job = runner.submit(gate, title="long", lane="train")
    assert gate.entered.wait(10)
    job.cancel()
    gate.released.set()
    job.wait(10)
    assert job.outcome is Outcome.CANCELLED
    assert job.result is None
    with pytest.raises(JobCancelled):
        job.value()


def test_a_queued_job_is_cancelled_without_ever_running(runner: JobRunner) -> None:
    gate, ran = Gate(), []
    first = runner.submit(gate, title="first", lane="train")
    second = runner.submit(lambda job: ran.append(1), title="second", lane="train")
    second.cancel()
    second.wait(10)
    gate.released.set()
    first.wait(10)
    assert second.outcome is Outcome.CANCELLED
    assert not ran


def test_a_result_that_was_given_up_is_not_handed_out(runner: JobRunner) -> None:
    entered, released = threading.Event(), threading.Event()

    def work(job: JobHandle) -> int:
        entered.set()
        released.wait(10)
        return 1

    job = runner.submit(work, title="deaf")
    assert entered.wait(10)
    job.cancel()
    released.set()
    assert job.wait(10).outcome is Outcome.CANCELLED
    assert job.result is None


def test_in_the_view_lane_the_last_request_of_a_key_wins(runner: JobRunner) -> None:
    gate = Gate()
    running = runner.submit(gate, title="a", lane="view", key="column")
    assert gate.entered.wait(10)
    queued = runner.submit(lambda job: 2, title="b", lane="view", key="column")
    other = runner.submit(lambda job: 3, title="c", lane="view", key="another")
    last = runner.submit(lambda job: 4, title="d", lane="view", key="column")
    gate.released.set()
    assert runner.wait_idle(10)
    assert [job.outcome for job in (running, queued)] == [Outcome.SUPERSEDED] * 2
    assert (other.result, last.result) == (3, 4)


def test_training_is_never_superseded_and_does_not_block_the_view_lane(runner: JobRunner) -> None:
    gate = Gate()
    train = runner.submit(gate, title="fit", lane="train", key="same")
    assert gate.entered.wait(10)
    again = runner.submit(lambda job: 2, title="fit", lane="train", key="same")
    assert runner.submit(lambda job: 1, title="column", lane="view").value(10) == 1
    assert train.state == "running"
    gate.released.set()
    assert runner.wait_idle(10)
    assert train.result == "through"
    assert again.result == 2


def test_a_low_priority_job_waits_for_the_others(runner: JobRunner) -> None:
    gate, order = Gate(), []
    runner.submit(gate, title="busy", lane="train")
    runner.submit(lambda job: order.append("twin"), title="twin", lane="train", priority=1)
    runner.submit(lambda job: order.append("fit"), title="fit", lane="train")
    gate.released.set()
    assert runner.wait_idle(10)
    assert order == ["fit", "twin"]


def test_io_runs_two_at_once(runner: JobRunner) -> None:
    barrier = threading.Barrier(2, timeout=10)
    jobs = [runner.submit(lambda job: barrier.wait(), title="read", lane="io") for _ in range(2)]
    assert runner.wait_idle(10)
    assert {job.outcome for job in jobs} == {Outcome.DONE}


def test_progress_comes_ten_times_a_second_at_most_and_the_last_report_is_kept(runner: JobRunner) -> None:
    dispatcher = runner.dispatcher
    assert isinstance(dispatcher, InlineDispatcher)
    seen: list[tuple[float, float | None]] = []
    steps = [threading.Event() for _ in range(3)]
    done = [threading.Event() for _ in range(3)]

    def work(job: JobHandle) -> None:
        for k, (go, did) in enumerate(zip(steps, done, strict=True)):
            assert go.wait(10)
            for i in range(100):
                job.report((100 * k + i + 1) / 300, f"step {k}", loss=float(k))
            did.set()

    job = runner.submit(work, title="steps")
    job.progressed.connect(lambda progress: seen.append((dispatcher.now_ms, progress.fraction)))
    for k in range(2):
        steps[k].set()
        assert done[k].wait(10)
        dispatcher.run_pending()
    assert len(seen) == 1
    dispatcher.advance(99)
    assert len(seen) == 1
    dispatcher.advance(1)
    assert [fraction for _, fraction in seen] == pytest.approx([1 / 3, 2 / 3])
    dispatcher.advance(1000)
    assert len(seen) == 2
    steps[2].set()
    job.wait(10)
    assert job.progress.fraction == 1.0
    assert job.progress.text == "step 2"
    assert job.progress.metrics == {"loss": 2.0}
    assert job.progress.eta_seconds == 0.0


def test_on_done_runs_before_finished_and_its_error_hides_neither(runner: JobRunner) -> None:
    order: list[str] = []

    def commit(job: Job[Any]) -> None:
        order.append("commit")
        raise RuntimeError("commit broke")

    job = runner.submit(lambda job: 1, title="x", on_done=commit)
    job.finished.connect(lambda done: order.append("finished"))
    with pytest.raises(RuntimeError, match="commit broke"):
        job.wait(10)
    assert order == ["commit", "finished"]
    assert job.is_finished


def test_records_of_finished_jobs_hold_no_result(runner: JobRunner) -> None:
    job = runner.submit(lambda job: np.zeros(10), title="heavy").wait(10)
    runner.submit(lambda job: 1, title="view", lane="view").wait(10)
    assert [record.title for record in runner.jobs] == ["heavy"]
    assert runner.jobs[0].outcome is Outcome.DONE
    assert runner.jobs[0].result is None
    assert job.result is not None
    assert runner.jobs[0].value is not None


def test_shutdown_ends_everything_joins_the_workers_and_refuses_more() -> None:
    runner = JobRunner(InlineDispatcher())
    entered = threading.Event()

    def forever(job: JobHandle) -> None:
        entered.set()
        while True:
            job.report(None, "going")

    ended: list[Outcome | None] = []
    jobs = [runner.submit(forever, title=f"job {k}", lane="train") for k in range(3)]
    for job in jobs:
        job.finished.connect(lambda done: ended.append(done.outcome))
    assert entered.wait(10)
    assert runner.shutdown(10)
    assert ended == [Outcome.CANCELLED] * 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("glasscell-")]
    with pytest.raises(GlasscellError, match="closed"):
        runner.submit(forever, title="late")


def test_a_job_that_does_not_listen_outlives_a_short_shutdown_and_is_said_so() -> None:
    runner = JobRunner(InlineDispatcher())
    gate = Gate()
    job = runner.submit(gate, title="deaf")
    assert gate.entered.wait(10)
    assert not runner.shutdown(0.01)
    gate.released.set()
    assert runner.shutdown(10)
    assert job.outcome is Outcome.CANCELLED


def test_swapping_the_dispatcher_brings_home_what_the_old_one_was_told(runner: JobRunner) -> None:
    job = runner.submit(lambda job: 5, title="x")
    assert job._ended.wait(10)
    runner.dispatcher = InlineDispatcher()
    assert job.value(10) == 5


def test_waiting_from_another_thread_or_too_long(runner: JobRunner) -> None:
    gate = Gate()
    job = runner.submit(gate, title="slow")
    with pytest.raises(TimeoutError, match="slow"):
        job.wait(0.01)
    assert not runner.wait_idle(0.01)
    got: list[bool] = []
    waiter = threading.Thread(target=lambda: got.append(runner.wait_until(lambda: True, job, 10)))
    waiter.start()
    gate.released.set()
    waiter.join(10)
    assert got == [True]


class Toolkit(Dispatcher):
    """Stands for a toolkit's event loop, which the runner cannot turn."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []

    def call_soon(self, fn: Callable[[], object]) -> None:
        self.calls.append(fn)

    def call_later(self, milliseconds: int, fn: Callable[[], object]) -> Timer:
        return InlineDispatcher().call_later(milliseconds, fn)


def test_with_a_toolkit_waiting_on_the_owner_thread_settles_the_job_itself() -> None:
    toolkit = Toolkit()
    runner = JobRunner(toolkit)
    fired: list[int] = []
    job = runner.submit(lambda job: 7, title="x")
    job.finished.connect(lambda done: fired.append(done.result))
    assert job.value(10) == 7
    for call in toolkit.calls:
        call()
    assert fired == [7]
    gate = Gate()
    slow = runner.submit(gate, title="slow")
    with pytest.raises(TimeoutError):
        slow.wait(0.01)
    gate.released.set()
    assert runner.shutdown(10)


def test_a_listener_sees_states_in_order(runner: JobRunner) -> None:
    states: list[str] = []
    runner.changed.connect(lambda: states.extend(job.state for job in runner.jobs))
    runner.submit(lambda job: 1, title="x").wait(10)
    assert states == ["queued", "running", "finished"]


def test_progress_is_a_plain_value() -> None:
    assert Progress(0.5, "half").metrics == {}
