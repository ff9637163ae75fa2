"""Tiny models that attend: one to tokens, one to neighbours, each with a planted answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from glasscell.data.neighbour import GraphSpec
from glasscell.errors import NotCompatible
from glasscell.models.cell_batch import CellBatch
from glasscell.models.info import ModelInfo
from glasscell.testing.toy_net import ToyModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.models.cell_batch import Intervention
    from glasscell.models.preprocessing import Preprocessing


KINDS = ("class", "contrast")
TOKEN_INFO = ModelInfo("toy_tokens", "Toy of tokens", "", "Tests.", "Everything else.", 1, KINDS)
EDGE_INFO = ModelInfo("toy_neighbours", "Toy of neighbours", "", "Tests.", "Everything else.", 1, KINDS)


@dataclass(frozen=True, eq=False)
class DroppedBatch(CellBatch):
    """Cells with tokens left out."""

    dropped: tuple[int, ...] = ()


class TokenNetwork(nn.Module):
    """One token per set of genes, a class token, and attention between all of them, layer upon layer.

    Parameters
    ----------
    sets
        Genes of each token, by place.
    """

    mask: Tensor

    def __init__(
        self, sets: Sequence[Sequence[int]], n_genes: int, n_classes: int, layers: int = 2, heads: int = 2
    ) -> None:
        super().__init__()
        width = 4 * heads
        self.heads, self.n_layers = heads, layers
        mask_tg = torch.zeros(len(sets), n_genes)
        for token, genes in enumerate(sets):
            mask_tg[token, list(genes)] = 1 / len(genes)
        self.register_buffer("mask", mask_tg)
        self.scale = nn.Parameter(torch.randn(len(sets), width) * 0.5)
        self.place = nn.Parameter(torch.randn(len(sets), width) * 0.5)
        self.start = nn.Parameter(torch.randn(1, width) * 0.5)
        self.query, self.key, self.value, self.out = (
            nn.ParameterList([nn.Parameter(torch.randn(width, width) * 0.4) for _ in range(layers)])
            for _ in range(4)
        )
        self.head = nn.Linear(width, n_classes)

    def run(self, values_cg: Tensor, dropped: Sequence[int] = ()) -> tuple[Tensor, Tensor, Tensor]:
        """Return the class token, all attention, and the norm-weighted attention of the class token.

        Their shapes are ``(n, width)``, ``(n, layers, heads, 1 + t, 1 + t)`` with the class token first, and
        ``(n, layers, heads, t)``.
        """
        level_ct = values_cg @ self.mask.T
        tokens = level_ct[:, :, None] * self.scale + self.place
        state = torch.cat([self.start.expand(len(values_cg), 1, -1), tokens], dim=1)
        keep = torch.ones(state.shape[1], dtype=torch.bool, device=state.device)
        keep[[1 + token for token in dropped]] = False
        n, t, width = state.shape
        part = width // self.heads
        weights, sizes = [], []
        for layer in range(self.n_layers):
            query, key, value = (
                (state @ weight[layer]).view(n, t, self.heads, part).transpose(1, 2)
                for weight in (self.query, self.key, self.value)
            )
            logits = query @ key.transpose(2, 3) / part**0.5
            attention = torch.softmax(logits.masked_fill(~keep, -torch.inf), dim=3)
            out = self.out[layer].view(self.heads, part, width)
            carried = torch.einsum("nhtp,hpw->nhtw", value, out)
            sizes.append(attention[:, :, 0, 1:] * carried.norm(dim=3)[:, :, 1:])
            weights.append(attention)
            state = state + torch.einsum("nhqt,nhtw->nqw", attention, carried)
        return state[:, 0], torch.stack(weights, dim=1), torch.stack(sizes, dim=1)

    def forward(self, values_cg: Tensor, dropped: Sequence[int] = ()) -> Tensor:
        """Return logits, ``(n, n_classes)``."""
        logits: Tensor = self.head(self.run(values_cg, dropped)[0])
        return logits


class ToyTokens(ToyModel):
    """A model whose class token attends to sets of genes."""

    def __init__(
        self,
        network: nn.Module,
        genes: Sequence[str],
        classes: Sequence[str],
        preprocessing: Preprocessing | None = None,
    ) -> None:
        super().__init__(network, genes, classes, preprocessing)
        self.info = TOKEN_INFO

    @property
    def tokens(self) -> tuple[str, ...]:
        """Names of the sets."""
        return tuple(f"SET {number + 1}" for number in range(self.network.mask.shape[0]))  # type: ignore[index]

    def _run(self, batch: CellBatch) -> Any:
        return self.network.run(batch.expression, getattr(batch, "dropped", ()))  # type: ignore[operator]

    def logits(self, batch: CellBatch) -> Tensor:
        """Return raw scores, ``(n, n_classes)``."""
        result: Tensor = self.network(batch.expression, getattr(batch, "dropped", ()))
        return result

    def attention(self, batch: CellBatch) -> Tensor:
        """Return class token to tokens, ``(n, layers, heads, tokens)``."""
        weights: Tensor = self._run(batch)[1][:, :, :, 0, 1:]
        return weights

    def class_rollout(self, batch: CellBatch) -> Tensor:
        """Return the class token's attention through all layers, ``(n, tokens)``."""
        mean = self._run(batch)[1].mean(dim=2)
        step = (mean + torch.eye(mean.shape[-1], dtype=mean.dtype)) / 2
        row = step[:, -1, :1]
        for layer in range(step.shape[1] - 2, -1, -1):
            row = row @ step[:, layer]
        rolled: Tensor = row[:, 0, 1:]
        return rolled

    def norm_weighted(self, batch: CellBatch) -> Tensor:
        """Return attention times the size of what it carries, ``(n, layers, heads, tokens)``."""
        sizes: Tensor = self._run(batch)[2]
        return sizes

    def apply(self, batch: CellBatch, intervention: Intervention) -> CellBatch:
        """Leave tokens out."""
        if intervention != type(intervention)(drop_tokens=intervention.drop_tokens):
            raise NotCompatible("A toy of tokens can only have tokens left out.")
        values = {name: getattr(batch, name) for name in CellBatch.__dataclass_fields__}
        return DroppedBatch(**values, dropped=tuple(intervention.drop_tokens or ()))


