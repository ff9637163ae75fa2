"""Train a family on labelled cells, one net per fold, so that every labelled cell has a held-out prediction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glasscell.data.labels import Labels
    from glasscell.data.split import Split
    from glasscell.models.info import FamilyParams


@dataclass(frozen=True, eq=False)
class FitRequest:
    """What is asked of a training run.

    Parameters
    ----------
    labels
        Class of every cell, -1 for none.
    split
        Fold of every cell.
    family
        Registry key.
    params
        Settings of the family; None for its defaults.
    seed
        The same seed gives the same bits on the same machine.
    device
        ``auto`` (CUDA, then MPS, then CPU), ``cpu``, ``cuda`` or ``mps``.
    """

    labels: Labels
    split: Split
    family: str = "classifier"
    params: FamilyParams | None = None
    seed: int = 0
    device: str = "auto"
