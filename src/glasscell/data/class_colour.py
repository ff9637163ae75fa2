"""Colours of classes by name, so that a class looks the same wherever it turns up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.channel import ChannelRef, resolve_channel
from glasscell.data.column import stored_colours
from glasscell.data.labels import GROUPS
from glasscell.data.palette import CATEGORICAL, categorical, to_oklab, to_rgb
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from glasscell.data.channel import ChannelContext


def class_colours(context: ChannelContext, column: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the colour of each class as the column of its labels has it in the open data.

    Classes are found by name: their order and number may be others. A class that the column lacks, or all of
    them where there is no such column, takes a default colour that no class of the column has.

    Parameters
    ----------
    column
        Obs column that the labels came from, or ``groups`` for the groups.
    names
        Names of the classes, each once.

    Returns
    -------
    ``#rrggbb`` in the order of ``names``.
    """
    kind = "groups" if column == GROUPS and column not in context.dataset.obs.columns else "obs"
    try:
        labels = resolve_channel(context, ChannelRef(kind, column))
    except DataError:
        return named_colours(names, {})
    unused = stored_colours(context.dataset, column) if kind == "obs" else {}
    return named_colours(names, unused | dict(zip(labels.categories, labels.palette or (), strict=False)))


def named_colours(names: Sequence[str], known: Mapping[str, str]) -> tuple[str, ...]:
    """Return the known colour of each name, and for the others default ones far from all known.

    Parameters
    ----------
    names
        Each once.
    known
        ``#rrggbb`` by name, also of names that are not asked for.
    """
    others = [name for name in names if name not in known]
    fresh = dict(zip(others, _spare(len(others), known.values()), strict=True))
    return tuple(known[name] if name in known else fresh[name] for name in names)


def _spare(n: int, taken: Iterable[str]) -> tuple[str, ...]:
    """Return default colours that are not taken, those farthest from the taken ones first."""
    used = sorted(set(taken))
    free = [each for each in categorical(max(n + len(used), len(CATEGORICAL))) if each not in used]
    if not used:
        return tuple(free[:n])
    gap_ij = to_oklab(to_rgb(free))[:, None] - to_oklab(to_rgb(used))[None]
    nearest_i = np.linalg.norm(gap_ij, axis=2).min(axis=1)
    return tuple(free[place] for place in np.argsort(-nearest_i, kind="stable")[:n])
