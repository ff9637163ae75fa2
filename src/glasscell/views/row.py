"""Small rows that views show: plain values, nothing to look up."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CellGeneRow", "Curve", "FamilyRow", "FigureRow", "JobRow", "MethodRow", "MetricRow", "RankingRow"]


@dataclass(frozen=True)
class JobRow:
    """One line of the job strip.

    ``fraction`` is 0..1 or None when unknown, ``eta`` seconds left or None, ``state`` is ``queued``,
    ``running`` or ``finished`` and ``outcome`` is empty until then (``done``, ``cancelled``, ``failed``,
    ``superseded``).
    """

    id: int
    title: str
    text: str
    fraction: float | None
    eta: float | None
    state: str
    outcome: str

    @property
    def can_cancel(self) -> bool:
        """Whether the job has not ended yet."""
        return self.state != "finished"


@dataclass(frozen=True)
class RankingRow:
    """One gene of a ranking with the evidence that must stand beside it.

    ``presence`` and ``absence`` are the parts of ``value`` from cells expressing the gene above and below the
    baseline. ``mean_difference_rank`` is the gene's rank by mean difference, ``twin_rank`` its rank under
    the twin trained on permuted labels, ``rank_spread`` the spread of its rank over the folds' nets; None
    reads "cannot tell".
    """

    rank: int
    gene: str
    value: float
    presence: float
    absence: float
    mean_difference_rank: int | None
    twin_rank: int | None
    rank_spread: float | None


@dataclass(frozen=True)
class CellGeneRow:
    """One gene of one cell: its attribution and its expression."""

    gene: str
    value: float
    expression: float


@dataclass(frozen=True)
class MetricRow:
    """How well the model, or a baseline, predicts held-out cells; None where not measured."""

    name: str
    accuracy: float
    macro_f1: float
    calibration_error: float | None
    scheme: str
    is_baseline: bool


@dataclass(frozen=True)
class FamilyRow:
    """One kind of model; ``why_not`` is empty when it can be used here."""

    key: str
    title: str
    needs_labels: bool
    takes_batch: bool
    tip: str
    why_not: str = ""
    needs_action: bool = False
    takes_labels: bool = False
    needs_kinds: bool = False


@dataclass(frozen=True)
class FigureRow:
    """Figures of a model without labels, or of a baseline, in the order of their names; None: unmeasured."""

    name: str
    values: tuple[float | None, ...]
    is_baseline: bool


@dataclass(frozen=True)
class Curve:
    """Loss over epochs of one net; ``valid`` may be shorter than ``train`` or empty."""

    name: str
    train: tuple[float, ...]
    valid: tuple[float, ...]


@dataclass(frozen=True)
class MethodRow:
    """One explanation method; ``why_not`` is empty when it can be used with the model at hand."""

    id: str
    title: str
    why_not: str

    @property
    def refusal(self) -> str:
        """Why not, beginning with the title; empty when it can be used."""
        named = not self.why_not or self.why_not.startswith(self.title)
        return self.why_not if named else f"{self.title}: {self.why_not}"
