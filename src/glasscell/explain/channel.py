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
        The reference names no explanation, one of another dataset, or a gene the model does not know.
    """
    name = ref.param("explanation")
    if not isinstance(name, str) or not name:
        raise DataError("An attribution channel must name its explanation; explain a target first.")
    explanation: Explanation = context.explanation(name)
    if explanation.n_cells != context.dataset.n_cells:
        raise DataError("This explanation is of another dataset; explain this one first.")
    target = explanation.target.partition(":")[2]
    return CellValues(
        title=f"{ref.key}: share in {target}",
        unit=explanation.unit,
        values=np.asarray(explanation.gene(ref.key), np.float32),
        centre=0.0,
        note=training_note(explanation),
    )


def attribution_ref(explanation: Explanation, gene: str) -> ChannelRef:
    """Return the name under which a gene's attribution can be coloured by."""
    return ChannelRef.make("attribution", gene, explanation=explanation.id)


def training_note(explanation: Explanation) -> str:
    """Say whether the nets saw the cells in training, in a few words for a caption."""
    seen = int(explanation.in_training.sum())
    return "held out" if seen == 0 else f"{seen:,} of {len(explanation.cells):,} cells seen in training"
