"""Move a factor: sliders on histograms, live bars of genes, what the factor is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QStringListModel, Qt
from qtpy.QtWidgets import QCheckBox, QCompleter, QFileDialog, QLineEdit, QProgressBar, QWidget

from glasscell.qt.ranking import QtGeneTable
from glasscell.qt.style import plain_tip
from glasscell.qt.text import Choice, Fold, PlainLabel, button, caption, column_of, row_of, scrolled
from glasscell.qt.traversal_bars import QtTopGenes
from glasscell.qt.traversal_gates import QtGates
from glasscell.qt.traversal_slider import QtFactorList
from glasscell.qt.worth import QtWorthView
from glasscell.views.gene_table import set_table
from glasscell.views.traversal_table import (
    CHANGES,
    LINKS,
    MEASURE_TIP,
    SETS,
    SPECIFIC,
    link_table,
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


class QtTraversalView(TraversalView):
    """The traversal view in Qt."""

    def __init__(self) -> None:
        super().__init__()
        self.start = Choice("The cells that are moved")
        self.sweep = button(
            "Sweep", "Decode every factor over its observed range, in the background", primary=True
        )
        self.cancel = button("Cancel", "Stop; nothing is kept")
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.reason = PlainLabel("", "muted")
        self.message = PlainLabel("", "muted")
        self.factors = QtFactorList()
        self.play = button("Play", "Let the factor go to and fro within what was observed")
        self.play.setCheckable(True)
        self.light = QCheckBox("Light nearest cells")
        self.light.setChecked(True)
        self.light.setToolTip(
            plain_tip("The real cells nearest to where the slider is, in green in both views")
        )
        self.gene = QLineEdit()
        self.gene.setPlaceholderText("the factor's strongest")
        self.gene.setToolTip(plain_tip("Gene whose decoded change colours both views; empty: the strongest"))
        self.gene.setClearButtonEnabled(True)
        self._names = QStringListModel()
        self.readout, self.near = PlainLabel(""), PlainLabel("", "muted")
        self.bars = QtTopGenes()
        self.changes = QtGeneTable(CHANGES)
        self.what = PlainLabel("", "heading")
        self.specific, self.links = QtGeneTable(SPECIFIC), QtGeneTable(LINKS)
        self.stability = PlainLabel("", "muted")
        self.measure = button("Over 5 seeds", MEASURE_TIP)
        self.open_sets = button("Gene sets (GMT)…", "Read gene sets to see how they change")
        self.sets, self.sets_message = QtGeneTable(SETS), PlainLabel("", "muted")
        self.save = button("Save CSV…", "Write every factor and gene as a table")
        self.gates = QtGates()
        self._worth = QWidget()
        self.worth = QtWorthView(self._worth.setVisible)
        self._moving, self._known, self._gates, self._result = QWidget(), QWidget(), QWidget(), QWidget()
        self.widget = scrolled(self._content())
        self._connect()
        self.set_busy(False)
        self.set_sweep(None, "")
        self.set_factor(None)
        self.set_gates(None)
        self.set_gene_sets(None, "")
        self.set_enabled(False, "Open data first.")

    def set_starts(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer where to start."""
        self.start.set_names([key for key, _ in choices], words=dict(choices))

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow sweeping, or say why not."""
        self.sweep.setEnabled(enabled)
        self.reason.set_text(reason)

    def set_busy(self, busy: bool) -> None:
        """Offer cancel while sweeping."""
        self.sweep.setVisible(not busy)
        self.cancel.setVisible(busy)
        self.progress.setVisible(busy)

    def set_sweep(self, picture: SweepPicture | None, message: str) -> None:
        """Show the sliders, or the message alone."""
        self.message.set_text(message)
        self._result.setVisible(picture is not None)
        self.factors.set_rows(() if picture is None else picture.rows)
        self.factors.find.setPlaceholderText(
            "find a pathway" if picture and picture.named else "find a factor"
        )
        self._names.setStringList([] if picture is None else list(picture.genes))
        self._moving.setVisible(False)
        self.bars.set_picture(None)

    def set_step(self, factor: int, step: int, picture: StepPicture | None) -> None:
        """Move a slider, and show what its factor does there."""
        self.factors.set_step(factor, step)
        self._moving.setVisible(picture is not None)
        self.bars.set_picture(picture)
        if picture is None:
            return
        self.readout.set_role("" if picture.observed else "warn")
        self.readout.set_text(picture.title)
        self.near.set_text(picture.near)
        self.changes.setVisible(bool(picture.sets))
        self.changes.genes.show(set_change_table(picture))
        self.changes.fit(3, 6)

    def set_factor(self, picture: FactorPicture | None) -> None:
        """Show what is known of the factor."""
        self._known.setVisible(picture is not None)
        if picture is None:
            return
        self.what.set_text(f"What is {picture.title}?")
        self.specific.genes.show(specific_table(picture))
        self.specific.fit(3, 7)
        self.links.genes.show(link_table(picture))
        self.links.fit(3, 7)
        self.stability.set_text(picture.stability)

    def set_gene(self, gene: str, pinned: bool) -> None:
        """Say which gene both views show."""
        self.gene.setText(gene if pinned else "")
        self.gene.setPlaceholderText(f"{gene} (strongest)" if gene else "the factor's strongest")
        self.bars.set_gene(gene)

    def set_playing(self, playing: bool) -> None:
        """Offer stop while a factor moves by itself."""
        self.play.blockSignals(True)
        self.play.setChecked(playing)
        self.play.setText("Stop" if playing else "Play")
        self.play.blockSignals(False)

    def set_gene_sets(self, rows: Sequence[SetOverlap] | None, message: str) -> None:
        """Show gene sets."""
        self.sets_message.set_text(message)
        self.sets.setVisible(bool(rows))
        self.sets.genes.show(set_table(rows))
        self.sets.fit(3, 6)

    def set_stability(self, enabled: bool, reason: str) -> None:
        """Allow training with other seeds, or say why not."""
        self.measure.setEnabled(enabled)
        self.measure.setToolTip(plain_tip(reason or MEASURE_TIP))

    def set_gates(self, picture: GatePicture | None) -> None:
        """Show gates, or nothing."""
        self.gates.set_picture(picture)
        self._gates.setVisible(picture is not None)

    def _connect(self) -> None:
        self.sweep.clicked.connect(lambda: self.sweep_requested.emit(self.start.name()))
        self.cancel.clicked.connect(lambda: self.cancel_requested.emit())
        self.factors.moved.connect(lambda *at: self.slider_moved.emit(*at))
        self.factors.name_clicked.connect(lambda factor: self.factor_painted.emit(factor))
        self.play.toggled.connect(lambda on: self.play_toggled.emit(on))
        self.light.toggled.connect(lambda on: self.light_toggled.emit(on))
        self.bars.gene_clicked.connect(lambda gene: self.gene_chosen.emit(gene))
        self.specific.gene_clicked.connect(lambda gene: self.gene_chosen.emit(gene))
        self.gene.editingFinished.connect(self._on_gene)
        self.open_sets.clicked.connect(self._on_open)
        self.save.clicked.connect(self._on_save)
        self.measure.clicked.connect(lambda: self.stability_requested.emit())
        completer = QCompleter(self._names, self.gene)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.gene.setCompleter(completer)

    def _content(self) -> QWidget:
        """Lay everything out."""
        content, sets = QWidget(), QWidget()
        column_of(self.readout, self.bars, self.near, self.changes, parent=self._moving)
        column_of(row_of(self.open_sets, None), self.sets_message, self.sets, parent=sets)
        column_of(
            self.what,
            self.specific,
            self.links,
            row_of(self.stability, self.measure, stretch=0),
            Fold("Gene sets", sets),
            parent=self._known,
        )
        column_of(Fold("Gates and shifts: what moves what", self.gates), parent=self._gates)
        column_of(Fold("Gene sets of the model", self.worth.widget), parent=self._worth)
        column_of(
            self.factors,
            row_of(self.play, self.light, None, self.save),
            row_of(caption("Gene shown"), self.gene, stretch=1),
            self._moving,
            self._known,
            parent=self._result,
        )
        column = column_of(
            row_of(PlainLabel("Start"), self.start, self.sweep, self.cancel, stretch=1),
            self.progress,
            self.reason,
            self.message,
            self._result,
            self._gates,
            self._worth,
            parent=content,
        )
        column.addStretch(1)
        return content

    def _on_gene(self) -> None:
        if self.gene.isModified():
            self.gene.setModified(False)
            self.gene_chosen.emit(self.gene.text().strip())

    def _on_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self.widget, "Open gene sets", "", "Gene sets (*.gmt);;All files (*)"
        )
        if path:
            self.gene_sets_requested.emit(Path(path))

    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self.widget, "Save the table of the traversal", "traversal.csv", "Tables (*.csv)"
        )
        if path:
            chosen = Path(path)
            self.table_requested.emit(chosen if chosen.suffix else chosen.with_suffix(".csv"))
