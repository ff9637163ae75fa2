"""Verdicts as they are written: what is in order on one line, every other with its sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glasscell.models.gene_match import IGNORE_CASE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.models.preflight import PreflightLine

_MARKS = {"yes": "✓", "warning": "!", "no": "✕"}
TRAINING, APPLYING = "Will it work", "Apply the model here"
APPLY, APPLY_TIP = "Apply to the open data", "Predict every cell of the open file with this model"
CASE, CASE_TIP = (
    "Ignore letter case of genes",
    "Takes Pcp4 for PCP4: mouse and human symbols are often the same gene",
)
OVERLAP, OVERLAP_TIP = (
    "Least overlap",
    "Refuse when the file has a smaller share of the model's genes; lower it to apply it anyway",
)


@dataclass(frozen=True)
class VerdictLine:
    """One line: its text with a mark before it, the verdict, and all that there is to say."""

    text: str
    verdict: str
    tip: str


def verdict_lines(lines: Sequence[PreflightLine]) -> tuple[VerdictLine, ...]:
    """Write verdicts below each other."""
    good = [line for line in lines if line.verdict == "yes"]
    shown = []
    if good:
        text = f"{_MARKS['yes']} " + ", ".join(line.name for line in good)
        shown.append(VerdictLine(text, "yes", "\n".join(line.sentence for line in good)))
    for line in lines:
        if line.verdict != "yes":
            text = f"{_MARKS[line.verdict]} {line.name}: {line.sentence}"
            shown.append(VerdictLine(text, line.verdict, text))
    return tuple(shown)


def can_apply(lines: Sequence[PreflightLine]) -> bool:
    """Whether applying is offered: nothing stands against it but genes, which other terms may mend."""
    return bool(lines) and not any(line.verdict == "no" and line.name != "genes" for line in lines)


def rename(ignore_case: bool) -> str:
    """Return how genes are matched."""
    return IGNORE_CASE if ignore_case else ""
