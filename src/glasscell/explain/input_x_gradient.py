"""Input x gradient: expression times the slope of the score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.explain.method import Engine, MethodInfo, MethodParams
from glasscell.models.capability.model import Model
from glasscell.models.target import KINDS

if TYPE_CHECKING:
    import torch

    from glasscell.explain.network import GradientOf, ScoreOf


class InputXGradientParams(MethodParams):
    """Input x gradient has no settings."""


class InputXGradient(Engine):
    """Multiply each input by the gradient at the cell."""

    def hidden_gradient(
        self,
        gradient: GradientOf,
        hidden_ch: torch.Tensor,
        start_h: torch.Tensor,
        params: InputXGradientParams,
    ) -> torch.Tensor:
        """Take the gradient at the cell itself."""
        return gradient(hidden_ch)

    def dense(
        self, score: ScoreOf, values_cg: torch.Tensor, start_cg: torch.Tensor, params: InputXGradientParams
    ) -> torch.Tensor:
        """Hand the whole network to Captum."""
        import torch
        from captum.attr import InputXGradient as CaptumInputXGradient

        result: torch.Tensor = CaptumInputXGradient(score).attribute(
            values_cg.detach().requires_grad_(True),
            additional_forward_args=torch.arange(len(values_cg), device=values_cg.device),
        )
        return result.detach()


INFO = MethodInfo(
    id="input_x_gradient",
    title="Input x gradient",
    help="Expression times slope. Quick, but it sees only expressed genes and its values do not add up.",
    needs=(Model,),
    gives="cells x genes",
    signed=True,
    complete=False,
    unit="of the target",
    source="arXiv:1605.01713",
    params=InputXGradientParams,
    target=KINDS,
    difference="input",
    engine=InputXGradient(),
)
