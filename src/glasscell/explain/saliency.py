"""Saliency: the slope of the score for each gene."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.explain.method import Engine, MethodInfo, MethodParams
from glasscell.models.capability.model import Model
from glasscell.models.target import KINDS

if TYPE_CHECKING:
    import torch

    from glasscell.explain.network import GradientOf, ScoreOf


class SaliencyParams(MethodParams):
    """Saliency has no settings; its sign is kept, so that raising and lowering genes stay apart."""


class Saliency(Engine):
    """Take the signed gradient at the cell."""

    def hidden_gradient(
        self, gradient: GradientOf, hidden_ch: torch.Tensor, start_h: torch.Tensor, params: SaliencyParams
    ) -> torch.Tensor:
        """Take the gradient at the cell itself."""
        return gradient(hidden_ch)

    def dense(
        self, score: ScoreOf, values_cg: torch.Tensor, start_cg: torch.Tensor, params: SaliencyParams
    ) -> torch.Tensor:
        """Hand the whole network to Captum."""
        import torch
        from captum.attr import Saliency as CaptumSaliency

        result: torch.Tensor = CaptumSaliency(score).attribute(
            values_cg.detach().requires_grad_(True),
            abs=False,
            additional_forward_args=torch.arange(len(values_cg), device=values_cg.device),
        )
        return result.detach()


INFO = MethodInfo(
    id="saliency",
    title="Saliency",
    help="How fast the model's output would change with each gene, whether or not the gene is expressed. "
    "A slope, so genes on different scales cannot be compared.",
    needs=(Model,),
    gives="cells x genes",
    signed=True,
    complete=False,
    unit="of the target per unit of expression",
    source="arXiv:1312.6034",
    params=SaliencyParams,
    target=KINDS,
    difference="one",
    engine=Saliency(),
)
