"""A stretch of a longer job: a part reports 0 to 1, the whole sees its own share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glasscell.jobs import JobHandle


@dataclass(frozen=True)
class Span:
    """A job handle that maps 0..1 to ``low``..``high`` of another and puts a few words in front."""

    job: JobHandle
    low: float
    high: float
    words: str = ""

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        """Pass a report on; raises JobCancelled when the whole job was cancelled."""
        share = (
            self.low if fraction is None else self.low + (self.high - self.low) * min(max(fraction, 0.0), 1.0)
        )
        parts = [part for part in (self.words, text) if part]
        self.job.report(share, ", ".join(parts), **metrics)
