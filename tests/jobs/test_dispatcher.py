"""The inline dispatcher and its clock, which moves only when told."""

from __future__ import annotations

import threading

import pytest

from glasscell.jobs import QUIET, InlineDispatcher, JobHandle
from glasscell.jobs.progress import estimate_eta


def test_calls_run_in_order_and_only_when_asked() -> None:
    dispatcher, seen = InlineDispatcher(), []
    dispatcher.call_soon(lambda: seen.append(1))
    dispatcher.call_soon(lambda: dispatcher.call_soon(lambda: seen.append(3)))
    dispatcher.call_soon(lambda: seen.append(2))
    assert seen == []
    assert dispatcher.run_pending() == 4
    assert seen == [1, 2, 3]


def test_delayed_calls_follow_the_fake_clock() -> None:
    dispatcher, seen = InlineDispatcher(), []
    dispatcher.call_later(50, lambda: seen.append(("b", dispatcher.now_ms)))
    dispatcher.call_later(20, lambda: seen.append(("a", dispatcher.now_ms)))
    dropped = dispatcher.call_later(30, lambda: seen.append(("never", 0.0)))
    dropped.cancel()
    dispatcher.advance(49)
    assert seen == [("a", 20.0)]
    dispatcher.advance(1)
    assert seen == [("a", 20.0), ("b", 50.0)]
    assert dispatcher.now_ms == 50.0


def test_a_call_from_a_thread_wakes_the_owner() -> None:
    dispatcher = InlineDispatcher()
    assert not dispatcher.wait_for_call(0.0)
    thread = threading.Thread(target=lambda: dispatcher.call_soon(int))
    thread.start()
    assert dispatcher.wait_for_call(10)
    thread.join(10)


def test_the_time_left_is_guessed_from_the_share_done() -> None:
    assert estimate_eta(None, 5) is None
    assert estimate_eta(0.0, 5) is None
    assert estimate_eta(0.25, 5) == pytest.approx(15)


def test_the_quiet_handle_is_a_handle() -> None:
    assert isinstance(QUIET, JobHandle)
    QUIET.report(0.5, "half", loss=1.0)
