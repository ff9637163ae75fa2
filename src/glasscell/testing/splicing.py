"""Simulator S4, kinetics: spliced and unspliced RNA of cells along a known latent time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SplicedCells:
    """Counts of both kinds of RNA with the velocities they came from.

    Parameters
    ----------
    adata
        Counts in the layers ``spliced`` and ``unspliced``; X is the former.
    time_c
        Latent time of each cell, 0 to 1, ``(n_cells,)``.
    velocity_cg
        Growth of spliced RNA, ``(n_cells, n_genes)``, in counts expected of a cell of median depth per unit
        of kinetic time; 0 for genes at rest.
    """

    adata: ad.AnnData
    time_c: NDArray[np.float64]
    velocity_cg: NDArray[np.float64]


def make_spliced_cells(
    n_cells: int = 500,
    n_genes: int = 40,
    *,
    n_still: int = 40,
    length: float = 12.0,
    depth: float = 20.0,
    seed: int = 0,
) -> SplicedCells:
    """Draw Poisson counts round the kinetics of transcription, splicing and degradation.

    Of every gene ``du/dt = alpha(t) - beta u`` and ``ds/dt = beta u - gamma s``, with transcription on from
    the start to a time of the gene's own and off thereafter; the solution is in closed form. Genes at rest
    stand beside, as most do in a cell, so that its total says little of its time. Depths of cells vary.

    Parameters
    ----------
    n_genes, n_still
        Genes that move and genes at rest; the latter come last.
    length
        Kinetic time between the first and the last cell.
    depth
        Expected spliced counts of a gene of rate 1 that is on for ever.

    References
    ----------
    La Manno et al. 2018, doi:10.1038/s41586-018-0414-6.
    """
    rng = np.random.default_rng([seed, 0x54])
    time_c = np.sort(rng.uniform(0, 1, n_cells))
    alpha_g = rng.lognormal(0.0, 0.3, n_genes)
    beta_g = rng.lognormal(0.0, 0.2, n_genes)
    gamma_g = beta_g * rng.uniform(0.4, 0.8, n_genes)
    switch_g = rng.uniform(0.15, 0.85, n_genes) * length
    now_cg = np.tile(time_c[:, None] * length, n_genes)
    on_cg = np.minimum(now_cg, switch_g)
    off_cg = np.maximum(now_cg - switch_g, 0)
    scale_g = depth * gamma_g
    size_c = rng.lognormal(0.0, 0.25, n_cells)
    unspliced_cg = alpha_g / beta_g * -np.expm1(-beta_g * on_cg)
    spliced_cg = alpha_g / gamma_g * -np.expm1(-gamma_g * on_cg) + alpha_g / (gamma_g - beta_g) * (
        np.exp(-gamma_g * on_cg) - np.exp(-beta_g * on_cg)
    )
    early_cg, late_cg = np.exp(-beta_g * off_cg), np.exp(-gamma_g * off_cg)
    spliced_cg = spliced_cg * late_cg - beta_g * unspliced_cg / (gamma_g - beta_g) * (late_cg - early_cg)
    unspliced_cg = unspliced_cg * early_cg
    velocity_cg = scale_g * (beta_g * unspliced_cg - gamma_g * spliced_cg)
    still_g = depth * rng.lognormal(0.0, 0.5, n_still)
    drawn = []
    for moving_cg, still in ((spliced_cg, 1.0), (unspliced_cg, 0.6)):
        mean_cg = np.concatenate([scale_g * moving_cg, np.tile(still * still_g, (n_cells, 1))], axis=1)
        drawn.append(sparse.csr_matrix(rng.poisson(size_c[:, None] * mean_cg).astype(np.float32)))
    adata = ad.AnnData(
        drawn[0],
        obs=pd.DataFrame({"time": time_c}, index=pd.Index([f"cell{n}" for n in range(n_cells)])),
        var=pd.DataFrame(index=pd.Index([f"gene{n}" for n in range(n_genes + n_still)])),
        layers={"spliced": drawn[0], "unspliced": drawn[1]},
    )
    velocity_cg = np.concatenate([velocity_cg, np.zeros((n_cells, n_still))], axis=1)
    return SplicedCells(adata, time_c, velocity_cg)
