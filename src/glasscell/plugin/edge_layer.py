"""Edges that come in at the hovered cell, drawn over the napari canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QEvent, QLineF, QObject, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from glasscell.views.attention_edge import HALO, NOT_MEASURED, UNIFORM_PX, WIDTHS, EdgePicture, EdgeView

if TYPE_CHECKING:
    from glasscell.plugin.tissue_view import NapariTissueView

_KEY_WIDTH, _KEY_HEIGHT = 400, 76


class EdgeSheet(QWidget):
    """A transparent sheet over the canvas that draws edges and never takes the mouse."""

    def __init__(self, tissue: NapariTissueView) -> None:
        super().__init__(tissue.canvas.native)
        self._tissue = tissue
        self.picture: EdgePicture | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setObjectName("glasscell_edges")
        self.setGeometry(tissue.canvas.native.rect())
        tissue.canvas.native.installEventFilter(self)
        self.show()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Follow the size of the canvas."""
        if event is not None and watched is self.parent() and event.type() == QEvent.Type.Resize:
            self.setGeometry(self.parent().rect())
        return False

    def set_picture(self, picture: EdgePicture | None) -> None:
        """Draw other edges, or none."""
        if picture is not self.picture:
            self.picture = picture
            self.update()

    def lines(self) -> list[QLineF]:
        """Return the edges on the screen, sender first; those without a place are left out."""
        picture, shown = self.picture, self._tissue.picture
        if picture is None or shown is None or picture.cell >= shown.n_cells:
            return []
        here_d, there_nd = shown.positions_cd[picture.cell], shown.positions_cd[picture.senders]
        ends = self._tissue.canvas.to_screen(np.vstack([here_d[None], there_nd]))
        return [QLineF(QPointF(*end), QPointF(*ends[0])) for end in ends[1:].tolist()]

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the edges and what they mean."""
        picture = self.picture
        if picture is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for line, width, colour in zip(self.lines(), picture.widths, picture.colours, strict=False):
            for ink, more in ((QColor(HALO), 2.0), (QColor(colour or NOT_MEASURED), 0.0)):
                pen = QPen(ink, float(width) + more, cap=Qt.PenCapStyle.RoundCap)
                pen.setStyle(Qt.PenStyle.SolidLine if colour or more else Qt.PenStyle.DotLine)
                painter.setPen(pen)
                painter.drawLine(line)
        self._paint_key(painter, picture)
        painter.end()

    def _ground(self) -> QColor:
        return QColor(*(int(255 * v) for v in self._tissue.canvas.viewer.canvas.background_color[:3]))

    def _paint_key(self, painter: QPainter, picture: EdgePicture) -> None:
        """Say at the lower left what width and colour mean."""
        ground = self._ground()
        ink = QColor("#ffffff") if ground.lightness() < 128 else QColor("#101010")
        ground.setAlpha(225)
        box = QRectF(10, self.height() - _KEY_HEIGHT - 10, _KEY_WIDTH, _KEY_HEIGHT)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(box, 5, 5)
        painter.setPen(ink)
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        metrics, right = painter.fontMetrics(), Qt.TextElideMode.ElideRight
        painter.drawText(
            QPointF(box.left() + 8, box.top() + 15),
            metrics.elidedText(picture.title, right, int(box.width()) - 14),
        )
        x, y = box.left() + 8, box.top() + 31
        for factor in (0.5, 1.0, 2.0):
            painter.setPen(QPen(ink, UNIFORM_PX * factor, cap=Qt.PenCapStyle.FlatCap))
            painter.drawLine(QPointF(x, y), QPointF(x + 18, y))
            painter.setPen(ink)
            painter.drawText(QPointF(x + 22, y + 4), f"{factor:g} x")
            x += 54
        painter.drawText(QPointF(x + 2, y + 4), WIDTHS)
        strip = QRectF(box.left() + 8, box.top() + 43, 70, 8)
        gradient = QLinearGradient(strip.topLeft(), strip.topRight())
        last = len(picture.colour_map) - 1
        for place in range(0, last + 1, 8):
            gradient.setColorAt(place / last, QColor(picture.colour_map[place]))
        gradient.setColorAt(1.0, QColor(picture.colour_map[-1]))
        painter.fillRect(strip, gradient)
        low, high = picture.ends
        painter.drawText(QPointF(strip.right() + 6, strip.bottom() + 1), f"{low} to {high} when removed, in")
        unit = metrics.elidedText(f"{picture.unit}; dotted: not measured", right, int(box.width()) - 14)
        painter.drawText(QPointF(box.left() + 8, strip.bottom() + 16), unit)


class NapariEdgeView(EdgeView):
    """Edges over the tissue of a desk.

    Parameters
    ----------
    tissue
        Where to draw.
    """

    def __init__(self, tissue: NapariTissueView) -> None:
        self._tissue = tissue
        self.sheet = EdgeSheet(tissue)
        self.widget = self.sheet
        tissue.canvas.viewer.scene.camera.events.connect(self._on_camera)

    def set_edges(self, picture: EdgePicture | None) -> None:
        """Draw the edges of one cell; None draws none."""
        self.sheet.set_picture(picture)

    def close_down(self) -> None:
        """Take the sheet off the canvas."""
        self._tissue.canvas.viewer.scene.camera.events.disconnect(self._on_camera)
        self.sheet.setParent(None)
        self.sheet.deleteLater()

    def _on_camera(self, event: Any = None) -> None:
        self.sheet.update()
