"""What a model attends to, in a notebook: ask, read the heatmap beside the removal, click a place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from glasscell.errors import GlasscellError
from glasscell.jupyter.ask import Ask
from glasscell.jupyter.form import JupyterForm
from glasscell.jupyter.gene_sheet import GeneSheet
from glasscell.jupyter.heat_sheet import HeatSheet
from glasscell.jupyter.multiples import MultiplesGrid
from glasscell.jupyter.panel import FILL, Choice, Panel, Words, column, fold, show
from glasscell.jupyter.path_line import PathLine
from glasscell.views.attention_table import CELLS, POINT, ROWS, attention_table, drawn_rows, find_place
from glasscell.views.attention_view import QUANTITIES, AttentionPicture, AttentionView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.attention.result import AttentionRow
    from glasscell.views.heat import HeatPicture


class JupyterAttentionView(AttentionView, Panel):
    """The attention view in a notebook."""

    def __init__(self) -> None:
        super().__init__()
        self.by = Choice("Groups", "Cells whose attention is averaged; for neighbours also those attended to")
        self.target = Choice("Measured on", "What the change on removal is measured on")
        self.cells = Choice("Cells", "Which cells are asked")
        self.cells.offer(CELLS)
        self.form = JupyterForm()
        self.asking = Ask("Show attention", "Read the weights and measure removals, in the background")
        self.reason, self.message = Words("", "muted"), Words("", "muted")
        self.which = Choice("Map", "Mean, rollout, norm-weighted, a layer or a head")
        self.quantity = Choice(
            "Left", "What the left table shows; the right one is always the change on removal"
        )
        self.quantity.offer(tuple(QUANTITIES.items()))
        self.find = ipywidgets.Text(tooltip="Draw only rows whose name holds this", placeholder="find a row")
        self.find.layout.width = FILL
        self.left_out = Words("", "muted")
        self.heatmap = HeatSheet()
        self.place = Words("", "muted")
        self.edges = ipywidgets.Checkbox(
            True, description="Draw the edges of the hovered cell on the tissue", indent=False
        )
        self.edges.layout.width = FILL
        self.edges.tooltip = "Width: attention over uniform; colour: change when it is removed"
        self.multiples = MultiplesGrid()
        self.group = Choice("Attended by", "The group whose attention is listed")
        self.rows = GeneSheet(ROWS, 8)
        self.notes = Words("", "warning")
        self.save = PathLine(
            "Save CSV", "Write every map, group and column as a table", "attention.csv", ".csv"
        )
        self._heat: HeatPicture | None = None
        self._mark: tuple[str, str, str] | None = None
        self.widget = self._content()
        self._connect()
        self._show_form()
        self.set_busy(False)
        self.set_place("")
        self.set_result(None, "")
        self.set_enabled(False, "Open data first.")

    def set_groupings(self, choices: Sequence[tuple[str, str]], current: str) -> None:
        """Offer groupings; what was chosen stays while it is offered."""
        kept = self.by.key
        with self.telling():
            self.by.offer(choices, kept if kept in dict(choices) else current)

    def set_targets(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer what removal is measured on."""
        with self.telling():
            self.target.offer(choices)

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow asking, or say why not."""
        self.asking.set_enabled(enabled)
        for control in (self.by, self.target, self.cells):
            control.disabled = not enabled
        self.reason.say(reason, "muted")

    def set_busy(self, busy: bool) -> None:
        """Offer cancel while asking."""
        self.asking.set_busy(busy)

    def set_result(self, picture: AttentionPicture | None, message: str) -> None:
        """Show attention, or the message alone."""
        self.message.say(message, "muted")
        show(self._result, picture is not None)
        show(self._layers, picture is not None and picture.multiples is not None)
        self.multiples.set_multiples(
            None if picture is None else picture.multiples, "" if picture is None else picture.which
        )
        same = picture is not None and self._heat is not None and picture.heat.rows == self._heat.rows
        self._heat = None if picture is None else picture.heat
        with self.telling():
            if not same:
                self.find.value = ""
            if picture is not None:
                self.which.offer(picture.maps, picture.which)
                self.quantity.offer(tuple(QUANTITIES.items()), picture.quantity)
        self._draw()
        if picture is not None:
            show(self.edges, picture.is_graph)
            self.notes.say(" ".join(picture.notes), "warning")

    def set_rows(self, groups: Sequence[str], group: str, rows: Sequence[AttentionRow], unit: str) -> None:
        """List what one group attends to most."""
        with self.telling():
            self.group.offer([(name, name) for name in groups], group)
        self.rows.show_table(attention_table(rows, unit))

    def set_place(self, text: str) -> None:
        """Say everything about the place under the pointer; the room stays."""
        self.place.say(text or POINT, "muted")

    def set_marked(self, place: tuple[str, str, str] | None) -> None:
        """Frame a place on the heatmap."""
        self._mark = place
        self.heatmap.mark(find_place(self._heat, place))

    def _draw(self) -> None:
        """Draw the rows that are looked for, as many as a page of a notebook bears."""
        heat = self._heat
        if heat is None:
            self.heatmap.set_picture(None)
            return
        rows, said = drawn_rows(heat, self.find.value)
        self.left_out.say(said, "muted")
        show(self.find, bool(said or self.find.value))
        self.heatmap.set_picture(heat, rows)
        self.set_marked(self._mark)

    def _connect(self) -> None:
        self.hear_press(self.asking.ask, self._on_ask)
        self.hear_press(self.asking.cancel, lambda: self.cancel_requested.emit())
        self.hear(self.which, lambda key: self.map_chosen.emit(str(key)))
        self.hear(self.quantity, lambda key: self.quantity_chosen.emit(str(key)))
        self.hear(self.group, lambda key: self.group_chosen.emit(str(key)))
        self.hear(self.find, lambda _text: self._draw())
        self.multiples.chosen.connect(lambda key: self.map_chosen.emit(key))
        self.heatmap.clicked.connect(self._on_clicked)
        self.heatmap.hovered.connect(self._on_hovered)
        self.rows.gene_clicked.connect(self._on_row)
        self.hear(self.edges, lambda wanted: self.edges_toggled.emit(wanted))
        self.save.connect(lambda path: self.table_requested.emit(path))

    def _content(self) -> ipywidgets.Widget:
        """Lay everything out."""
        self._layers = fold("Layers and heads", self.multiples.widget, is_open=True)
        # The room of the words stays, so that nothing jumps while the mouse moves.
        place = column(self.place, min_height="4.2em")
        self._result = column(
            self.which,
            self.quantity,
            self.find,
            self.left_out,
            self.heatmap.widget,
            place,
            self.edges,
            self._layers,
            self.group,
            self.rows,
            self.notes,
            self.save.widget,
        )
        return column(
            self.by,
            self.target,
            self.cells,
            fold("Settings", self.form.widget),
            self.asking.widget,
            self.reason,
            self.message,
            self._result,
        )

    def _show_form(self) -> None:
        from glasscell.explain.attention.request import AttentionParams
        from glasscell.views.form import fields

        self.form.set_fields(fields(AttentionParams))

    def _on_ask(self) -> None:
        try:
            params: dict[str, Any] = self.form.values()
        except GlasscellError as error:
            self.message.say(str(error), "error")
            return
        self.attend_requested.emit(
            {"by": self.by.key, "target": self.target.key, "cells": self.cells.key, "params": params}
        )

    def _on_clicked(self, row: int, place: int, panel: int) -> None:
        heat = self._heat
        if heat is not None:
            self.place_clicked.emit(heat.columns[place], heat.rows[row], heat.panels[panel].key)

    def _on_hovered(self, place: tuple[int, int, int] | None) -> None:
        heat = self._heat
        names = None if place is None or heat is None else (heat.columns[place[1]], heat.rows[place[0]])
        self.place_hovered.emit(names)

    def _on_row(self, name: str) -> None:
        self.place_clicked.emit(self.group.key, name, self.quantity.key)
