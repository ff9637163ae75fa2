"""E5: import Glasscell, touch ``read`` and ``Dataset``, against ``import scanpy``, in fresh interpreters."""

import statistics
import subprocess
import sys
import time

from tests.benchmarks.row import Row, text

IDS = ("E5",)
ROUNDS = 7


def fresh(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def rows() -> list[Row]:
    ours_code, control_code = "import glasscell; glasscell.read; glasscell.Dataset", "import scanpy"
    fresh(ours_code), fresh(control_code)
    pairs = [(fresh(ours_code), fresh(control_code), fresh("pass")) for _ in range(ROUNDS)]
    ours, control, empty = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = (ours - empty) / (control - empty)
    return [
        Row(
            "E5",
            "import glasscell, touch read and Dataset",
            text(ours - empty),
            f"import scanpy {text(control - empty)}",
            ratio,
            0.7,
            at_least=False,
            note=f"an empty interpreter's {text(empty)} is taken off both",
        )
    ]
