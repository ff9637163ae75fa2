"""The check before training, and applying the model to the open data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QVBoxLayout, QWidget

from glasscell.models.preflight import MIN_OVERLAP
from glasscell.qt.style import plain_tip
from glasscell.qt.text import Fold, PlainLabel, button, caption, column_of, row_of
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

_ROLES = {"yes": "muted", "warning": "", "no": "error"}


class LineList(QWidget):
    """Verdicts below each other: what is in order on one line, every other with its sentence."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self.texts: list[str] = []

    def set_lines(self, lines: Sequence[PreflightLine]) -> None:
        """Show other verdicts."""
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.setParent(None)
                widget.deleteLater()
        found = verdict_lines(lines)
        self.texts = [line.text for line in found]
        for line in found:
            label = PlainLabel(line.text, _ROLES[line.verdict])
            label.setToolTip(plain_tip(line.tip))
            self._column.addWidget(label)


class QtPreflightView(PreflightView):
    """Both lists in Qt, as parts of the Model dock: ``widget`` and ``applying_widget``."""

    def __init__(
        self,
        question: Callable[[], tuple[str, str, str]],
        done: Callable[[], tuple[str, str]] = lambda: ("", ""),
    ) -> None:
        super().__init__()
        self._question, self._done = question, done
        self.training, self.applying = LineList(), LineList()
        self.notes = PlainLabel("", "muted")
        self.apply = button(APPLY, APPLY_TIP)
        self.ignore_case = QCheckBox(CASE)
        self.ignore_case.setToolTip(plain_tip(CASE_TIP))
        self.overlap = QDoubleSpinBox()
        self.overlap.setRange(0.0, 1.0)
        self.overlap.setSingleStep(0.05)
        self.overlap.setValue(MIN_OVERLAP)
        self.overlap.setToolTip(plain_tip(OVERLAP_TIP))
        self._applying_part = QWidget()
        self._training_fold = Fold(TRAINING, self.training)
        self.widget = self._training_fold
        column_of(
            self.applying,
            row_of(self.ignore_case, None),
            row_of(caption(OVERLAP), self.overlap, None),
            row_of(self.apply, None),
            self.notes,
            parent=self._applying_part,
        )
        self._applying_fold = Fold(APPLYING, self._applying_part, is_open=False)
        self.applying_widget = self._applying_fold
        self.apply.clicked.connect(lambda: self.apply_requested.emit(*self._terms()))
        self.ignore_case.toggled.connect(lambda: self.terms_changed.emit(*self._terms()))
        self.overlap.valueChanged.connect(lambda: self.terms_changed.emit(*self._terms()))
        self.set_training("", ())
        self.set_applying("", ())
        self.set_notes(())

    def _terms(self) -> tuple[str, float]:
        return rename(self.ignore_case.isChecked()), self.overlap.value()

    def question(self) -> tuple[str, str, str]:
        """Return what the dock around it has chosen."""
        return self._question()

    def done(self) -> tuple[str, str]:
        """Return the column of perturbations and the control that the dock around it has chosen."""
        return self._done()

    def set_training(self, title: str, lines: Sequence[PreflightLine]) -> None:
        """Show whether the chosen model can be trained."""
        self.training.set_lines(lines)
        self._training_fold.setVisible(bool(lines))

    def set_applying(self, title: str, lines: Sequence[PreflightLine]) -> None:
        """Show whether the current model can be applied."""
        self.applying.set_lines(lines)
        self._applying_fold.setVisible(bool(lines))
        self.apply.setEnabled(can_apply(lines))

    def set_notes(self, notes: Sequence[str]) -> None:
        """Show what is to be known of the predictions."""
        self.notes.set_text(" ".join(notes))
        self.notes.setVisible(bool(notes))
        if notes:
            self._applying_fold.set_open(True)
