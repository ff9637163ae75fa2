"""Boxes for numbers that keep every digit they were given."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qtpy.QtCore import QLocale, Qt
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QDoubleSpinBox, QSpinBox

if TYPE_CHECKING:
    from qtpy.QtGui import QWheelEvent

_LARGEST = 1e30
_INT_MAX = 2**31 - 1


class NumberBox(QDoubleSpinBox):
    """A box for a float: 1e-3 stays 1e-3, and the arrows move by a tenth of its size.

    Parameters
    ----------
    digits
        Significant digits shown; None shows the shortest text that reads back as the same number.
    """

    def __init__(self, digits: int | None = None) -> None:
        super().__init__()
        self._digits = digits
        self._step: float | None = None
        self.setLocale(QLocale.c())
        self.setDecimals(60)
        self.setRange(-_LARGEST, _LARGEST)
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(64)
        self.setCorrectionMode(QDoubleSpinBox.CorrectionMode.CorrectToNearestValue)

    def set_step(self, step: float | None) -> None:
        """Fix the step of the arrows; None makes it a tenth of the value's decade."""
        self._step = step

    def textFromValue(self, v: float) -> str:
        """Write a number."""
        if self._digits is not None:
            return f"{v:.{self._digits}g}"
        return str(int(v)) if v == int(v) and abs(v) < 1e6 else repr(float(v))

    def valueFromText(self, text: str | None) -> float:
        """Read a number."""
        try:
            return float((text or "").strip().replace(",", "."))
        except ValueError:
            return float(self.value())

    def validate(self, text: str | None, pos: int) -> tuple[QValidator.State, str, int]:
        """Accept numbers, and what may still become one."""
        plain = (text or "").strip().replace(",", ".")
        try:
            good = math.isfinite(float(plain)) and self.minimum() <= float(plain) <= self.maximum()
            state = QValidator.State.Acceptable if good else QValidator.State.Intermediate
        except ValueError:
            begun = all(c in "0123456789+-.eE" for c in plain)
            state = QValidator.State.Intermediate if begun else QValidator.State.Invalid
        return state, text or "", pos

    def stepBy(self, steps: int) -> None:
        """Move by the step."""
        size = self._step or 10.0 ** (math.floor(math.log10(abs(self.value()) or 1.0)) - 1)
        moved = self.value() + steps * size
        self.setValue(float(f"{moved:.12g}"))
        self.selectAll()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Scroll the dock, not the number."""
        if event is not None:
            event.ignore()


class WholeBox(QSpinBox):
    """A box for a whole number that the mouse wheel passes by."""

    def __init__(
        self, low: float | None = None, high: float | None = None, step: float | None = None
    ) -> None:
        super().__init__()
        self.setRange(
            -_INT_MAX if low is None else max(int(low), -_INT_MAX),
            _INT_MAX if high is None else min(int(high), _INT_MAX),
        )
        self.setSingleStep(max(int(step or 1), 1))
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumWidth(64)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Scroll the dock, not the number."""
        if event is not None:
            event.ignore()
