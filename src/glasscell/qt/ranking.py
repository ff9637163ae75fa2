"""Ranked genes as bars, with the evidence of each in the same row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QPainter, QPen
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from glasscell.data.palette import diverging_map
from glasscell.qt.style import plain_tip, theme_of
from glasscell.views.gene_table import GeneTable

if TYPE_CHECKING:
    from glasscell.views.gene_table import Column

BAR = int(Qt.ItemDataRole.UserRole) + 1
WARN = int(Qt.ItemDataRole.UserRole) + 2
_ROW = 22


class GeneModel(QAbstractTableModel):
    """Rows of texts, one bar column; nothing is looked up while drawing."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        super().__init__()
        self.columns = columns
        self.table = GeneTable()

    def show(self, table: GeneTable) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.table = table
        self.endResetModel()

    @property
    def texts(self) -> list[tuple[str, ...]]:
        """The rows as they are written."""
        return list(self.table.texts)

    def gene(self, row: int) -> str:
        """Name of the gene in a row."""
        return self.table.texts[row][0]

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Count the genes."""
        return 0 if parent is not None and parent.isValid() else len(self.table.texts)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Count the columns."""
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, bar, tooltip or alignment of a cell of the table."""
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self.table.texts[row][column]
        if role == BAR and not self.columns[column].head:
            return self.table.bars[row]
        if role == WARN:
            return (row, column) in self.table.warned
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self.table.tips[row])
        if role == Qt.ItemDataRole.TextAlignmentRole and column:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Head of a column, or its meaning as a tooltip."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].head
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self.columns[section].tip)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None


class _BarDelegate(QStyledItemDelegate):
    """Draws bars about zero, and warnings in their colour; names stay plain text."""

    def __init__(self, table: QWidget) -> None:
        super().__init__(table)
        self._table = table

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Colour the texts."""
        super().initStyleOption(option, index)
        theme = theme_of(self._table)
        muted = index.column() > 0
        colour = theme.warn if index.data(WARN) else theme.muted if muted else theme.text
        for role in (option.palette.ColorRole.Text, option.palette.ColorRole.HighlightedText):
            option.palette.setColor(role, QColor(colour))

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw a cell of the table."""
        super().paint(painter, option, index)
        bar = index.data(BAR)
        if painter is None or bar is None:
            return
        theme = theme_of(self._table)
        painter.save()
        box = QRectF(option.rect).adjusted(5, 5, -5, -5)
        scale = box.width() / (bar.high - bar.low)
        zero = box.left() - bar.low * scale
        ends = {1: 0.0, -1: 0.0}
        for size, hatched in ((bar.solid, False), (bar.hatched, True)):
            if not size:
                continue
            way = 1 if size > 0 else -1
            start, ends[way] = ends[way], ends[way] + abs(size) * scale
            part = QRectF(zero + way * start, box.top(), way * abs(size) * scale, box.height()).normalized()
            ink = QColor(diverging_map()[-40 if way > 0 else 40])
            if hatched:
                painter.setPen(QPen(ink, 1))
                painter.setBrush(QBrush(ink, Qt.BrushStyle.Dense5Pattern))
                painter.drawRect(part.adjusted(0.5, 0.5, -0.5, -0.5))
            else:
                painter.fillRect(part, ink)
        painter.setPen(QPen(QColor(theme.text), 1))
        painter.drawLine(int(zero), option.rect.top() + 3, int(zero), option.rect.bottom() - 3)
        if bar.solid * bar.hatched < 0:
            net = zero + (bar.solid + bar.hatched) * scale
            painter.setPen(QPen(QColor(theme.text), 2))
            painter.drawLine(int(net), option.rect.top() + 4, int(net), option.rect.bottom() - 4)
        painter.restore()


class QtGeneTable(QTableView):
    """A table of genes.

    Parameters
    ----------
    columns
        ``RANKING`` or ``CELL``.
    """

    gene_clicked = Signal(str)

    def __init__(self, columns: tuple[Column, ...]) -> None:
        super().__init__()
        self.genes = GeneModel(columns)
        self.setModel(self.genes)
        self.setItemDelegate(_BarDelegate(self))
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(_ROW)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(30)
        for number, column in enumerate(columns):
            mode = QHeaderView.ResizeMode.Fixed if column.width else QHeaderView.ResizeMode.Stretch
            header.setSectionResizeMode(number, mode)
            if column.width:
                header.resizeSection(number, column.width)
        self.clicked.connect(self._on_picked)
        self.activated.connect(self._on_picked)

    def fit(self, at_least: int, at_most: int) -> None:
        """Be as tall as between so many rows."""
        rows = min(max(self.genes.rowCount(), at_least), at_most)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + rows * _ROW + 4)

    def minimumSizeHint(self) -> QSize:
        """Never force a dock to be wide."""
        return QSize(200, 3 * _ROW)

    def _on_picked(self, index: QModelIndex) -> None:
        self.gene_clicked.emit(self.genes.gene(index.row()))
