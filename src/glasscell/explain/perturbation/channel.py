"""The change that a perturbation makes in each cell, as channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.data.class_colour import class_colours
from glasscell.errors import DataError

if TYPE_CHECKING:
    from glasscell.explain.perturbation.result import Perturbation

#: What can be coloured by beside decoded genes (``gene:NAME``) and classes (``logit:NAME``).
EFFECT, FLIP = "effect", "flip"
GENE, LOGIT = "gene:", "logit:"
STAYS = "stays"


def perturbation_ref(found: Perturbation, key: str) -> ChannelRef:
    """Return the name of one of a perturbation's channels.

    Parameters
    ----------
    key
        ``effect``, ``flip``, ``gene:NAME`` or ``logit:NAME``.
    """
    return ChannelRef.make("perturbation", key, result=found.id)


def resolve_perturbation(context: Any, ref: ChannelRef) -> CellValues:
    """Return what changes in each cell that was perturbed, nothing elsewhere.

    Raises
    ------
    DataError
        The reference names no perturbation in memory, one of other data, or nothing it has.
    """
    found: Perturbation = context.result("perturbation", str(ref.param("result", "")))
    if found.data != context.dataset.fingerprint:
        raise DataError("This perturbation is of other data; ask for it on these.")
    if ref.key == EFFECT:
        return CellValues(
            f"{found.title}: size of the change",
            found.effect_unit,
            values=found.everywhere(found.effect_c),
            note="expected, not measured",
        )
    if ref.key == FLIP:
        return _flips(context, found)
    if ref.key.startswith(LOGIT):
        name = ref.key.removeprefix(LOGIT)
        return CellValues(
            f"{found.title}: change of {name}",
            f"logit against the mean of all {found.sorts}s".replace("classs", "classes"),
            values=found.logit_change(name),
            centre=0.0,
            note="expected, not measured",
        )
    if ref.key.startswith(GENE):
        return _decoded(context, found, ref.key.removeprefix(GENE))
    raise DataError(f"A perturbation has {EFFECT}, {FLIP}, {LOGIT}NAME and {GENE}NAME, not {ref.key!r}.")


def _flips(context: Any, found: Perturbation) -> CellValues:
    """Return where each cell goes that changes class, in the colour of where it goes."""
    before_c, after_c = found.codes
    codes = np.full(found.n_cells, -1, np.int32)
    codes[found.cells] = np.where(before_c == after_c, 0, after_c + 1)
    names = (STAYS, *(f"to {name}" for name in found.names))
    *own, stays = class_colours(context, found.provenance.labels, (*found.names, STAYS))
    palette = (stays, *own)
    used = [0, *sorted(set(codes[codes > 0].tolist()))]
    place = np.full(len(names) + 1, -1, np.int32)
    place[used] = np.arange(len(used))
    return CellValues(
        f"{found.title}: {found.sorts} after",
        found.sorts,
        codes=place[codes],
        categories=tuple(names[code] for code in used),
        palette=tuple(palette[code] for code in used),
        note="expected, not measured",
    )


def _decoded(context: Any, found: Perturbation, gene: str) -> CellValues:
    from glasscell.explain.perturbation.decoded import decoded_change

    change_c = decoded_change(context.dataset, context.bundle(found.provenance.model), found, gene)
    return CellValues(
        f"{gene}: decoded change, {found.title}",
        found.unit,
        values=found.everywhere(change_c),
        centre=0.0,
        note="decoded, not measured",
    )
