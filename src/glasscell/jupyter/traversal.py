"""Move a factor in a notebook: sliders on histograms, live bars of genes, what the factor is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from glasscell.jupyter.ask import Ask
from glasscell.jupyter.gene_sheet import GeneSheet
from glasscell.jupyter.heat_sheet import HeatSheet
from glasscell.jupyter.panel import FILL, Choice, Panel, Words, button, column, fold, row, show
from glasscell.jupyter.path_line import PathLine
from glasscell.jupyter.search_line import GeneLine
from glasscell.jupyter.traversal_slider import FactorSliders
from glasscell.jupyter.worth import JupyterWorthView
from glasscell.views.gene_table import set_table
from glasscell.views.theme import LIGHT
from glasscell.views.traversal_table import (
    CHANGES,
    DOWN,
    LINKS,
    MEASURE_TIP,
    SETS,
    SPECIFIC,
    UP,
    gate_heat,
    gate_tip,
    link_table,
    moved_table,
    ordered_gates,
    set_change_table,
    specific_table,
)
from glasscell.views.traversal_view import (
    FactorPicture,
    GatePicture,
    StepPicture,
    SweepPicture,
    TraversalView,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.gene_set import SetOverlap

_FEW = 6  # factors without a search line
_STRONGEST = "the factor's strongest"


class JupyterTraversalView(TraversalView, Panel):
    """The traversal view in a notebook."""

    def __init__(self) -> None:
        super().__init__()
        self.start = Choice("Start", "The cells that are moved")
        self.asking = Ask("Sweep", "Decode every factor over its observed range, in the background")
        self.reason, self.message = Words("", "muted"), Words("", "muted")
        self.find = ipywidgets.Text(tooltip="Show only factors whose name holds this")
        self.find.layout.width = FILL
        self.factors = FactorSliders()
        self.play = button("Play", "Let the factor go to and fro within what was observed")
        self.light = ipywidgets.Checkbox(True, description="Light nearest cells", indent=False)
        self.light.tooltip = "The real cells nearest to where the slider is, in green in both views"
        self.light.layout.width = "auto"
        self.gene = GeneLine(
            "Gene shown",
            _STRONGEST,
            "Gene whose decoded change colours both views; empty: the strongest",
        )
        self.readout, self.near = Words(""), Words("", "muted")
        self.up, self.down = GeneSheet(UP, 8), GeneSheet(DOWN, 8)
        self.changes = GeneSheet(CHANGES, 6)
        self.what = Words("", "head")
        self.specific, self.links = GeneSheet(SPECIFIC, 7), GeneSheet(LINKS, 7)
        self.stability = Words("", "muted")
        self.measure = button("Over 5 seeds", MEASURE_TIP)
        self.open_sets = PathLine("Gene sets (GMT)", "Read gene sets to see how they change", "sets.gmt")
        self.sets, self.sets_message = GeneSheet(SETS, 6), Words("", "muted")
        self.gates = HeatSheet("18em", hover=False)
        self.save = PathLine("Save CSV", "Write every factor and gene as a table", "traversal.csv", ".csv")
        self._worth = column()
        self.worth = JupyterWorthView(lambda offered: show(self._worth, offered))
        self._playing, self._gene = False, ""
        self._step: StepPicture | None = None
        self.widget = self._content()
        self._connect()
        self.set_busy(False)
        self.set_sweep(None, "")
        self.set_factor(None)
        self.set_gates(None)
        self.set_gene_sets(None, "")
        self.set_enabled(False, "Open data first.")

    def set_starts(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer where to start."""
        with self.telling():
            self.start.offer(choices)

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow sweeping, or say why not."""
        self.asking.set_enabled(enabled)
        self.reason.say(reason, "muted")

    def set_busy(self, busy: bool) -> None:
        """Offer cancel while sweeping."""
        self.asking.set_busy(busy)

    def set_sweep(self, picture: SweepPicture | None, message: str) -> None:
        """Show the sliders, or the message alone."""
        self.message.say(message, "muted")
        show(self._result, picture is not None)
        rows = () if picture is None else picture.rows
        with self.telling():
            self.find.value = ""
            self.find.placeholder = "find a pathway" if picture and picture.named else "find a factor"
        self.gene.offer(() if picture is None else picture.genes)
        self.factors.set_rows(rows)
        show(self.find, len(rows) > _FEW)
        self._show_step(None)

    def set_step(self, factor: int, step: int, picture: StepPicture | None) -> None:
        """Move a slider, and show what its factor does there."""
        self.factors.set_step(factor, step)
        self._show_step(picture)

    def set_factor(self, picture: FactorPicture | None) -> None:
        """Show what is known of the factor."""
        show(self._known, picture is not None)
        if picture is None:
            return
        self.what.say(f"What is {picture.title}?", "head")
        self.specific.show_table(specific_table(picture))
        self.links.show_table(link_table(picture))
        self.stability.say(picture.stability, "muted")

    def set_gene(self, gene: str, pinned: bool) -> None:
        """Say which gene both views show."""
        self._gene = gene
        self.gene.write(gene if pinned else "")
        self.gene.text.placeholder = f"{gene} (strongest)" if gene else _STRONGEST
        self._show_bars()

    def set_playing(self, playing: bool) -> None:
        """Offer stop while a factor moves by itself."""
        self._playing = playing
        self.play.description = "Stop" if playing else "Play"

    def set_gene_sets(self, rows: Sequence[SetOverlap] | None, message: str) -> None:
        """Show gene sets."""
        self.sets_message.say(message, "muted")
        self.sets.show_table(set_table(rows))
        show(self.sets, bool(rows))

    def set_stability(self, enabled: bool, reason: str) -> None:
        """Allow training with other seeds, or say why not."""
        self.measure.disabled = not enabled
        self.measure.tooltip = reason or MEASURE_TIP

    def set_gates(self, picture: GatePicture | None) -> None:
        """Show gates, or nothing."""
        show(self._gates, picture is not None)
        if picture is None:
            self.gates.set_picture(None)
            return
        ordered = ordered_gates(picture)
        self.gates.set_picture(gate_heat(ordered), tip=lambda a, z, _panel: gate_tip(ordered, a, z))

    def _show_step(self, picture: StepPicture | None) -> None:
        self._step = picture
        show(self._moving, picture is not None)
        if picture is None:
            return
        self.readout.say(picture.title, "plain" if picture.observed else "warning")
        self.near.say(picture.near, "muted")
        self._show_bars()
        self.changes.show_table(set_change_table(picture))
        show(self.changes, bool(picture.sets))

    def _show_bars(self) -> None:
        """Show the genes that move most; grey beyond what was observed, the gene of both views in bold."""
        picture = self._step
        if picture is None:
            return
        ink = "" if picture.observed else LIGHT.unknown
        for sheet, genes, up in ((self.up, picture.up, True), (self.down, picture.down, False)):
            sheet.show_table(moved_table(genes, picture, up=up), strong=self._gene, ink=ink)

    def _connect(self) -> None:
        self.hear_press(self.asking.ask, lambda: self.sweep_requested.emit(self.start.key))
        self.hear_press(self.asking.cancel, lambda: self.cancel_requested.emit())
        self.factors.moved.connect(lambda factor, step, moving: self.slider_moved.emit(factor, step, moving))
        self.factors.name_clicked.connect(lambda factor: self.factor_painted.emit(factor))
        self.hear(self.find, self.factors.find)
        self.hear_press(self.play, lambda: self.play_toggled.emit(not self._playing))
        self.hear(self.light, lambda on: self.light_toggled.emit(on))
        self.gene.gene_chosen.connect(lambda gene: self.gene_chosen.emit(gene))
        for sheet in (self.up, self.down, self.specific):
            sheet.gene_clicked.connect(lambda gene: self.gene_chosen.emit(gene))
        self.open_sets.connect(lambda path: self.gene_sets_requested.emit(path))
        self.hear_press(self.measure, lambda: self.stability_requested.emit())
        self.save.connect(lambda path: self.table_requested.emit(path))

    def _content(self) -> ipywidgets.Widget:
        """Lay everything out."""
        halves = [column(sheet, flex="1 1 0", min_width="0") for sheet in (self.up, self.down)]
        bars = row(*halves, flex_flow="row nowrap", align_items="flex-start")
        self._moving = column(self.readout, bars, self.near, self.changes)
        sets = column(self.open_sets.widget, self.sets_message, self.sets)
        self._known = column(
            self.what,
            self.specific,
            self.links,
            self.stability,
            row(self.measure),
            fold("Gene sets", sets, is_open=True),
        )
        self._gates = fold("Gates and shifts: what moves what", self.gates.widget, is_open=True)
        self._worth.children = (fold("Gene sets of the model", self.worth.widget, is_open=True),)
        self._result = column(
            self.find,
            self.factors,
            row(self.play, self.light),
            self.gene.widget,
            self._moving,
            self._known,
            self.save.widget,
        )
        return column(
            self.start,
            self.asking.widget,
            self.reason,
            self.message,
            self._result,
            self._gates,
            self._worth,
        )
