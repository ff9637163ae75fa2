"""Which cells can be changed, or learnt from, in one click."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.channel import ChannelRef
from glasscell.data.column import categorical_codes, is_continuous
from glasscell.data.selection import Category, Everything, Selection
from glasscell.session.perturbing import ALL, GROUP, SELECTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.session import Session

MOST_VALUES, MOST_CHOICES = 40, 300


def cell_choices(session: Session) -> list[tuple[str, str, str | Selection]]:
    """List choices of cells: key, words, and what it is.

    All, the selection, groups, and values of columns that have 2 to 40 of them; of a longer column of
    perturbations those that the model could learn.
    """
    dataset = session.dataset
    if dataset is None:
        return []
    found: list[tuple[str, str, str | Selection]] = [(ALL, f"all {dataset.observations}", ALL)]
    if not isinstance(session.state.selection, Everything):
        found.append((SELECTED, f"selected {dataset.observations}", SELECTED))
    groups = [group.name for group in session.state.groups]
    found += [(f"{GROUP}{name}", f"group {name}", f"{GROUP}{name}") for name in groups]
    for column in map(str, dataset.obs.columns):
        if is_continuous(dataset.obs[column]):
            continue
        _, names = categorical_codes(dataset.obs[column])
        if not 2 <= len(names) <= MOST_VALUES:
            names = _not_learnt(session, column, names)
        ref = ChannelRef("obs", column)
        found += [(f"obs:{column}={one}", f"{column}: {one}", Category(ref, (one,))) for one in names]
    return found[:MOST_CHOICES]


def _not_learnt(session: Session, column: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return perturbations among the values of a column that the model does not know."""
    from glasscell.models.capability.action import UsesAction

    model: Any = None if session.bundle is None else session.bundle.folds[0]
    if not isinstance(model, UsesAction) or model.action_column != column:
        return ()
    return tuple(name for name in names if name not in model.actions)
