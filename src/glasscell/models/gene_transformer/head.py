"""The first head: logistic regression on the class token, and on components of all genes where that helps."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.nn import functional

from glasscell.models.baseline import logistic_weights

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle

    Cells = tuple[NDArray[Any], ...]

#: Pulls towards zero that are tried; the middle one is taken where no cells are set aside.
PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0)


class Head(NamedTuple):
    """Weights of the class token ``(width, n_classes)``, of the components, and what is added."""

    weight_zk: NDArray[Any]
    read_pk: NDArray[Any]
    bias_k: NDArray[Any]


def first_head(train: Cells, aside: Cells | None, n_classes: int, job: JobHandle) -> Head:
    """Fit heads of several pulls, with and without components, and keep the one that suits cells aside.

    Parameters
    ----------
    train
        Class token ``(n, width)``, centred components ``(n, n_components)`` and class of cells to learn from.
    aside
        The same of cells to judge by; None for none: components are then used.
    """
    mean_z = train[0].mean(axis=0)
    size = max(float(np.sqrt(np.mean((train[0] - mean_z) ** 2))), 1e-6)
    width, n_axes = len(mean_z), train[1].shape[1]

    def features(cells: Cells, n_read: int) -> NDArray[np.float64]:
        return np.hstack([(cells[0] - mean_z) / size, cells[1][:, :n_read]])

    best, kept = np.inf, None
    for n_read in dict.fromkeys((0, n_axes)) if aside is not None else (n_axes,):
        for penalty in PENALTIES if aside is not None else PENALTIES[2:3]:
            weight_fk, bias_k = logistic_weights(
                features(train, n_read), train[2], n_classes, penalty=penalty, job=job
            )
            loss = 0.0
            if aside is not None:
                logits = torch.from_numpy(features(aside, n_read) @ weight_fk + bias_k)
                loss = float(functional.cross_entropy(logits, torch.from_numpy(aside[2].astype(np.int64))))
            if loss < best:
                best, kept = loss, (weight_fk, bias_k)
    assert kept is not None
    weight_fk, bias_k = kept
    read_pk = np.zeros((n_axes, n_classes))
    read_pk[: len(weight_fk) - width] = weight_fk[width:]
    weight_zk = weight_fk[:width] / size
    return Head(weight_zk, read_pk, bias_k - mean_z @ weight_zk)
