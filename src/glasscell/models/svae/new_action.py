"""Fit the shift of a perturbation the model has not seen, with everything else as it is."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from glasscell.errors import ModelError, NotCompatible
from glasscell.jobs import QUIET
from glasscell.models.batch import gene_columns, make_batch
from glasscell.models.svae.network import GATE_SPEED, OPEN, SHIFT_SPEED
from glasscell.models.svae.posterior import refine

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.svae.model import ShiftModel

_SHUT = -8.0
_MIN_CELLS = 5
#: Of more cells so many are taken, evenly: a shift is then known to .05 of a latent's standard deviation.
_MOST_CELLS = 500
_STEPS = 160


def fit_action(
    model: ShiftModel,
    dataset: Dataset,
    indices: NDArray[np.integer[Any]],
    name: str,
    *,
    sparsity: float = 1.0,
    job: JobHandle = QUIET,
) -> ShiftModel:
    """Return a model that also knows the perturbation ``name``, learnt from cells that got it.

    The encoder, the decoder and all other shifts stay bit for bit as they were. The bound depends on the new
    shift through the divergence from the prior only, so its best value has a closed form: the cells' mean
    latents, and with a mask a gate is open where that gains more than it costs. The encoder has not seen such
    cells, so each one's latents are fitted (``refine``) together with their mean.

    Parameters
    ----------
    indices
        Rows of the dataset that got the perturbation, ``(n,)``, at least five.
    sparsity
        K0 of the mask's prior Beta(1, K0) as in training; 1 opens all gates. Latents are fitted with all of
        them open, so that a closed one may lose less than is reckoned.
    job
        Told after every step.

    Raises
    ------
    NotCompatible
        The model knows the perturbation already, or the data don't fit the model.
    ModelError
        There are too few cells.
    """
    if not name or name in model.actions:
        raise NotCompatible(
            f"The model knows the perturbation {name!r} already: give the new one its own name."
        )
    indices = np.asarray(indices, np.int64)
    if len(indices) < _MIN_CELLS:
        raise ModelError(f"{len(indices)} cells are too few for a shift: take at least {_MIN_CELLS}.")
    taken = indices[np.unique(np.linspace(0, len(indices) - 1, _MOST_CELLS).astype(np.int64))]
    batch = make_batch(dataset, model, taken)
    counts_cg = dataset.expression_cg("counts")[taken][:, gene_columns(dataset, model.genes)]
    counts = torch.from_numpy(counts_cg.toarray().astype(np.float32)).to(model.device, model.dtype)
    mean_cz, _ = refine(model, batch, counts, model.spread(batch), together=True, n_steps=_STEPS, job=job)
    return with_action(model, mean_cz.cpu().double().mean(dim=0), len(indices), name, sparsity)


def with_action(
    model: ShiftModel, mean_z: Tensor, n_cells: int, name: str, sparsity: float = 1.0
) -> ShiftModel:
    """Return a model with one more action, fitted to the mean latents ``(n_latent,)`` of its cells."""
    network = deepcopy(model.network)
    open_z = best_gates(mean_z, n_cells, sparsity)
    logit_z = torch.where(open_z > 0.5, OPEN, _SHUT)
    with torch.no_grad():
        network.shift_weights = _longer(network.shift_weights, mean_z / SHIFT_SPEED)
        if network.gate_weights is not None:
            network.gate_weights = _longer(network.gate_weights, logit_z / GATE_SPEED)
        network.free = torch.cat([network.free, torch.ones_like(network.free[:1])])
    return model.with_network(network, (*model.actions, name))


def best_gates(mean_z: Tensor, n_cells: int, sparsity: float) -> Tensor:
    """Return the gates that maximise the bound at the best shift, ``(n_latent,)`` in [0, 1].

    With the shift at the mean latent m, an open gate gains n m^2 / 2 and costs -(K0 - 1) log(1 - gate); the
    best gate is 1 - (K0 - 1) / (n m^2 / 2), or 0 where that is negative.
    """
    gain_z = (0.5 * n_cells * mean_z.double() ** 2).clamp(min=1e-12)
    return (1 - (sparsity - 1) / gain_z).clamp(0.0, 1.0)


def _longer(rows: Tensor, row: Tensor) -> nn.Parameter:
    more = torch.cat([rows.detach(), row[None].to(rows)])
    return nn.Parameter(more, requires_grad=False)
