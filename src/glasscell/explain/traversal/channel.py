"""The decoded change of a gene, cell by cell, as a channel: what every view shows while a slider moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.errors import DataError
from glasscell.explain.traversal.cell_map import CellMap
from glasscell.explain.traversal.result import BEYOND

if TYPE_CHECKING:
    from glasscell.explain.traversal.result import Traversal


def traversal_ref(found: Traversal, gene: str, factor: int, step: int) -> ChannelRef:
    """Return the name under which a gene's decoded change at one step can be coloured by."""
    return ChannelRef.make("traversal", gene, result=found.id, factor=factor, step=step)


def changes_key(found: Traversal, gene: str, factor: int) -> tuple[str, ...]:
    """Name the changes of one gene in every starting cell at every step, as a store holds them."""
    return ("traversal_changes", found.id, gene, str(factor))


def resolve_traversal(context: Any, ref: ChannelRef) -> CellValues:
    """Return a gene's decoded change in each starting cell when its factor is set to a step's value.

    Centred at zero; NaN for cells the traversal did not start from; in greys beyond the observed range.

    Raises
    ------
    DataError
        The reference names no traversal in memory, or one of other data.
    """
    name, factor, step = ref.param("result"), ref.param("factor"), ref.param("step")
    if not isinstance(name, str) or not isinstance(factor, int) or not isinstance(step, int):
        raise DataError("A traversal channel names its result, a factor and a step; traverse first.")
    found: Traversal = context.result("traversal", name)
    if found.data != context.dataset.fingerprint:
        raise DataError("This traversal is of other data; traverse these.")
    if not 0 <= step < found.n_steps:
        raise DataError(f"There is no step {step}: a sweep has 0 to {found.n_steps - 1}.")
    row = found.row(factor)
    bundle = context.bundle(found.model)
    values_c = np.full(context.dataset.n_cells, np.nan, np.float32)
    kept = cell_map(context, found, ref.key, factor)
    kept.fill([step], context.dataset, bundle)
    values_c[found.start] = kept.change_sc[step]
    observed = found.is_observed(factor, step)
    at = f"{found.title(factor)} set to {found.values_ks[row, step]:.3g}"
    return CellValues(
        title=f"{ref.key}: decoded change, {at}",
        unit=found.unit,
        values=values_c,
        centre=0.0,
        note="decoded, not measured" if observed else f"decoded; {BEYOND}",
        greyed=not observed,
    )


def cell_map(context: Any, found: Traversal, gene: str, factor: int) -> CellMap:
    """Return the map of a gene's changes that the store holds, a new one the first time."""
    key = changes_key(found, gene, factor)
    kept: CellMap | None = context.store.get(key)
    if kept is None:
        kept = CellMap(found, gene, factor)
        context.store.put(key, kept, kept.n_bytes)
    return kept


def resolve_latent(context: Any, ref: ChannelRef) -> CellValues:
    """Return one latent of a model in every cell; its axis has a number unless the model names it.

    Raises
    ------
    DataError
        The reference names no model in memory, or a latent it does not have.
    """
    from glasscell.explain.traversal.engine import latents_of
    from glasscell.explain.traversal.request import latent_names

    bundle = context.bundle(str(ref.param("model", "")))
    net: Any = bundle.folds[0]
    names = latent_names(net) if hasattr(net, "n_latent") else ()
    numbers = tuple(str(number) for number in range(len(names)))
    if ref.key not in names and ref.key not in numbers:
        raise DataError(f"{bundle.id} has no latent {ref.key}; it has {len(names)}.")
    place = names.index(ref.key) if ref.key in names else numbers.index(ref.key)
    title = names[place] if names != numbers else f"factor {place}"
    return CellValues(
        f"{title} of {bundle.id}", "latent mean", latents_of(context.dataset, bundle, net)[:, place]
    )
