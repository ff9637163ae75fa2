"""Linear layers whose connections are known beforehand, and the steps that prune them in training.

The steps are proximal: each is the exact minimiser of its penalty near the current weights and is taken
after a step of the optimiser, so that what is pruned is exactly zero.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class MaskedLinear(nn.Module):
    """A linear layer without bias in which only some inputs reach some outputs.

    Weights outside ``open_oi`` are multiplied by zero in the forward pass, so that they have no effect and no
    gradient.

    Parameters
    ----------
    open_oi
        Which connections there are, ``(n_out, n_in)`` bool; kept with the weights.
    """

    open_oi: Tensor

    def __init__(self, open_oi: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(open_oi.shape))
        self.register_buffer("open_oi", open_oi.to(torch.bool))

    @property
    def effective(self) -> Tensor:
        """Weights as they act, zero where there is no connection, ``(n_out, n_in)``."""
        return self.weight * self.open_oi

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` times the weights, ``(n, n_in) -> (n, n_out)``."""
        return functional.linear(x, self.effective)


class SoftMaskProx:
    """Pull the weights outside an annotation towards zero: soft thresholding, the proximal step of an L1.

    Parameters
    ----------
    outside_oi
        Weights that are pulled, ``(n_out, n_in)`` bool.
    strength
        In units of the learning rate: with an optimiser that normalises gradients (Adam), a weight survives
        when the mean of its gradient is more than ``strength`` times its spread.
    """

    def __init__(self, outside_oi: Tensor, strength: float) -> None:
        self.outside_oi, self.strength = outside_oi, strength

    @torch.no_grad()
    def __call__(self, weight_oi: Tensor, learning_rate: float) -> None:
        """Change the weights in place."""
        pulled = functional.softshrink(weight_oi, self.strength * learning_rate)
        weight_oi.copy_(torch.where(self.outside_oi.to(weight_oi.device), pulled, weight_oi))


class GroupLassoProx:
    """Shrink all weights of an input together, to exactly zero where nothing holds them.

    ``w <- w * max(0, 1 - strength * learning_rate * sqrt(size) / ||w||)``, ``w`` the weights of an input.

    Parameters
    ----------
    size_i
        Connections of each input, ``(n_in,)``: larger groups are shrunk more, so that each of their weights
        is shrunk alike. 0 for inputs that are left alone.
    strength
        In units of the learning rate, as of ``SoftMaskProx``.

    References
    ----------
    Yuan & Lin 2006, doi:10.1111/j.1467-9868.2005.00532.x; Lotfollahi et al. 2023,
    doi:10.1038/s41556-022-01072-x.
    """

    def __init__(self, size_i: Tensor, strength: float) -> None:
        self.size_i, self.strength = size_i, strength

    @torch.no_grad()
    def __call__(self, weight_oi: Tensor, learning_rate: float) -> None:
        """Change the weights in place."""
        norm_i = weight_oi.norm(dim=0)
        reach_i = self.strength * learning_rate * self.size_i.to(weight_oi.device, weight_oi.dtype).sqrt()
        kept_i = torch.where(
            norm_i > reach_i, 1 - reach_i / norm_i.clamp(min=1e-30), torch.zeros_like(norm_i)
        )
        weight_oi.mul_(torch.where(reach_i > 0, kept_i, torch.ones_like(kept_i)))
