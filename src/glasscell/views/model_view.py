"""What a view for training models can be told, and what it tells."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from psygnal import Signal

from glasscell.views.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.form import FieldSpec
    from glasscell.views.row import Curve, FamilyRow, FigureRow, MetricRow


class ModelView(View):
    """Choose labels, split and parameters; train, watch, cancel, save, load; see how good it is.

    ``fit_requested`` carries ``{"labels": str, "split": str, "family": str, "params": dict, "seed": int,
    "batch": str, "action": str, "control": str}``; labels and split are empty for a family that learns
    without labels, action and control for one that learns no perturbations.
    """

    fit_requested = Signal(dict)
    action_chosen = Signal(str)  # obs column, to list its values
    family_chosen = Signal(str)  # registry key, to show its form
    cancel_requested = Signal()
    save_requested = Signal(object)  # Path
    load_requested = Signal(object)  # Path
    scvi_requested = Signal(object)  # Path of a model saved by scvi-tools, once opening it was confirmed
    group_requested = Signal(str)  # name the current selection

    @abstractmethod
    def set_families(self, rows: Sequence[FamilyRow]) -> None:
        """Offer these kinds of models; those that cannot be used are greyed with their reason."""

    @abstractmethod
    def set_batches(self, names: Sequence[str]) -> None:
        """Offer these columns as a technical batch to take out, besides none."""

    @abstractmethod
    def set_actions(self, names: Sequence[str]) -> None:
        """Offer these columns as what was done to each cell."""

    @abstractmethod
    def set_controls(self, names: Sequence[str], default: str) -> None:
        """Offer these values of the chosen column as the control."""

    @abstractmethod
    def set_labels(self, names: Sequence[str]) -> None:
        """Offer these sources of labels: columns, and the named groups when there are two."""

    @abstractmethod
    def set_schemes(self, names: Sequence[str], default: str) -> None:
        """Offer these ways of splitting cells into folds."""

    @abstractmethod
    def set_form(self, fields: Sequence[FieldSpec]) -> None:
        """Show the family's parameters at their defaults."""

    @abstractmethod
    def set_curve(self, curves: Sequence[Curve]) -> None:
        """Draw the loss over epochs, one curve per fold."""

    @abstractmethod
    def set_metrics(self, rows: Sequence[MetricRow]) -> None:
        """Show the scores; the model's row never comes without its baseline rows."""

    @abstractmethod
    def set_figures(self, names: Sequence[str], rows: Sequence[FigureRow]) -> None:
        """Show what a model without labels is judged by, its row first and cheap baselines after it."""

    @abstractmethod
    def set_can_save(self, can_save: bool) -> None:
        """Allow saving: there is a model."""

    @abstractmethod
    def set_message(self, text: str) -> None:
        """Show one line: what is trained, what was left out, what went wrong."""

    @abstractmethod
    def set_busy(self, busy: bool) -> None:
        """While busy offer cancel in place of training."""

    @abstractmethod
    def set_progress(self, fraction: float | None) -> None:
        """Show how much of the training is done, 0 to 1; None when that is not known yet."""

    @abstractmethod
    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow training, or grey it out and say why."""
