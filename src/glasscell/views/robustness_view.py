"""What a view of a model's robustness can show and wish for, for every toolkit."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from psygnal import Signal

from glasscell.models.robustness import (
    ACCURACY,
    CALIBRATION,
    LATENTS,
    LOGISTIC,
    MACRO_F1,
    NEIGHBOURS,
)
from glasscell.views.score_table import ScoreLine, ScoreTable
from glasscell.views.view import View

if TYPE_CHECKING:
    from glasscell.models.robustness import Robustness

TITLE = "Robustness"
CHECK = "Check robustness"
CHECK_TIP = (
    "Ask the model again with counts thinned to 50, 25 and 10 %, and trained without each protocol or batch"
)
NOT_CHECKED = "What the model stands is not checked yet."
_BESIDE = ", best baseline"
_TIPS = {
    ACCURACY: "Share of held-out cells predicted right",
    MACRO_F1: "Mean over classes of precision and recall combined",
    CALIBRATION: "Expected calibration error: how far stated probabilities are from the share that is right",
    LOGISTIC: "Accuracy of logistic regression on the same cells, trained on the same cells as measured",
    NEIGHBOURS: "Share of a cell's nearest cells in the latent space that are its nearest again",
    LATENTS: "Rank correlation over cells of each latent with itself as measured, mean over latents",
}
_SHORT = {LOGISTIC: "logistic", NEIGHBOURS: "neighbours", LATENTS: "latents"}
_OVERLAP_TIP = "Share of a class's top genes that are its top genes again, mean over classes"
_OWN_TIP = "less is better; in brackets the best cheap baseline on the same cells"


class RobustnessView(View):
    """Ask what a model stands, and read the answer."""

    robustness_requested = Signal()

    @abstractmethod
    def set_offer(self, enabled: bool, reason: str) -> None:
        """Allow asking, or say why not."""

    @abstractmethod
    def set_robustness(self, table: ScoreTable | None, message: str) -> None:
        """Show the table, or the message alone."""


def robustness_table(found: Robustness) -> ScoreTable:
    """Write one row per condition; the first, as measured, stands out."""
    names = [name for name in found.names if not name.endswith(_BESIDE)]
    heads = ("", *(_SHORT.get(name, name.removesuffix(" overlap")) for name in names))
    lines = []
    for row in found.rows:
        texts = [_text(row.figures.get(name), row.figures.get(name + _BESIDE)) for name in names]
        tip = f"{row.condition}: {row.n_cells:,} cells that the net was not trained on"
        lines.append(ScoreLine((row.condition, *texts), tip, row.kind != "as measured"))
    return ScoreTable(heads, ("Condition", *map(_tip, names)), tuple(lines))


def robustness_words(found: Robustness) -> str:
    """Say what the figures are of, and what could not be measured."""
    said = "Cells that the net was not trained on; genes and latents are compared with those as measured."
    return " ".join((said, *found.notes))


def _tip(name: str) -> str:
    if name.endswith("overlap"):
        return _OVERLAP_TIP
    return _TIPS.get(name, f"{name}: {_OWN_TIP}")


def _text(value: float | None, beside: float | None) -> str:
    if value is None or value != value:
        return "-"
    return f"{value:.3f}" if beside is None else f"{value:.3f} ({beside:.3f})"
