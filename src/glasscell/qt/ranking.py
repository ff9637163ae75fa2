"""Ranked genes as bars, with the evidence of each in the same row."""

from __future__ import annotations

from dataclasses import dataclass
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

from glasscell.qt.style import plain_tip, theme_of
from glasscell.views.palette import diverging_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.row import CellGeneRow, RankingRow

BAR = int(Qt.ItemDataRole.UserRole) + 1
WARN = int(Qt.ItemDataRole.UserRole) + 2
_ROW = 22
CANNOT_TELL = "?"


@dataclass(frozen=True)
class Bar:
    """A bar from zero: its solid and its hatched part, and the values at both ends of the column."""

    solid: float
    hatched: float
    low: float
    high: float


@dataclass(frozen=True)
class Column:
    """One column: its head, what the head means, its width (0 takes the spare room)."""

    head: str
    tip: str
    width: int


RANKING = (
    Column("gene", "Genes by mean attribution; click one to paint it on tissue and embedding", 0),
    Column("value", "Mean attribution over the cells, in units of the target", 54),
    Column("", "Solid: cells with more of the gene than the baseline. Hatched: cells with less", 68),
    Column("diff", "Rank of the gene by plain mean difference between the classes", 42),
    Column("twin", "Rank of the gene for a twin model trained on permuted labels: it should be far off", 42),
    Column("folds", "Spread of the gene's rank over the nets of the folds: small is stable", 40),
)
CELL = (
    Column("gene", "The hovered cell's own genes", 0),
    Column("value", "Attribution in this cell", 54),
    Column("", "To the right: speaks for the target. To the left: against it", 92),
    Column("level", "Expression in this cell", 54),
)


class GeneModel(QAbstractTableModel):
    """Rows of texts, one bar column; nothing is looked up while drawing."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        super().__init__()
        self.columns = columns
        self.texts: list[tuple[str, ...]] = []
        self.bars: list[Bar] = []
        self.tips: list[str] = []
        self.warned: set[tuple[int, int]] = set()

    def set_ranking(self, rows: Sequence[RankingRow]) -> None:
        """Show ranked genes."""
        self._replace(
            [
                (
                    r.gene,
                    f"{r.value:.3g}",
                    "",
                    _rank(r.mean_difference_rank),
                    _rank(r.twin_rank),
                    _spread(r.rank_spread),
                )
                for r in rows
            ],
            _bars([(r.presence, r.absence) for r in rows]),
            [_sentence(r) for r in rows],
            {(n, 4) for n, r in enumerate(rows) if r.twin_rank is not None and r.twin_rank <= len(rows)},
        )

    def set_cell(self, rows: Sequence[CellGeneRow]) -> None:
        """Show the genes of one cell."""
        self._replace(
            [(r.gene, f"{r.value:.3g}", "", f"{r.expression:.3g}") for r in rows],
            _bars([(r.value, 0.0) for r in rows]),
            [f"{r.gene}: attribution {r.value:.4g}, expression {r.expression:.4g}" for r in rows],
            set(),
        )

    def set_texts(self, texts: Sequence[tuple[str, ...]], tips: Sequence[str]) -> None:
        """Show rows of plain texts, one per column, each row with what it means."""
        self._replace(list(texts), [], list(tips), set())

    def gene(self, row: int) -> str:
        """Name of the gene in a row."""
        return self.texts[row][0]

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Count the genes."""
        return 0 if parent is not None and parent.isValid() else len(self.texts)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Count the columns."""
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, bar, tooltip or alignment of a cell of the table."""
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self.texts[row][column]
        if role == BAR and not self.columns[column].head:
            return self.bars[row]
        if role == WARN:
            return (row, column) in self.warned
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self.tips[row])
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

    def _replace(
        self, texts: list[tuple[str, ...]], bars: list[Bar], tips: list[str], warned: set[tuple[int, int]]
    ) -> None:
        self.beginResetModel()
        self.texts, self.bars, self.tips, self.warned = texts, bars, tips, warned
        self.endResetModel()


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


def _bars(parts: Sequence[tuple[float, float]]) -> list[Bar]:
    """Bars on one scale, zero at one place in all rows."""
    high = max((max(a, 0.0) + max(b, 0.0) for a, b in parts), default=0.0)
    low = min((min(a, 0.0) + min(b, 0.0) for a, b in parts), default=0.0)
    room = 0.04 * ((high - low) or 1.0)
    return [Bar(a, b, low - room, high + room) for a, b in parts]


def _rank(rank: int | None) -> str:
    return CANNOT_TELL if rank is None else str(rank)


def _spread(spread: float | None) -> str:
    return CANNOT_TELL if spread is None else f"{spread:.3g}"


def _sentence(row: RankingRow) -> str:
    """Say a row in words."""

    def place(rank: int | None) -> str:
        return "cannot tell" if rank is None else f"place {rank}"

    spread = "cannot tell" if row.rank_spread is None else f"{row.rank_spread:.3g} places"
    return (
        f"{row.rank}. {row.gene}: {row.value:.4g}\n"
        f"from cells with more of it than the baseline {row.presence:.4g}, with less {row.absence:.4g}\n"
        f"by mean difference: {place(row.mean_difference_rank)}; "
        f"permuted-label twin: {place(row.twin_rank)}; spread over folds: {spread}"
    )
