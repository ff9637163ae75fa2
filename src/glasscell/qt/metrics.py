"""Scores on held-out cells: the model's row never stands without its baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from glasscell.qt.style import plain_tip, theme_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glasscell.views.row import FigureRow, MetricRow

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


class _Line(NamedTuple):
    """One row as it is written."""

    texts: tuple[str, ...]
    tip: str
    is_baseline: bool


class QtMetrics(QTableWidget):
    """A small table without editing."""

    def __init__(self) -> None:
        super().__init__(0, len(_HEADS))
        self._again: Callable[[], None] = lambda: None
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(22)
        self.setShowGrid(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange and hasattr(self, "_again"):
            self._again()

    def set_rows(self, rows: Sequence[MetricRow]) -> None:
        """Show scores; a model without a baseline row beside it is not shown at all."""
        self._again = lambda: self.set_rows(rows)
        lines = []
        for row in rows:
            scores = (row.accuracy, row.macro_f1, row.calibration_error)
            texts = (row.name, *("-" if v is None else f"{v:.3f}" for v in scores))
            lines.append(_Line(texts, row.scheme, row.is_baseline))
        self._fill(_HEADS, _TIPS, lines)

    def set_figures(self, names: Sequence[str], rows: Sequence[FigureRow]) -> None:
        """Show other figures than scores, under their own names."""
        self._again = lambda: self.set_figures(names, rows)
        lines = [
            _Line((row.name, *("-" if v is None else f"{v:.4f}" for v in row.values)), "", row.is_baseline)
            for row in rows
        ]
        tips = (_OWN_TIP, *(_FIGURE_TIPS.get(name, name) for name in names))
        self._fill(("", *names), tips, lines)

    def _fill(self, heads: Sequence[str], tips: Sequence[str], lines: Sequence[_Line]) -> None:
        shown = lines if any(one.is_baseline for one in lines) else ()
        self.setColumnCount(len(heads))
        self.setHorizontalHeaderLabels(list(heads))
        header = self.horizontalHeader()
        for column, tip in enumerate(tips):
            self.horizontalHeaderItem(column).setToolTip(plain_tip(tip))
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setRowCount(len(shown))
        muted = QColor(theme_of(self).muted)
        for number, one in enumerate(shown):
            for column, text in enumerate(one.texts):
                cell = QTableWidgetItem(text)
                words = f"{one.texts[0]}, {one.tip}" if column == 0 and one.tip else one.tip or one.texts[0]
                cell.setToolTip(plain_tip(words))
                if column:
                    cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                font = cell.font()
                font.setBold(not one.is_baseline)
                cell.setFont(font)
                if one.is_baseline:
                    cell.setForeground(muted)
                self.setItem(number, column, cell)
        self.setVisible(bool(shown))
        self.setFixedHeight(self.sizeHint().height())

    def sizeHint(self) -> QSize:
        """Exactly as tall as the rows."""
        return QSize(200, self.horizontalHeader().sizeHint().height() + 22 * self.rowCount() + 4)
