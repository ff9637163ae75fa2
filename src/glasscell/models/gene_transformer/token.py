"""Genes as tokens, each as present as its gene is expressed; those that are there, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Packed:
    """The tokens of some cells that are there at all, side by side.

    Parameters
    ----------
    place
        Which token stands in each place, ``(n, places)`` int64; 0 where a place is empty.
    presence
        How present it is, ``(n, places)``, 0 in empty places.
    """

    place: Tensor
    presence: Tensor


class GeneTokens(nn.Module):
    """Each token from its own gene and no other: ``name + value * x``, and how present it is.

    Parameters
    ----------
    n_tokens, n_genes, width
        Genes that are tokens, genes of the input, numbers of a token.
    """

    place: Tensor
    mean: Tensor
    spread: Tensor
    counts: Tensor

    def __init__(self, n_tokens: int, n_genes: int, width: int) -> None:
        super().__init__()
        self.n_genes = n_genes
        self.register_buffer("place", torch.zeros(n_tokens, dtype=torch.int64))
        self.register_buffer("mean", torch.zeros(n_tokens))
        self.register_buffer("spread", torch.ones(n_tokens))
        self.register_buffer("counts", torch.ones(()))
        self.name = nn.Parameter(torch.zeros(n_tokens, width))
        self.value = nn.Parameter(torch.zeros(n_tokens, width))
        self.hidden = nn.Parameter(torch.zeros(width))

    def own(self, x_cg: Tensor) -> Tensor:
        """Return the expression of the genes that are tokens, ``(n, tokens)``."""
        return x_cg.index_select(1, self.place)

    def presence(self, x_ct: Tensor) -> Tensor:
        """Return how present each token is, ``(n, tokens)``: 0 for a gene without counts, at most 1.

        Where values are no counts zero says nothing, and every token is there.
        """
        return 1 - self.counts * torch.exp(-x_ct.clamp(min=0))

    def forward(self, x_ct: Tensor, place: Tensor | None = None) -> Tensor:
        """Return tokens, ``(n, places, width)``: of all genes, or of those in ``place``."""
        scaled = self.scaled(x_ct)
        if place is None:
            return self.name + scaled[:, :, None] * self.value
        return self.name[place] + scaled.gather(1, place)[:, :, None] * self.value[place]

    def scaled(self, x_ct: Tensor) -> Tensor:
        """Return expression about its mean in units of its spread, ``(n, tokens)``."""
        return (x_ct - self.mean) / self.spread

    def queries(self, place: Tensor) -> Tensor:
        """Return tokens of genes whose values are hidden, ``(n, places, width)``."""
        return self.name[place] + self.hidden


def pack(presence: Tensor, most: int | None = None, order: Tensor | None = None) -> Packed:
    """Put the tokens of each cell that are there side by side.

    Parameters
    ----------
    presence
        ``(n, tokens)``.
    most
        Keep at most so many of a cell.
    order
        Which to keep first: the smallest, ``(n, tokens)`` in 0 to 1; None keeps them in their order.
    """
    there = presence > 0
    size = max(1, int(there.sum(dim=1).amax()) if len(presence) else 1)
    size = size if most is None else min(size, most)
    key = torch.arange(presence.shape[1], device=presence.device) if order is None else order
    far = float(presence.shape[1])
    key = torch.where(there, key.to(torch.float32), far)
    place = key.topk(size, dim=1, largest=False, sorted=order is None).indices
    kept = presence.gather(1, place)
    return Packed(torch.where(kept > 0, place, 0), kept)
