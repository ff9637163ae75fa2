"""Layers shared by families.

They draw their noise from a generator of their own, so that training in one thread neither disturbs nor is
disturbed by random numbers drawn elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

_LOWEST = -(2**63)


class Noise(nn.Module):
    """Base of layers that are random in training and absent in evaluation."""

    generator: torch.Generator | None

    def __init__(self) -> None:
        super().__init__()
        self.generator = None


class Dropout(Noise):
    """Inverted dropout: each value is zero with probability ``rate``, else divided by ``1 - rate``.

    One random byte decides per value, so that the rate is met to the nearest 1/256 and a mask costs a tenth
    of a Bernoulli draw.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.kept_of_256 = max(1, round(256 * (1 - rate)))

    def forward(self, x: Tensor) -> Tensor:
        """Drop in training, pass through in evaluation."""
        if not self.training or self.kept_of_256 == 256:
            return x
        words = torch.empty(x.numel() // 8 + 1, dtype=torch.int64, device=x.device)
        words.random_(_LOWEST, None, generator=self.generator)
        octets = words.view(torch.uint8)[: x.numel()].view(x.shape)
        return (x * (octets < self.kept_of_256)).mul_(256 / self.kept_of_256)


class Standardise(nn.Module):
    """``(x - mean) / scale`` per gene, with figures of the training cells."""

    mean: Tensor
    scale: Tensor

    def __init__(self, n_genes: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_genes))
        self.register_buffer("scale", torch.ones(n_genes))

    def set_moments(self, mean_g: Tensor, scale_g: Tensor) -> None:
        """Take over mean and scale, ``(n_genes,)`` each."""
        self.mean.copy_(mean_g)
        self.scale.copy_(scale_g)

    def forward(self, x: Tensor) -> Tensor:
        """Centre and scale the columns."""
        return (x - self.mean) / self.scale

    def into(self, linear: nn.Linear) -> tuple[Tensor, Tensor]:
        """Return weight and bias of the linear layer that does both at once: the input stays untouched."""
        weight_hg = linear.weight / self.scale
        return weight_hg, linear.bias - weight_hg @ self.mean


def seed_noise(network: nn.Module, seed: int, device: torch.device) -> None:
    """Give every noise layer of a network one common generator."""
    generator = torch.Generator(device=device).manual_seed(seed)
    for module in network.modules():
        if isinstance(module, Noise):
            module.generator = generator


def seed_weights(network: nn.Module, seed: int) -> None:
    """Draw linear layers anew (He's normal, biases zero); BatchNorm starts as the identity."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm1d):
            module.reset_running_stats()
            module.reset_parameters()
        elif isinstance(module, Standardise):
            module.mean.zero_()
            module.scale.fill_(1.0)


def fold_batch_norm(weight_hg: Tensor, bias: Tensor, norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """Fold evaluation-mode BatchNorm into the linear layer before it.

    Parameters
    ----------
    weight_hg, bias
        Of the linear layer; the bias may be ``(hidden,)`` or ``(n, hidden)``.

    References
    ----------
    Ioffe & Szegedy 2015, arXiv:1502.03167, algorithm 2.
    """
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = torch.rsqrt(norm.running_var + norm.eps)
    shift = -norm.running_mean * scale
    if norm.affine:
        scale, shift = scale * norm.weight, shift * norm.weight + norm.bias
    return weight_hg * scale[:, None], bias * scale + shift


def in_blocks(call: Callable[[Tensor], Tensor], x_cg: Tensor, rows: int) -> Tensor:
    """Call on blocks of cells; where a gradient is wanted each is computed again on the way back.

    Parameters
    ----------
    call
        From some rows of ``x_cg`` to as many rows.
    rows
        Cells of a block.
    """
    if len(x_cg) <= rows:
        return call(x_cg)
    if torch.is_grad_enabled() and x_cg.requires_grad:
        return torch.cat([_again(call, part) for part in torch.split(x_cg, rows)])
    return torch.cat([call(part) for part in torch.split(x_cg, rows)])


def _again(call: Callable[[Tensor], Tensor], part: Tensor) -> Tensor:
    result: Tensor = checkpoint(call, part, use_reentrant=False, preserve_rng_state=False)
    return result
