"""How well genes of unseen cells are foretold from the others, beside straight lines and the mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import TrainingData
    from glasscell.models.grn.model import GrnModel

LEFT, LINES, MEAN = "variance not foretold", "straight lines", "gene mean"
_RIDGE, _BLOCK, _MOST_CELLS = 0.05, 1024, 20_000


def prediction_figures(
    name: str, model: GrnModel, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
) -> Mapping[str, Mapping[str, float]]:
    """Measure the squared error of held-out cells, in variances of each gene, averaged over genes.

    Parameters
    ----------
    name
        Of the model's row; the other rows are ridge regression on the same genes, and the mean.
    """
    rest = np.setdiff1d(np.arange(len(data.rows)), held_out)
    rest = rest[:: max(1, len(rest) // _MOST_CELLS)]
    job.report(0.0, "straight lines")
    known_cg = standardised(model, data, rest)
    weight_rg = straight_lines(known_cg, model.network.sources.cpu().numpy())
    sums, sources = np.zeros(3), model.network.sources.cpu().numpy()
    for start in range(0, len(held_out), _BLOCK):
        job.report(start / len(held_out))
        cells = held_out[start : start + _BLOCK]
        with torch.no_grad():
            x_cg = data.rows.take(torch.from_numpy(cells)).to(model.device)
            own_cg = model.network.standardise(model.predict(x_cg)).cpu().numpy()
        true_cg = standardised(model, data, cells)
        made = (own_cg, true_cg[:, sources] @ weight_rg, known_cg.mean(axis=0))
        sums += [float(np.mean((true_cg - one) ** 2)) * len(cells) for one in made]
    return {
        key: {LEFT: float(total / len(held_out))}
        for key, total in zip((name, LINES, MEAN), sums, strict=True)
    }


def standardised(model: GrnModel, data: TrainingData, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return used genes of some cells in standard deviations, ``(n, n_used)``."""
    parts = [
        model.network.standard(
            data.rows.take(torch.from_numpy(cells[start : start + _BLOCK])).to(model.device)
        )
        for start in range(0, len(cells), _BLOCK)
    ]
    return np.asarray(torch.cat(parts).double().cpu().numpy())


def straight_lines(
    standard_cg: NDArray[np.floating[Any]], sources: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """Return ridge regression of each gene on the regulators but itself, ``(n_sources, n_used)``.

    Of a regulator it is read off the inverse of their covariance: row by row divided by the diagonal.
    """
    table = np.asarray(standard_cg, np.float64)
    acting = table[:, sources]
    inverse_rr = np.linalg.inv(acting.T @ acting / len(table) + _RIDGE * np.eye(len(sources)))
    weight_rg = inverse_rr @ (acting.T @ table) / len(table)
    weight_rg[:, sources] = -inverse_rr / np.diag(inverse_rr)
    weight_rg[np.arange(len(sources)), sources] = 0.0
    return np.asarray(weight_rg)
