"""What the shell shows: progress and sentences on stderr, results on stdout."""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIGINT, default_int_handler, getsignal, signal
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from glasscell.errors import JobCancelled

STDERR = Console(stderr=True, highlight=False)
LOG_SECONDS = 10.0


class ShellJob:
    """A job handle that stops at the next report after Ctrl-C and shows progress on stderr.

    A terminal gets a bar; a pipe or a log file gets a line every ten seconds.
    """

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._stopped = threading.Event()
        self._logged = -math.inf

    def cancel(self) -> None:
        """Ask the running work to end at its next report."""
        self._stopped.set()

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        """Move the bar; raise JobCancelled after Ctrl-C."""
        if self._stopped.is_set():
            raise JobCancelled("Stopped: nothing was changed.")
        numbers = "  ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in metrics.items())
        words = "  ".join(part for part in (text, numbers) if part)
        self._progress.update(
            self._task,
            completed=0.0 if fraction is None else fraction,
            total=None if fraction is None else 1.0,
            description=words or None,
        )
        if not STDERR.is_terminal and words and time.monotonic() - self._logged > LOG_SECONDS:
            self._logged = time.monotonic()
            say(words if fraction is None else f"{fraction:4.0%}  {words}")


@contextmanager
def shell_job(title: str) -> Iterator[ShellJob]:
    """Show a progress bar while the block runs; the first Ctrl-C ends the job cleanly, the second at once."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=STDERR, transient=True) as progress:
        job = ShellJob(progress, progress.add_task(title, total=1.0))
        before = getsignal(SIGINT)

        def stop(number: int, frame: FrameType | None) -> None:
            job.cancel()
            signal(SIGINT, default_int_handler)

        on_main = threading.current_thread() is threading.main_thread()
        if on_main:
            signal(SIGINT, stop)
        try:
            yield job
        finally:
            if on_main:
                signal(SIGINT, before)


def say(text: str, *, style: str = "") -> None:
    """Print one line for people on stderr; names from data stay plain text."""
    STDERR.print(text, style=style, markup=False, emoji=False, soft_wrap=True)


def print_json(values: dict[str, Any]) -> None:
    """Print one JSON object on stdout; what is not a number becomes null."""
    sys.stdout.write(json.dumps(_plain(values), allow_nan=False, ensure_ascii=False) + "\n")


def print_table(title: str, header: list[str], rows: list[list[str]]) -> None:
    """Print a table for people on stdout."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left")
    for place, name in enumerate(header):
        table.add_column(Text(name), justify="right" if place else "left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(table)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
