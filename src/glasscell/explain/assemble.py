"""Put the answers of several nets together into one result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.explain.dense import DenseAttribution
from glasscell.explain.factored import FactoredAttribution
from glasscell.explain.memory import plan_table
from glasscell.explain.plan import blocks
from glasscell.explain.training import mean_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.explain.plan import Plan
    from glasscell.explain.result import Explanation
    from glasscell.jobs import JobHandle
    from glasscell.models.capability.model import Model


def explain_nets(
    plan: Plan, nets: Sequence[Model], net_of_cell: NDArray[np.int32], seen: NDArray[np.bool_], job: JobHandle
) -> Explanation:
    """Explain each cell by its net.

    Parameters
    ----------
    net_of_cell
        Index into ``nets`` for each cell of the plan, ``(n,)``.
    seen
        Whether that net saw the cell in training, ``(n,)``.
    """
    from glasscell.explain.route import factors

    shared: dict[str, Any] = {
        "provenance": plan.provenance,
        "n_cells": plan.dataset.n_cells,
        "cells": plan.cells,
        "genes": tuple(nets[0].genes),
        "fold_of_cell": np.asarray(net_of_cell, np.int32),
        "in_training": np.asarray(seen, bool),
        "mean_difference_g": mean_difference(plan.training, plan.question.target),
    }
    if factors(nets[0]):
        return _explain_factored(plan, nets, net_of_cell, shared, job)
    return _explain_dense(plan, nets, net_of_cell, shared, job)


def _explain_factored(
    plan: Plan, nets: Sequence[Model], net_of_cell: NDArray[np.int32], shared: dict[str, Any], job: JobHandle
) -> Explanation:
    from glasscell.explain.route import as_first_linear, factor_batch

    n = len(plan.cells)
    used = sorted({int(net) for net in np.unique(net_of_cell)})
    gradients: Any = None
    weights: list[Any] = []
    delta = np.zeros(n)
    for net in used:
        for part in blocks(plan, nets[net], net_of_cell == net, job):
            block = factor_batch(
                as_first_linear(nets[net]), part.batch, plan.question, part.starts_bg, part.start_of_row
            )
            values = block.gradients_ch.cpu().numpy()
            gradients = np.empty((n, values.shape[1]), values.dtype) if gradients is None else gradients
            gradients[part.rows] = values
            delta[part.rows] = (block.score_c - block.start_score_c).double().cpu().numpy()
        weights.append(block.weight_hg.cpu().numpy().copy())
    whole = n == plan.dataset.n_cells
    result = FactoredAttribution(
        **shared,
        inputs_cg=plan.training.inputs_cg if whole else plan.training.inputs_cg[plan.cells],
        difference=plan.question.info.difference,
        baselines_bg=plan.baseline.values_bg.astype(gradients.dtype),
        baseline_of_cell=plan.baseline.of_cell[plan.cells],
        gradients_ch=gradients,
        weights=tuple(weights),
        net_of_cell=np.searchsorted(used, net_of_cell).astype(np.int32),
    )
    return with_gap(result, plan, delta)


def _explain_dense(
    plan: Plan, nets: Sequence[Model], net_of_cell: NDArray[np.int32], shared: dict[str, Any], job: JobHandle
) -> Explanation:
    from glasscell.explain.route import attribute_batch

    n, n_genes = len(plan.cells), len(nets[0].genes)
    dtype = np.dtype(str(nets[0].dtype).removeprefix("torch."))
    plan_table(n, n_genes, dtype.itemsize + 1)
    values_cg, above_cg = np.empty((n, n_genes), dtype), np.empty((n, n_genes), bool)
    own_cg: Any = None
    delta = np.zeros(n)
    passes = max(1, getattr(plan.question.params, "steps", 1) // 8)
    for net in np.unique(net_of_cell):
        for part in blocks(plan, nets[net], net_of_cell == net, job, passes):
            block = attribute_batch(nets[net], part.batch, plan.question, part.starts_bg, part.start_of_row)
            values_cg[part.rows] = block.values_cg.cpu().numpy()
            if block.own_cg is not None:
                own_cg = np.empty((n, n_genes), dtype) if own_cg is None else own_cg
                own_cg[part.rows] = block.own_cg.cpu().numpy()
            above = part.batch.expression > part.starts_bg[part.start_of_row]
            centre = slice(None) if part.batch.centre is None else part.batch.centre
            above_cg[part.rows] = above[centre].cpu().numpy()
            delta[part.rows] = (block.score_c - block.start_score_c).double().cpu().numpy()
    return with_gap(
        DenseAttribution(**shared, values_cg=values_cg, above_cg=above_cg, own_cg=own_cg), plan, delta
    )


def completeness_gap(total_c: NDArray[Any], delta_c: NDArray[Any]) -> float:
    """Return the 99th percentile over cells of |sum A - delta| / max(|delta|, median |delta|).

    Parameters
    ----------
    total_c
        Sum of each cell's attributions, ``(n,)``.
    delta_c
        Score of the cell minus score of its baseline, ``(n,)``.
    """
    size_c = np.abs(np.asarray(delta_c, np.float64))
    floor = float(np.median(size_c))
    scale_c = np.maximum(size_c, floor)
    gap_c = np.abs(np.asarray(total_c, np.float64) - delta_c)
    shares = np.divide(gap_c, scale_c, out=np.where(gap_c > 0, np.inf, 0.0), where=scale_c > 0)
    return float(np.percentile(shares, 99))


def with_gap(result: Explanation, plan: Plan, delta_c: NDArray[Any]) -> Explanation:
    """Add the completeness gap where the method's values are meant to add up."""
    if not plan.question.info.complete:
        return result
    gap = completeness_gap(result.row_sums(), delta_c)
    return replace(result, diagnostics={**result.diagnostics, "completeness_gap": gap})
