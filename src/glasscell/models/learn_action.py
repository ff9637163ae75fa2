"""Tell a trained model of a perturbation that it was not trained with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import NotCompatible
from glasscell.jobs import QUIET
from glasscell.models.capability.action import LearnsActions, UsesAction
from glasscell.models.span import Span

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle

#: Of more cells so many are looked at, evenly.
MOST_CELLS = 500
#: Where a bundle's provenance names such perturbations, with the number of cells each was learnt from.
LEARNT_LATER = "learnt_later"


def why_no_new_action(model: object) -> str:
    """Say why a model cannot learn another perturbation; empty when it can."""
    if isinstance(model, LearnsActions):
        return ""
    return "This model cannot learn another perturbation: train an sVAE or an iVAE."


def learn_action(
    bundle: Bundle,
    dataset: Dataset,
    indices: NDArray[np.integer[Any]],
    name: str,
    job: JobHandle = QUIET,
) -> Bundle:
    """Return a bundle whose nets also know what was done to these cells; all else stays bit for bit.

    Parameters
    ----------
    bundle
        Its twin stays as it is and knows the new perturbation not.
    indices
        Cells of the dataset that got the perturbation, ``(n,)``.
    name
        What it is called from now on.
    job
        Progress and cancel point.

    Raises
    ------
    NotCompatible
        The model cannot learn another one, knows the name already, the data do not fit it, or controls are
        among the cells.
    ModelError
        There are too few cells.
    """
    if reason := why_no_new_action(bundle.folds[0]):
        raise NotCompatible(reason)
    name = name.strip()
    _refuse_controls(bundle.folds[0], dataset, indices, name)
    taken = indices[np.unique(np.linspace(0, len(indices) - 1, MOST_CELLS).astype(np.int64))]
    folds, share = [], 1 / len(bundle.folds)
    for number, net in enumerate(bundle.folds):
        assert isinstance(net, LearnsActions)
        part = Span(job, number * share, (number + 1) * share)
        folds.append(net.learn_action(dataset, taken, name, part))
    note = f"{name} was learnt after the training, from {len(taken):,} {dataset.observations}."
    return replace(
        bundle,
        folds=tuple(folds),
        notes=(*bundle.notes, note),
        provenance={
            **bundle.provenance,
            LEARNT_LATER: {**bundle.provenance.get(LEARNT_LATER, {}), name: len(taken)},
        },
    )


def _refuse_controls(model: object, dataset: Dataset, indices: NDArray[np.integer[Any]], name: str) -> None:
    """Refuse cells that the data call controls: they are what shifts are measured from."""
    if not isinstance(model, UsesAction) or model.action_column not in dataset.obs.columns:
        return
    given = dataset.obs[model.action_column].astype(str).to_numpy()[indices]
    controls = int((given == model.control).sum())
    if controls:
        raise NotCompatible(
            f"{controls:,} of these {dataset.observations} are controls ({model.control}): choose those that "
            f"got {name}."
        )
