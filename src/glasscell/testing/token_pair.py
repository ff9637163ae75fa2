"""Cells whose class depends on two programmes together and on neither alone."""

from __future__ import annotations

from dataclasses import dataclass

import anndata as ad
import numpy as np
import numpy.typing as npt

from glasscell.data.dataset import Dataset
from glasscell.data.gene_set import GeneSet


@dataclass(frozen=True, eq=False)
class TokenPair:
    """Counts, the programmes behind them, and which two make the class.

    Parameters
    ----------
    dataset
        Counts, and ``obs["class"]``.
    sets
        The programmes; every gene is in one. ``write_gmt`` writes them as a file.
    pair
        The two programmes whose signs make the class.
    activity_cp
        Of each programme in each cell, ``(n_cells, n_programmes)``.
    """

    dataset: Dataset
    sets: tuple[GeneSet, ...]
    pair: tuple[str, str]
    activity_cp: npt.NDArray[np.float64]


def make_token_pair(
    seed: int = 0,
    *,
    n_cells: int = 2400,
    n_programmes: int = 16,
    genes_per_set: int = 12,
    effect: float = 0.7,
    mean_count: float = 2.0,
    noise: float = 0.02,
) -> TokenPair:
    """Draw cells of class "like" where two programmes are both on or both off, "unlike" where they differ.

    Each programme alone is as active in one class as in the other, so no mean difference betrays the pair.

    Parameters
    ----------
    effect
        What a programme that is on adds to the log rate of its genes, and one that is off takes away.
    mean_count
        Of a gene at rest.
    noise
        Share of cells with the other class.
    """
    rng = np.random.default_rng([seed, 0x511])
    names = [f"PROGRAMME {number + 1}" for number in range(n_programmes)]
    first, second = (int(number) for number in rng.permutation(n_programmes)[:2])
    sign_cp = rng.choice([-1.0, 1.0], size=(n_cells, n_programmes))
    activity_cp = sign_cp * rng.uniform(0.7, 1.3, size=sign_cp.shape)
    like = sign_cp[:, first] * sign_cp[:, second] > 0
    like ^= rng.random(n_cells) < noise
    base_g = rng.normal(np.log(mean_count), 0.4, size=n_programmes * genes_per_set)
    load_g = effect * rng.uniform(0.7, 1.3, size=base_g.shape)
    rate_cg = np.exp(base_g + load_g * np.repeat(activity_cp, genes_per_set, axis=1))
    rate_cg *= rng.lognormal(0.0, 0.2, size=(n_cells, 1))
    genes = [f"G{number}" for number in range(len(base_g))]
    table = ad.AnnData(rng.poisson(rate_cg).astype(np.float32))
    table.var_names = genes
    table.obs["class"] = np.where(like, "like", "unlike")
    table.obs["class"] = table.obs["class"].astype("category")
    sets = tuple(
        GeneSet(name, frozenset(genes[number * genes_per_set : (number + 1) * genes_per_set]), "simulated")
        for number, name in enumerate(names)
    )
    return TokenPair(Dataset(table), sets, (names[first], names[second]), activity_cp)
