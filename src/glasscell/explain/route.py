"""Two ways from a net to its attributions: the first layer's factors, or the whole network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import torch

from glasscell.errors import ModelError
from glasscell.explain.network import ego_score_of, gradient_of, owner_of_row, score_of, take_rows
from glasscell.explain.parallel import map_pieces
from glasscell.models.capability.neighbour import UsesNeighbours

if TYPE_CHECKING:
    from glasscell.explain.method import MethodInfo, MethodParams
    from glasscell.models.capability.first_linear import FirstLinear
    from glasscell.models.capability.model import Model
    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.target import Target

# Rows worked on together: the hidden values of a block stay in the cache.
CACHE_ROWS = 1024
LEAST_ROWS = 128


@dataclass(frozen=True)
class Question:
    """What is asked of every net alike: a method with its settings, and a target."""

    info: MethodInfo
    params: MethodParams
    target: Target


@dataclass(frozen=True, eq=False)
class FactoredBlock:
    """Factors for the cells of one batch.

    Parameters
    ----------
    gradients_ch
        Averaged hidden gradients, ``(n, hidden)``.
    weight_hg
        The first layer's weights, ``(hidden, n_genes)``.
    score_c, start_score_c
        Score of each cell and of its baseline, ``(n,)``.
    """

    gradients_ch: torch.Tensor
    weight_hg: torch.Tensor
    score_c: torch.Tensor
    start_score_c: torch.Tensor

    def attributions(self, difference_cg: torch.Tensor) -> torch.Tensor:
        """Multiply the factors out, ``(n, n_genes)``; for few cells."""
        return (self.gradients_ch @ self.weight_hg).mul_(difference_cg)


@dataclass(frozen=True, eq=False)
class DenseBlock:
    """Attributions of a batch, ``(n, n_genes)``, and scores of its cells and baselines, ``(n,)``.

    For models that look at neighbours ``own_cg`` is the part of the cells' own genes; the rest is theirs.
    """

    values_cg: torch.Tensor
    score_c: torch.Tensor
    start_score_c: torch.Tensor
    own_cg: torch.Tensor | None = None


def factor_batch(
    model: FirstLinear,
    batch: CellBatch,
    question: Question,
    starts_bg: torch.Tensor,
    start_of_row: torch.Tensor,
) -> FactoredBlock:
    """Explain cells through a linear first layer: gradients are averaged behind it and never reach the genes.

    Parameters
    ----------
    starts_bg
        Baselines in the model's input space, ``(n_baselines, n_genes)``.
    start_of_row
        Baseline of each cell, ``(n,)`` int64.

    References
    ----------
    The chain rule through ``h = W x + b``: a straight path in x is a straight path in h.
    """
    with torch.no_grad():
        weight_hg, bias = model.first(batch)
        hidden_ch = torch.nn.functional.linear(model.inputs(batch), weight_hg) + bias
        start_ch = torch.nn.functional.linear(starts_bg, weight_hg)[start_of_row] + bias

    @torch.no_grad()
    def explain_rows(rows: slice) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return _factor_rows(model, batch, question, hidden_ch, start_ch, rows)

    pieces = map_pieces(explain_rows, _pieces(len(batch)))
    gradients_ch, score_c, start_score_c = (torch.cat(part) for part in zip(*pieces, strict=True))
    _check_finite(gradients_ch, batch)
    return FactoredBlock(gradients_ch, weight_hg, score_c, start_score_c)


def _pieces(n_rows: int) -> list[slice]:
    """Cut rows into pieces that fit the cache and are enough for all cores."""
    each = max(1, min(CACHE_ROWS, max(LEAST_ROWS, -(-n_rows // torch.get_num_threads()))))
    return [slice(first, first + each) for first in range(0, n_rows, each)] or [slice(0, 0)]


def _factor_rows(
    model: FirstLinear,
    batch: CellBatch,
    question: Question,
    hidden_ch: torch.Tensor,
    start_ch: torch.Tensor,
    rows: slice,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    here = take_rows(batch, torch.arange(len(batch), device=hidden_ch.device)[rows])
    hidden, start = hidden_ch[rows], start_ch[rows]
    gradient = gradient_of(lambda values: model.rest(values, here, question.target))
    gradients_ch = question.info.engine.hidden_gradient(gradient, hidden, start, question.params)
    return gradients_ch, model.rest(hidden, here, question.target), model.rest(start, here, question.target)


def attribute_batch(
    model: Model,
    batch: CellBatch,
    question: Question,
    starts_bg: torch.Tensor,
    start_of_row: torch.Tensor,
) -> DenseBlock:
    """Explain cells through the whole network; for networks that do not begin with a linear layer.

    The path lies in the model's expression input. Parameters are those of ``factor_batch``; where cells look
    at neighbours ``start_of_row`` has the halo rows too, and these go along the path with their centre.
    """
    if isinstance(model, UsesNeighbours):
        return _attribute_ego(model, batch, question, starts_bg[start_of_row], model.hops)
    score = score_of(model, batch, question.target)
    rows = torch.arange(len(batch), device=batch.expression.device)
    start_cg = starts_bg[start_of_row]
    values_cg = question.info.engine.dense(score, batch.expression, start_cg, question.params)
    with torch.no_grad():
        score_c, start_score_c = score(batch.expression, rows), score(start_cg, rows)
    _check_finite(values_cg, batch)
    return DenseBlock(values_cg, score_c, start_score_c)


def _attribute_ego(
    model: Model, batch: CellBatch, question: Question, start_cg: torch.Tensor, hops: int
) -> DenseBlock:
    """Explain cells through themselves and their neighbours, kept apart."""
    score = ego_score_of(model, batch, question.target)
    values_rg = question.info.engine.dense(score, batch.expression, start_cg, question.params)
    _check_finite(values_rg, batch)
    centre = torch.arange(len(batch), device=values_rg.device) if batch.centre is None else batch.centre
    owner = owner_of_row(replace(batch, centre=centre), hops)
    own_cg, owned = values_rg[centre], owner >= 0
    values_cg = torch.zeros_like(own_cg).index_add_(0, owner[owned], values_rg[owned])
    with torch.no_grad():
        ends = [model.score(batch.with_expression(x), question.target) for x in (batch.expression, start_cg)]
    return DenseBlock(values_cg, ends[0], ends[1], own_cg)


def factors(model: object) -> bool:
    """Whether a model's attributions can be kept as factors."""
    from glasscell.models.capability.first_linear import FirstLinear

    return isinstance(model, FirstLinear)


def as_first_linear(model: Model) -> FirstLinear:
    """Tell the type checker what ``factors`` found out."""
    return cast("FirstLinear", model)


def _check_finite(values: torch.Tensor, batch: CellBatch) -> None:
    """Refuse results that are not numbers, naming the first cell."""
    good = torch.isfinite(values).all(dim=1)
    if not bool(good.all()):
        cell = int(batch.indices[int((~good).nonzero()[0])])
        raise ModelError(
            f"The model gives no finite gradient for cell {cell}; train it again with a lower rate."
        )
