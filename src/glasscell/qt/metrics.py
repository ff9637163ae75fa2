"""Scores on held-out cells: the model's row never stands without its baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from glasscell.qt.style import plain_tip, theme_of
from glasscell.views.score_table import ScoreTable, figure_table, score_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.row import FigureRow, MetricRow


class QtMetrics(QTableWidget):
    """A small table without editing."""

    def __init__(self) -> None:
        super().__init__(0, len(ScoreTable().heads))
        self._table = ScoreTable()
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
        if event is not None and event.type() == QEvent.Type.StyleChange and hasattr(self, "_table"):
            self._fill(self._table)

    def set_rows(self, rows: Sequence[MetricRow]) -> None:
        """Show scores; a model without a baseline row beside it is not shown at all."""
        self._fill(score_table(rows))

    def set_figures(self, names: Sequence[str], rows: Sequence[FigureRow]) -> None:
        """Show other figures than scores, under their own names."""
        self._fill(figure_table(names, rows))

    def set_table(self, table: ScoreTable) -> None:
        """Show rows that are written already."""
        self._fill(table)

    @property
    def note(self) -> str:
        """What the figures are of; empty while there are none."""
        return self._table.note

    def _fill(self, table: ScoreTable) -> None:
        self._table = table
        self.setColumnCount(len(table.heads))
        self.setHorizontalHeaderLabels(list(table.heads))
        header = self.horizontalHeader()
        for column, tip in enumerate(table.tips):
            self.horizontalHeaderItem(column).setToolTip(plain_tip(tip))
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setRowCount(len(table.lines))
        muted = QColor(theme_of(self).muted)
        for number, one in enumerate(table.lines):
            for column, text in enumerate(one.texts):
                cell = QTableWidgetItem(text)
                cell.setToolTip(plain_tip(one.tip))
                if column:
                    cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                font = cell.font()
                font.setBold(not one.is_baseline)
                cell.setFont(font)
                if one.is_baseline:
                    cell.setForeground(muted)
                self.setItem(number, column, cell)
        self.setVisible(bool(table.lines))
        self.setFixedHeight(self.sizeHint().height())

    def sizeHint(self) -> QSize:
        """Exactly as tall as the rows."""
        return QSize(200, self.horizontalHeader().sizeHint().height() + 22 * self.rowCount() + 4)
