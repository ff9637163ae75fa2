"""Integrated gradients: an account of score(cell) - score(baseline), gene by gene."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from glasscell.explain.method import Engine, MethodInfo, MethodParams
from glasscell.models.capability.model import Model
from glasscell.models.target import KINDS

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from glasscell.explain.network import GradientOf, ScoreOf


class IntegratedGradientsParams(MethodParams):
    """Settings of integrated gradients."""

    steps: int = Field(
        128,
        ge=8,
        le=1024,
        title="Steps",
        description="Points on the way from the baseline to the cell; raise it when the gap exceeds 1 %.",
    )


@lru_cache(maxsize=16)
def path_points(steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Gauss-Legendre nodes and weights on 0..1, float64, each ``(steps,)``."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return (nodes + 1) / 2, weights / 2


class IntegratedGradients(Engine):
    """Average the gradient along the straight line from the baseline to the cell."""

    def hidden_gradient(
        self,
        gradient: GradientOf,
        hidden_ch: torch.Tensor,
        start_h: torch.Tensor,
        params: IntegratedGradientsParams,
    ) -> torch.Tensor:
        """Average the gradient at the path's points; the line stays a line behind a linear layer."""
        import torch

        change_ch = hidden_ch - start_h
        total_ch = torch.zeros_like(hidden_ch)
        for point, weight in zip(*path_points(params.steps), strict=True):
            total_ch.add_(gradient(torch.add(start_h, change_ch, alpha=float(point))), alpha=float(weight))
        return total_ch

    def dense(
        self,
        score: ScoreOf,
        values_cg: torch.Tensor,
        start_cg: torch.Tensor,
        params: IntegratedGradientsParams,
    ) -> torch.Tensor:
        """Hand the whole network to Captum, a few path points at a time."""
        import torch
        from captum.attr import IntegratedGradients as CaptumIntegratedGradients

        result: torch.Tensor = CaptumIntegratedGradients(score, multiply_by_inputs=True).attribute(
            values_cg.detach().requires_grad_(True),
            baselines=start_cg,
            additional_forward_args=torch.arange(len(values_cg), device=values_cg.device),
            n_steps=params.steps,
            method="gausslegendre",
            internal_batch_size=max(len(values_cg), 256),
        )
        return result.detach()


INFO = MethodInfo(
    id="integrated_gradients",
    title="Integrated gradients",
    help="Shares out over the genes how far the model's output for a cell is from that for the baseline. "
    "An account of the model's sum, not a prediction of what a knock-out would do.",
    needs=(Model,),
    gives="cells x genes",
    signed=True,
    complete=True,
    unit="of the target",
    source="arXiv:1703.01365",
    params=IntegratedGradientsParams,
    target=KINDS,
    difference="input - baseline",
    engine=IntegratedGradients(),
)
