"""Scores and figures as they are written: the model's row never stands without its baselines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.row import FigureRow, MetricRow

TITLE = "How good it is"

_HEADS = ("", "accuracy", "macro F1", "ECE")
_TIPS = (
    "The model, and cheap ways to predict the same labels",
    "Share of held-out cells predicted right",
    "Mean over classes of precision and recall combined: a small class counts as much as a large one",
    "Expected calibration error: how far stated probabilities are from the share that is right",
)
_OWN_TIP = "The model, and a cheap way to do the same"
_FIGURE_TIPS = {
    "Poisson deviance": "How far hidden counts of held-out cells are from what was foretold; lower is better",
}


@dataclass(frozen=True)
class ScoreLine:
    """One row as it is written."""

    texts: tuple[str, ...]
    tip: str
    is_baseline: bool


@dataclass(frozen=True)
class ScoreTable:
    """A table with the sentence that stands above it; without a baseline it has no lines and no sentence.

    Parameters
    ----------
    heads, tips
        Of the columns.
    lines
        The model's first.
    note
        What the figures are of.
    """

    heads: tuple[str, ...] = _HEADS
    tips: tuple[str, ...] = _TIPS
    lines: tuple[ScoreLine, ...] = ()
    note: str = ""


def score_table(rows: Sequence[MetricRow]) -> ScoreTable:
    """Write scores on held-out cells."""
    if not any(row.is_baseline for row in rows):
        return ScoreTable()
    lines = []
    for row in rows:
        scores = (row.accuracy, row.macro_f1, row.calibration_error)
        texts = (row.name, *("-" if v is None else f"{v:.3f}" for v in scores))
        lines.append(ScoreLine(texts, f"{row.name}, {row.scheme}", row.is_baseline))
    return ScoreTable(lines=tuple(lines), note=f"Cells held out by: {rows[0].scheme}")


def figure_table(names: Sequence[str], rows: Sequence[FigureRow]) -> ScoreTable:
    """Write other figures than scores, under their own names."""
    if not any(row.is_baseline for row in rows):
        return ScoreTable()
    lines = tuple(
        ScoreLine(
            (row.name, *("-" if v is None else f"{v:.4f}" for v in row.values)), row.name, row.is_baseline
        )
        for row in rows
    )
    tips = (_OWN_TIP, *(_FIGURE_TIPS.get(name, name) for name in names))
    return ScoreTable(("", *names), tips, lines, "On cells it was not trained on; lower is better")
