"""Families ``svae`` and ``ivae``: counts through latents that perturbations shift, few each or all."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.errors import NotCompatible
from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.published import whole_bundle
from glasscell.models.svae.model import ShiftModel
from glasscell.models.svae.network import ShiftNetwork
from glasscell.models.svae.params import IvaeParams, SvaeParams
from glasscell.models.svae.train import ShiftTask, make_network
from glasscell.models.vae.count_family import CountFamily
from glasscell.models.vae.layer import reorder_latents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.capability.model import Model
    from glasscell.models.family import FoldPlan, TrainingData

__all__ = ["IVAE", "SVAE", "IvaeParams", "ShiftFamily", "ShiftModel", "SvaeParams"]

SVAE_INFO = ModelInfo(
    key="svae",
    title="Sparse shifts of perturbations",
    source="arXiv:2211.03553",
    works_for="Raw counts of perturbed cells and controls: which perturbation shifts which few latents.",
    fails_for="Pairs of perturbations it has not seen, and few perturbations: latents are then arbitrary.",
    min_cells=100,
    target_kinds=("latent",),
    needs_labels=False,
    needs_counts=True,
    takes_batch=True,
    needs_action=True,
)
IVAE_INFO = replace(
    SVAE_INFO,
    key="ivae",
    title="Shifts of perturbations, all latents",
    source="arXiv:1907.04809",
    works_for="Raw counts of perturbed cells and controls: what svae is compared with.",
    fails_for="Naming latents, which are found up to a rotation, and pairs of perturbations it has not seen.",
)


class ShiftFamily(CountFamily):
    """Trains, measures, takes apart and rebuilds models of shifts.

    Parameters
    ----------
    info
        Words about the family.
    params
        Its settings; they say whether a mask is learnt.
    """

    def __init__(self, info: ModelInfo, params: type[IvaeParams]) -> None:
        self.info = info
        self.params: type[FamilyParams] = params

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[ShiftModel, Curve, tuple[str, ...]]:
        """Train one network and return an immutable copy of it.

        The curve is the negative evidence lower bound per cell, divided by the number of genes; with a mask
        it is that of the training after the mask was decided.
        """
        assert isinstance(params, IvaeParams)
        self.require_counts(data)
        if data.action is None:
            raise NotCompatible(
                f"{self.info.title} learns what perturbations do: name the column of actions."
            )
        result = ShiftTask(data, plan, params).train(job)
        network = result.network
        assert isinstance(network, ShiftNetwork)
        model = ShiftModel(
            network.cpu(),
            self.info,
            data.genes,
            data.preprocessing,
            data.batch_column,
            data.batches,
            action_column=data.action_column,
            actions=data.actions,
            control=data.control,
        )
        return model, result.curve, (*result.notes, *_notes(model, data))

    def aligned(self, twin: Model, order: NDArray[np.int64], sign: NDArray[np.float32]) -> ShiftModel:
        """Return the model with its latents in another order and sign; what it decodes stays the same."""
        assert isinstance(twin, ShiftModel)
        network = deepcopy(twin.network)
        at, flip = torch.from_numpy(order), torch.from_numpy(sign)
        reorder_latents(network.encoder, [network.decoder.first.weight, network.shift_weights], at, flip)
        if network.gate_weights is not None:
            with torch.no_grad():
                network.gate_weights.copy_(network.gate_weights[:, at].clone())
        return twin.with_network(network)

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> ShiftModel:
        """Rebuild a model that scores bit-equal."""
        assert isinstance(params, IvaeParams)
        batches, actions = tuple(description["batches"]), tuple(description["actions"])
        control = description["control"]
        with whole_bundle():
            network = make_network(params, len(genes), len(batches), len(actions), actions.index(control))
            network.load_state_dict(dict(tensors))
        network.n_trained = description.get("n_trained", len(actions))
        return ShiftModel(
            network,
            self.info,
            genes,
            Preprocessing.from_json(description["preprocessing"]),
            description["batch_column"],
            batches,
            action_column=description["action_column"],
            actions=actions,
            control=control,
        )


def _notes(model: ShiftModel, data: TrainingData) -> tuple[str, ...]:
    """Say what a reader of the gates must know."""
    assert data.action is not None
    notes = []
    unknown = int((data.action < 0).sum())
    if unknown:
        notes.append(f"{unknown:,} cells say nothing of what was done to them and were not learnt from.")
    if not model.network.sparse:
        return tuple(notes)
    others = np.arange(len(model.actions)) != model.actions.index(model.control)
    gates_az = model.parts()["gates"][others]
    if not gates_az.any():
        notes.append("No perturbation shifts any latent: lower the sparsity, or there is nothing to find.")
    else:
        none = int((gates_az.sum(axis=1) == 0).sum())
        notes.append(
            f"{gates_az.mean():.0%} of the gates are open; {none:,} of {others.sum():,} perturbations shift "
            "no latent."
        )
    return tuple(notes)


SVAE = ShiftFamily(SVAE_INFO, SvaeParams)
IVAE = ShiftFamily(IVAE_INFO, IvaeParams)
