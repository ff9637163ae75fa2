"""Cells that run on a known network of genes, wild type in two states and with each gene knocked out (S9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd

from glasscell.data.dataset import Dataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONTROL = "control"
#: Steps of the equation and their length; a gene forgets in a time of 1.
STEPS, STEP = 240, 0.05
#: Steepness of regulation, and level at which a regulator works half.
STEEP, HALF = 6.0, 0.5
_COUNTS_PER_UNIT, _BACKGROUND = 40.0, 60


@dataclass(frozen=True, eq=False)
class GeneNetwork:
    """Cells and the network they ran on.

    Parameters
    ----------
    dataset
        Values of genes ``g00``, ``g01`` and so on (or counts, with genes ``b00`` that nothing regulates
        after them); obs ``state``, and ``action``: ``control`` or ``KO_g07``.
    weight_rg
        Signed strength of each regulator on each target, ``(n_genes, n_genes)``; 0 for none.
    """

    dataset: Dataset
    weight_rg: NDArray[np.float64]

    @property
    def genes(self) -> tuple[str, ...]:
        """Names of the genes of the network."""
        return tuple(f"g{gene:02d}" for gene in range(len(self.weight_rg)))

    @property
    def truth_rg(self) -> NDArray[np.bool_]:
        """Which regulator acts on which target."""
        return np.asarray(self.weight_rg != 0)

    def wild_type(self) -> Dataset:
        """Return the cells in which nothing was knocked out."""
        adata = self.dataset.adata
        return Dataset(adata[(adata.obs["action"] == CONTROL).to_numpy()].copy())


def make_gene_network(
    seed: int = 0,
    *,
    n_genes: int = 24,
    density: float = 0.12,
    n_cells: int = 800,
    n_knocked: int = 50,
    noise: float = 0.25,
    counts: bool = False,
) -> GeneNetwork:
    """Draw a network and let cells run on it until they are steady.

    A gene is made at a rate of a sigmoid of the sum of what acts on it and is lost at a rate of 1; noise
    grows with the square root of its level (Euler-Maruyama, levels stay above zero). In the second state a
    third of the genes are driven otherwise from outside. In a knock-out the gene is not made at all.

    Parameters
    ----------
    density
        Share of the ordered pairs of genes with an edge; each gene has one regulator at least, none is its
        own. A third of the edges represses.
    n_cells
        Wild-type cells, half in each state.
    n_knocked
        Cells of each knock-out.
    noise
        Strength of the noise.
    counts
        Give Poisson counts, with genes beside that nothing regulates.
    """
    rng = np.random.default_rng([seed, 0x59])
    weight_rg = _network(rng, n_genes, density)
    drive_sg = np.tile(rng.normal(0.0, 0.3, n_genes), (2, 1))
    driven = rng.choice(n_genes, max(1, n_genes // 3), replace=False)
    drive_sg[1, driven] += rng.choice([-1.0, 1.0], len(driven))
    arm_c = np.concatenate([np.zeros(n_cells, int), np.repeat(np.arange(1, n_genes + 1), n_knocked)])
    state_c = np.arange(len(arm_c)) % 2
    made_cg = np.ones((len(arm_c), n_genes))
    knocked = arm_c > 0
    made_cg[knocked, arm_c[knocked] - 1] = 0.0
    level_cg = _run(rng, weight_rg, drive_sg[state_c], made_cg, noise)
    genes = [f"g{gene:02d}" for gene in range(n_genes)]
    if counts:
        beside_g = rng.gamma(2.0, 0.5, _BACKGROUND)
        size_c = rng.lognormal(0.0, 0.3, len(arm_c))
        rate_cg = np.concatenate([level_cg, np.tile(beside_g, (len(arm_c), 1))], axis=1)
        level_cg = rng.poisson(_COUNTS_PER_UNIT * size_c[:, None] * rate_cg)
        genes += [f"b{gene:02d}" for gene in range(_BACKGROUND)]
    obs = pd.DataFrame(
        {
            "state": pd.Categorical.from_codes(state_c, pd.Index(["resting", "driven"])),
            "action": pd.Categorical.from_codes(
                arm_c, pd.Index([CONTROL, *(f"KO_g{gene:02d}" for gene in range(n_genes))])
            ),
        },
        index=[f"cell{number:05d}" for number in range(len(arm_c))],
    )
    adata = ad.AnnData(level_cg.astype(np.float32), obs=obs, var=pd.DataFrame(index=genes))
    adata.varm["truth"] = np.zeros((len(genes), n_genes), np.float64)
    adata.varm["truth"][:n_genes] = weight_rg
    return GeneNetwork(Dataset(adata), weight_rg)


def _network(rng: np.random.Generator, n_genes: int, density: float) -> NDArray[np.float64]:
    """Draw signed strengths, at least one regulator for each gene, none of its own."""
    edge_rg = rng.random((n_genes, n_genes)) < density * n_genes / (n_genes - 1)
    np.fill_diagonal(edge_rg, False)
    for gene in np.flatnonzero(~edge_rg.any(axis=0)):
        others = np.delete(np.arange(n_genes), gene)
        edge_rg[rng.choice(others), gene] = True
    sign_rg = np.where(rng.random((n_genes, n_genes)) < 1 / 3, -1.0, 1.0)
    return np.asarray(edge_rg * sign_rg * rng.uniform(1.5, 3.0, (n_genes, n_genes)))


def _run(
    rng: np.random.Generator,
    weight_rg: NDArray[np.float64],
    drive_cg: NDArray[np.float64],
    made_cg: NDArray[np.float64],
    noise: float,
) -> NDArray[np.float64]:
    """Let every cell run from a drawn start, ``(n_cells, n_genes)``; what is not made is not there."""
    level_cg = rng.uniform(0.1, 1.0, drive_cg.shape) * made_cg
    for _ in range(STEPS):
        works_cg = 1 / (1 + np.exp(-STEEP * (level_cg - HALF))) - 0.5
        rate_cg = made_cg / (1 + np.exp(-2 * (works_cg @ weight_rg + drive_cg)))
        shake_cg = noise * np.sqrt(level_cg * STEP) * rng.standard_normal(level_cg.shape)
        level_cg = np.maximum(level_cg + STEP * (rate_cg - level_cg) + shake_cg, 0.0) * made_cg
    return level_cg
