"""Which gene sets are more at work in some cells than in others, by a trained pathway model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.errors import DataError
from glasscell.models.batch import make_batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.models.pathway_vae.model import PathwayModel

_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class ActivityDifference:
    """First cells against second, latent by latent.

    Parameters
    ----------
    names
        Of the latents; the free ones last.
    shift_k
        Difference of mean activity, in latent units (the prior's standard deviation), ``(n_latent,)``.
    effect_k
        The same as a mean change of log expression over the genes of the set; 0 for a pruned set.
    log_bayes_k
        Log odds that a cell drawn from the first has more of it than one drawn from the second, their
        uncertainty counted in: beyond 2.3 or so the difference is worth a look.
    """

    names: tuple[str, ...]
    shift_k: NDArray[np.float64]
    effect_k: NDArray[np.float64]
    log_bayes_k: NDArray[np.float64]


def activity_difference(
    model: PathwayModel, dataset: Dataset, first: NDArray[Any], second: NDArray[Any]
) -> ActivityDifference:
    """Compare the activity of every gene set between two groups of cells.

    Parameters
    ----------
    first, second
        Row numbers of the cells, or a bool per cell.

    Raises
    ------
    DataError
        A group is empty.

    References
    ----------
    Lotfollahi et al. 2023, doi:10.1038/s41556-022-01072-x: normal posteriors, difference in closed form.
    """
    from scipy.special import log_ndtr

    moments = [_moments(model, dataset, cells) for cells in (first, second)]
    (mean_a, variance_a), (mean_b, variance_b) = moments
    shift_k = mean_a - mean_b
    standard_k = shift_k / np.sqrt(variance_a + variance_b)
    weights_kg = model.weights_kg
    size_k = np.full(len(weights_kg), weights_kg.shape[1])
    size_k[: model.n_sets] = np.maximum(model.mask_pg.sum(axis=1), 1)
    return ActivityDifference(
        model.latent_names,
        shift_k,
        shift_k * weights_kg.sum(axis=1) / size_k,
        np.asarray(log_ndtr(standard_k) - log_ndtr(-standard_k)),
    )


@torch.no_grad()
def _moments(
    model: PathwayModel, dataset: Dataset, cells: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of the latents of a cell drawn from a group, its own uncertainty included."""
    rows = np.flatnonzero(cells) if np.asarray(cells).dtype == np.bool_ else np.asarray(cells, np.int64)
    if not len(rows):
        raise DataError("One of the groups to compare has no cells: choose another.")
    means, variances = [], []
    for start in range(0, len(rows), _BLOCK):
        mean_ck, variance_ck = model.spread(make_batch(dataset, model, rows[start : start + _BLOCK]))
        means.append(mean_ck.double().cpu().numpy())
        variances.append(variance_ck.double().cpu().numpy())
    found_ck, spread_ck = np.concatenate(means), np.concatenate(variances)
    return found_ck.mean(axis=0), found_ck.var(axis=0) + spread_ck.mean(axis=0)
