"""What to expect of a new perturbation's shift, learnt from those of the perturbations that are known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from glasscell.models.svae.network import ShiftNetwork

#: Widths of the spike that are averaged over, evenly up to one standard deviation of a cell's latents.
_WIDTHS = 40


@dataclass(frozen=True)
class ShiftPrior:
    """A new shift's latents are each a target or not; targets are as far shifted as those of known actions.

    A latent that is no target is shifted a little nevertheless: the decoder has not seen such cells, and its
    other latents make up for what it gets wrong. How much that is, is learnt with each new shift: any width
    up to one standard deviation of a cell's latents is as likely as another.

    Parameters
    ----------
    share
        How often a latent is a target; 1 where a model has no mask.
    variance
        Mean square of the shifts of targets.

    References
    ----------
    George and McCulloch 1993, doi:10.1080/01621459.1993.10476353 (spike of some width and slab); George and
    Foster 2000, doi:10.1093/biomet/87.4.731 (its parameters from the data).
    """

    share: float
    variance: float

    @staticmethod
    @torch.no_grad()
    def of(network: ShiftNetwork) -> ShiftPrior:
        """Learn both from the actions that the network was trained with, the control left out.

        Actions learnt later say nothing: their shifts are shrunk by this prior already. Where no gate is
        open, a target is taken to move as far as cells of one kind lie apart.
        """
        others = network.free[: network.n_trained, 0] > 0
        open_az = network.gates()[: network.n_trained][others] > 0.5
        shift_az = network.effects()[: network.n_trained][others].cpu().double()
        # One target more is counted than was seen, so that closed gates do not forbid a new one.
        share = (float(open_az.sum()) + 1) / (open_az.numel() + 1)
        squares_t = (shift_az**2)[open_az.cpu()]
        return ShiftPrior(share, float(squares_t.mean()) if len(squares_t) else 1.0)

    def expected(self, found_z: Tensor, variance_z: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean of the posterior of a shift, and how likely each latent is a target.

        Parameters
        ----------
        found_z
            The shift as the cells have it, ``(n_latent,)`` float64.
        variance_z
            How uncertain that is, ``(n_latent,)``.

        Returns
        -------
        ``(n_latent,)`` each.
        """
        steps = torch.arange(_WIDTHS, dtype=found_z.dtype, device=found_z.device)
        off_t1 = ((steps + 0.5) / _WIDTHS)[:, None]
        off_tz, on_z = off_t1**2 + variance_z, self.variance + variance_z
        as_other_tz = _log_normal(found_z, off_tz) + (
            math.log1p(-self.share) if self.share < 1 else -math.inf
        )
        as_target_tz = (_log_normal(found_z, on_z) + math.log(self.share)).expand_as(as_other_tz)
        evidence_tz = torch.logaddexp(as_other_tz, as_target_tz)
        target_tz = (as_target_tz - evidence_tz).exp()
        kept_tz = target_tz * self.variance / on_z + (1 - target_tz) * off_t1**2 / off_tz
        weight_t = torch.softmax(evidence_tz.sum(dim=1), dim=0)
        return found_z * (weight_t @ kept_tz), (weight_t @ target_tz).clamp(max=1.0)


def _log_normal(value: Tensor, variance: Tensor) -> Tensor:
    """Return the log density of a normal around 0, but for a constant."""
    return -0.5 * (value**2 / variance + variance.log())
