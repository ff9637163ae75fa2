"""What to expect of a new perturbation's shift, learnt from those of the perturbations that are known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from glasscell.models.svae.network import ShiftNetwork

#: How far off its axes a shift may lie, in standard deviations of a cell's latents: equally likely up to one.
_OFF_STEPS = 40


@dataclass(frozen=True)
class ShiftPrior:
    """A new shift's latents are each a target or not; targets are as far shifted as those of known actions.

    A latent that is no target is shifted a little nevertheless: the decoder has not seen such cells, and its
    other latents make up for what it gets wrong. How much that is, is learnt with each new shift.

    Parameters
    ----------
    share
        How often a latent is a target; 1 where a model has no mask.
    variance
        Mean square of the shifts of targets.

    References
    ----------
    Mitchell and Beauchamp 1988, doi:10.1080/01621459.1988.10478694 (spike and slab); George and Foster 2000,
    doi:10.1093/biomet/87.4.731 (its parameters from the data).
    """

    share: float
    variance: float

    @staticmethod
    @torch.no_grad()
    def of(network: ShiftNetwork) -> ShiftPrior:
        """Learn both from the actions that the network knows, the control left out."""
        others = network.free[:, 0] > 0
        open_az, shift_az = network.gates()[others] > 0.5, network.effects()[others].double()
        # One target more is counted than was seen, so that closed gates do not forbid a new one.
        share = (float(open_az.sum()) + 1) / (open_az.numel() + 1)
        squares = float((shift_az**2)[open_az].sum()) / max(1, int(open_az.sum()))
        return ShiftPrior(share, max(1.0, squares))

    def expected(self, found_z: Tensor, variance_z: Tensor) -> Tensor:
        """Return the mean of the posterior of a shift, ``(n_latent,)``.

        Parameters
        ----------
        found_z
            The shift as the cells have it, ``(n_latent,)`` float64.
        variance_z
            How uncertain that is, ``(n_latent,)``.
        """
        steps = torch.arange(_OFF_STEPS, dtype=found_z.dtype, device=found_z.device)
        off_t1 = ((steps + 0.5) / _OFF_STEPS)[:, None]
        off_tz, on_z = off_t1**2 + variance_z, self.variance + variance_z
        as_other_tz = _log_normal(found_z, off_tz) + (
            math.log1p(-self.share) if self.share < 1 else -math.inf
        )
        as_target_tz = (_log_normal(found_z, on_z) + math.log(self.share)).expand_as(as_other_tz)
        evidence_tz = torch.logaddexp(as_other_tz, as_target_tz)
        target_tz = (as_target_tz - evidence_tz).exp()
        kept_tz = target_tz * self.variance / on_z + (1 - target_tz) * off_t1**2 / off_tz
        weight_t = torch.softmax(evidence_tz.sum(dim=1), dim=0)
        expected_z: Tensor = found_z * (weight_t @ kept_tz)
        return expected_z


def _log_normal(value: Tensor, variance: Tensor) -> Tensor:
    """Return the log density of a normal around 0, but for a constant."""
    return -0.5 * (value**2 / variance + variance.log())
