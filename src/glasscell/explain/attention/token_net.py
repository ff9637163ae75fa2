"""One net's attention to tokens, cell by cell, and the change when each token is removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.models.batch import make_batch
from glasscell.models.cell_batch import Intervention

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.attention.change import Change
    from glasscell.explain.attention.result import Floats
    from glasscell.jobs import JobHandle

NO_NORM = "Norm-weighted attention is missing: this model does not tell what its weights carry."
# Numbers made at a time: genes of a block, or attention of a block between all tokens.
BLOCK_NUMBERS = 4_000_000


@dataclass(frozen=True, eq=False)
class TokenMaps:
    """What one net attends to.

    Parameters
    ----------
    weights_clht
        From the class token to every token, ``(n, layers, heads, tokens)`` float32.
    rollout_ct
        Through all layers, ``(n, tokens)``; None for a model that does not tell.
    norm_ct
        Mean over layers and heads of the norm-weighted attention, ``(n, tokens)``; None likewise.
    """

    weights_clht: NDArray[np.float32]
    rollout_ct: NDArray[np.float32] | None
    norm_ct: NDArray[np.float32] | None


def blocks(cells: NDArray[Any], n_genes: int, n_tokens: int) -> Iterator[slice]:
    """Cut cells into blocks that fit in memory."""
    size = int(max(1, min(1024, BLOCK_NUMBERS // max(1, n_genes), 40 * BLOCK_NUMBERS // (n_tokens + 1) ** 2)))
    for first in range(0, len(cells), size):
        yield slice(first, first + size)


@torch.no_grad()
def token_maps(dataset: Dataset, net: Any, cells: NDArray[Any], job: JobHandle) -> TokenMaps:
    """Ask a net for its attention in every cell; each block is a cancel point."""
    asks = {"weights": net.attention}
    for name in ("class_rollout", "norm_weighted"):
        if hasattr(net, name):
            asks[name] = getattr(net, name)
    found: dict[str, list[NDArray[np.float32]]] = {name: [] for name in asks}
    for part in blocks(cells, len(net.genes), len(net.tokens)):
        batch = make_batch(dataset, net, cells[part])
        for name, ask in asks.items():
            job.report(part.start / max(len(cells), 1))
            values = ask(batch)
            if name == "norm_weighted":
                values = values.mean(dim=(1, 2))
            found[name].append(values.float().cpu().numpy())
    whole = {name: np.concatenate(parts) if parts else None for name, parts in found.items()}
    weights_clht = whole["weights"]
    if weights_clht is None:
        weights_clht = np.zeros((0, 1, 1, len(net.tokens)), np.float32)
    return TokenMaps(weights_clht, whole.get("class_rollout"), whole.get("norm_weighted"))


@torch.no_grad()
def token_removal(
    dataset: Dataset, net: Any, cells: NDArray[Any], change: Change, job: JobHandle
) -> NDArray[np.float32]:
    """Remove every token in turn and measure the change, ``(n, tokens)``."""
    n_tokens = len(net.tokens)
    removed_ct = np.full((len(cells), n_tokens), np.nan, np.float32)
    for part in blocks(cells, len(net.genes), n_tokens):
        batch = make_batch(dataset, net, cells[part])
        start = change.start(net, batch)
        for token in range(n_tokens):
            job.report((part.start + len(batch) * token / n_tokens) / len(cells))
            after = net.apply(batch, Intervention(drop_tokens=(token,)))
            removed_ct[part, token] = change.measure(net, after, start).float().cpu().numpy()
    return removed_ct


def combine(weights_clht: Floats, which: str) -> Floats:
    """Reduce weights to one map: ``mean``, ``layer:1`` or ``head:1.2``, counted from one, ``(n, tokens)``."""
    kind, _, place = which.partition(":")
    if kind == "mean":
        return np.asarray(weights_clht.mean(axis=(1, 2), dtype=np.float64))
    layer, _, head = place.partition(".")
    if kind == "layer":
        return np.asarray(weights_clht[:, int(layer) - 1].mean(axis=1, dtype=np.float64))
    return np.asarray(weights_clht[:, int(layer) - 1, int(head) - 1], np.float64)


def map_names(n_layers: int, n_heads: int, *, rollout: bool = False, norm: bool = False) -> tuple[str, ...]:
    """List the maps, the summaries first."""
    layers = tuple(f"layer:{layer + 1}" for layer in range(n_layers))
    heads = tuple(f"head:{layer + 1}.{head + 1}" for layer in range(n_layers) for head in range(n_heads))
    return ("mean", *(["rollout"] if rollout else []), *(["norm"] if norm else []), *layers, *heads)
