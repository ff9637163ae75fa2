"""What a model's answer changes by when something is taken out of its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from glasscell.errors import NotCompatible
from glasscell.explain.attention.request import LATENT_SHIFT, PREDICTED
from glasscell.models.capability.classification import Classifies
from glasscell.models.capability.domain import FindsDomains
from glasscell.models.capability.latent import Encodes
from glasscell.models.target import Target, parse_target, require_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from glasscell.models.capability.model import Model
    from glasscell.models.cell_batch import CellBatch


@dataclass(frozen=True)
class Change:
    """How a removal is measured: always the answer after less the answer before.

    Parameters
    ----------
    text
        ``class:L5``, ``predicted`` or ``latent_shift``.
    unit
        Unit of the change.
    target
        The model's target; None for the other two.
    """

    text: str
    unit: str
    target: Target | None = None

    @torch.no_grad()
    def start(self, model: Any, batch: CellBatch) -> tuple[Tensor, ...]:
        """Return what later answers are compared with, one row per scored cell."""
        if self.target is not None:
            return (model.score(batch, self.target),)
        if self.text == LATENT_SHIFT:
            return (model.encode(batch),)
        logits_ck = sorted_logits(model, batch)
        best_c = logits_ck.argmax(dim=1)
        return _against_others(logits_ck, best_c), best_c

    @torch.no_grad()
    def measure(self, model: Any, batch: CellBatch, start: tuple[Tensor, ...]) -> Tensor:
        """Return the change of each scored cell, ``(n,)``."""
        if self.target is not None:
            after: Tensor = model.score(batch, self.target)
            return after - start[0]
        if self.text == LATENT_SHIFT:
            shift: Tensor = torch.linalg.vector_norm(model.encode(batch) - start[0], dim=1)
            return shift
        return _against_others(sorted_logits(model, batch), start[1]) - start[0]


def sorts_cells(model: object) -> bool:
    """Whether a model puts cells into classes or domains."""
    return isinstance(model, Classifies | FindsDomains)


def sorted_logits(model: Any, batch: CellBatch) -> Tensor:
    """Return the logits of classes, or of domains, ``(n, n_classes)``."""
    logits_ck: Tensor = model.logits(batch) if isinstance(model, Classifies) else model.domain_logits(batch)
    return logits_ck


def _against_others(logits_ck: Tensor, class_c: Tensor) -> Tensor:
    """Return the logit of one class per cell less the mean of the others."""
    logit_c = logits_ck.gather(1, class_c[:, None])[:, 0]
    return logit_c - (logits_ck.sum(dim=1) - logit_c) / max(logits_ck.shape[1] - 1, 1)


def choose_change(model: Model, text: str, classes: Sequence[str] = ()) -> Change:
    """Turn the words of a request into a measure.

    Raises
    ------
    NotCompatible
        The model has no such target, and the sentence says which it has.
    """
    if not text:
        text = PREDICTED if sorts_cells(model) else LATENT_SHIFT
    if text == PREDICTED:
        if not sorts_cells(model):
            raise NotCompatible(f"{model.info.title} predicts no class: choose latent_shift or a target.")
        others = "classes" if isinstance(model, Classifies) else "domains"
        return Change(PREDICTED, f"logit over other {others}")
    if text == LATENT_SHIFT:
        if not isinstance(model, Encodes):
            raise NotCompatible(f"{model.info.title} has no latent space: choose one of its targets.")
        return Change(LATENT_SHIFT, "latent distance")
    target = parse_target(text, classes)
    require_target(target, model.targets(), model.info.title)
    return Change(str(target), target.unit, target)
