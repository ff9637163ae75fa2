"""The terms that ask for short codes, for alike cells under one code, and for batches that lie alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Squared distances are divided by their mean, so these widths mean the same on every map. Published lists go
#: from 1e-6 to 1e6, of which all but the middle are constants.
WIDTHS = (1e-3, 1e-2, 1e-1, 1.0)
_SMALLEST = 1e-12


def code_entropy(active_cu: Tensor) -> Tensor:
    """Return the entropy (nats) of how activity is spread over units: low when few units do it all.

    Parameters
    ----------
    active_cu
        Activities >= 0, ``(n, n_units)``.

    References
    ----------
    Amodio et al. 2019, doi:10.1038/s41592-019-0576-7, information dimension regularisation.
    """
    share_u = active_cu.sum(dim=0) / active_cu.sum().clamp(min=_SMALLEST)
    return -(share_u * share_u.clamp(min=_SMALLEST).log()).sum()


def squared_distances(left_cz: Tensor, right_cz: Tensor) -> Tensor:
    """Return squared Euclidean distances, ``(n, m)``, with a gradient that is finite where they are zero."""
    square_ab = left_cz.square().sum(dim=1)[:, None] + right_cz.square().sum(dim=1)
    return (square_ab - 2 * left_cz @ right_cz.T).clamp(min=0.0)


def similarity(square_ab: Tensor, widths: Sequence[float] = WIDTHS) -> Tensor:
    """Return the mean of Gaussian kernels of several widths, between 0 and 1, of squared distances."""
    total_ab = torch.zeros_like(square_ab)
    for width in widths:
        total_ab = total_ab + torch.exp(square_ab / (-2.0 * width))
    return total_ab / len(widths)


def within_code(active_cu: Tensor, x_cg: Tensor) -> Tensor:
    """Return how far apart in expression cells are that have alike codes, a mean over pairs.

    The similarity of codes is brought to 0 (the least alike pair) to 1, so that a code which is the same for
    all cells pays for all their distances.

    Parameters
    ----------
    active_cu
        Activities of the code's units, ``(n, n_units)``.
    x_cg
        Expression scaled to 0 to 1, ``(n, n_genes)``.

    References
    ----------
    Amodio et al. 2019, doi:10.1038/s41592-019-0576-7, intracluster distance regularisation.
    """
    square_cc = squared_distances(active_cu, active_cu)
    alike_cc = similarity(square_cc / square_cc.detach().mean().clamp(min=_SMALLEST))
    least, most = alike_cc.amin().detach(), alike_cc.amax().detach()
    alike_cc = (alike_cc - least) / (most - least).clamp(min=_SMALLEST)
    return (alike_cc * squared_distances(x_cg, x_cg).sqrt()).mean()


def discrepancy(latent_cz: Tensor, batch: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return how differently batches lie on the map: the mean over pairs of batches of their squared MMD.

    Parameters
    ----------
    latent_cz
        Places of the cells, ``(n, n_latent)``.
    batch
        Codes, ``(n,)``; cells of -1 belong to none.
    weight
        How much each cell counts within its batch, ``(n,)``; None for all the same.

    Returns
    -------
    A number >= 0; 0 when fewer than two batches have cells that count.

    References
    ----------
    Gretton et al. 2012, JMLR 13:723-773, eq. 5 (the biased estimate).
    """
    weight = torch.ones_like(latent_cz[:, 0]) if weight is None else weight
    used = (batch >= 0) & (weight > 0)
    latent_cz, batch, weight = latent_cz[used], batch[used], weight[used]
    square_cc = squared_distances(latent_cz, latent_cz)
    alike_cc = (
        similarity(square_cc / square_cc.detach().mean().clamp(min=_SMALLEST)) if len(batch) else square_cc
    )
    sides = [weight * (batch == code) for code in range(int(batch.max()) + 1 if len(batch) else 0)]
    sides = [side / side.sum() for side in sides if bool(side.any())]
    found = [
        (one - other) @ alike_cc @ (one - other) for at, one in enumerate(sides) for other in sides[at + 1 :]
    ]
    return torch.stack(found).mean() if found else latent_cz.sum() * 0.0
