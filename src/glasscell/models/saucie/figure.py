"""How much of unseen cells the map keeps, beside as many principal components, and how many have no code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from glasscell.models.training_data import batch_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import TrainingData
    from glasscell.models.saucie.model import SaucieModel

UNEXPLAINED, UNCODED = "variance lost on the map", "cells without a code"
_BLOCK, _MOST_CELLS = 2048, 20_000


@torch.no_grad()
def map_figures(
    name: str, model: SaucieModel, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
) -> Mapping[str, Mapping[str, float]]:
    """Decode held-out cells from their places on the map, each gene scaled to 0 to 1.

    Parameters
    ----------
    name
        Of the model's row; the other row is of as many principal components of the other cells.
    held_out
        Cells the net was not trained on, ``(n,)``.

    Returns
    -------
    Share of the variance around the mean cell that is left (lower is better, 1 is the mean cell), and the
    share of those cells whose code is none of those kept.
    """
    rest = np.setdiff1d(np.arange(len(data.rows)), held_out)
    some = np.random.default_rng([len(rest), 0x5AC]).permutation(rest)[:_MOST_CELLS]
    scale = model.network.standardise

    def scaled(cells: NDArray[np.int64]) -> torch.Tensor:
        values_cg: torch.Tensor = scale(data.rows.take(torch.from_numpy(cells)).to(model.device, model.dtype))
        return values_cg

    job.report(0.0, "principal components")
    table_cg = scaled(np.sort(some))
    mean_g = table_cg.mean(dim=0)
    axes_zg = _axes(table_cg - mean_g, model.n_latent)
    wrong, total, alone = np.zeros(2), 0.0, 0
    for start in range(0, len(held_out), _BLOCK):
        job.report(start / len(held_out))
        cells = held_out[start : start + _BLOCK]
        batch, truth_cg = batch_of(data, torch.from_numpy(cells), model), scaled(cells)
        latent_cz = model.encode(batch)
        flat_cg = truth_cg - mean_g
        decoded_cg = scale(model.decode(latent_cz, batch))
        for at, guess_cg in enumerate((decoded_cg, flat_cg @ axes_zg.T @ axes_zg + mean_g)):
            wrong[at] += float((guess_cg - truth_cg).square().sum())
        total += float(flat_cg.square().sum())
        alone += int((model.domain_codes(latent_cz) < 0).sum())
    own, cheap = wrong / max(total, 1e-12)
    return {
        name: {UNEXPLAINED: float(own), UNCODED: alone / len(held_out)},
        f"{model.n_latent} principal components": {UNEXPLAINED: float(cheap)},
    }


def _axes(centred_cg: torch.Tensor, n_axes: int) -> torch.Tensor:
    """Return the directions of largest variance, ``(n_axes, n_genes)``."""
    from glasscell.models.spatial_attention.component import principal_axes

    return principal_axes(centred_cg, min(n_axes, *centred_cg.shape), 0)
