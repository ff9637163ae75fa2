"""Gradients of a model's score, taken without leaving a trace on the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from glasscell.models.capability.model import Model
    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.target import Target

# A score of (values, row numbers); Captum repeats both alike when it stacks path points.
ScoreOf = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
GradientOf = Callable[[torch.Tensor], torch.Tensor]


def gradient_of(score: Callable[[torch.Tensor], torch.Tensor]) -> GradientOf:
    """Turn a row-wise score into its gradient.

    Rows must not interact: then the gradient of the sum holds every row's own gradient, and one backward pass
    serves a whole block. Parameters' ``grad`` fields are never written.

    Parameters
    ----------
    score
        ``(rows, inputs) -> (rows,)``.
    """

    def gradient(values: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            leaf = values.detach().requires_grad_(True)
            total = score(leaf).sum()
            if not total.requires_grad:  # a score that does not depend on its input at all
                return torch.zeros_like(values)
            (result,) = torch.autograd.grad(total, leaf, allow_unused=True)
        return torch.zeros_like(values) if result is None else result

    return gradient


def take_rows(batch: CellBatch, rows: torch.Tensor) -> CellBatch:
    """Return some rows of a batch, repeats allowed."""
    n = len(batch)
    per_row = {
        field.name: value[rows]
        for field in fields(batch)
        if field.name != "distances"  # one per edge, and there may be as many edges as rows
        and isinstance(value := getattr(batch, field.name), torch.Tensor)
        and value.shape[:1] == (n,)
    }
    return replace(batch, **per_row)


def score_of(model: Model, batch: CellBatch, target: Target) -> ScoreOf:
    """Return a model's score as a function of expression, for cells of one batch."""

    def score(values: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        return model.score(take_rows(batch, rows).with_expression(values), target)

    return score


def ego_score_of(model: Model, batch: CellBatch, target: Target) -> ScoreOf:
    """Return the score of a model that looks at neighbours as a function of all rows of a batch.

    Halo rows score zero, so that the gradient of the sum holds what each row does to its own centre. It
    takes whole batches, stacked: Captum repeats them so for points of a path.
    """
    n = len(batch)
    centre = torch.arange(n, device=batch.expression.device) if batch.centre is None else batch.centre

    def score(values: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        parts = []
        for one in torch.split(values, n):
            nothing = one.new_zeros(n)
            parts.append(nothing.index_add(0, centre, model.score(batch.with_expression(one), target)))
        return torch.cat(parts)

    return score


def owner_of_row(batch: CellBatch, hops: int) -> torch.Tensor:
    """Return which centre each row of disjoint ego graphs belongs to, ``(n,)``; -1 for none."""
    centre, edges = batch.centre, batch.edges
    assert centre is not None
    assert edges is not None
    owner = torch.full((len(batch),), -1, dtype=torch.int64, device=centre.device)
    owner[centre] = torch.arange(len(centre), device=centre.device)
    for _ in range(hops):
        known = (owner[edges[1]] >= 0) & (owner[edges[0]] < 0)
        owner[edges[0][known]] = owner[edges[1][known]]
    return owner
