"""Principal components of standardised expression: what the network sees of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import TrainingData
    from glasscell.models.spatial_attention.network import ComponentNetwork

#: Components are learnt on so many training cells at most.
MOST_CELLS = 20_000
MIN_SCALE = 1e-3
_EXTRA, _ROUNDS, _BLOCK = 10, 6, 4096


def principal_axes(table_cg: Tensor, n_axes: int, seed: int) -> Tensor:
    """Return the directions of largest variance, orthonormal rows, ``(n_axes, n_genes)``.

    The largest loading of each is positive, so that two runs do not differ in sign.

    Parameters
    ----------
    table_cg
        Centred, ``(n, n_genes)``.

    References
    ----------
    Halko, Martinsson & Tropp 2011, doi:10.1137/090771806, algorithm 4.4.
    """
    generator = torch.Generator().manual_seed(seed)
    width = min(n_axes + _EXTRA, *table_cg.shape)
    start = torch.randn(table_cg.shape[1], width, generator=generator).to(table_cg)
    basis, _ = torch.linalg.qr(table_cg @ start)
    for _ in range(_ROUNDS):
        other, _ = torch.linalg.qr(table_cg.T @ basis)
        basis, _ = torch.linalg.qr(table_cg @ other)
    axes: Tensor = torch.linalg.svd(basis.T @ table_cg, full_matrices=False)[2][:n_axes]
    largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))
    return axes * torch.sign(largest)


@torch.no_grad()
def set_components(
    network: ComponentNetwork, data: TrainingData, train: NDArray[np.int64], seed: int, job: JobHandle
) -> None:
    """Learn how genes are standardised and which components are kept, from training cells alone."""
    job.report(0.0, "principal components")
    mean_g, sd_g = data.rows.moments(train)
    scale_g = np.maximum(sd_g, MIN_SCALE)
    network.standardise.set_moments(torch.from_numpy(mean_g), torch.from_numpy(scale_g))
    rng = np.random.default_rng([seed, 0x9CA])
    some = np.sort(rng.permutation(train)[:MOST_CELLS])
    network.loadings.zero_()
    network.unit.fill_(1.0)
    table_cg = network.standardised(data.rows.take(torch.from_numpy(some)).cpu())
    table_cg -= table_cg.mean(dim=0)
    job.report(0.2)
    axes = principal_axes(table_cg, len(network.loadings), seed)
    network.loadings[: len(axes)] = axes
    network.unit.copy_((table_cg @ axes.T).square().mean().sqrt().clamp(min=MIN_SCALE))


@torch.no_grad()
def component_table(network: ComponentNetwork, data: TrainingData, device: str, job: JobHandle) -> Tensor:
    """Return every cell's components, ``(n_cells, n_components)`` on the device."""
    network = network.to(device).eval()
    n_cells = len(data.rows)
    parts = []
    for start in range(0, n_cells, _BLOCK):
        job.report(start / n_cells)
        rows = torch.arange(start, min(start + _BLOCK, n_cells))
        parts.append(network.components(data.rows.take(rows).to(device)))
    return torch.cat(parts)
