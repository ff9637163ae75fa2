"""How far a job is and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Outcome(Enum):
    """How a job ended; every job has exactly one."""

    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Progress:
    """One report: the share done (0..1, None when unknown), a sentence, seconds left, and numbers to plot."""

    fraction: float | None = None
    text: str = ""
    eta_seconds: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


def estimate_eta(fraction: float | None, elapsed_seconds: float) -> float | None:
    """Guess the seconds left from the share done so far; None until 1 % is done."""
    if fraction is None or fraction < 0.01 or elapsed_seconds <= 0:
        return None
    return elapsed_seconds * (1.0 - fraction) / fraction
