"""Toy counts in which each perturbation shifts one to three latents, and the latents are known (S2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONTROL = "control"
_LEAK = 0.2


@dataclass(frozen=True)
class ShiftSizes:
    """How much is drawn.

    Parameters
    ----------
    n_actions, n_cells
        Perturbations, and cells of each; the control has as many cells.
    n_latent, n_genes
        Latents and genes.
    depth
        Median counts of a cell.
    """

    n_actions: int = 100
    n_cells: int = 250
    n_latent: int = 15
    n_genes: int = 100
    depth: float = 1000.0


def sparse_shift_adata(
    sizes: ShiftSizes | None = None, *, seed: int = 0, mode: Literal["cells", "reference"] = "cells"
) -> ad.AnnData:
    """Draw Poisson counts whose rates are a random network of shifted latents.

    A cell's latents are normal with variance 1 around its action's shift: on its one to three targets about
    +5 or -5, elsewhere 0, and 0 throughout for the control. An orthogonal network with leaky rectifiers
    makes them log rates.

    Parameters
    ----------
    sizes
        None for those of the paper.
    seed
        Same seed, same data.
    mode
        Whether rates are shares of a cell's counts, or, as in the published simulator, of a gene's counts
        over all cells.

    Returns
    -------
    AnnData with CSR counts in X; obs ``action`` (categorical); obsm ``z_true`` ``(n, n_latent)``; uns
    ``targets`` and ``shifts`` ``(n_actions + 1, n_latent)`` with ``actions`` in that order, control first.

    References
    ----------
    Lopez et al. 2023, arXiv:2211.03553 (CLeaR), section 5.1.
    """
    s = sizes or ShiftSizes()
    rng = np.random.default_rng([seed, 0x52])
    targets_az = np.zeros((s.n_actions + 1, s.n_latent), np.bool_)
    for action in range(1, s.n_actions + 1):
        chosen = rng.choice(s.n_latent, size=rng.integers(1, 4), replace=False)
        targets_az[action, chosen] = True
    size_az = rng.choice([-5.0, 5.0], targets_az.shape) + rng.normal(0.0, 0.5, targets_az.shape)
    shifts_az = np.where(targets_az, size_az, 0.0)
    action_c = np.repeat(np.arange(s.n_actions + 1), s.n_cells)
    latent_cz = shifts_az[action_c] + rng.normal(size=(len(action_c), s.n_latent))
    logit_cg = _network(latent_cz, s.n_genes, rng)
    size_c = s.depth * rng.lognormal(0.0, 0.25, size=len(action_c))
    if mode == "cells":
        rate_cg = softmax(logit_cg, axis=1) * size_c[:, None]
    else:
        rate_cg = softmax(logit_cg, axis=0) * size_c.sum() / s.n_genes
    names = [CONTROL, *(f"P{number:03d}" for number in range(1, s.n_actions + 1))]
    obs = pd.DataFrame(
        {"action": pd.Categorical.from_codes(action_c, pd.Index(names))},
        index=[f"cell{number:05d}" for number in range(len(action_c))],
    )
    made: Any = ad.AnnData(
        sparse.csr_matrix(rng.poisson(rate_cg).astype(np.float32)),
        obs=obs,
        var=pd.DataFrame(index=[f"g{number:03d}" for number in range(s.n_genes)]),
        obsm={"z_true": latent_cz},
    )
    made.uns.update({"targets": targets_az, "shifts": shifts_az, "actions": np.asarray(names)})
    return made


def _network(latent_cz: NDArray[np.float64], n_genes: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Apply three orthogonal layers with leaky rectifiers between, ``(n, n_latent) -> (n, n_genes)``."""
    hidden = latent_cz
    for layer in range(3):
        if layer:
            hidden = np.where(hidden > 0, hidden, _LEAK * hidden)
        weight, _ = np.linalg.qr(rng.normal(size=(n_genes, hidden.shape[1])))
        hidden = hidden @ weight.T
    return np.asarray(hidden)
