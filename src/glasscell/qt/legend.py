"""The legend of a category: colour, name, count; click to hide, double-click the colour to change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QSize, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QColorDialog,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
)

from glasscell.qt.icon import swatch
from glasscell.qt.style import plain_tip, theme_of
from glasscell.views.legend_words import NO_VALUE, NO_VALUE_TIP, legend_count, legend_tip

if TYPE_CHECKING:
    from glasscell.views.legend import Legend, LegendItem

_COLOUR, _NAME, _COUNT = 0, 1, 2
_ROW = 22


class QtLegend(QTreeWidget):
    """Rows of swatch, checked name and count."""

    category_toggled = Signal(str, bool)
    category_recoloured = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._legend: Legend | None = None
        self.setColumnCount(3)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setIconSize(QSize(14, 14))
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(20)
        header.setSectionResizeMode(_COLOUR, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(_COLOUR, 26)
        header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(_COUNT, QHeaderView.ResizeMode.ResizeToContents)
        self.itemChanged.connect(self._on_changed)
        self.itemClicked.connect(self._on_clicked)

    def set_legend(self, legend: Legend | None) -> None:
        """Show a legend; rows that stay the same keep the place scrolled to."""
        place = self.verticalScrollBar().value()
        self._legend = legend
        self.blockSignals(True)
        self.clear()
        theme = theme_of(self)
        for item in legend.items if legend is not None else ():
            row = QTreeWidgetItem(["", item.name, legend_count(item)])
            row.setIcon(_COLOUR, swatch(item.colour, theme.muted, empty=not item.shown))
            row.setToolTip(_COLOUR, plain_tip(f"Change the colour of {item.name}"))
            row.setToolTip(_NAME, plain_tip(item.name))
            row.setToolTip(_COUNT, plain_tip(legend_tip(item)))
            row.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            row.setCheckState(_NAME, Qt.CheckState.Checked if item.shown else Qt.CheckState.Unchecked)
            self._finish(row, theme.muted)
        if legend is not None and legend.missing:
            row = QTreeWidgetItem(["", NO_VALUE, f"{legend.missing:,}"])
            row.setIcon(_COLOUR, swatch(legend.missing_colour, theme.text, hatched=True))
            row.setToolTip(_NAME, plain_tip(NO_VALUE_TIP))
            row.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self._finish(row, theme.muted)
            row.setForeground(_NAME, QColor(theme.muted))
        self.blockSignals(False)
        self.verticalScrollBar().setValue(place)
        self.updateGeometry()

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange and hasattr(self, "_legend"):
            self.set_legend(self._legend)

    def sizeHint(self) -> QSize:
        """As tall as the rows, within reason."""
        return QSize(200, min(max(self.topLevelItemCount(), 3), 14) * _ROW + 6)

    def minimumSizeHint(self) -> QSize:
        """Room for a few rows; the rest scrolls."""
        return QSize(120, 4 * _ROW)

    def recolour(self, name: str) -> None:
        """Ask for another colour of a category."""
        item = self._item(name)
        if item is None:
            return
        chosen = QColorDialog.getColor(QColor(item.colour), self, "Colour of the category")
        if chosen.isValid():
            self.category_recoloured.emit(name, chosen.name())

    def _finish(self, row: QTreeWidgetItem, muted: str) -> None:
        row.setSizeHint(_NAME, QSize(0, _ROW))
        row.setTextAlignment(_COUNT, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.setForeground(_COUNT, QColor(muted))
        self.addTopLevelItem(row)

    def _item(self, name: str) -> LegendItem | None:
        items = self._legend.items if self._legend is not None else ()
        return next((item for item in items if item.name == name), None)

    def _on_changed(self, row: QTreeWidgetItem, column: int) -> None:
        if column == _NAME:
            self.category_toggled.emit(row.text(_NAME), row.checkState(_NAME) == Qt.CheckState.Checked)

    def _on_clicked(self, row: QTreeWidgetItem, column: int) -> None:
        if column == _COLOUR and row.flags() & Qt.ItemFlag.ItemIsUserCheckable:
            self.recolour(row.text(_NAME))
