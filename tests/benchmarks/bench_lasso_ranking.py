"""A7: a lasso of 10,000 of 100,000 cells x 20,000 genes becomes ranked genes, the factors being at hand.

The bar is against what one does without factors: Captum's attribution of each cell to each gene, then the
mean. The same factors multiplied out densely are timed too and told in the note.
"""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
from scipy import sparse
from tests.benchmarks.row import Row, seconds, text

IDS = ("A7",)
N_CELLS, N_GENES, N_HIDDEN, N_LASSO = 100_000, 20_000, 128, 10_000
DENSITY, BLOCK, ROUNDS, N_CAPTUM, ROWS = 0.03, 500, 2, 100, 2000


def explained() -> Any:
    """Make factors of the size asked for: 3 % of the values, one net, one baseline."""
    from glasscell.explain.factored import FactoredAttribution
    from glasscell.explain.result import Provenance

    rng = np.random.default_rng(0)
    per_cell = int(N_GENES * DENSITY)
    gene_of = rng.integers(0, N_GENES // per_cell, (N_CELLS, per_cell), dtype=np.int32)
    gene_of += (np.arange(per_cell, dtype=np.int32) * (N_GENES // per_cell))[None]
    values = rng.random(N_CELLS * per_cell, dtype=np.float32) + 0.1
    starts = np.arange(0, N_CELLS * per_cell + 1, per_cell, dtype=np.int64)
    inputs_cg = sparse.csr_matrix((values, gene_of.ravel(), starts), shape=(N_CELLS, N_GENES))
    provenance = Provenance(
        method="integrated_gradients", target="class:a", baseline="zero", baseline_text="zero", params={},
        nets="fold:0", seeds=(0,), model="m", data="d", unit="logit", source="arXiv:1703.01365",
        route="factored",
    )  # fmt: skip
    zeros = np.zeros(N_CELLS, np.int32)
    return FactoredAttribution(
        provenance=provenance,
        n_cells=N_CELLS,
        cells=np.arange(N_CELLS, dtype=np.int32),
        genes=tuple(f"g{i}" for i in range(N_GENES)),
        fold_of_cell=zeros,
        in_training=zeros.astype(bool),
        inputs_cg=inputs_cg,
        difference="input - baseline",
        baselines_bg=rng.random((1, N_GENES), dtype=np.float32) * 0.1,
        baseline_of_cell=zeros,
        gradients_ch=rng.normal(size=(N_CELLS, N_HIDDEN)).astype(np.float32),
        weights=(rng.normal(size=(N_HIDDEN, N_GENES)).astype(np.float32),),
        net_of_cell=zeros,
    )


def ranked(explanation: Any, mask: Any) -> list[str]:
    """Take our way: means and both parts from the factors, then the rows that are shown."""
    from glasscell.explain.evidence import ranking

    return [row.gene for row in ranking(explanation, mask, k=50)]


def dense(explanation: Any, mask: Any) -> list[str]:
    """Take the peers' way: every chosen cell's attribution to every gene, in blocks, then the mean."""
    rows = np.flatnonzero(mask)
    total_g = np.zeros(N_GENES)
    weights_hg, start_g = explanation.weights[0], explanation.baselines_bg[0]
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        slope_cg = explanation.gradients_ch[part] @ weights_hg
        total_g += ((explanation.inputs_cg[part].toarray() - start_g) * slope_cg).sum(
            axis=0, dtype=np.float64
        )
    return [explanation.genes[g] for g in np.argsort(-total_g, kind="stable")[:50]]


def captum_seconds(explanation: Any) -> float:
    """Time Captum at the best of the batch sizes tried on some cells, and scale it to the lasso's."""
    import torch
    from captum.attr import IntegratedGradients

    network = torch.nn.Sequential(
        torch.nn.Linear(N_GENES, N_HIDDEN), torch.nn.ReLU(), torch.nn.Linear(N_HIDDEN, 10)
    ).eval()
    cells = torch.from_numpy(explanation.inputs_cg[:N_CAPTUM].toarray())
    start = torch.from_numpy(explanation.baselines_bg)

    def call() -> Any:
        return (
            IntegratedGradients(network)
            .attribute(cells, baselines=start, target=3, n_steps=50, internal_batch_size=ROWS)
            .mean(0)
        )

    call()
    return seconds(call) * N_LASSO / N_CAPTUM


def rows() -> list[Row]:
    """Measure in pairs, A B A B, another lasso each time."""
    explanation = explained()
    masks = []
    for start in range(ROUNDS + 1):
        mask = np.zeros(N_CELLS, bool)
        mask[np.random.default_rng(start).choice(N_CELLS, N_LASSO, replace=False)] = True
        masks.append(mask)
    same = len(set(ranked(explanation, masks[0])) & set(dense(explanation, masks[0])))
    if same < 49:
        raise AssertionError(f"only {same} of 50 genes are those of the dense way")
    timed = [
        (
            seconds(lambda m=mask: ranked(explanation, m)),
            captum_seconds(explanation),
            seconds(lambda m=mask: dense(explanation, m)),
        )
        for mask in masks[1:]
    ]
    mine, theirs, multiplied = (statistics.median(times) for times in zip(*timed, strict=True))
    ratio = statistics.median(their / my for my, their, _ in timed)
    note = (
        f"Captum timed on {N_CAPTUM} cells, {ROWS:,} rows at once, and scaled to {N_LASSO:,}; "
        f"the same factors multiplied out in blocks of {BLOCK} cells: {text(multiplied)}, "
        f"{multiplied / mine:.1f}x ours; {same} of 50 equal"
    )
    words = "lasso of 10k in 100k x 20k -> ranked genes"
    return [Row("A7", words, text(mine), f"Captum {text(theirs)}", ratio, 50, at_least=True, note=note)]
