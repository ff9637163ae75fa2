"""What models of scvi-tools foretell of each cell as channels: velocities of genes, shares of niches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.errors import DataError
from glasscell.models.batch import make_batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset

_BLOCK = 2048


def resolve_velocity(context: Any, ref: ChannelRef) -> CellValues:
    """Return how fast spliced RNA of a gene grows in each cell; the parameter ``model`` names the bundle.

    Raises
    ------
    DataError
        The model has gone, or has no velocity of this gene.
    """
    net: Any = context.bundle(str(ref.param("model", ""))).folds[0]
    if ref.key not in getattr(net, "moving", ()):
        raise DataError(f"The model has no velocity of {ref.key}: train veloVI on its two kinds of RNA.")
    column = net.moving.index(ref.key)
    return CellValues(
        f"{ref.key}: velocity",
        "spliced RNA per unit of the model's time",
        _asked(context.dataset, net, lambda batch: net.velocity(batch)[:, column]),
        centre=0.0,
        note="foretold, not measured; genes at rest are given one, too",
    )


def resolve_niche(context: Any, ref: ChannelRef) -> CellValues:
    """Return the share of a type expected among each cell's neighbours; ``model`` names the bundle.

    Raises
    ------
    DataError
        The model has gone, or foretells no share of this type.
    """
    net: Any = context.bundle(str(ref.param("model", ""))).folds[0]
    if ref.key not in getattr(net, "types", ()):
        raise DataError(f"The model foretells no share of {ref.key}: train scVIVA on a column that has it.")
    column = net.types.index(ref.key)
    return CellValues(
        f"{ref.key}: share expected around",
        "share of neighbours",
        _asked(context.dataset, net, lambda batch: net.niche(batch)[:, column]),
        note="foretold from the cell's own genes, not counted",
    )


@torch.no_grad()
def _asked(dataset: Dataset, net: Any, ask: Callable[[Any], torch.Tensor]) -> NDArray[np.float32]:
    """Ask a net of all cells, block by block."""
    parts = [
        ask(make_batch(dataset, net, np.arange(start, min(start + _BLOCK, dataset.n_cells)))).cpu().numpy()
        for start in range(0, dataset.n_cells, _BLOCK)
    ]
    return np.concatenate(parts).astype(np.float32)
