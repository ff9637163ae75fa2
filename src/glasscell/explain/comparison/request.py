"""What is asked of a comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glasscell.errors import ModelError
from glasscell.models.target import Target, parse_target, require_target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glasscell.data.labels import Labels
    from glasscell.data.split import Split
    from glasscell.models.info import FamilyParams

SEEDS = (0, 1, 2)


def read_seeds(text: str) -> tuple[int, ...]:
    """Read seeds as they are typed, with commas between.

    Raises
    ------
    ModelError
        They are no whole numbers from 0.
    """
    try:
        seeds = tuple(int(one) for one in text.split(","))
    except ValueError:
        seeds = (-1,)
    if min(seeds) < 0:
        raise ModelError(f'Seeds are whole numbers such as 0,1,2, not "{text}".')
    return seeds


def check_target(text: str, classes: Sequence[str], kinds: Sequence[str]) -> None:
    """Refuse, before anything is trained, a target that no model of these classes will have.

    Parameters
    ----------
    kinds
        Of targets that the models have which sort cells into classes.

    Raises
    ------
    ModelError
        The text is no target.
    NotCompatible
        No model has such a target.
    """
    target = parse_target(text, classes)
    if target.kind in ("class", "contrast"):
        offered = [Target(kind, name) for kind in kinds if kind in ("class", "contrast") for name in classes]
    else:
        offered = [Target(kind, target.name) for kind in kinds]
    require_target(target, offered, "The comparison")


@dataclass(frozen=True, eq=False)
class CompareRequest:
    """Which families are trained on what, and by which labels all are judged.

    Parameters
    ----------
    models
        Registry keys, each once.
    labels
        Classes that supervised families learn and all others are judged by, never shown to those; None
        where there are none: families without labels are then compared by their own figures.
    split
        Folds that all models share.
    seeds
        Each model is trained once per seed.
    target
        Whose explanations are compared, for example ``class:L5``; empty for the commonest class.
    method
        Of the explanations.
    params
        Settings by family; what is left out takes its defaults.
    batch
        Technical batch that families able to do so take out.
    action, control
        What was done to every cell, for families that need it.
    device
        As in ``FitRequest``.

    Raises
    ------
    ModelError
        There is no model or no seed, or one stands twice.
    """

    models: tuple[str, ...]
    labels: Labels | None = None
    split: Split | None = None
    seeds: tuple[int, ...] = SEEDS
    target: str = ""
    method: str = "integrated_gradients"
    params: Mapping[str, FamilyParams] = field(default_factory=dict)
    batch: Labels | None = None
    action: Labels | None = None
    control: str = ""
    device: str = "auto"

    def __post_init__(self) -> None:
        """Refuse nothing to compare."""
        for what, values in (("model", self.models), ("seed", self.seeds)):
            if not values:
                raise ModelError(f"A comparison needs at least one {what}.")
            if len(set(values)) != len(values):
                raise ModelError(f"Name each {what} once: {', '.join(map(str, values))}.")
