"""Simulator S10: RNA and a second modality of the same cells, which share factors in known proportions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

from glasscell.data.dataset import Dataset
from glasscell.data.modality import PROTEIN, RNA

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class TwoModalities:
    """Cells with two kinds of counts.

    Parameters
    ----------
    dataset
        Columns of both kinds, mixed up on purpose; var ``feature_types`` tells them apart.
    latent_cz
        The factors behind both, standard normal, ``(n_cells, n_factors)``.
    share
        Planted share of the second kind: of the squared weights of all factors, so much lies on it.
    """

    dataset: Dataset
    latent_cz: NDArray[np.float64]
    share: float


def make_two_modalities(
    share: float,
    *,
    n_cells: int = 600,
    n_rna: int = 60,
    n_other: int = 20,
    n_factors: int = 3,
    strength: float = 1.0,
    modality: str = PROTEIN,
    seed: int = 0,
) -> TwoModalities:
    """Draw counts of two kinds from shared factors.

    The logarithm of a column's mean is a constant plus ``factors @ weights``. Each kind's weights are scaled
    so that their squares sum to ``1 - share`` (RNA) and ``share`` (the other) of a common total: with a
    share of 0 the second kind is noise alone.

    Parameters
    ----------
    share
        From 0 to 1.
    strength
        Root mean square of a weight where everything lies on one kind and both have as many columns.
    modality
        Name of the second kind.
    """
    rng = np.random.default_rng([seed, 0x510])
    latent_cz = rng.normal(size=(n_cells, n_factors))
    parts, total = [], strength**2 * n_factors * 20
    for size, part, depth in ((n_rna, 1 - share, 4.0), (n_other, share, 20.0)):
        weight_zp = rng.normal(size=(n_factors, size))
        weight_zp *= np.sqrt(part * total / (weight_zp**2).sum())
        base_p = np.log(depth) + rng.normal(0, 0.3, size)
        parts.append(rng.poisson(np.exp(np.clip(latent_cz @ weight_zp + base_p, -8, 6))))
    counts_cg = np.concatenate(parts, axis=1)
    names = [f"gene{n}" for n in range(n_rna)] + [f"{modality}{n}" for n in range(n_other)]
    kinds = np.array([RNA] * n_rna + [modality] * n_other)
    order = rng.permutation(n_rna + n_other)
    adata = ad.AnnData(
        sparse.csr_matrix(counts_cg[:, order].astype(np.float32)),
        obs=pd.DataFrame(
            {"batch": pd.Categorical(np.array(["one", "two"])[rng.integers(0, 2, n_cells)])},
            index=pd.Index([f"cell{n}" for n in range(n_cells)]),
        ),
        var=pd.DataFrame({"feature_types": kinds[order]}, index=pd.Index(np.array(names)[order])),
    )
    return TwoModalities(Dataset(adata), latent_cz, share)
