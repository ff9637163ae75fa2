"""What a model attends to: ask, read the heatmap beside the change on removal, click a place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QFileDialog, QFormLayout, QProgressBar, QWidget

from glasscell.errors import GlasscellError
from glasscell.qt.form import QtForm
from glasscell.qt.heat_multiples import QtMultiples
from glasscell.qt.heatmap import Place, QtHeatmap
from glasscell.qt.ranking import QtGeneTable
from glasscell.qt.style import plain_tip
from glasscell.qt.text import Choice, Fold, PlainLabel, button, caption, column_of, row_of, scrolled
from glasscell.views.attention_table import CELLS, POINT, ROWS, attention_table, find_place
from glasscell.views.attention_view import QUANTITIES, AttentionPicture, AttentionView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.attention.result import AttentionRow
    from glasscell.views.heat import HeatPicture


class QtAttentionMapView(AttentionView):
    """The attention view in Qt."""

    def __init__(self) -> None:
        super().__init__()
        self.by = Choice("Cells whose attention is averaged; for neighbours also those attended to")
        self.target = Choice("What the change on removal is measured on")
        self.cells = Choice("Which cells are asked")
        self.cells.set_names([key for key, _ in CELLS], words=dict(CELLS))
        self.form = QtForm()
        self.ask = button(
            "Show attention", "Read the weights and measure removals, in the background", primary=True
        )
        self.cancel = button("Cancel", "Stop; nothing is kept")
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.reason = PlainLabel("", "muted")
        self.message = PlainLabel("", "muted")
        self.which = Choice("Mean, rollout, norm-weighted, a layer or a head")
        self.quantity = Choice("What the left table shows; the right one is always the change on removal")
        self.quantity.set_names(tuple(QUANTITIES), words=QUANTITIES)
        self.heatmap = QtHeatmap()
        self.closer = button(
            "+", "Zoom in on the rows (or turn the wheel over the table; with Shift: columns)"
        )
        self.wider = button("−", "Zoom out")
        self.home = button("All", "Show all rows and columns (or double-click the table)")
        for one in (self.closer, self.wider, self.home):
            one.setMaximumWidth(44)
        self.place = PlainLabel("", "muted")
        self.edges = QCheckBox("Draw the edges of the hovered cell on the tissue")
        self.edges.setToolTip(plain_tip("Width: attention over uniform; colour: change when it is removed"))
        self.edges.setChecked(True)
        self.multiples = QtMultiples()
        self.group = Choice("The group whose attention is listed")
        self.rows = QtGeneTable(ROWS)
        self.rows.setTextElideMode(Qt.TextElideMode.ElideLeft)
        self.notes = PlainLabel("", "warn")
        self.save = button("Save CSV…", "Write every map, group and column as a table")
        self._picture: AttentionPicture | None = None
        self._mark: tuple[str, str, str] | None = None
        self._result = QWidget()
        self.widget = scrolled(self._content())
        self._connect()
        self._show_form()
        self.set_busy(False)
        self.set_result(None, "")
        self.set_enabled(False, "Open data first.")

    def set_groupings(self, choices: Sequence[tuple[str, str]], current: str) -> None:
        """Offer groupings; what was chosen stays while it is offered."""
        keys = [key for key, _ in choices]
        wanted = self.by.name() if self.by.name() in keys else current
        self.by.set_names(keys, wanted, words=dict(choices))

    def set_targets(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer what removal is measured on."""
        self.target.set_names([key for key, _ in choices], words=dict(choices))

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow asking, or say why not."""
        self.ask.setEnabled(enabled)
        for control in (self.by, self.target, self.cells):
            control.setEnabled(enabled)
        self.reason.set_text(reason)

    def set_busy(self, busy: bool) -> None:
        """Offer cancel while asking."""
        self.ask.setVisible(not busy)
        self.cancel.setVisible(busy)
        self.progress.setVisible(busy)

    def set_result(self, picture: AttentionPicture | None, message: str) -> None:
        """Show attention, or the message alone."""
        self._picture = picture
        self.message.set_text(message)
        self._result.setVisible(picture is not None)
        self._layers.setVisible(picture is not None and picture.multiples is not None)
        if picture is None:
            self.heatmap.set_picture(None)
            self.multiples.set_multiples(None, "")
            return
        self.which.set_names([key for key, _ in picture.maps], picture.which, words=dict(picture.maps))
        self.quantity.set_names(tuple(QUANTITIES), picture.quantity, words=QUANTITIES)
        self.heatmap.set_picture(picture.heat)
        self.multiples.set_multiples(picture.multiples, picture.which)
        self.edges.setVisible(picture.is_graph)
        self.notes.set_text(" ".join(picture.notes))
        self.set_marked(self._mark)

    def set_rows(self, groups: Sequence[str], group: str, rows: Sequence[AttentionRow], unit: str) -> None:
        """List what one group attends to most."""
        self.group.set_names(groups, group)
        self.rows.genes.show(attention_table(rows, unit))
        self.rows.fit(4, 8)

    def set_place(self, text: str) -> None:
        """Say everything about the place under the pointer; the room stays."""
        self.place.set_text(text or POINT)

    def set_marked(self, place: tuple[str, str, str] | None) -> None:
        """Mark a place on the heatmap."""
        self._mark = place
        found = find_place(self.heatmap.picture, place)
        self.heatmap.set_marked(None if found is None else Place(*found))

    def _connect(self) -> None:
        self.ask.clicked.connect(self._on_ask)
        self.cancel.clicked.connect(lambda: self.cancel_requested.emit())
        self.which.activated.connect(lambda _place: self.map_chosen.emit(self.which.name()))
        self.quantity.activated.connect(lambda _place: self.quantity_chosen.emit(self.quantity.name()))
        self.group.activated.connect(lambda _place: self.group_chosen.emit(self.group.name()))
        self.multiples.chosen.connect(lambda key: self.map_chosen.emit(key))
        self.heatmap.clicked.connect(self._on_clicked)
        self.heatmap.hovered.connect(self._on_hovered)
        self.rows.gene_clicked.connect(self._on_row)
        self.edges.toggled.connect(lambda wanted: self.edges_toggled.emit(wanted))
        self.closer.clicked.connect(lambda: self.heatmap.zoom(1 / 1.6))
        self.wider.clicked.connect(lambda: self.heatmap.zoom(1.6))
        self.home.clicked.connect(lambda: self.heatmap.go_home())
        self.save.clicked.connect(self._on_save)

    def _content(self) -> QWidget:
        """Lay everything out."""
        content, choices = QWidget(), QWidget()
        form = QFormLayout(choices)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        for title, control in (("Groups", self.by), ("Measured on", self.target), ("Cells", self.cells)):
            form.addRow(caption(title), control)
        self._fold = Fold("Settings", self.form, is_open=False)
        self._layers = Fold("Layers and heads", self.multiples)
        column_of(
            row_of(self.which, self.quantity, stretch=1),
            self.heatmap,
            row_of(self.closer, self.wider, self.home, None, self.save),
            self.place,
            self.edges,
            self._layers,
            row_of(PlainLabel("Most attended by"), self.group, stretch=1),
            self.rows,
            self.notes,
            parent=self._result,
        )
        self.which.setMinimumWidth(110)
        column = column_of(
            choices,
            self._fold,
            row_of(self.ask, self.cancel, stretch=0),
            self.progress,
            self.reason,
            self.message,
            self._result,
            parent=content,
        )
        column.addStretch(1)
        self.set_place("")
        return content

    def _show_form(self) -> None:
        from glasscell.explain.attention.request import AttentionParams
        from glasscell.views.form import fields

        self.form.set_fields(fields(AttentionParams))

    def _on_ask(self) -> None:
        try:
            params: dict[str, Any] = self.form.values()
        except GlasscellError as error:
            self.message.set_text(str(error))
            return
        self.attend_requested.emit(
            {
                "by": self.by.name(),
                "target": self.target.name(),
                "cells": self.cells.name(),
                "params": params,
            }
        )

    def _names(self, heat: HeatPicture, place: Place) -> tuple[str, str]:
        """Return group and column of a place."""
        return heat.columns[place.column], heat.rows[place.row]

    def _on_clicked(self, place: Place) -> None:
        heat = self.heatmap.picture
        if heat is not None:
            self.place_clicked.emit(*self._names(heat, place), heat.panels[place.panel].key)

    def _on_hovered(self, place: Place | None) -> None:
        heat = self.heatmap.picture
        self.place_hovered.emit(None if place is None or heat is None else self._names(heat, place))

    def _on_row(self, column: str) -> None:
        self.place_clicked.emit(self.group.name(), column, self.quantity.name())

    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self.widget, "Save the table of attention", "attention.csv", "Tables (*.csv)"
        )
        if path:
            chosen = Path(path)
            self.table_requested.emit(chosen if chosen.suffix else chosen.with_suffix(".csv"))
