"""Which columns may say what was done to each cell, and which of their values is the control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.data.control import find_control
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.data.dataset import Dataset

_PREFERRED = ("perturbation", "condition", "action", "treatment", "guide", "stim")


def action_columns(dataset: Dataset, columns: Sequence[str]) -> tuple[str, ...]:
    """Order columns of labels: those with a control first, then those that sound like perturbations."""

    def place(name: str) -> tuple[bool, int]:
        hits = [at for at, wanted in enumerate(_PREFERRED) if wanted in name.lower()]
        return not controls(dataset, name)[1], min(hits, default=len(_PREFERRED))

    return tuple(sorted(columns, key=place))


def controls(dataset: Dataset, column: str) -> tuple[tuple[str, ...], str]:
    """List the values of a column and the one that is called as a control usually is; empty for none."""
    if column not in dataset.obs.columns:
        return (), ""
    values = dataset.obs[column]
    found = values.cat.categories if hasattr(values, "cat") else values.dropna().unique()
    names = tuple(sorted({str(name) for name in found}))
    try:
        return names, find_control(names)
    except DataError:
        return names, ""
