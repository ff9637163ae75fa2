"""Cells whose genes answer to the type of their neighbours: planted pairs of receiver and sender."""

from __future__ import annotations

from dataclasses import dataclass

import anndata as ad
import numpy as np
import numpy.typing as npt

from glasscell.data.dataset import Dataset
from glasscell.data.neighbour import GraphSpec, find_neighbours


@dataclass(frozen=True, eq=False)
class NeighbourEffect:
    """Cells on a plane and the truth about them.

    Parameters
    ----------
    dataset
        Values as stored (not counts), positions, and ``obs["type"]``.
    effect_rsg
        What a receiver of type ``r`` has more of when a sender of type ``s`` is near,
        ``(n_types, n_types, n_genes)``; zero for pairs that were not planted.
    radius
        How near.
    """

    dataset: Dataset
    effect_rsg: npt.NDArray[np.float64]
    radius: float

    @property
    def planted_rs(self) -> npt.NDArray[np.bool_]:
        """Which pairs were planted, ``(n_types, n_types)``."""
        return np.asarray(np.abs(self.effect_rsg).sum(axis=2) > 0)


def make_neighbour_effect(
    seed: int = 0,
    *,
    n_cells: int = 4000,
    n_types: int = 5,
    n_genes: int = 60,
    n_pairs: int = 5,
    genes_per_pair: int = 4,
    effect: float = 0.8,
    neighbours: float = 8.0,
    spill: float = 0.0,
    niche: float = 0.0,
) -> NeighbourEffect:
    """Draw cells of several types, some of which change genes of certain types near them.

    Parameters
    ----------
    effect
        Of one sender or more within the radius, in standard deviations of the noise.
    neighbours
        Cells within the radius, on average.
    spill
        Share of its neighbours' mean expression that leaks into each cell, as poor segmentation does.
    niche
        Size of a smooth pattern over the tissue that moves all genes of a cell, whatever its neighbours.
    """
    rng = np.random.default_rng([seed, 0x55])
    points_cd = rng.random((n_cells, 2)) * np.sqrt(n_cells)
    radius = float(np.sqrt(neighbours / np.pi))
    type_c = rng.integers(n_types, size=n_cells)
    mean_kg = rng.normal(size=(n_types, n_genes))
    pairs = rng.permutation(n_types * (n_types - 1))[:n_pairs]
    genes = rng.permutation(n_genes)[: n_pairs * genes_per_pair].reshape(n_pairs, genes_per_pair)
    effect_rsg = np.zeros((n_types, n_types, n_genes))
    for pair, own in zip(pairs, genes, strict=True):
        receiver, other = divmod(int(pair), n_types - 1)
        effect_rsg[receiver, other + (other >= receiver), own] = effect
    near = find_neighbours(points_cd, np.zeros(n_cells, np.int64), GraphSpec("radius", radius=radius))
    senders, receivers = near.edges()
    there_cs = np.zeros((n_cells, n_types))
    there_cs[receivers, type_c[senders]] = 1.0
    values_cg = mean_kg[type_c] + rng.normal(size=(n_cells, n_genes))
    values_cg += np.einsum("csg,cs->cg", effect_rsg[type_c], there_cs)
    if niche > 0:
        wave_c = np.sin(2 * np.pi * points_cd[:, 0] / points_cd[:, 0].max())
        values_cg += niche * wave_c[:, None] * rng.normal(size=n_genes)
    if spill > 0:
        total_cg = np.zeros_like(values_cg)
        np.add.at(total_cg, receivers, values_cg[senders])
        values_cg += spill * total_cg / np.maximum(near.degree, 1)[:, None]
    table = ad.AnnData(values_cg.astype(np.float32), obsm={"spatial": points_cd})
    table.obs["type"] = [f"T{number}" for number in type_c]
    table.obs["type"] = table.obs["type"].astype("category")
    return NeighbourEffect(Dataset(table), effect_rsg, radius)
