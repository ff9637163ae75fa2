"""Where the dots of a volcano lie, which of them stand out and which are named, for every toolkit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.palette import diverging_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.views.contrast_view import Volcano

#: What a dot is: one of all genes, or one that leads side A or side B.
CONTEXT, LEADS_A, LEADS_B = 0, 1, 2


def kinds(volcano: Volcano) -> NDArray[np.uint8]:
    """Return of each dot whether it is one of all, or leads a side."""
    kind_g = np.full(len(volcano.genes), CONTEXT, np.uint8)
    kind_g[list(volcano.lead_a)], kind_g[list(volcano.lead_b)] = LEADS_A, LEADS_B
    return kind_g


def lead_inks() -> tuple[str, str]:
    """Return the colours of the genes that lead A and B, as #rrggbb."""
    colours = diverging_map()
    return colours[-40], colours[40]


def limits(volcano: Volcano) -> tuple[float, float, float, float]:
    """Return left, low, right and high of the dots: left and right as far from zero."""
    widest = float(np.nanmax(np.abs(volcano.x_g))) or 1.0
    return -widest, float(np.nanmin(volcano.y_g)), widest, float(np.nanmax(volcano.y_g))


def apart(lead: Sequence[int], y_g: NDArray[np.float64], least: float, most: int) -> list[int]:
    """Return the first genes whose names do not lie on each other.

    Parameters
    ----------
    least
        Distance that two names keep, in units of ``y_g``.
    most
        So many at most.
    """
    kept: list[int] = []
    for g in lead:
        if len(kept) < most and all(abs(y_g[g] - y_g[other]) >= least for other in kept):
            kept.append(g)
    return kept
