"""What a view of models side by side can show and wish for, for every toolkit."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from glasscell.views.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.heat import HeatPicture
    from glasscell.views.row import FamilyRow
    from glasscell.views.score_table import ScoreTable

MODELS_TIP = "Tick the models to train; one that these data do not allow is grey and says why"
#: Title and tip of every choice, in the order they stand in.
CHOICES = {
    "labels": ("Labels", "Classes that models learn, or that latents learnt without them are judged by"),
    "split": ("Hold out by", "How cells are held out: one split for all models"),
    "batch": ("Batch", "Technical batch that models able to do so take out"),
    "target": ("Reasons for", "The class whose reasons are compared between models"),
}
SEEDS = ("Seeds", "Each model is trained once per seed: whole numbers with commas between", "0, 1, 2")
NO_BATCH, COMMONEST = "none", "the commonest class"
RUN, RUN_TIP = "Compare", "Train every model once per seed in the background, beside cheap baselines"
CANCEL, CANCEL_TIP = "Cancel", "Stop; nothing is kept"
FIGURE_TIP = "Which figure the table is of; unlike figures never share a table"
SAVE, SAVE_TIP = "Save CSV…", "Write every figure of every seed, and how far reasons agree"
REASONS = "Do they give the same reasons?"
HOVER = "Point at a field for its range."


@dataclass(frozen=True, eq=False)
class AgreementPicture:
    """How far explanations agree, as a small matrix.

    Parameters
    ----------
    heat
        Models, and the plain mean difference, on both sides; on the diagonal each with itself over seeds.
    tips
        What each place means in words, row by row.
    """

    heat: HeatPicture
    tips: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class ComparisonPicture:
    """A comparison as it is shown: one figure at a time, and the reasons.

    Parameters
    ----------
    title
        Models, seeds and split in words.
    figures, figure
        Figures as (key, words), and the one shown.
    table
        Its rows: baselines after models.
    reasons
        None where nothing was explained.
    reasons_title
        What the matrix is of.
    notes
        What must be said.
    """

    title: str
    figures: tuple[tuple[str, str], ...]
    figure: str
    table: ScoreTable
    reasons: AgreementPicture | None
    reasons_title: str
    notes: tuple[str, ...]


class CompareView(View):
    """Choose models, labels, split and seeds; train all of them; read figures and agreement.

    ``compare_requested`` carries ``{"models": tuple, "labels": str, "split": str, "seeds": str, "batch":
    str, "target": str}``, and may carry ``"params"``, settings by model.
    """

    compare_requested = Signal(dict)
    cancel_requested = Signal()
    labels_chosen = Signal(str)  # obs column, to list its classes
    figure_chosen = Signal(str)
    table_requested = Signal(object)  # Path

    @abstractmethod
    def set_models(self, rows: Sequence[FamilyRow], chosen: Sequence[str]) -> None:
        """Offer kinds of models; those that cannot be trained here are grey with their reason."""

    @abstractmethod
    def set_labels(self, names: Sequence[str]) -> None:
        """Offer sources of labels; what is chosen stays while it is offered."""

    @abstractmethod
    def set_schemes(self, names: Sequence[str], default: str) -> None:
        """Offer ways of splitting cells into folds."""

    @abstractmethod
    def set_batches(self, names: Sequence[str]) -> None:
        """Offer columns as a technical batch, besides none."""

    @abstractmethod
    def set_targets(self, names: Sequence[str]) -> None:
        """Offer classes whose reasons are compared, besides the commonest."""

    @abstractmethod
    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow comparing, or say why not."""

    @abstractmethod
    def set_busy(self, busy: bool) -> None:
        """While busy offer cancel in place of comparing."""

    @abstractmethod
    def set_progress(self, fraction: float | None, text: str) -> None:
        """Show how much is done, 0 to 1, None while unknown, and what is done now."""

    @abstractmethod
    def set_result(self, picture: ComparisonPicture | None, message: str) -> None:
        """Show a comparison, or the message alone."""


def notes_title(notes: Sequence[str]) -> str:
    """Say how many sentences must be known of a comparison."""
    return "1 note on these figures" if len(notes) == 1 else f"{len(notes)} notes on these figures"


def wish_of(models: Sequence[str], seeds: str, **chosen: Any) -> dict[str, Any]:
    """Put a wish together from what is ticked, typed and chosen."""
    return {"models": tuple(models), "seeds": seeds, **{name: str(key or "") for name, key in chosen.items()}}
