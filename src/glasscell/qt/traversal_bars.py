"""The genes that go up and down most at a position, as bars that follow the slider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QRectF, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QHelpEvent, QPainter
from qtpy.QtWidgets import QToolTip, QWidget

from glasscell.data.palette import diverging_map
from glasscell.qt.style import mix, plain_tip, theme_of
from glasscell.views.traversal_table import change_tip

if TYPE_CHECKING:
    from qtpy.QtGui import QMouseEvent, QPaintEvent

    from glasscell.explain.traversal.result import GeneChange
    from glasscell.views.traversal_view import StepPicture

ROW, N_ROWS = 17, 8
_NUMBER, _END = 40, 8


class QtTopGenes(QWidget):
    """Two columns of bars, genes that go up and genes that go down; a click chooses a gene."""

    gene_clicked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.picture: StepPicture | None = None
        self.gene = ""
        self.setFixedHeight(ROW * (N_ROWS + 1))
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Genes that change most")

    def set_picture(self, picture: StepPicture | None) -> None:
        """Show other bars."""
        self.picture = picture
        self.update()

    def set_gene(self, gene: str) -> None:
        """Mark the gene both views show."""
        self.gene = gene
        self.update()

    def gene_at(self, x: float, y: float) -> GeneChange | None:
        """Find the gene under a place."""
        if self.picture is None:
            return None
        genes = self.picture.up if x < self.width() / 2 else self.picture.down
        place = int(y // ROW) - 1
        return genes[place] if 0 <= place < len(genes) else None

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Choose the gene."""
        if event is not None:
            row = self.gene_at(event.position().x(), event.position().y())
            if row is not None:
                self.gene_clicked.emit(row.gene)

    def event(self, event: QEvent | None) -> bool:
        """Say the value of the gene under the pointer."""
        if isinstance(event, QHelpEvent):
            row = self.gene_at(event.pos().x(), event.pos().y())
            unit = "" if self.picture is None else self.picture.unit
            words = "" if row is None else change_tip(row, unit)
            QToolTip.showText(event.globalPos(), plain_tip(words), self)
            return True
        return bool(super().event(event))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw both columns."""
        if self.picture is None:
            return
        painter, theme, half = QPainter(self), theme_of(self), self.width() / 2
        sides = (("up, decoded", self.picture.up, -40), ("down, decoded", self.picture.down, 40))
        for place, (head, genes, shade) in enumerate(sides):
            left = place * half
            painter.setPen(QColor(theme.muted))
            middle = int(Qt.AlignmentFlag.AlignVCenter)
            painter.drawText(QRectF(left + 2, 0, half - 4, ROW), middle, head)
            ink = QColor(diverging_map()[shade])
            if not self.picture.observed:
                ink = mix(theme.raised, theme.muted, 0.5)
            for number, row in enumerate(genes[:N_ROWS]):
                top = (number + 1) * ROW
                self._row(painter, row, QRectF(left + 2, top, half - 6, ROW), ink)

    def _row(self, painter: QPainter, row: GeneChange, box: QRectF, ink: QColor) -> None:
        theme, picture = theme_of(self), self.picture
        assert picture is not None
        share = min(abs(row.change) / picture.limit, 1.0)
        painter.fillRect(box.adjusted(0, 1, 0, -1), QColor(theme.raised))
        bar = QRectF(box.left(), box.top() + 1, box.width() * share, box.height() - 2)
        ink.setAlphaF(0.75)
        painter.fillRect(bar, ink)
        if abs(row.change) > picture.limit:  # only beyond what was observed: the bar would be longer
            end = QRectF(bar.right() - _END, bar.top(), _END, bar.height())
            painter.fillRect(end, QBrush(QColor(theme.text), Qt.BrushStyle.BDiagPattern))
        font = painter.font()
        font.setBold(row.gene == self.gene)
        painter.setFont(font)
        painter.setPen(QColor(theme.text))
        metrics, middle = painter.fontMetrics(), Qt.AlignmentFlag.AlignVCenter
        name = metrics.elidedText(row.gene, Qt.TextElideMode.ElideRight, int(box.width() - _NUMBER - 4))
        painter.drawText(box.adjusted(3, 0, -_NUMBER, 0), int(middle), name)
        painter.drawText(
            box.adjusted(0, 0, -3, 0), int(middle | Qt.AlignmentFlag.AlignRight), f"{row.change:+.2f}"
        )
        font.setBold(False)
        painter.setFont(font)
