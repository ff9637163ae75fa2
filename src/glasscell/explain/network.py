"""Gradients of a model's score, taken without leaving a trace on the model."""

from __future__ import annotations

from collections.abc import Callable

import torch

ScoreOf = Callable[[torch.Tensor], torch.Tensor]
GradientOf = Callable[[torch.Tensor], torch.Tensor]


def gradient_of(score: ScoreOf) -> GradientOf:
    """Turn a row-wise score into its gradient.

    Rows must not interact: then the gradient of the sum holds every row's own gradient, and one backward pass serves
    a whole block. Parameters' ``grad`` fields are never written.

    Parameters
    ----------
    score
        ``(rows, inputs) -> (rows,)``.
    """

    def gradient(values: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            leaf = values.detach().requires_grad_(True)
            (result,) = torch.autograd.grad(score(leaf).sum(), leaf)
        return result

    return gradient
