"""One thing that is looked at before a model is trained or applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from glasscell.data.report import count

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.models.info import ModelInfo

Verdict = Literal["yes", "warning", "no"]


@dataclass(frozen=True)
class PreflightLine:
    """One thing that was looked at.

    Parameters
    ----------
    name
        ``cells``, ``counts``, ``labels``, ``coordinates``, ``batch``, ``actions`` or ``genes``.
    verdict
        ``yes``; ``warning``: yes, but read the sentence; ``no``: the sentence says why and what to do.
    sentence
        Plain text.
    """

    name: str
    verdict: Verdict
    sentence: str


def places_line(dataset: Dataset, splits: bool, info: ModelInfo | None = None) -> PreflightLine:
    """Say whether cells have places, and what follows where they have none."""
    if dataset.positions_cd is None:
        if info is not None and info.needs_positions:
            needs = f"{info.title} looks at neighbours: open a file that says where cells lie."
            return PreflightLine("coordinates", "no", needs)
        said = "No tissue coordinates: nothing can be shown on tissue"
        held = ", and cells are held out by donor, section or at random" if splits else ""
        return PreflightLine("coordinates", "warning" if splits else "yes", f"{said}{held}.")
    unknown = int(np.isnan(dataset.positions_cd).any(axis=1).sum())
    if unknown:
        return PreflightLine(
            "coordinates",
            "warning",
            f"{count(unknown, 'cell')} of {dataset.n_cells:,} "
            "without a place; they are neither drawn nor used where places matter.",
        )
    return PreflightLine("coordinates", "yes", f"Each {dataset.observation} has a place.")
