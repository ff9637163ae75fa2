"""What stands around the tables of a heatmap: names, titles, colour bars, and outlines of places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QLinearGradient, QPainter, QPen

from glasscell.qt.style import theme_of

if TYPE_CHECKING:
    from glasscell.qt.heatmap import Place, QtHeatmap
    from glasscell.qt.style import Theme
    from glasscell.views.heat import HeatPanel

NAME_PX = 11  # least height of a row whose name is drawn
HEADS = 84  # most room for the names of columns, which stand upright
GAP = 8


def paint_row_names(painter: QPainter, heatmap: QtHeatmap, under: Place | None) -> None:
    """Name the rows in sight, all where there is room, else some and always the one under the pointer."""
    picture, rows = heatmap.picture, heatmap.rows
    if picture is None:
        return
    box, theme, width = heatmap.box(0), theme_of(heatmap), heatmap.names_width()
    height = box.height() / rows.shown
    painter.setPen(QColor(theme.muted))
    for number, words in enumerate(picture.corner):
        line = QRectF(0, box.top() - 30 + 14 * number, width, 14)
        painter.drawText(line, int(Qt.AlignmentFlag.AlignRight), words)
    step = max(1, -(-NAME_PX // max(int(height), 1)))
    pointed = -1 if under is None else under.row
    painter.save()
    painter.setClipRect(QRectF(0, box.top() - 4, width + GAP, box.height() + 8))
    for row in range(int(rows.first), min(int(rows.first + rows.shown) + 1, rows.n)):
        near = pointed >= 0 and row != pointed and abs(row - pointed) * height < NAME_PX
        if near or (row % step and row != pointed):
            continue
        y = box.top() + (row + 0.5 - rows.first) * height
        painter.setPen(QColor(theme.text if row == pointed or step == 1 else theme.muted))
        name = painter.fontMetrics().elidedText(picture.row_labels[row], Qt.TextElideMode.ElideMiddle, width)
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, y - 7, width, 14), int(flags), name)
    painter.restore()


def paint_heads(painter: QPainter, heatmap: QtHeatmap, panel: HeatPanel, box: QRectF) -> None:
    """Draw a panel's title and, upright, the names of its columns."""
    picture, columns, theme = heatmap.picture, heatmap.columns, theme_of(heatmap)
    if picture is None:
        return
    painter.setPen(QColor(theme.text))
    title = painter.fontMetrics().elidedText(
        panel.title, Qt.TextElideMode.ElideRight, int(box.width() + GAP - 2)
    )
    painter.drawText(QRectF(box.left(), 0, box.width() + GAP, 14), int(Qt.AlignmentFlag.AlignLeft), title)
    width = box.width() / columns.shown
    step = max(1, -(-NAME_PX // max(int(width), 1)))
    painter.setPen(QColor(theme.muted))
    for column in range(int(columns.first), min(int(columns.first + columns.shown) + 1, columns.n)):
        x = box.left() + (column + 0.5 - columns.first) * width
        if column % step or not box.left() <= x <= box.right():
            continue
        name = painter.fontMetrics().elidedText(
            picture.columns[column], Qt.TextElideMode.ElideRight, heatmap.heads_height() - 4
        )
        painter.save()
        painter.translate(x, box.top() - 3)
        painter.rotate(-90)
        painter.drawText(QRectF(0, -7, HEADS, 14), int(Qt.AlignmentFlag.AlignVCenter), name)
        painter.restore()


def paint_numbers(painter: QPainter, heatmap: QtHeatmap, number: int) -> None:
    """Write the values of a table into its places where there is room, in black or white."""
    picture = heatmap.picture
    panel = None if picture is None else picture.panels[number]
    if panel is None or not panel.written:
        return
    image = panel.rgba(theme_of(heatmap).edge)
    for row in range(heatmap.rows.n):
        for column in range(heatmap.columns.n):
            box, words = heatmap.cell((row, column, number)), panel.text(row, column)
            if box.width() < painter.fontMetrics().horizontalAdvance(words) + 2:
                continue
            red, green, blue = (int(part) for part in image[row, column, :3])
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 140
            painter.setPen(QColor("#ffffff" if dark else "#000000"))
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), words)


def paint_bar(painter: QPainter, theme: Theme, panel: HeatPanel, box: QRectF) -> None:
    """Draw the colours below a table, with the ends (marked where values lie beyond) and the unit."""
    strip = QRectF(box.left(), box.bottom() + 5, box.width(), 6)
    gradient = QLinearGradient(strip.topLeft(), strip.topRight())
    last = len(panel.colours) - 1
    for place in range(0, last + 1, 8):
        gradient.setColorAt(place / last, QColor(panel.colours[place]))
    gradient.setColorAt(1.0, QColor(panel.colours[-1]))
    painter.fillRect(strip, gradient)
    painter.setPen(QColor(theme.muted))
    line = QRectF(box.left(), strip.bottom() + 1, box.width(), 14)
    low, high = panel.ends
    metrics, flags = painter.fontMetrics(), Qt.AlignmentFlag
    painter.drawText(line, int(flags.AlignLeft), low)
    painter.drawText(line, int(flags.AlignRight), high)
    unit = metrics.elidedText(panel.unit, Qt.TextElideMode.ElideRight, int(box.width()))
    painter.drawText(line.translated(0, 13), int(flags.AlignHCenter), unit)


def paint_missing(painter: QPainter, heatmap: QtHeatmap) -> None:
    """Say beside the bars what the grey of a table means, where there is some."""
    picture = heatmap.picture
    if picture is None or all(np.isfinite(panel.values_rc).all() for panel in picture.panels):
        return
    theme, box, width = theme_of(heatmap), heatmap.box(0), heatmap.names_width()
    swatch = QRectF(width - 8, box.bottom() + 4, 8, 8)
    painter.fillRect(swatch, QColor(theme.edge))
    painter.setPen(QColor(theme.muted))
    line = QRectF(0, box.bottom() + 1, width - 12, 14)
    painter.drawText(line, int(Qt.AlignmentFlag.AlignRight), "unknown")


def paint_mark(painter: QPainter, heatmap: QtHeatmap, place: Place, ink: QColor) -> None:
    """Outline a place in every panel, the very one strongly."""
    for panel in range(len(heatmap.picture.panels) if heatmap.picture is not None else 0):
        cell, box = heatmap.cell(place._replace(panel=panel)), heatmap.box(panel)
        if not box.intersects(cell):
            continue
        painter.save()
        painter.setClipRect(box.adjusted(-2, -2, 2, 2))
        painter.setPen(QPen(ink, 2.0 if panel == place.panel else 1.0))
        painter.drawRect(cell.adjusted(-0.5, -0.5, 0.5, 0.5))
        painter.restore()
