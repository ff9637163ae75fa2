"""C1: integrated gradients of a 2000-128-128-10 network, 2,000 cells x 2,000 genes, 50 steps."""

from __future__ import annotations

import statistics
from itertools import product
from typing import Any

from tests.benchmarks.row import Row, seconds, text

IDS = ("C1",)
N_CELLS, N_GENES, N_CLASSES, HIDDEN, STEPS = 2_000, 2_000, 10, 128, 50
ROUNDS = 3
OUTER = (100, 500, 2_000)
POINTS = (1, 4, 20)


def model_and_cells() -> tuple[Any, Any, Any]:
    """Make the network, the cells (zeros as in log-normalised counts) and the baseline."""
    import torch

    from glasscell.models.classifier.family import FAMILY, ClassifierModel, ClassifierParams, make_network
    from glasscell.models.layer import seed_weights
    from glasscell.models.preprocessing import Preprocessing

    params = ClassifierParams(hidden=HIDDEN, n_layers=2, batch_norm=False)
    network = make_network(params, N_GENES, N_CLASSES)
    seed_weights(network, 0)
    genes = tuple(f"g{i}" for i in range(N_GENES))
    model = ClassifierModel(network, FAMILY.info, genes, tuple("abcdefghij"), Preprocessing("stored"))
    generator = torch.Generator().manual_seed(1)
    values_cg = torch.rand(N_CELLS, N_GENES, generator=generator) * 3
    values_cg *= torch.rand(N_CELLS, N_GENES, generator=generator) < 0.3
    return model, values_cg, values_cg.mean(0, keepdim=True)


def ours(model: Any, values_cg: Any, start_g: Any) -> Any:
    """Explain by factors and multiply them out, so that both sides return the same table."""
    import torch

    from glasscell.explain.method import method_info
    from glasscell.explain.route import Question, factor_batch
    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.target import Target

    info = method_info("integrated_gradients")
    question = Question(info, info.make_params({"steps": STEPS}), Target("class", "d"))
    batch = CellBatch(values_cg, torch.arange(len(values_cg)))
    block = factor_batch(model, batch, question, start_g, torch.zeros(len(values_cg), dtype=torch.int64))
    return block.attributions(values_cg - start_g)


def captum(
    model: Any, values_cg: Any, start_g: Any, outer: int = N_CELLS, internal: int | None = None
) -> Any:
    """Call Captum as it documents, or in batches of cells and of path points."""
    import torch
    from captum.attr import IntegratedGradients

    method = IntegratedGradients(model.network)
    options: dict[str, Any] = {} if internal is None else {"internal_batch_size": internal}
    parts = [
        method.attribute(
            part.clone().requires_grad_(True), baselines=start_g, target=3, n_steps=STEPS, **options
        )
        for part in values_cg.split(outer)
    ]
    return torch.cat(parts).detach()


def fastest(model: Any, values_cg: Any, start_g: Any) -> tuple[int, int]:
    """Find Captum's best sizes for this machine, each tried once after a warm-up."""
    tried = {
        (outer, outer * points): seconds(
            lambda o=outer, i=outer * points: captum(model, values_cg, start_g, o, i)
        )
        for outer, points in product(OUTER, POINTS)
    }
    return min(tried, key=lambda sizes: tried[sizes])


def rows() -> list[Row]:
    """Measure in pairs, A B A B, in this process."""
    import torch

    model, values_cg, start_g = model_and_cells()
    expected, found = captum(model, values_cg, start_g, 500, 2_000), ours(model, values_cg, start_g)
    limit = 1e-5 * float(expected.abs().max())
    equal = float(((found - expected).abs().amax(dim=1) <= limit).double().mean())
    if equal < 0.995:
        raise AssertionError(f"only {equal:.2%} of cells equal Captum's")
    outer, internal = fastest(model, values_cg, start_g)
    documented, best = [], []
    for _ in range(ROUNDS):
        mine = seconds(lambda: ours(model, values_cg, start_g))
        documented.append((mine, seconds(lambda: captum(model, values_cg, start_g))))
        mine = seconds(lambda: ours(model, values_cg, start_g))
        best.append((mine, seconds(lambda: captum(model, values_cg, start_g, outer, internal))))
    threads = torch.get_num_threads()
    note = f"{equal:.2%} of cells equal Captum's to 1e-5; {threads} threads; our time makes the dense table"
    return [
        _row("integrated gradients, Captum's documented call", documented, 20, note),
        _row(f"the same, Captum's best sizes ({outer} cells, {internal} rows)", best, 12, ""),
    ]


def _row(scenario: str, pairs: list[tuple[float, float]], bar: float, note: str) -> Row:
    mine, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(their / my for my, their in pairs)
    return Row("C1", scenario, text(mine), f"Captum {text(theirs)}", ratio, bar, at_least=True, note=note)
