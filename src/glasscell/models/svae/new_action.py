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
from glasscell.models.svae.network import GATE_SPEED, SHIFT_SPEED
from glasscell.models.svae.posterior import refine
from glasscell.models.svae.shift_prior import ShiftPrior

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.svae.model import ShiftModel

_MIN_CELLS = 5
_STEPS = 160
#: Of a latent of which counts leave nearly all open, a shift is believed to be known so much at least.
_LEAST_TOLD = 0.05
#: Logits of gates end here, either way.
_SURE = 8.0


def fit_action(
    model: ShiftModel,
    dataset: Dataset,
    indices: NDArray[np.integer[Any]],
    name: str,
    *,
    job: JobHandle = QUIET,
) -> ShiftModel:
    """Return a model that also knows the perturbation ``name``, learnt from cells that got it.

    The encoder, the decoder and all other shifts stay bit for bit as they were. The bound depends on the new
    shift through the divergence from the prior only, so its best value has a closed form: the cells' mean
    latents. The encoder has not seen such cells, so each one's latents are fitted (``refine``) together with
    their mean. Few cells do not tell that mean well; what the perturbations of the training shift says what
    to expect of a new one (``ShiftPrior``), and the shift is the mean of the posterior.

    Parameters
    ----------
    indices
        Rows of the dataset that got the perturbation, ``(n,)``, at least five.
    job
        Told after every step.

    Raises
    ------
    NotCompatible
        The model knows the perturbation already, or the data don't fit the model.
    ModelError
        There are too few cells.

    References
    ----------
    Louis 1982, doi:10.1111/j.2517-6161.1982.tb01203.x (what cells tell of a mean of what is not seen).
    """
    if not name or name in model.actions:
        raise NotCompatible(
            f"The model knows the perturbation {name!r} already: give the new one its own name."
        )
    indices = np.asarray(indices, np.int64)
    if len(indices) < _MIN_CELLS:
        raise ModelError(f"{len(indices)} cells are too few for a shift: take at least {_MIN_CELLS}.")
    batch = make_batch(dataset, model, indices)
    counts_cg = dataset.expression_cg("counts")[indices][:, gene_columns(dataset, model.genes)]
    counts = torch.from_numpy(counts_cg.toarray().astype(np.float32)).to(model.device, model.dtype)
    mean_cz, variance_cz = refine(
        model, batch, counts, model.spread(batch), together=True, n_steps=_STEPS, job=job
    )
    mean_z, told_z = mean_cz.cpu().double().mean(dim=0), 1.0 - variance_cz.cpu().double().mean(dim=0)
    variance_z = 1 / (len(indices) * told_z.clamp(min=_LEAST_TOLD))
    return with_action(model, name, *ShiftPrior.of(model.network).expected(mean_z, variance_z))


def with_action(model: ShiftModel, name: str, shift_z: Tensor, target_z: Tensor) -> ShiftModel:
    """Return a model with one more action, which shifts the latents by ``shift_z``, ``(n_latent,)``.

    Parameters
    ----------
    target_z
        How likely each latent is a target, for who asks; the shift is not multiplied by it.
    """
    network = deepcopy(model.network)
    with torch.no_grad():
        network.shift_weights = _longer(network.shift_weights, shift_z / SHIFT_SPEED)
        if network.gate_weights is not None:
            logit_z = torch.logit(target_z).clamp(-_SURE, _SURE)
            network.gate_weights = _longer(network.gate_weights, logit_z / GATE_SPEED)
        network.free = torch.cat([network.free, torch.ones_like(network.free[:1])])
    return model.with_network(network, (*model.actions, name))


def _longer(rows: Tensor, row: Tensor) -> nn.Parameter:
    more = torch.cat([rows.detach(), row[None].to(rows)])
    return nn.Parameter(more, requires_grad=False)
