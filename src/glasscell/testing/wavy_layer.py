"""A hexagonal tissue of wavy layers with marker genes, and a stain that follows the layers (S3)."""

from __future__ import annotations

import anndata as ad
import numpy as np
import numpy.typing as npt
from scipy import sparse

from glasscell.data.dataset import Dataset
from glasscell.data.tissue import Tissue, TissueImage, TissueSection

SPACING = 100.0
_PIXEL = 20.0


def wavy_layers(
    seed: int = 0,
    *,
    side: int = 40,
    n_layers: int = 6,
    n_genes: int = 600,
    markers: int = 25,
    fold: float = 1.8,
    faint: float = 0.15,
    depth: float = 2000.0,
    stain: float | None = None,
) -> Dataset:
    """Draw counts of spots that lie in layers with waves.

    Parameters
    ----------
    side
        Spots along each side of the tissue.
    markers, fold
        Genes that each layer has more of, and how many times more.
    faint
        Expression of markers relative to other genes.
    depth
        Median counts of a spot.
    stain
        A picture whose colour follows the layers, with noise of so many times the difference between the
        first and the last; None for no picture.

    Returns
    -------
    Spots 100 units apart with ``obs["layer"]`` and ``varm["markers"]``, bool ``(n_genes, n_layers)``.
    """
    rng = np.random.default_rng([seed, 0x53])
    row, column = np.divmod(np.arange(side**2), side)
    points_cd = np.stack([column + 0.5 * (row % 2), row * np.sqrt(0.75)], axis=1) * SPACING
    layer_c = layer_at(points_cd, points_cd[:, 1].max(), n_layers)
    marks_gl = np.zeros((n_genes, n_layers), bool)
    marks_gl[rng.permutation(n_genes)[: markers * n_layers], np.repeat(np.arange(n_layers), markers)] = True
    base_g = rng.lognormal(0.0, 1.0, n_genes) * np.where(marks_gl.any(axis=1), faint, 1.0)
    rate_cg = base_g * np.where(marks_gl.T[layer_c], fold, 1.0)
    size_c = depth * rng.lognormal(0.0, 0.3, side**2)
    rate_cg *= (size_c / rate_cg.sum(axis=1))[:, None]
    table = ad.AnnData(sparse.csr_matrix(rng.poisson(rate_cg).astype(np.float32)))
    table.obsm["spatial"], table.varm["markers"] = points_cd, marks_gl
    table.obs["layer"] = [f"layer {number}" for number in layer_c]
    table.obs["layer"] = table.obs["layer"].astype("category")
    if stain is None:
        return Dataset(table, observation="spot")
    tissue = Tissue((_stained(points_cd, n_layers, stain, rng),))
    return Dataset(table, observation="spot", tissue=tissue)


def layer_at(points_cd: npt.NDArray[np.float64], height: float, n_layers: int) -> npt.NDArray[np.int64]:
    """Return the layer at some places, ``(n,)``; layers run along x in two waves."""
    wave = 0.05 * height * np.sin(points_cd[:, 0] / height * 4 * np.pi)
    part = (points_cd[:, 1] + wave) / (height * 1.0001) * n_layers
    return np.clip(part.astype(np.int64), 0, n_layers - 1)


def _stained(
    points_cd: npt.NDArray[np.float64], n_layers: int, noise: float, rng: np.random.Generator
) -> TissueSection:
    high = points_cd.max(axis=0)
    wide, tall = (int(end / _PIXEL) + 6 for end in high)
    x, y = np.meshgrid(np.arange(wide) * _PIXEL, np.arange(tall) * _PIXEL)
    layer_yx = layer_at(np.stack([x.ravel(), y.ravel()], axis=1), high[1], n_layers).reshape(tall, wide)
    shade_yx = 60 + 120 * layer_yx / max(n_layers - 1, 1)
    noisy_yxc = shade_yx[:, :, None] + 120 * noise * rng.normal(size=(tall, wide, 1))
    pixels_yxc = np.clip(noisy_yxc + np.array([0, 10, 20]), 0, 255).astype(np.uint8)
    image = TissueImage("stain", (pixels_yxc,), (_PIXEL, _PIXEL), channels=("r", "g", "b"), rgb=True)
    return TissueSection("all", (image,), radius=SPACING / 2)


def smooth_domains(
    positions_cd: npt.NDArray[np.float64], n_domains: int, seed: int, *, waves: float = 2.0
) -> npt.NDArray[np.int32]:
    """Divide a tissue by a random smooth field that knows nothing of any gene.

    Parameters
    ----------
    positions_cd
        x and y, ``(n_cells, 2)``.
    n_domains
        Of the same size each: between quantiles of the field.
    waves
        How often the field goes up and down along the tissue, at most.

    Returns
    -------
    Domain of each cell, ``(n_cells,)``.
    """
    rng = np.random.default_rng([seed, 0x5D])
    low, high = positions_cd.min(axis=0), positions_cd.max(axis=0)
    unit_cd = (positions_cd - low) / (high - low).max()
    field_c = np.zeros(len(positions_cd))
    for _ in range(12):
        turn = rng.normal(size=2)
        turn *= waves * np.sqrt(rng.random()) * 2 * np.pi / np.linalg.norm(turn)
        field_c += rng.normal() * np.cos(unit_cd @ turn + rng.uniform(0, 2 * np.pi))
    edges = np.quantile(field_c, np.linspace(0, 1, n_domains + 1)[1:-1])
    return np.searchsorted(edges, field_c).astype(np.int32)
