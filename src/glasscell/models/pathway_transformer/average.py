"""The network while it learns: small steps for genes' weights, and a running mean of all weights."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from glasscell.models.pathway_transformer.network import TransformerNetwork

#: The mean reaches back a tenth of the steps taken so far, until it reaches back as far as asked.
_YOUNG = 10


class Learner(nn.Module):
    """A network in training, and the mean of its last steps, which is judged and kept.

    Tokens begin at components of their genes. A step of Adam moves every weight by about the learning rate,
    so a token of thousands of genes would leave its components at once: its weights take the step times
    ``gene_rate / sqrt(genes)``.

    Parameters
    ----------
    network
        Ready to be trained; its weights are changed.
    gene_rate
        Step of the genes' weights relative to all others, for a token of one gene.
    average_steps
        Steps that the mean reaches back, about; 1 for no mean.

    References
    ----------
    Polyak & Juditsky 1992, doi:10.1137/0330046 (averaging).
    """

    def __init__(self, network: TransformerNetwork, gene_rate: float, average_steps: int) -> None:
        super().__init__()
        self.network = network
        self.average = deepcopy(network).requires_grad_(False)
        self.average_steps, self.steps = average_steps, 0
        embedding = network.embedding
        size_t = embedding.member.sum(dim=1).clamp(min=1).to(embedding.weight)
        self._pace = (
            gene_rate * size_t[:, None, None].rsqrt(),
            torch.tensor(gene_rate * embedding.free.in_features**-0.5),
        )
        self._before = [weight.detach().clone() for weight in self._genes()]

    def forward(self, x_cg: Tensor) -> Tensor:
        """Return logits, in evaluation those of the mean, ``(n, n_classes)``."""
        logits: Tensor = (self.network if self.training else self.average)(x_cg)
        return logits

    @torch.no_grad()
    def after_step(self, learning_rate: float) -> None:
        """Shorten the step of the genes' weights, then take the mean along."""
        for place, weight in enumerate(self._genes()):
            before = self._before[place].to(weight.device)
            pace = self._pace[place].to(weight)
            self._before[place] = before + pace * (weight - before)
            weight.copy_(self._before[place])
        self.steps += 1
        share = max(1 / self.average_steps, _YOUNG / (_YOUNG + self.steps - 1))
        for kept, weight in zip(self.average.parameters(), self.network.parameters(), strict=True):
            kept.lerp_(weight.to(kept), share)

    def _genes(self) -> tuple[Tensor, Tensor]:
        return self.network.embedding.weight, self.network.embedding.free.weight
