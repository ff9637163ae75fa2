"""Scores on held-out cells: the model's row never stands without its baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from glasscell.qt.style import plain_tip, theme_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.row import MetricRow

_HEADS = ("", "accuracy", "macro F1", "ECE")
_TIPS = (
    "The model, and cheap ways to predict the same labels",
    "Share of held-out cells predicted right",
    "Mean over classes of precision and recall combined: a small class counts as much as a large one",
    "Expected calibration error: how far stated probabilities are from the share that is right",
)


class QtMetrics(QTableWidget):
    """A small table without editing."""

    def __init__(self) -> None:
        super().__init__(0, len(_HEADS))
        self._rows: tuple[MetricRow, ...] = ()
        self.setHorizontalHeaderLabels(list(_HEADS))
        for column, tip in enumerate(_TIPS):
            self.horizontalHeaderItem(column).setToolTip(plain_tip(tip))
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
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange and hasattr(self, "_rows"):
            self.set_rows(self._rows)

    def set_rows(self, rows: Sequence[MetricRow]) -> None:
        """Show scores; a model without a baseline row beside it is not shown at all."""
        self._rows = tuple(rows)
        shown = tuple(rows) if any(row.is_baseline for row in rows) else ()
        self.setRowCount(len(shown))
        muted = QColor(theme_of(self).muted)
        for number, row in enumerate(shown):
            scores = (row.accuracy, row.macro_f1, row.calibration_error)
            for column, text in enumerate((row.name, *("-" if v is None else f"{v:.3f}" for v in scores))):
                cell = QTableWidgetItem(text)
                cell.setToolTip(plain_tip(f"{row.name}, {row.scheme}" if column == 0 else row.scheme))
                if column:
                    cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                font = cell.font()
                font.setBold(not row.is_baseline)
                cell.setFont(font)
                if row.is_baseline:
                    cell.setForeground(muted)
                self.setItem(number, column, cell)
        self.setVisible(bool(shown))
        self.setFixedHeight(self.sizeHint().height())

    def sizeHint(self) -> QSize:
        """Exactly as tall as the rows."""
        return QSize(200, self.horizontalHeader().sizeHint().height() + 22 * self.rowCount() + 4)
