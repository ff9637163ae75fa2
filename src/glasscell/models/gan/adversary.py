"""Generator and critic of codes: a conditional Wasserstein pair whose critic's slope is held near one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.layer import Noise

if TYPE_CHECKING:
    from collections.abc import Callable

_LEAK = 0.2
_SMALLEST = 1e-12


class Source(Noise):
    """Random numbers that belong to the network alone."""

    def normal(self, n: int, width: int, like: Tensor) -> Tensor:
        """Draw standard normals, ``(n, width)``."""
        return like.new_empty(n, width).normal_(generator=self.generator)

    def uniform(self, n: int, like: Tensor) -> Tensor:
        """Draw between 0 and 1, ``(n, 1)``."""
        return like.new_empty(n, 1).uniform_(generator=self.generator)

    def rows(self, n: int, of: int, device: torch.device) -> Tensor:
        """Draw row numbers below ``of``, ``(n,)`` int64, with repeats."""
        return torch.randint(of, (n,), generator=self.generator, device=device)


class Generator(nn.Module):
    """Noise and kind to a code.

    Parameters
    ----------
    noise, n_kinds, width
        Sizes of noise, kinds (0 for none) and code.
    hidden
        Units of both hidden layers.
    """

    def __init__(self, noise: int, n_kinds: int, width: int, hidden: int) -> None:
        super().__init__()
        self.first = nn.Linear(noise, hidden)
        self.kind = nn.Linear(n_kinds, hidden, bias=False) if n_kinds else None
        self.second = nn.Linear(hidden, hidden)
        self.kind_again = nn.Linear(n_kinds, width, bias=False) if n_kinds else None
        self.last = nn.Linear(hidden, width)

    def forward(self, noise_cn: Tensor, kind_ck: Tensor | None) -> Tensor:
        """Return codes, ``(n, width)``; kinds are indicator rows."""
        hidden_ch = self.first(noise_cn)
        if self.kind is not None and kind_ck is not None:
            hidden_ch = hidden_ch + self.kind(kind_ck)
        code_cd: Tensor = self.last(functional.relu(self.second(functional.relu(hidden_ch))))
        if self.kind_again is not None and kind_ck is not None:
            code_cd = code_cd + self.kind_again(kind_ck)
        return code_cd


class Critic(nn.Module):
    """Code and kind to one number, higher for codes that look measured.

    The kind enters by projection: what it adds is linear in the last hidden layer.

    References
    ----------
    Miyato & Koyama 2018, arXiv:1802.05637 (projection).
    """

    def __init__(self, width: int, n_kinds: int, hidden: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, 1)
        self.kind = nn.Linear(n_kinds, hidden, bias=False) if n_kinds else None

    def forward(self, code_cd: Tensor, kind_ck: Tensor | None) -> Tensor:
        """Return the critic's value of each code, ``(n,)``."""
        hidden_ch = functional.leaky_relu(self.first(code_cd), _LEAK)
        hidden_ch = functional.leaky_relu(self.second(hidden_ch), _LEAK)
        value_c: Tensor = self.value(hidden_ch)[:, 0]
        if self.kind is not None and kind_ck is not None:
            value_c = value_c + (self.kind(kind_ck) * hidden_ch).sum(dim=1) / hidden_ch.shape[1] ** 0.5
        return value_c


class Adversary(nn.Module):
    """Both, and where their random numbers come from."""

    def __init__(self, noise: int, n_kinds: int, width: int, hidden: int) -> None:
        super().__init__()
        self.noise, self.n_kinds = noise, n_kinds
        self.generator = Generator(noise, n_kinds, width, hidden)
        self.critic = Critic(width, n_kinds, hidden)
        self.source = Source()


def gradient_penalty(
    critic: Callable[[Tensor, Tensor | None], Tensor],
    real_cd: Tensor,
    made_cd: Tensor,
    kind_ck: Tensor | None,
    mix_c: Tensor,
) -> Tensor:
    """Return the mean of (|slope| - 1)^2 of the critic between pairs of real and generated codes.

    Parameters
    ----------
    mix_c
        Share of the real code at which the slope is taken, ``(n, 1)`` from 0 to 1.

    References
    ----------
    Gulrajani et al. 2017, arXiv:1704.00028, eq. 3.
    """
    between_cd = (mix_c * real_cd + (1 - mix_c) * made_cd).detach().requires_grad_(True)
    value = critic(between_cd, kind_ck).sum()
    (slope_cd,) = torch.autograd.grad(value, between_cd, create_graph=True)
    length_c = (slope_cd.square().sum(dim=1) + _SMALLEST).sqrt()
    penalty: Tensor = ((length_c - 1) ** 2).mean()
    return penalty


def energy_distance(a_cd: Tensor, b_cd: Tensor) -> Tensor:
    """Return 2 E|a - b| - E|a - a'| - E|b - b'|, zero only for equal distributions.

    References
    ----------
    Szekely & Rizzo 2013, doi:10.1016/j.jspi.2013.03.018.
    """
    between = torch.cdist(a_cd, b_cd).mean()
    distance: Tensor = 2 * between - torch.cdist(a_cd, a_cd).mean() - torch.cdist(b_cd, b_cd).mean()
    return distance
