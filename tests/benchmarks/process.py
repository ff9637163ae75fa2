"""Each benchmark file in a process of its own, so that none warms or breaks the next."""

import math
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context

from tests.benchmarks.row import Row


def measure(name: str) -> list[Row]:
    """Run one file; called in a fresh process."""
    return list(import_module(name).rows())


def measured(name: str, ids: tuple[str, ...]) -> list[Row]:
    """Run one file in a fresh process; a failure is a missed bar that says why."""
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(measure, name).result()
    except Exception as error:
        return [Row(id, name, "failed", "", math.nan, math.nan, note=repr(error)) for id in ids]
