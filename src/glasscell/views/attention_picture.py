"""Attention as a picture: heatmap in clustered order, small multiples, words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.explain.attention.channel import log2_relative, map_words
from glasscell.views.attention_view import QUANTITIES, AttentionPicture, Multiples
from glasscell.views.heat import HeatPanel, HeatPicture, cluster_order, rising_limits, symmetric_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.explain.attention.result import Attention, AttentionRow
    from glasscell.session import Session

REMOVED = "removed"
#: Where a session keeps which map and quantity are shown.
SHOWN = ("shown", "attention")
LOG2 = "log2 x uniform"


def attention_picture(found: Attention, which: str = "mean", quantity: str = "relative") -> AttentionPicture:
    """Draw a result up: tokens (or sender groups) down, groups across, both in clustered order."""
    quantity = quantity if quantity in QUANTITIES else "relative"
    shape_tg = log2_relative(found.grouped("mean", "relative")).T
    rows, columns = cluster_order(shape_tg), cluster_order(shape_tg.T)
    names = tuple(found.columns[int(t)] for t in rows), tuple(found.groups[int(g)] for g in columns)

    def turned(values_gt: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        return np.asarray(values_gt.T[np.ix_(rows, columns)], np.float64)

    panels = (
        _first(turned(found.grouped(which, quantity)), which, quantity),
        _removed(turned(found.removed_gt), found),
    )
    parts = f"{len(found.cells):,} cells by {found.provenance.by}"
    what = "domain" if found.unit.endswith("domains") else "class"
    target = {"predicted": f"each cell's predicted {what}", "latent_shift": "how far the latent moves"}
    measured = target.get(found.provenance.target, found.provenance.target)
    return AttentionPicture(
        heat=HeatPicture(
            *names, panels, ("cells →", f"{'tokens' if found.what == 'token' else 'neighbours'} ↓")
        ),
        multiples=_multiples(found, names, turned),
        maps=tuple((one, map_words(one)) for one in found.maps),
        which=which,
        quantity=quantity,
        is_graph=found.what != "token",
        title=f"{parts}; removal measured on {measured}, null: {found.provenance.null}.",
        notes=found.notes,
    )


def shown_attention(session: Session, found: Attention) -> tuple[str, str]:
    """Return the map and quantity that a session's view shows, for a picture of the same on paper."""
    which, quantity = session.store.get(SHOWN) or ("mean", "relative")
    return (which if which in found.maps else "mean"), quantity


def place_text(row: AttentionRow, found: Attention, which: str) -> str:
    """Say everything about one group and column."""
    if row.weight is None or row.relative is None:
        return f"{row.group}, {row.column}: no attention is known here."
    change = "not measured"
    if row.removed is not None:
        change = f"{row.removed:+.3g} {found.unit} (mean of {row.n_removed:,} cells)"
    z = [("twin", row.z_twin), ("re-initialised nets", row.z_random)]
    against = ", ".join(f"{value:+.1f} against {name}" for name, value in z if value is not None)
    way = "to neighbours of" if found.what != "token" else "to"
    return (
        f"{row.group} {way} {row.column}, {map_words(which)}: weight {row.weight:.3g}, "
        f"{row.relative:.2f} x uniform. Removed: {change}. z {against or 'unknown'}."
    )


def _first(values: NDArray[np.float64], which: str, quantity: str) -> HeatPanel:
    title = "attention" if which == "mean" else map_words(which)
    if quantity == "relative":
        values = np.asarray(log2_relative(values))
        return HeatPanel(quantity, title, values, symmetric_limits(values), LOG2, diverging=True)
    if quantity == "weight":
        return HeatPanel(quantity, title, values, rising_limits(values), "weight", diverging=False)
    limits = symmetric_limits(values)
    return HeatPanel(quantity, title, values, limits, QUANTITIES[quantity], diverging=True)


def _removed(values: NDArray[np.float64], found: Attention) -> HeatPanel:
    """Show the change on removal; distances, which are never negative, rise from 0."""
    signed = found.provenance.target != "latent_shift"
    limits = symmetric_limits(values) if signed else rising_limits(values)
    return HeatPanel(REMOVED, "change when removed", values, limits, found.unit, diverging=signed)


def _multiples(
    found: Attention, names: tuple[tuple[str, ...], tuple[str, ...]], turned: Any
) -> Multiples | None:
    if found.layers * found.heads < 2:
        return None
    keys = tuple(
        key
        for layer in range(1, found.layers + 1)
        for key in (f"layer:{layer}", *(f"head:{layer}.{head}" for head in range(1, found.heads + 1)))
    )
    tables = [np.asarray(log2_relative(turned(found.grouped(key, "relative")))) for key in keys]
    limits = symmetric_limits(*tables)
    panels = tuple(
        HeatPanel(key, map_words(key), table, limits, LOG2, diverging=True)
        for key, table in zip(keys, tables, strict=True)
    )
    return Multiples(keys, (found.layers, found.heads + 1), HeatPicture(*names, panels))
