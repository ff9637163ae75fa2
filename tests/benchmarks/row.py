"""One line of the table, and how a pair is timed."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measured bar.

    Parameters
    ----------
    id, scenario
        As in the table of targets.
    ours, control
        What was measured, as text with its unit.
    value
        The figure the bar is about: a ratio, or milliseconds.
    target
        The bar.
    at_least
        Whether the figure must be at least the target, or at most.
    note
        What a reader must know.
    """

    id: str
    scenario: str
    ours: str
    control: str
    value: float
    target: float
    at_least: bool = True
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the bar is met."""
        return self.value >= self.target if self.at_least else self.value <= self.target

    @property
    def bar(self) -> str:
        """The bar as text."""
        return f"{'>=' if self.at_least else '<='} {self.target:g}"


def seconds(call: Callable[[], object]) -> float:
    """Time one call."""
    gc.collect()
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def paired(ours: Callable[[], object], control: Callable[[], object], rounds: int = 5) -> tuple[float, float]:
    """Time A B A B ... after one warm-up of each, and return the medians in seconds."""
    ours(), control()
    ours_s, control_s = [], []
    for _ in range(rounds):
        ours_s.append(seconds(ours))
        control_s.append(seconds(control))
    return statistics.median(ours_s), statistics.median(control_s)


def text(value_s: float) -> str:
    """Write a time for people."""
    return f"{value_s * 1e3:.1f} ms" if value_s < 1 else f"{value_s:.2f} s"
