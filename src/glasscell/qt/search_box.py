"""The search box: type, see the best names, press Enter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QRect, QSize, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QCompleter, QLineEdit, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from glasscell.qt.style import plain_tip, theme_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QFocusEvent

    from glasscell.views.search import Hit

_ROWS = 12


class HitModel(QAbstractListModel):
    """The hits as a list; the text of a row is the title alone."""

    def __init__(self) -> None:
        super().__init__()
        self.hits: tuple[Hit, ...] = ()

    def set_hits(self, hits: Sequence[Hit]) -> None:
        """Show other hits."""
        self.beginResetModel()
        self.hits = tuple(hits)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Count the hits."""
        return 0 if parent is not None and parent.isValid() else len(self.hits)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Title, hit, or the tooltip with everything it is called."""
        if not 0 <= index.row() < len(self.hits):
            return None
        hit = self.hits[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return hit.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip("\n".join((hit.title, *hit.aliases, hit.subtitle)))
        return hit if role == Qt.ItemDataRole.UserRole else None


class _HitDelegate(QStyledItemDelegate):
    """Title at the left, what it is at the right in a quieter colour; both drawn as plain text."""

    def __init__(self, box: SearchBox) -> None:
        super().__init__(box)
        self._box = box

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """One line with some air."""
        return QSize(120, option.fontMetrics.height() + 7)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw one hit."""
        hit = index.data(Qt.ItemDataRole.UserRole)
        if painter is None or hit is None:
            return
        theme = theme_of(self._box)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.fillRect(option.rect, QColor(theme.accent if chosen else theme.raised))
        inner = option.rect.adjusted(7, 0, -7, 0)
        metrics = option.fontMetrics
        side = metrics.elidedText(hit.subtitle, Qt.TextElideMode.ElideRight, int(inner.width() * 0.5))
        room = inner.width() - metrics.horizontalAdvance(side) - 10
        title = metrics.elidedText(hit.title, Qt.TextElideMode.ElideMiddle, room)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QPen(QColor(theme.on_accent if chosen else theme.text)))
        painter.drawText(QRect(inner), int(middle | Qt.AlignmentFlag.AlignLeft), title)
        painter.setPen(QPen(QColor(theme.on_accent if chosen else theme.muted)))
        painter.drawText(QRect(inner), int(middle | Qt.AlignmentFlag.AlignRight), side)
        painter.restore()


class SearchBox(QLineEdit):
    """A line with a list of hits below it."""

    query_typed = Signal(str)
    hit_chosen = Signal(object)  # Hit

    def __init__(self, placeholder: str) -> None:
        super().__init__()
        self._asking = False
        self.setPlaceholderText(placeholder)
        self.setClearButtonEnabled(True)
        self.model = HitModel()
        self.popup = QListView()
        self.popup.setObjectName("GlasscellPopup")
        self.popup.setUniformItemSizes(True)
        self.popup.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._completer = QCompleter(self.model, self)
        self._completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self._completer.setPopup(self.popup)
        self._completer.setMaxVisibleItems(_ROWS)
        self._completer.setWidget(self)
        self.popup.setItemDelegate(_HitDelegate(self))
        self._completer.activated[QModelIndex].connect(self._on_activated)
        self.textEdited.connect(self._on_edited)
        self.returnPressed.connect(self._on_return)

    def set_hits(self, hits: Sequence[Hit]) -> None:
        """List hits; the list opens only while somebody types."""
        self.model.set_hits(hits)
        theme = theme_of(self)
        self.popup.setStyleSheet(
            f"QListView {{ background: {theme.raised}; border: 1px solid {theme.edge}; }}"
        )
        if hits and self._asking:
            self._completer.complete()
        else:
            self.popup.hide()

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        """Stop asking once the user has gone elsewhere; the list itself counts as here."""
        super().focusOutEvent(event)
        if event is not None and event.reason() != Qt.FocusReason.PopupFocusReason:
            self._asking = False

    def _on_edited(self, text: str) -> None:
        self._asking = bool(text.strip())
        self.query_typed.emit(text)

    def _on_activated(self, index: QModelIndex) -> None:
        """Take a clicked hit; after Enter it has been taken already."""
        hit = index.data(Qt.ItemDataRole.UserRole)
        if hit is not None and self._asking:
            self._choose(hit)

    def _on_return(self) -> None:
        """Enter takes the best hit when none is picked in the list."""
        picked = self.popup.currentIndex().row() if self.popup.isVisible() else -1
        if self.model.hits and self.text().strip():
            self._choose(self.model.hits[max(picked, 0)])

    def _choose(self, hit: Hit) -> None:
        self._asking = False
        self.popup.hide()
        self.setText(hit.title)
        self.selectAll()
        self.hit_chosen.emit(hit)
