"""What a view of the check before training, and of applying a model, can be told, and what it tells."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from psygnal import Signal

from glasscell.views.view import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.models.preflight import PreflightLine


class PreflightView(View):
    """A compact list of verdicts, and a button that applies the current model to the open data."""

    asked = Signal()  # what would be trained was chosen anew
    apply_requested = Signal(str, float)  # rename ("" or "ignore-case"), least overlap
    terms_changed = Signal(str, float)  # the same, before anything is asked for

    @abstractmethod
    def question(self) -> tuple[str, str, str]:
        """Return family, labels and batch as they are chosen now."""

    def done(self) -> tuple[str, str]:
        """Return the column of perturbations and the control as they are chosen now; empty for none."""
        return "", ""

    @abstractmethod
    def set_training(self, title: str, lines: Sequence[PreflightLine]) -> None:
        """Show whether the chosen model can be trained; no lines hide the list."""

    @abstractmethod
    def set_applying(self, title: str, lines: Sequence[PreflightLine]) -> None:
        """Show whether the current model can be applied; no lines hide list and button."""

    @abstractmethod
    def set_notes(self, notes: Sequence[str]) -> None:
        """Show what is to be known of the predictions; none hide them."""
