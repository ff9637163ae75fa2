"""The checks of an explanation in the words that views show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glasscell.explain.check import Check

_WORDS = {"ok": "ok", "warn": "careful", "bad": "failed", "cannot tell": "cannot tell"}


@dataclass(frozen=True)
class CheckRow:
    """One check: its verdict and the word for it, its name, its figure, and what to say.

    ``said`` is empty for a check that is in order; ``tip`` always says what it means.
    """

    verdict: str
    word: str
    name: str
    figure: str
    said: str
    tip: str


def check_row(check: Check) -> CheckRow:
    """Put a check in words."""
    return CheckRow(
        verdict=check.verdict,
        word=_WORDS.get(check.verdict, check.verdict),
        name=check.name,
        figure=f"{check.value:.3g}" if math.isfinite(check.value) else "",
        said="" if check.verdict == "ok" else check.sentence,
        tip=check.sentence,
    )