class EdgeNetwork(nn.Module):
    """Attention over incoming edges and the cell itself, two heads, one layer, then a line per class."""

    def __init__(self, n_genes: int, n_classes: int, heads: int = 2, width: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.lift = nn.Parameter(torch.randn(heads, n_genes, width) * 0.3)
        self.sender = nn.Parameter(torch.randn(heads, width))
        self.receiver = nn.Parameter(torch.randn(heads, width))
        self.head = nn.Linear(heads * width, n_classes)

    def run(self, values_cg: Tensor, edges: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return latents, the weights of edges, and these times the size of what they carry.

        Their shapes are ``(n, heads * width)`` and, twice, ``(n_edges, 1, heads)``.
        """
        n = len(values_cg)
        own = torch.arange(n, device=edges.device)
        senders, receivers = torch.cat([edges, torch.stack([own, own])], dim=1)
        lifted = torch.einsum("ng,hgw->nhw", values_cg, self.lift)
        logits = torch.tanh(
            (lifted * self.sender).sum(2)[senders] + (lifted * self.receiver).sum(2)[receivers]
        )
        size = torch.exp(2 * logits)
        total = torch.zeros(n, self.heads, dtype=size.dtype).index_add(0, receivers, size)
        weights = size / total[receivers]
        carried = weights[:, :, None] * lifted[senders]
        latent = torch.zeros_like(lifted).index_add(0, receivers, carried)
        kept = slice(edges.shape[1])
        return torch.tanh(latent.flatten(1)), weights[kept, None], carried.norm(dim=2)[kept, None]


class ToyNeighbours(ToyModel):
    """A model whose cells attend to their neighbours on the tissue."""

    def __init__(
        self,
        network: nn.Module,
        genes: Sequence[str],
        classes: Sequence[str],
        preprocessing: Preprocessing | None = None,
    ) -> None:
        super().__init__(network, genes, classes, preprocessing)
        self.info = EDGE_INFO

    hops = 1
    graph = GraphSpec("knn", 4)
    tokens: tuple[str, ...] = ()
    n_latent = 8

    def _run(self, batch: CellBatch) -> tuple[Tensor, Tensor, Tensor]:
        edges = torch.zeros(2, 0, dtype=torch.int64) if batch.edges is None else batch.edges
        found: tuple[Tensor, Tensor, Tensor] = self.network.run(batch.expression, edges)  # type: ignore[operator]
        return found

    def encode(self, batch: CellBatch) -> Tensor:
        """Return the centres' latents."""
        latent_cz = self._run(batch)[0]
        return latent_cz if batch.centre is None else latent_cz[batch.centre]

    def logits(self, batch: CellBatch) -> Tensor:
        """Return the centres' raw scores."""
        result: Tensor = self.network.head(self.encode(batch))  # type: ignore[operator]
        return result

    def attention(self, batch: CellBatch) -> Tensor:
        """Return weights ``(n_edges, 1, heads)`` in edge order."""
        return self._run(batch)[1]

    def norm_weighted(self, batch: CellBatch) -> Tensor:
        """Return weights times the size of what they carry, ``(n_edges, 1, heads)``."""
        return self._run(batch)[2]

    def apply(self, batch: CellBatch, intervention: Intervention) -> CellBatch:
        """Leave edges out."""
        assert batch.edges is not None
        keep = torch.ones(batch.edges.shape[1], dtype=torch.bool)
        keep[list(intervention.drop_edges or ())] = False
        return replace(batch, edges=batch.edges[:, keep])


def toy_tokens(
    genes: Sequence[str],
    classes: Sequence[str],
    sets: Sequence[Sequence[int]],
    seed: int = 0,
    preprocessing: Preprocessing | None = None,
) -> ToyTokens:
    """Make a toy with random weights; the process's random state is left alone."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = TokenNetwork(sets, len(genes), len(classes))
    return ToyTokens(network, genes, classes, preprocessing)


def toy_neighbours(
    genes: Sequence[str], classes: Sequence[str], seed: int = 0, preprocessing: Preprocessing | None = None
) -> ToyNeighbours:
    """Make a toy with random weights; the process's random state is left alone."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = EdgeNetwork(len(genes), len(classes))
    return ToyNeighbours(network, genes, classes, preprocessing)
