"""What is asked of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glasscell.data.labels import Labels
    from glasscell.data.split import Split
    from glasscell.models.info import FamilyParams

__all__ = ["FitRequest"]


@dataclass(frozen=True, eq=False)
class FitRequest:
    """What is asked of a training run.

    Families whose ``info.needs_labels`` is False train without ``labels``: one net for all cells, so that
    all share one latent space.

    Parameters
    ----------
    labels
        Class of every cell, -1 for none; None for families that learn without.
    split
        Fold of every cell. Without labels the cells of fold 0 are held out for the figures; None holds out
        a random tenth.
    family
        Registry key.
    params
        Settings of the family; None for its defaults.
    seed
        The same seed gives the same bits on the same machine.
    device
        ``auto`` (CUDA, then MPS, then CPU), ``cpu``, ``cuda`` or ``mps``.
    batch
        Technical batch of every cell, -1 for none, whose effect the model takes out; families whose
        ``info.takes_batch`` is False refuse it.
    action, control
        What was done to every cell (its perturbation), -1 for unknown, and the name of the control among
        the classes; empty for the one that is called as a control usually is. Families whose
        ``info.needs_action`` is True need it, the others refuse it.
    baselines
        Whether cheap baselines are trained beside; they depend on the split and no seed changes them.
    """

    labels: Labels | None = None
    split: Split | None = None
    family: str = "classifier"
    params: FamilyParams | None = None
    seed: int = 0
    device: str = "auto"
    batch: Labels | None = None
    action: Labels | None = None
    control: str = ""
    baselines: bool = True
