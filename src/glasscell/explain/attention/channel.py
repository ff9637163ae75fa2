"""Attention to a token, or to a group of neighbours, as a channel, so that every view can show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.errors import DataError

if TYPE_CHECKING:
    from glasscell.explain.attention.result import Attention

#: log2 of a weight of nothing is drawn here.
LEAST_LOG2 = -8.0
SHARE = "log2 of attention over uniform"


def log2_relative(values: Any) -> Any:
    """Return log2 of weights relative to uniform: 0 is uniform, NaN stays, nothing at all is -8."""
    values = np.asarray(values, np.float64)
    with np.errstate(divide="ignore"):
        return np.maximum(np.log2(values), LEAST_LOG2)


def map_words(which: str) -> str:
    """Say a map in words."""
    kind, _, place = which.partition(":")
    if kind == "mean":
        return "all heads"
    if kind == "norm":
        return "norm-weighted"
    if kind == "head":
        layer, _, head = place.partition(".")
        return f"layer {layer}, head {head}"
    return f"layer {place}" if kind == "layer" else kind


def attention_ref(
    found: Attention, column: str, which: str = "mean", quantity: str = "relative"
) -> ChannelRef:
    """Return the name under which attention to a column can be coloured by."""
    return ChannelRef.make("attention", column, result=found.id, map=which, quantity=quantity)


def resolve_attention(context: Any, ref: ChannelRef) -> CellValues:
    """Return attention to one column over all cells; its note says what its removal does.

    Parameters of the reference: ``result``, ``map`` (``mean`` without one) and ``quantity``: ``relative``
    (log2, 0 is uniform), ``weight``, or ``removed``, the measured change.

    Raises
    ------
    DataError
        The reference names no result, one of another dataset, or a column or map it does not have.
    """
    name = str(ref.param("result", ""))
    if not name:
        raise DataError("An attention channel must name its result; work out attention first.")
    found: Attention = context.result("attention", name)
    if found.data != context.dataset.fingerprint:
        raise DataError("This attention is of another dataset; work it out for this one first.")
    which, quantity = str(ref.param("map", "mean")), str(ref.param("quantity", "relative"))
    values_c = found.cell_values(ref.key, which, quantity)
    note = removal_note(found, ref.key)
    if quantity == "removed":
        measured = f"measured in {int(np.isfinite(values_c).sum()):,} cells"
        return CellValues(
            f"{ref.key} removed: change of {found.provenance.target}",
            found.unit,
            np.asarray(values_c, np.float32),
            centre=0.0,
            note=measured,
        )
    title = f"attention to {ref.key}, {map_words(which)}"
    if quantity == "weight":
        return CellValues(title, "attention weight", np.asarray(values_c, np.float32), note=note)
    return CellValues(title, SHARE, np.asarray(log2_relative(values_c), np.float32), centre=0.0, note=note)


def removal_note(found: Attention, column: str) -> str:
    """Say what removing a column does, in a few words for a caption."""
    place = found.column_place(column)
    n_g, change_g = found.n_removed_gt[:, place], found.removed_gt[:, place]
    if not n_g.sum():
        return "not importance; the change on removal is not measured"
    known = n_g > 0
    mean = float((change_g[known] * n_g[known]).sum() / n_g[known].sum())
    return (
        f"not importance: removed, {found.provenance.target} changes by {mean:+.2g} {found.unit} on average"
    )
