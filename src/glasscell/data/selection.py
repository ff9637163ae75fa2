"""Selections: frozen descriptions of which cells, combined with ``& | ~ -``, saved and turned into masks.

`refresh` pins every leaf to the column it was made from, and freezes to `Cells` those whose column has
changed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.cellset import And, Cells, Everything, Not, Or, Selection
from glasscell.data.channel import ChannelRef
from glasscell.data.column import is_continuous, missing_name
from glasscell.data.lasso import inside_polygon
from glasscell.data.leaf import MASKS, Category, Lasso, Leaf, Range
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.data.dataset import Dataset

__all__ = [
    "MASKS",
    "And",
    "Category",
    "Cells",
    "Everything",
    "Lasso",
    "Leaf",
    "Not",
    "Or",
    "Range",
    "Selection",
    "inside_polygon",
    "parse_selection",
    "refresh",
    "selection_from_json",
]


def selection_from_json(data: Mapping[str, Any]) -> Selection:
    """Rebuild a selection written by `to_json`.

    Raises
    ------
    DataError
        The text names a kind of selection that is not known.
    """
    kind = data.get("kind")
    if kind == "everything":
        return Everything()
    if kind == "cells":
        return Cells(np.asarray(data["indices"], dtype=np.int32))
    if kind == "category":
        return Category(ChannelRef.from_json(data["ref"]), tuple(data["values"]), str(data["column"]))
    if kind == "range":
        low, high = data["low"], data["high"]
        return Range(
            ChannelRef.from_json(data["ref"]),
            -math.inf if low is None else float(low),
            math.inf if high is None else float(high),
            str(data["column"]),
        )
    if kind == "lasso":
        axes = tuple(axis if isinstance(axis, int) else ChannelRef.from_json(axis) for axis in data["axes"])
        return Lasso(
            str(data["space"]), tuple((x, y) for x, y in data["vertices"]), axes, str(data["column"])
        )
    if kind == "not":
        return Not(selection_from_json(data["part"]))
    if kind in ("and", "or"):
        parts = tuple(selection_from_json(part) for part in data["parts"])
        return And(parts) if kind == "and" else Or(parts)
    raise DataError(f'A saved selection of kind "{kind}" cannot be read by this version of Glasscell.')


def refresh(selection: Selection, context: Any, *, before: Any = None) -> tuple[Selection, tuple[str, ...]]:
    """Pin a selection to its columns, freezing the leaves whose column has changed.

    Call it whenever a selection is set and whenever a dataset or a result is replaced: the cells selected
    never change behind the user's back.

    Parameters
    ----------
    selection
        Any selection.
    context
        The channel context as it is now.
    before
        The context the selection was made in, asked when a mask is no longer in the cache.

    Returns
    -------
    The selection with every leaf pinned or frozen, and one sentence for each leaf that was frozen or lost.
    """
    if isinstance(selection, And | Or):
        kept: list[Selection] = []
        messages: list[str] = []
        for part in selection.parts:
            new, said = refresh(part, context, before=before)
            kept.append(new)
            messages += said
        return type(selection)(tuple(kept)), tuple(messages)
    if isinstance(selection, Not):
        new, said = refresh(selection.part, context, before=before)
        return Not(new), said
    if not isinstance(selection, Leaf):
        return selection, ()
    return _refresh_leaf(selection, context, before)


def _refresh_leaf(leaf: Leaf, context: Any, before: Any) -> tuple[Selection, tuple[str, ...]]:
    try:
        now = leaf.fingerprint(context)
    except DataError:
        now = ""
    if not leaf.column:
        if not now:
            return leaf, ()
        pinned = leaf.pinned(context)
        pinned.mask(context)
        return pinned, ()
    if leaf.column == now:
        return leaf, ()
    happened = "has changed" if now else "is gone"
    mask = MASKS.get(leaf)
    if mask is None and before is not None:
        mask = leaf.mask(before)
    if mask is None or len(mask) != context.dataset.n_cells:
        return Cells(np.zeros(0, np.int32)), (
            f"{leaf.title()} {happened}, and the cells selected from it are no longer known; select them "
            f"again.",
        )
    cells = Cells.from_mask(mask)
    word = context.dataset.observation if len(cells) == 1 else f"{context.dataset.observation}s"
    return cells, (
        f"{leaf.title()} {happened}; the selection keeps the {len(cells):,} {word} it held before.",
    )


def parse_selection(text: str, dataset: Dataset) -> Selection:
    """Read a selection written in a shell: ``layer=L5,L6`` or ``score=0.5..2``, joined by ``;`` (and).

    Parameters
    ----------
    text
        One or more conditions ``COLUMN=VALUE``; the column is an obs column or else a gene.
        ``COLUMN!=VALUE`` excludes. An empty text or "all" selects everything.
    dataset
        The dataset whose columns are meant.

    Raises
    ------
    DataError
        A condition cannot be read or names nothing known.
    """
    selection: Selection = Everything()
    for condition in filter(None, (part.strip() for part in text.split(";"))):
        if condition.lower() == "all":
            continue
        name, sign, value = condition.partition("=")
        if not sign:
            raise DataError(f'Cannot read the cells "{condition}"; write COLUMN=VALUE, for example layer=L5.')
        part = _condition(name.rstrip("!").strip(), value.strip(), dataset)
        selection = (
            part
            if isinstance(selection, Everything) and not name.endswith("!")
            else (selection - part if name.endswith("!") else selection & part)
        )
    return selection


def _condition(name: str, value: str, dataset: Dataset) -> Selection:
    if name in dataset.obs.columns:
        ref = ChannelRef("obs", name)
        if not is_continuous(dataset.obs[name]):
            return Category(ref, tuple(item.strip() for item in value.split(",")))
    else:
        try:
            dataset.genes.index(name)
        except DataError:
            raise DataError(missing_name("obs column or gene", name, dataset.obs.columns)) from None
        ref = ChannelRef("gene", name)
    low, dots, high = value.partition("..")
    try:
        return Range(ref, float(low or "-inf"), float((high if dots else low) or "inf"))
    except ValueError:
        raise DataError(f'"{name}" holds numbers: write {name}=LOW..HIGH, not {name}={value}.') from None
