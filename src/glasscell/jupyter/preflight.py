"""The check before training in a notebook, and applying the model to the open data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from glasscell.jupyter.panel import Panel, Words, button, column, fold, row, show
from glasscell.jupyter.sheet import Column, Sheet
from glasscell.models.preflight import MIN_OVERLAP
from glasscell.views.preflight_view import PreflightView
from glasscell.views.preflight_words import (
    APPLY,
    APPLY_TIP,
    APPLYING,
    CASE,
    CASE_TIP,
    OVERLAP,
    OVERLAP_TIP,
    TRAINING,
    can_apply,
    rename,
    verdict_lines,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glasscell.models.preflight import PreflightLine


class VerdictSheet(Sheet):
    """Verdicts below each other; what stands in the way in the colour of a warning."""

    def __init__(self) -> None:
        super().__init__([Column(kind="words")], "16em", heads=False)

    def set_lines(self, lines: Sequence[PreflightLine]) -> None:
        """Show other verdicts."""
        found = verdict_lines(lines)
        warned = [(number, 0) for number, line in enumerate(found) if line.verdict == "no"]
        self.show([(line.text,) for line in found], [line.tip for line in found], warned=warned)


class JupyterPreflightView(PreflightView, Panel):
    """Both lists in a notebook, as parts of the Model panel: ``widget`` and ``applying_widget``.

    Parameters
    ----------
    question, done
        Asked for what the panel around it has chosen.
    """

    def __init__(
        self,
        question: Callable[[], tuple[str, str, str]] = lambda: ("", "", ""),
        done: Callable[[], tuple[str, str]] = lambda: ("", ""),
    ) -> None:
        super().__init__()
        self._question, self._done = question, done
        self.training, self.applying = VerdictSheet(), VerdictSheet()
        self.notes = Words("", "muted")
        self.apply = button(APPLY, APPLY_TIP)
        self.ignore_case = ipywidgets.Checkbox(description=CASE, tooltip=CASE_TIP, indent=False)
        self.overlap = ipywidgets.BoundedFloatText(
            MIN_OVERLAP, min=0.0, max=1.0, step=0.05, tooltip=OVERLAP_TIP, layout={"width": "6em"}
        )
        self.widget = fold(TRAINING, self.training, is_open=True)
        self.applying_widget = fold(
            APPLYING,
            column(
                self.applying,
                self.ignore_case,
                row(Words(OVERLAP), self.overlap),
                row(self.apply),
                self.notes,
            ),
        )
        self.hear_press(self.apply, self._on_apply)
        self.hear(self.ignore_case, lambda _: self.terms_changed.emit(*self._terms()))
        self.hear(self.overlap, lambda _: self.terms_changed.emit(*self._terms()))
        self.set_training("", ())
        self.set_applying("", ())
        self.set_notes(())

    def question(self) -> tuple[str, str, str]:
        """Return what the panel around it has chosen."""
        return self._question()

    def done(self) -> tuple[str, str]:
        """Return the column of perturbations and the control that the panel around it has chosen."""
        return self._done()

    def set_training(self, title: str, lines: Sequence[PreflightLine]) -> None:
        """Show whether the chosen model can be trained."""
        self.training.set_lines(lines)
        show(self.widget, bool(lines))

    def set_applying(self, title: str, lines: Sequence[PreflightLine]) -> None:
        """Show whether the current model can be applied."""
        self.applying.set_lines(lines)
        show(self.applying_widget, bool(lines))
        self.apply.disabled = not can_apply(lines)

    def set_notes(self, notes: Sequence[str]) -> None:
        """Show what is to be known of the predictions."""
        self.notes.say(" ".join(notes), "muted")
        if notes:
            self.applying_widget.selected_index = 0

    def _terms(self) -> tuple[str, float]:
        return rename(self.ignore_case.value), self.overlap.value

    def _on_apply(self) -> None:
        if not self.apply.disabled:
            self.apply_requested.emit(*self._terms())
