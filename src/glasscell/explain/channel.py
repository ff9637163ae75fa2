"""A gene's attribution as a channel, so that every view can show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.channel import CellValues, ChannelContext, ChannelRef
from glasscell.errors import DataError

if TYPE_CHECKING:
    from glasscell.explain.result import Explanation


def resolve_attribution(context: ChannelContext, ref: ChannelRef) -> CellValues:
    """Return a gene's attribution over all cells, centred at zero, NaN where nothing was explained.

    Raises
    ------
    DataError
        The reference names no explanation, one of another dataset, a gene the model does not know, or a
        part (``own``, ``neighbours``) that this explanation does not tell apart.
    """
    name = ref.param("explanation")
    if not isinstance(name, str) or not name:
        raise DataError("An attribution channel must name its explanation; explain a target first.")
    explanation: Explanation = context.explanation(name)
    if explanation.n_cells != context.dataset.n_cells:
        raise DataError("This explanation is of another dataset; explain this one first.")
    part = str(ref.param("part", "all"))
    explanation = explanation.part(part)
    target = explanation.target.partition(":")[2]
    whose = {"own": " by the cell's own", "neighbours": " by its neighbours'"}.get(part, "")
    return CellValues(
        title=f"{ref.key}: share in {target}{whose}",
        unit=explanation.unit,
        values=np.asarray(explanation.gene(ref.key), np.float32),
        centre=0.0,
        note=training_note(explanation),
    )


def attribution_ref(explanation: Explanation, gene: str, part: str = "all") -> ChannelRef:
    """Return the name under which a gene's attribution can be coloured by, or one part of it."""
    apart = {} if part == "all" else {"part": part}
    return ChannelRef.make("attribution", gene, explanation=explanation.id, **apart)


def training_note(explanation: Explanation) -> str:
    """Say whether the nets saw the cells in training, in a few words for a caption."""
    seen = int(explanation.in_training.sum())
    return "held out" if seen == 0 else f"{seen:,} of {len(explanation.cells):,} cells seen in training"
