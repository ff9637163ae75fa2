"""What a net says of cells before and after a change: latents, logits, decoded expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.errors import NotCompatible
from glasscell.explain.attention.change import sorted_logits, sorts_cells
from glasscell.models.capability.action import UsesAction
from glasscell.models.capability.latent import Decodes, Encodes

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.models.cell_batch import CellBatch


@dataclass(frozen=True, eq=False)
class Answer:
    """What a net says of the scored rows of a batch; None for what it does not offer.

    Parameters
    ----------
    latent_cz, logits_ck, decoded_cg
        One row per scored cell.
    """

    latent_cz: Tensor | None
    logits_ck: Tensor | None
    decoded_cg: Tensor | None = None


@torch.no_grad()
def ask(net: Any, batch: CellBatch, *, decode: bool = False) -> Answer:
    """Ask a net about a batch.

    Parameters
    ----------
    decode
        Decode the latents to expression too, where the net can.
    """
    latent_cz = net.encode(batch) if isinstance(net, Encodes) else None
    logits_ck = sorted_logits(net, batch) if sorts_cells(net) else None
    return Answer(latent_cz, logits_ck, _decoded(net, batch, latent_cz) if decode else None)


@torch.no_grad()
def ask_given(net: Any, batch: CellBatch, action: int, *, decode: bool = False) -> Answer:
    """Ask a net about a batch whose cells are given a perturbation it has learnt."""
    latent_cz = net.given(batch, action)
    return Answer(latent_cz, None, _decoded(net, batch, latent_cz) if decode else None)


def why_not_perturb(model: object) -> str | None:
    """Say in one clause why a model cannot be asked about perturbations, or None when it can."""
    if not isinstance(model, Encodes) and not sorts_cells(model):
        return "Perturbations do not fit this model: it gives neither classes nor latents that could change."
    return None


def learned_actions(model: object) -> tuple[str, ...]:
    """Return the perturbations a model has learnt, without its control; empty for most models."""
    if not isinstance(model, UsesAction):
        return ()
    return tuple(name for name in model.actions if name != model.control)


def action_code(model: object, name: str) -> int:
    """Return the code of a learned perturbation.

    Raises
    ------
    NotCompatible
        The model has learnt none, or none of that name.
    """
    from glasscell.data.column import missing_name

    if not isinstance(model, UsesAction):
        raise NotCompatible("This model has learnt no perturbations: change genes, or train an sVAE.")
    if hasattr(model, "action_code"):  # the family's own sentence, for example on pairs it has not seen
        return int(model.action_code(name))
    if name not in model.actions:
        raise NotCompatible(missing_name("learned perturbation", name, learned_actions(model)))
    return model.actions.index(name)


def _decoded(net: Any, batch: CellBatch, latent_cz: Tensor | None) -> Tensor | None:
    if latent_cz is None or not isinstance(net, Decodes):
        return None
    return net.decode(latent_cz, batch)


def effect_size(
    before_cz: Any, after_cz: Any, before_ck: Any, after_ck: Any, scale_z: NDArray[np.float64] | None
) -> tuple[NDArray[np.float32], str]:
    """Return how far each cell moves: over scaled latents, or over logits where there are no latents."""
    if before_cz is not None and scale_z is not None:
        moved = (np.asarray(after_cz, np.float64) - before_cz) / scale_z
        return np.linalg.norm(moved, axis=1).astype(np.float32), "standard deviations of the latents"
    moved = np.asarray(after_ck, np.float64) - before_ck
    moved -= moved.mean(axis=1, keepdims=True)
    return np.linalg.norm(moved, axis=1).astype(np.float32), "logits"
