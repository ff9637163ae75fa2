"""The network of the family ``gene_transformer``: tokens that are as present as their genes are expressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.gene_transformer.token import GeneTokens, Packed, pack
from glasscell.models.layer import in_blocks
from glasscell.models.pathway_transformer.network import Attention, Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Numbers that a block of cells may take at a time outside training.
BLOCK_NUMBERS = 8_000_000


class GeneLayer(Layer):
    """A layer in which a place is attended to in proportion to how present it is."""

    def forward(self, state: Tensor, seen: Tensor | None, last: bool) -> Tensor:
        """Pass the state on.

        Parameters
        ----------
        state
            ``(n, places, width)``: the class token, tokens, then hidden ones that nothing attends to.
        seen
            Presence of the class token and the tokens, ``(n, 1 + tokens)``.
        last
            Whether tokens are wanted no more: class token and hidden ones only.
        """
        assert seen is not None
        if seen.requires_grad:  # the fast route has no gradient by presence
            return self.attend(state, seen, last)[0]
        query, key, value, asked = self._asked(state, seen.shape[1], last)
        bias = seen.log()[:, None, None, :].expand(-1, 1, query.shape[2], -1)
        mixed = functional.scaled_dot_product_attention(query, key, value, bias)
        return self._finish(asked, mixed, False)

    def attend(self, state: Tensor, seen: Tensor | None, last: bool) -> tuple[Tensor, Attention]:
        """Do the same in the open, so that presence has a gradient, and tell what is attended to."""
        assert seen is not None
        query, key, value, asked = self._asked(state, seen.shape[1], last)
        logits = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
        size = torch.exp(logits - logits.amax(dim=3, keepdim=True).detach()) * seen[:, None, None, :]
        weights = size / size.sum(dim=3, keepdim=True)
        return self._finish(asked, weights @ value, False), Attention(weights, self._carried(value))

    def read(self, state: Tensor, seen: Tensor) -> Tensor:
        """Return what the class token takes from this layer's attention, ``(n, width)``."""
        query, key, value, _ = self._asked(state, seen.shape[1], True)
        bias = seen.log()[:, None, None, :]
        mixed = functional.scaled_dot_product_attention(query[:, :, :1], key, value, bias)
        taken: Tensor = self.out(mixed.transpose(1, 2).flatten(2))[:, 0]
        return taken

    def _asked(self, state: Tensor, n_keys: int, last: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return queries, keys and values by head, and the part of the state that is passed on."""
        normal = self.norm(state)
        keys, passed, query = normal[:, :n_keys], state, normal
        if last:
            passed, query = (torch.cat([one[:, :1], one[:, n_keys:]], dim=1) for one in (state, normal))
        query = self._by_head(self.query(query))
        return query, self._by_head(self.key(keys)), self._by_head(self.value(keys)), passed


class GeneNetwork(nn.Module):
    """Genes as tokens, layers of attention, logits from the class token, hidden values from hidden tokens.

    Beside the class token all genes may be read linearly; that part is set once and not trained.

    Parameters
    ----------
    n_tokens, n_genes, n_classes
        Genes that are tokens, genes of the input, classes.
    width
        Of every token; a multiple of ``heads``.
    dropout
        Share of hidden values left out in training.
    """

    readout: Tensor
    usual: Tensor

    def __init__(
        self,
        n_tokens: int,
        n_genes: int,
        n_classes: int,
        *,
        width: int,
        depth: int,
        heads: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.tokens = GeneTokens(n_tokens, n_genes, width)
        self.heads = heads
        self.class_token = nn.Parameter(torch.zeros(1, width))
        self.layers = nn.ModuleList([GeneLayer(width, heads, dropout) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.guess = nn.Linear(width, 1)
        self.from_cell = nn.Linear(width, n_tokens)
        self.head = nn.Linear(width, n_classes)
        self.register_buffer("readout", torch.zeros(n_classes, n_genes))
        self.register_buffer("usual", torch.zeros(n_genes))

    @property
    def n_tokens(self) -> int:
        """Genes that are tokens."""
        return int(self.tokens.place.shape[0])

    def forward(self, x_cg: Tensor, dropped: Sequence[int] = ()) -> Tensor:
        """Return logits, ``(n, n_classes)``; ``dropped`` are tokens left out, and their genes unread."""
        return self.logits(self.latent(x_cg, dropped), x_cg, dropped)

    def logits(self, latent_cz: Tensor, x_cg: Tensor, dropped: Sequence[int] = ()) -> Tensor:
        """Return logits of class tokens and of all genes about their mean."""
        readout = self.readout
        if dropped:
            readout = readout.clone()
            readout[:, self.tokens.place[list(dropped)]] = 0
        logits: Tensor = self.head(latent_cz) + functional.linear(x_cg - self.usual, readout)
        return logits

    def latent(self, x_cg: Tensor, dropped: Sequence[int] = ()) -> Tensor:
        """Return the class token after the last layer, ``(n, width)``; ``dropped`` are tokens left out.

        Genes without counts are skipped, which changes nothing. Their gradient is not zero, though: where one
        is wanted it comes from all tokens, and the value from those that are there.
        """
        with torch.no_grad():
            rows = self.rows_at_a_time(self.most_there(x_cg))
            value = in_blocks(lambda part: self._latent(part, dropped, skip=True), x_cg, rows)
        if not (torch.is_grad_enabled() and x_cg.requires_grad):
            return value
        rows = self.rows_at_a_time(self.n_tokens)
        slope = in_blocks(lambda part: self._latent(part, dropped, skip=False), x_cg, rows)
        return value + (slope - slope.detach())

    def _latent(self, x_cg: Tensor, dropped: Sequence[int], *, skip: bool) -> Tensor:
        x_ct = self.tokens.own(x_cg)
        presence = self.presence(x_ct, dropped)
        return self.run(x_ct, pack(presence) if skip else Packed(_all(presence), presence))[:, 0]

    def presence(self, x_ct: Tensor, dropped: Sequence[int] = ()) -> Tensor:
        """Return how present tokens are, ``(n, tokens)``, those left out not at all."""
        presence = self.tokens.presence(x_ct)
        if dropped:
            kept = torch.ones(self.n_tokens, dtype=presence.dtype, device=presence.device)
            kept[list(dropped)] = 0
            presence = presence * kept
        return presence

    def run(self, x_ct: Tensor, packed: Packed, hidden: Tensor | None = None) -> Tensor:
        """Pass class token, tokens and hidden ones through all layers.

        Parameters
        ----------
        x_ct
            Expression of the genes that are tokens.
        packed
            Tokens that may be attended to.
        hidden
            Genes whose values are asked, ``(n, asked)`` int64.

        Returns
        -------
        Class token and hidden tokens, ``(n, 1 + asked, width)``.
        """
        state, seen = self.start(x_ct, packed, hidden)
        for layer in self.layers:
            state = layer(state, seen, layer is self.layers[-1])
        normal: Tensor = self.norm(state)
        return normal

    def start(self, x_ct: Tensor, packed: Packed, hidden: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return what the first layer gets, and how present its places are."""
        parts = [self.class_token.expand(len(x_ct), 1, -1), self.tokens(x_ct, packed.place)]
        if hidden is not None:
            parts.append(self.tokens.queries(hidden))
        return torch.cat(parts, dim=1), functional.pad(packed.presence, (1, 0), value=1.0)

    def attend(self, x_ct: Tensor, packed: Packed) -> tuple[Attention, ...]:
        """Return what every layer attends to among the packed tokens; for few cells at a time."""
        state, seen = self.start(x_ct, packed)
        found = []
        for layer in self.layers:
            assert isinstance(layer, GeneLayer)
            state, attention = layer.attend(state, seen, layer is self.layers[-1])
            found.append(attention)
        return tuple(found)

    def most_there(self, x_cg: Tensor) -> int:
        """Count the tokens of the cell that has most."""
        there = self.presence(self.tokens.own(x_cg)) > 0
        return int(there.sum(dim=1).amax()) if len(there) else 0

    def rows_at_a_time(self, n_there: int) -> int:
        """Return how many cells with so many tokens fit in a block."""
        places, width = n_there + 1, self.norm.weight.numel()
        return max(1, BLOCK_NUMBERS // (places * (places * self.heads + 8 * width)))


def _all(presence: Tensor) -> Tensor:
    return torch.arange(presence.shape[1], device=presence.device).expand(len(presence), -1)


def seed_network(network: GeneNetwork, seed: int) -> None:
    """Draw all weights anew from a generator of their own; the genes that are tokens stay."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight, generator=generator)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
    tokens, width = network.tokens, network.norm.weight.numel()
    with torch.no_grad():
        for weight in (tokens.name, tokens.value, tokens.hidden, network.class_token):
            weight.normal_(generator=generator).mul_(width**-0.5)
        for linear in (network.guess, network.from_cell, network.head):
            linear.weight.zero_()
