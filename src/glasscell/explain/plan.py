"""A request with every name resolved, and the blocks of cells it is worked off in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from glasscell.errors import NotCompatible
from glasscell.explain.baseline import Baseline, Training, make_baseline
from glasscell.explain.method import MethodInfo, method_info, why_not
from glasscell.explain.result import Provenance
from glasscell.explain.training import as_cells, read_training

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.request import ExplainRequest
    from glasscell.explain.route import Question
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.models.capability.model import Model
    from glasscell.models.cell_batch import CellBatch

# Inputs made dense at a time, in numbers: bounds memory whatever the number of genes.
BLOCK_NUMBERS = 4_000_000


@dataclass(frozen=True, eq=False)
class Plan:
    """A request with every name resolved against a dataset and a bundle."""

    dataset: Dataset
    training: Training
    question: Question
    baseline: Baseline
    cells: NDArray[np.int32]
    provenance: Provenance
    seed: int


def make_plan(dataset: Dataset, bundle: Bundle, request: ExplainRequest) -> Plan:
    """Resolve a request, refusing in one sentence what cannot be done."""
    from glasscell.explain.route import Question, factors
    from glasscell.models.target import parse_target, require_target

    info = method_info(request.method)
    model = bundle.folds[0]
    reason = why_not(info, model)
    if reason is not None:
        raise NotCompatible(reason)
    target = parse_target(request.target, bundle.classes)
    require_target(target, model.targets(), model.info.title)
    question = Question(info, info.make_params(request.params), target)
    training = read_training(dataset, bundle, request.nets)
    baseline = make_baseline(request.baseline, training, target)
    provenance = Provenance(
        method=info.id,
        target=str(target),
        baseline=request.baseline,
        baseline_text=baseline.text if info.uses_baseline else "none: this method uses no baseline",
        params=question.params.model_dump(),
        nets=request.nets,
        seeds=(request.seed,),
        model=bundle.fingerprint,
        data=dataset.fingerprint,
        unit=_unit(info, target.unit),
        source=info.source,
        route="factored" if factors(model) else "captum",
        labels=bundle.labels_name,
    )
    cells = as_cells(request.cells, dataset.n_cells)
    return Plan(dataset, training, question, baseline, cells, provenance, request.seed)


def _unit(info: MethodInfo, target_unit: str) -> str:
    return info.unit.replace("of the target", target_unit, 1)


class Block(NamedTuple):
    """Some cells of a plan: their rows in the result, their batch, and the baselines.

    ``start_of_row`` has an entry for each row of the batch; the rows of the cells come first.
    """

    rows: NDArray[np.intp]
    batch: CellBatch
    starts_bg: torch.Tensor
    start_of_row: torch.Tensor


def blocks(
    plan: Plan, net: Model, inside: NDArray[np.bool_], job: JobHandle, passes: int = 1
) -> Iterator[Block]:
    """Yield a net's cells in blocks that fit in memory; every block is a cancel point.

    Parameters
    ----------
    inside
        Cells of the plan that this net explains, ``(n,)``.
    passes
        How often every gene of a block is gone through; more make blocks smaller, so a job can stop in time.
    """
    import torch

    from glasscell.models.batch import make_batch
    from glasscell.models.capability.neighbour import UsesNeighbours

    all_rows = np.flatnonzero(inside)
    halo = 1 + net.graph.k if isinstance(net, UsesNeighbours) else 1
    size = max(1, min(4096, BLOCK_NUMBERS // max(1, len(net.genes) * passes * halo)))
    starts_bg = torch.as_tensor(plan.baseline.values_bg).to(net.device, net.dtype)
    for first in range(0, len(all_rows), size):
        rows = all_rows[first : first + size]
        job.report(None if not len(plan.cells) else float(rows[0]) / len(plan.cells), "")
        batch = make_batch(plan.dataset, net, plan.cells[rows])
        of_row = plan.baseline.of_cell[batch.indices.cpu().numpy()]
        start_of_row = torch.as_tensor(of_row.astype(np.int64)).to(net.device)
        yield Block(rows, batch, starts_bg, start_of_row)
