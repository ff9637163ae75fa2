"""The list of groups: swatch, name to be edited in place, number of cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QSize, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QColorDialog, QHeaderView, QTreeWidget, QTreeWidgetItem

from glasscell.qt.icon import swatch
from glasscell.qt.style import plain_tip, theme_of
from glasscell.views.group_words import group_count, group_tip, still_chosen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.groups_view import GroupRow

_COLOUR, _NAME, _COUNT = 0, 1, 2
_ROW = 22


class QtGroupList(QTreeWidget):
    """Groups, several of which can be chosen."""

    renamed = Signal(str, str)
    recoloured = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[GroupRow, ...] = ()
        self.setObjectName("glasscell_groups")
        self.setToolTip(plain_tip("Click to choose, double-click a name to change it, click a colour"))
        self.setColumnCount(3)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setIconSize(QSize(14, 14))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
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
        self.itemDoubleClicked.connect(self._on_double_clicked)

    def set_rows(self, rows: Sequence[GroupRow]) -> None:
        """Show groups; those chosen stay chosen."""
        chosen = still_chosen(self.chosen(), self._rows, rows)
        self._rows = tuple(rows)
        place = self.verticalScrollBar().value()
        self.blockSignals(True)
        self.clear()
        theme = theme_of(self)
        for row in rows:
            item = QTreeWidgetItem(["", row.name, group_count(row)])
            item.setIcon(_COLOUR, swatch(row.colour, theme.muted))
            item.setToolTip(_COLOUR, plain_tip(f"Change the colour of {row.name}"))
            item.setToolTip(_NAME, plain_tip(f"{row.name}: double-click to change the name"))
            item.setToolTip(_COUNT, plain_tip(group_tip(row)))
            item.setFlags(
                Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable
            )
            item.setSizeHint(_NAME, QSize(0, _ROW))
            item.setTextAlignment(_COUNT, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            item.setForeground(_COUNT, QColor(theme.muted))
            self.addTopLevelItem(item)
            item.setSelected(row.name in chosen)
        self.blockSignals(False)
        self.verticalScrollBar().setValue(place)
        self.itemSelectionChanged.emit()

    def chosen(self) -> tuple[str, ...]:
        """Names of the chosen groups, in the order of the list."""
        return tuple(row.name for place, row in enumerate(self._rows) if self._is_chosen(place))

    def choose(self, *names: str) -> None:
        """Choose groups by name."""
        for place, row in enumerate(self._rows):
            item = self.topLevelItem(place)
            if item is not None:
                item.setSelected(row.name in names)

    def holds(self, name: str) -> bool:
        """Whether a group of this name is in the list."""
        return any(row.name == name for row in self._rows)

    def changeEvent(self, event: QEvent | None) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange and hasattr(self, "_rows"):
            self.set_rows(self._rows)

    def sizeHint(self) -> QSize:
        """As tall as the rows, within reason."""
        return QSize(200, min(max(len(self._rows), 4), 10) * _ROW + 6)

    def minimumSizeHint(self) -> QSize:
        """Room for a few rows; the rest scrolls."""
        return QSize(120, 4 * _ROW)

    def _is_chosen(self, place: int) -> bool:
        item = self.topLevelItem(place)
        return item is not None and item.isSelected()

    def _on_changed(self, item: QTreeWidgetItem, column: int) -> None:
        place = self.indexOfTopLevelItem(item)
        if column == _NAME and 0 <= place < len(self._rows) and item.text(_NAME) != self._rows[place].name:
            self.renamed.emit(self._rows[place].name, item.text(_NAME))

    def _on_double_clicked(self, item: QTreeWidgetItem, column: int) -> None:
        if column == _NAME:
            self.editItem(item, _NAME)

    def _on_clicked(self, item: QTreeWidgetItem, column: int) -> None:
        place = self.indexOfTopLevelItem(item)
        if column == _COLOUR and 0 <= place < len(self._rows):
            row = self._rows[place]
            chosen = QColorDialog.getColor(QColor(row.colour), self, "Colour of the group")
            if chosen.isValid():
                self.recoloured.emit(row.name, chosen.name())
