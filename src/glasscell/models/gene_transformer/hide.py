"""Teaching without labels: some genes are hidden, and the network guesses their values from the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from glasscell.models.gene_transformer.token import pack
from glasscell.models.layer import Noise

if TYPE_CHECKING:
    from glasscell.models.gene_transformer.network import GeneNetwork

_FIXED = 0x9E3779


class Teacher(Noise):
    """A network in training, some of whose genes are hidden at each step.

    Of the genes a cell expresses a share is hidden. Values of some hidden genes are asked, at most half of
    what is asked, beside genes that the cell does not express: what is asked does not tell what is there. In
    a cell that has all genes only hidden ones are asked. In evaluation the same genes are hidden each time.

    Parameters
    ----------
    network
        Its weights are trained.
    share
        Of the expressed genes that are hidden.
    most_asked, most_shown
        Genes of a cell whose values are asked, and that are shown, in one step; more take longer.
    """

    def __init__(self, network: GeneNetwork, share: float, most_asked: int, most_shown: int) -> None:
        super().__init__()
        self.network = network
        self.share, self.most_asked, self.most_shown = share, most_asked, most_shown

    def forward(self, x_cg: Tensor, bare: bool = False) -> tuple[Tensor, Tensor]:
        """Return logits ``(n, n_classes)`` and the mean square error of hidden values, genes in own units.

        With ``bare`` nothing is hidden, and there is no error.

        The error is the mean of the hidden tokens' and of the class token's, which has to know the cell.
        """
        network = self.network
        if bare:
            return network(x_cg), torch.zeros((), device=x_cg.device)
        x_ct = network.tokens.own(x_cg)
        presence = network.tokens.presence(x_ct)
        asked, counts, shown = self.draw(presence)
        order = torch.rand(presence.shape, generator=self._source(x_cg), device=x_cg.device)
        packed = pack(presence * shown, self.most_shown, order)
        out = network.run(x_ct, packed, asked)
        wanted = network.tokens.scaled(x_ct).gather(1, asked)
        guess = network.guess(out[:, 1:])[:, :, 0]
        by_cell = network.from_cell(out[:, 0]).gather(1, asked)
        error = ((guess - wanted).square() + (by_cell - wanted).square()) / 2
        return network.logits(out[:, 0], x_cg), (error * counts).sum() / counts.sum().clamp(min=1)

    def draw(self, presence: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Draw what is hidden.

        Returns
        -------
        Genes that are asked ``(n, asked)``, whether each counts, and which genes are shown ``(n, tokens)``.
        """
        drawn = torch.rand(presence.shape, generator=self._source(presence), device=presence.device)
        there = presence > 0
        hidden = there & (drawn < self.share)
        n_hidden = hidden.sum(dim=1, keepdim=True)
        size = min(presence.shape[1], self.most_asked, max(1, 2 * int(n_hidden.float().mean())))
        most_hidden = torch.where(there.all(dim=1, keepdim=True), size, max(1, size // 2))
        turn = torch.where(hidden, drawn, 1 + drawn).argsort(dim=1).argsort(dim=1)
        wanted = hidden & (turn < most_hidden)
        others = torch.where(there, 2 + drawn + hidden.to(drawn), drawn)
        first = torch.where(wanted, drawn / self.share - 2, others)
        rank = first.topk(size, dim=1, largest=False)
        return rank.indices, (rank.values < 2).to(presence), (~hidden).to(presence)

    def _source(self, like: Tensor) -> torch.Generator | None:
        if self.training:
            return self.generator
        return torch.Generator(device=like.device).manual_seed(_FIXED)
