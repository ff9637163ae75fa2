"""What models of scvi-tools foretell of each cell as channels: velocities of genes, shares of niches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.errors import DataError
from glasscell.models.batch import make_batch
from glasscell.models.capability.foretelling import ForetellsNiches, ForetellsVelocities

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
    net = context.bundle(str(ref.param("model", ""))).folds[0]
    if not isinstance(net, ForetellsVelocities) or ref.key not in net.moving:
        raise DataError(f"The model has no velocity of {ref.key}: train veloVI on its two kinds of RNA.")
    return CellValues(
        f"{ref.key}: velocity",
        "spliced RNA per unit of the model's time",
        _asked(context.dataset, net, net.velocity, net.moving.index(ref.key)),
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
    net = context.bundle(str(ref.param("model", ""))).folds[0]
    if not isinstance(net, ForetellsNiches) or ref.key not in net.types:
        raise DataError(f"The model foretells no share of {ref.key}: train scVIVA on a column that has it.")
    return CellValues(
        f"{ref.key}: share expected around",
        "share of neighbours",
        _asked(context.dataset, net, net.niche, net.types.index(ref.key)),
        note="foretold from the cell's own genes, not counted",
    )


@torch.no_grad()
def _asked(
    dataset: Dataset, net: Any, ask: Callable[[Any], torch.Tensor], column: int
) -> NDArray[np.float32]:
    """Ask a net of all cells, block by block, and keep one column."""
    starts = range(0, dataset.n_cells, _BLOCK)
    cells = (np.arange(start, min(start + _BLOCK, dataset.n_cells)) for start in starts)
    parts = [ask(make_batch(dataset, net, some))[:, column].cpu().numpy() for some in cells]
    return np.concatenate(parts).astype(np.float32)
