"""Timing ratios against the peers, each pair measured in one process.

A benchmark is a file ``bench_*.py`` here with ``IDS`` and a function ``rows() -> list[Row]``. Run all with
``make bench``, one with ``python -m tests.benchmarks C1``.
"""
