"""The network of the family ``pathway_transformer``: gene sets as tokens, a class token that reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.layer import Dropout, Noise, Standardise, in_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Numbers that a block of cells may take at a time outside training.
BLOCK_NUMBERS = 8_000_000


@dataclass(frozen=True, eq=False)
class Attention:
    """What one layer attends to; places count the class token first.

    Parameters
    ----------
    weights
        ``(n, heads, queries, 1 + tokens)``; rows sum to one. The last layer has one query, the class token.
    carried
        Each place's value after the head's share of the output map, its length only, ``(n, heads, 1 +
        tokens)``.
    """

    weights: Tensor
    carried: Tensor


class Embedding(nn.Module):
    """Each token from its own genes and no other; the last token from all genes.

    A token's ``width`` numbers lie together, ``(n, tokens, width)``; nothing is reshaped across tokens.
    """

    index: Tensor
    member: Tensor

    def __init__(self, n_sets: int, largest: int, n_genes: int, width: int) -> None:
        super().__init__()
        self.register_buffer("index", torch.zeros(n_sets, largest, dtype=torch.int64))
        self.register_buffer("member", torch.zeros(n_sets, largest, dtype=torch.bool))
        self.weight = nn.Parameter(torch.zeros(n_sets, largest, width))
        self.place = nn.Parameter(torch.zeros(n_sets, width))
        self.free = nn.Linear(n_genes, width)

    def forward(self, centred_cg: Tensor, scale_g: Tensor) -> Tensor:
        """Return tokens, ``(n, n_sets + 1, width)``; genes are divided by their scale within the weights."""
        n_sets, largest = self.index.shape
        by_gene = centred_cg.t().contiguous().index_select(0, self.index.reshape(-1))
        own = by_gene.view(n_sets, largest, -1).transpose(1, 2)
        weight = self.weight * (self.member / scale_g[self.index])[:, :, None]
        sets = torch.bmm(own, weight).transpose(0, 1) + self.place
        free = functional.linear(centred_cg, self.free.weight / scale_g, self.free.bias)
        return torch.cat([sets, free[:, None]], dim=1)


class DropTokens(Noise):
    """In training, leaves out a share of the tokens of each cell, so that a missing token is no surprise.

    Parameters
    ----------
    rate, free_rate
        Share left out of the gene sets, and of the last token, which sees all genes.
    """

    def __init__(self, rate: float, free_rate: float) -> None:
        super().__init__()
        self.rate, self.free_rate = rate, free_rate

    def forward(self, n: int, tokens: int, device: torch.device) -> Tensor | None:
        """Return which tokens stay, ``(n, tokens)``, or None for all."""
        if not self.training or max(self.rate, self.free_rate) <= 0:
            return None
        drawn = torch.rand(n, tokens, generator=self.generator, device=device)
        keep = drawn >= self.rate
        keep[:, -1] = drawn[:, -1] >= self.free_rate
        return keep


class Layer(nn.Module):
    """Self-attention, then two linear layers, each on normalised input and added to it."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.inner_norm = nn.LayerNorm(width)
        self.inner, self.outer = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = Dropout(dropout)

    def forward(self, state: Tensor, seen: Tensor | None, last: bool) -> Tensor:
        """Pass the state on.

        Parameters
        ----------
        state
            ``(n, 1 + tokens, width)``.
        seen
            False where nothing may attend, broadcast to ``(n, 1, 1, 1 + tokens)``; None for everywhere.
        last
            Whether only the class token is wanted.

        Returns
        -------
        The state, of the class token alone in the last layer.
        """
        query, key, value = self._parts(state, last)
        mask = None if seen is None else seen.expand(len(query), 1, query.shape[2], -1)
        return self._finish(state, functional.scaled_dot_product_attention(query, key, value, mask), last)

    def attend(self, state: Tensor, seen: Tensor | None, last: bool) -> tuple[Tensor, Attention]:
        """Do the same in the open and tell what is attended to."""
        query, key, value = self._parts(state, last)
        logits = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
        if seen is not None:
            logits = logits.masked_fill(~seen, -torch.inf)
        weights = torch.softmax(logits, dim=3)
        return self._finish(state, weights @ value, last), Attention(weights, self._carried(value))

    def _parts(self, state: Tensor, last: bool) -> tuple[Tensor, Tensor, Tensor]:
        normal = self.norm(state)
        query = self.query(normal[:, :1] if last else normal)
        return self._by_head(query), self._by_head(self.key(normal)), self._by_head(self.value(normal))

    def _finish(self, state: Tensor, mixed: Tensor, last: bool) -> Tensor:
        state = state[:, :1] if last else state
        state = state + self.dropout(self.out(mixed.transpose(1, 2).flatten(2)))
        inner = functional.gelu(self.inner(self.inner_norm(state)))
        changed: Tensor = state + self.dropout(self.outer(inner))
        return changed

    def _by_head(self, values: Tensor) -> Tensor:
        n, places, width = values.shape
        return values.view(n, places, self.heads, width // self.heads).transpose(1, 2)

    def _carried(self, value: Tensor) -> Tensor:
        """Return the length of each value after its head's part of the output map, ``(n, heads, places)``."""
        _, heads, _, part = value.shape
        out = self.out.weight.view(-1, heads, part)
        lengths: Tensor = torch.einsum("nhtp,whp->nhtw", value, out).norm(dim=3)
        return lengths


class TransformerNetwork(nn.Module):
    """Standardised genes, tokens, layers of attention, one logit per class from the class token.

    The class token begins as a vector of its own plus the token of all genes, where that is not left out:
    what is plain need not be attended to, and attention is left to tell what the sets add.

    Parameters
    ----------
    n_sets, largest
        Gene sets, and genes of the largest.
    width
        Of every token; a multiple of ``heads``.
    input_dropout, dropout, token_dropout, free_dropout
        Share of genes, of hidden values, of gene sets and of the token that sees all genes left out in
        training.
    """

    def __init__(
        self,
        n_sets: int,
        largest: int,
        n_genes: int,
        n_classes: int,
        *,
        width: int,
        depth: int,
        heads: int,
        input_dropout: float = 0.0,
        dropout: float = 0.0,
        token_dropout: float = 0.0,
        free_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.standardise = Standardise(n_genes)
        self.input_dropout = Dropout(input_dropout)
        self.embedding = Embedding(n_sets, largest, n_genes, width)
        self.drop_tokens = DropTokens(token_dropout, free_dropout)
        self.heads = heads
        self.class_token = nn.Parameter(torch.zeros(1, width))
        self.layers = nn.ModuleList([Layer(width, heads, dropout) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(width, n_classes)

    @property
    def n_tokens(self) -> int:
        """Gene sets and the token that sees all genes."""
        return int(self.embedding.index.shape[0]) + 1

    def forward(self, x_cg: Tensor) -> Tensor:
        """Return logits, ``(n, n_classes)``."""
        logits: Tensor = self.head(self.dropout(self.latent(x_cg)))
        return logits

    def tokens(self, x_cg: Tensor) -> Tensor:
        """Return tokens before any attention, ``(n, tokens, width)``."""
        centred = self.input_dropout(x_cg - self.standardise.mean)
        tokens: Tensor = self.embedding(centred, self.standardise.scale)
        return tokens

    def latent(self, x_cg: Tensor, dropped: Sequence[int] = ()) -> Tensor:
        """Return the class token after the last layer, ``(n, width)``; ``dropped`` are tokens left out."""
        if self.training:
            return self._latent(x_cg, dropped)
        return in_blocks(lambda part: self._latent(part, dropped), x_cg, self.rows_at_a_time())

    def _latent(self, x_cg: Tensor, dropped: Sequence[int]) -> Tensor:
        state, seen = self._start(x_cg, dropped)
        for layer in self.layers:
            state = layer(state, seen, layer is self.layers[-1])
        latent: Tensor = self.norm(state[:, 0])
        return latent

    def attend(self, x_cg: Tensor, dropped: Sequence[int] = ()) -> tuple[Attention, ...]:
        """Return what every layer attends to; for few cells at a time."""
        state, seen = self._start(x_cg, dropped)
        found = []
        for layer in self.layers:
            assert isinstance(layer, Layer)
            state, attention = layer.attend(state, seen, layer is self.layers[-1])
            found.append(attention)
        return tuple(found)

    def _start(self, x_cg: Tensor, dropped: Sequence[int]) -> tuple[Tensor, Tensor | None]:
        tokens = self.tokens(x_cg)
        n, n_tokens, _ = tokens.shape
        keep = self.drop_tokens(n, n_tokens, tokens.device)
        if dropped:
            keep = torch.ones(1, n_tokens, dtype=torch.bool, device=tokens.device) if keep is None else keep
            keep[:, list(dropped)] = False
        begun = self.class_token + (tokens[:, -1:] if keep is None else tokens[:, -1:] * keep[:, -1:, None])
        state = torch.cat([begun, tokens], dim=1)
        if keep is None:
            return state, None
        return state, functional.pad(keep, (1, 0), value=True)[:, None, None, :]

    def rows_at_a_time(self) -> int:
        """Return how many cells fit in a block."""
        places, width = self.n_tokens + 1, self.norm.weight.numel()
        per_cell = self.embedding.index.numel() + places * (places * self.heads + 8 * width)
        return max(1, BLOCK_NUMBERS // per_cell)


def seed_network(network: TransformerNetwork, seed: int) -> None:
    """Draw all weights anew from a generator of their own; gene sets stay."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight, generator=generator)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, Standardise):
            module.mean.zero_()
            module.scale.fill_(1.0)
    embedding, width = network.embedding, network.norm.weight.numel()
    size_t = embedding.member.sum(dim=1).clamp(min=1)
    with torch.no_grad():
        embedding.weight.normal_(generator=generator).mul_(size_t[:, None, None].to(embedding.weight) ** -0.5)
        for weight in (embedding.place, network.class_token):
            weight.normal_(generator=generator).mul_(width**-0.5)
