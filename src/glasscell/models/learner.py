"""A network while it learns: small steps for weights of many genes, and a running mean of all weights."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The mean reaches back a tenth of the steps taken so far, until it reaches back as far as asked.
_YOUNG = 10


class Learner(nn.Module):
    """A network in training, and the mean of its last steps, which is judged and kept.

    A step of Adam moves every weight by about the learning rate, so what reads thousands of genes and begins
    at their components would leave them at once: such weights take a share of the step.

    Parameters
    ----------
    network
        Ready to be trained; its weights are changed.
    pace
        Share of the step that weights take, by the name of the parameter, of a shape that broadcasts to it.
    average_steps
        Steps that the mean reaches back, about; 1 for no mean.

    References
    ----------
    Polyak & Juditsky 1992, doi:10.1137/0330046 (averaging).
    """

    def __init__(self, network: nn.Module, pace: Mapping[str, Tensor], average_steps: int) -> None:
        super().__init__()
        self.network = network
        self.average = deepcopy(network).requires_grad_(False)
        self.average_steps, self.steps = average_steps, 0
        self._pace = dict(pace)
        self._before = {name: network.get_parameter(name).detach().clone() for name in pace}

    def forward(self, x_cg: Tensor) -> Tensor:
        """Return what the network gives, in evaluation what the mean gives."""
        given: Tensor = (self.network if self.training else self.average)(x_cg)
        return given

    @torch.no_grad()
    def after_step(self, learning_rate: float) -> None:
        """Shorten the steps that are to be short, then take the mean along."""
        for name, pace in self._pace.items():
            weight = self.network.get_parameter(name)
            before = self._before[name].to(weight.device)
            self._before[name] = before + pace.to(weight) * (weight - before)
            weight.copy_(self._before[name])
        self.steps += 1
        share = max(1 / self.average_steps, _YOUNG / (_YOUNG + self.steps - 1))
        for kept, weight in zip(self.average.parameters(), self.network.parameters(), strict=True):
            kept.lerp_(weight.to(kept), share)
        for mean, current in zip(self.average.buffers(), self.network.buffers(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(current.to(mean), share)
            else:
                mean.copy_(current)
