"""Run every benchmark (or those named), print one table, and fail when a bar is missed.

A file ``bench_*.py`` exposes ``IDS``, the bars it measures, and ``rows() -> list[Row]``; see ``row.py``. With
``--models`` the files are ``model_*.py``: what trained models reach, with the settings frozen in
``model_settings.toml``.
"""

import sys
from importlib import import_module
from pathlib import Path

from tests.benchmarks.process import measured
from tests.benchmarks.row import Row


def main(wanted: list[str]) -> int:
    found: list[Row] = []
    files = "model_*.py" if "--models" in wanted else "bench_*.py"
    wanted = [id for id in wanted if id != "--models"]
    for path in sorted(Path(__file__).parent.glob(files)):
        module = import_module(f"tests.benchmarks.{path.stem}")
        if wanted and not set(wanted) & set(module.IDS):
            continue
        print(f"running {path.stem} ({', '.join(module.IDS)})", file=sys.stderr, flush=True)
        found += measured(module.__name__, module.IDS)
    found = [row for row in found if not wanted or row.id in wanted]
    header = ("id", "scenario", "ours", "peer or control", "figure", "target", "")
    lines = [
        (
            row.id,
            row.scenario,
            row.ours,
            row.control,
            f"{row.value:.3g}",
            row.bar,
            "ok" if row.passed else "MISSED",
        )
        for row in sorted(found, key=lambda row: row.id)
    ]
    widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]
    for line in [header, tuple("-" * width for width in widths), *lines]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    for row in found:
        if row.note:
            print(f"{row.id}: {row.note}")
    missed = [row.id for row in found if not row.passed]
    print(
        f"{len(found) - len(missed)} of {len(found)} bars met"
        + (f"; missed: {', '.join(missed)}" if missed else "")
    )
    return 1 if missed or not found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
