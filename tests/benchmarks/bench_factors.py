"""C2: one gene's map for a million cells from the factors, against one matrix-vector product over G."""

from __future__ import annotations

import statistics
import threading
import time
from typing import Any

import numpy as np
from scipy import sparse
from tests.benchmarks.row import Row, seconds, text

IDS = ("C2",)
N_CELLS, N_GENES, HIDDEN, ROUNDS = 1_000_000, 500, 64, 7
STORED = 12  # genes stored per cell


def explanation() -> Any:
    """Make factors of a million cells: what an explanation of a real net holds, with drawn numbers."""
    from glasscell.explain import FactoredAttribution, Provenance

    rng = np.random.default_rng(0)
    columns = rng.integers(0, N_GENES, (N_CELLS, STORED), dtype=np.int32)
    columns.sort(axis=1)
    data = rng.random(N_CELLS * STORED, dtype=np.float32) * 3
    starts = np.arange(0, N_CELLS * STORED + 1, STORED, dtype=np.int64)
    inputs_cg = sparse.csr_matrix((data, columns.ravel(), starts), shape=(N_CELLS, N_GENES))
    inputs_cg.sum_duplicates()
    return FactoredAttribution(
        provenance=Provenance(
            method="integrated_gradients",
            target="class:a",
            baseline="mean",
            baseline_text="drawn",
            params={},
            nets="held_out",
            seeds=(0,),
            model="drawn",
            data="drawn",
            unit="logit",
            source="arXiv:1703.01365",
            route="factored",
        ),
        n_cells=N_CELLS,
        cells=np.arange(N_CELLS, dtype=np.int32),
        genes=tuple(f"g{number}" for number in range(N_GENES)),
        fold_of_cell=np.zeros(N_CELLS, np.int32),
        in_training=np.zeros(N_CELLS, bool),
        inputs_cg=inputs_cg,
        difference="input - baseline",
        baselines_bg=rng.random((1, N_GENES), dtype=np.float32),
        baseline_of_cell=np.zeros(N_CELLS, np.int32),
        gradients_ch=rng.standard_normal((N_CELLS, HIDDEN), dtype=np.float32),
        weights=(rng.standard_normal((HIDDEN, N_GENES), dtype=np.float32),),
        net_of_cell=np.zeros(N_CELLS, np.int32),
    )


class Peak:
    """Memory of this process above what it held at the start, sampled every millisecond."""

    def __enter__(self) -> Peak:
        import psutil

        self.process, self.done = psutil.Process(), threading.Event()
        self.start = self.highest = self.process.memory_info().rss
        self.watcher = threading.Thread(target=self._watch, daemon=True)
        self.watcher.start()
        return self

    def _watch(self) -> None:
        while not self.done.is_set():
            self.highest = max(self.highest, self.process.memory_info().rss)
            time.sleep(1e-3)

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.watcher.join()

    @property
    def bytes(self) -> int:
        """Bytes above the start."""
        return self.highest - self.start


def rows() -> list[Row]:
    """Measure in pairs, A B A B, and the memory of one map apart."""
    result = explanation()
    with Peak() as first:
        result.gene("g0")  # turns the inputs' rows into columns, once
    names = iter([f"g{number}" for number in range(1, N_GENES)])
    expected = result.block(np.arange(100, 200))[:, 7]
    np.testing.assert_allclose(result.gene("g7")[100:200], expected, rtol=1e-4, atol=1e-5)
    weight_hg, gradients_ch = result.weights[0], result.gradients_ch
    column = iter(range(1, N_GENES))
    pairs = [
        (
            seconds(lambda: result.gene(next(names))),
            seconds(lambda: gradients_ch @ np.ascontiguousarray(weight_hg[:, next(column)])),
        )
        for _ in range(ROUNDS + 1)
    ][1:]
    with Peak() as peak:
        result.gene("g9")
    mine, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(my / their for my, their in pairs)
    share = (peak.bytes + gradients_ch.nbytes) / gradients_ch.nbytes
    size = f"{N_CELLS:,} cells, {HIDDEN} hidden units, {STORED} genes stored per cell"
    return [
        Row(
            "C2",
            "one gene's map for 1M cells",
            text(mine),
            f"one product over G {text(theirs)}",
            ratio,
            3,
            at_least=False,
            note=size,
        ),
        Row(
            "C2",
            "peak memory while it is made",
            f"{(peak.bytes + gradients_ch.nbytes) / 1e6:.0f} MB",
            f"G {gradients_ch.nbytes / 1e6:.0f} MB",
            share,
            1.2,
            at_least=False,
            note=f"G and what one map adds; the first of all adds {first.bytes / 1e6:.0f} MB",
        ),
    ]
