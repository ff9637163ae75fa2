"""The first screen: what was opened, and the preparation it may need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog, QWidget

from glasscell.errors import GlasscellError
from glasscell.qt.form import QtForm
from glasscell.qt.text import Choice, PlainLabel, button, column_of, heading, line, row_of, scrolled
from glasscell.views.prepare_words import (
    BEGIN,
    COUNTS_TIP,
    GENES_TIP,
    RUN,
    RUN_TIP,
    SAVE_TIP,
    choice_words,
)
from glasscell.views.view import PrepareView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.form import FieldSpec

_FILES = "Cells (*.h5ad);;All files (*)"
_OPENED = "Cells (*.h5ad *.h5 *.csv *.tsv *.csv.gz *.parquet);;All files (*)"


class QtPrepareView(PrepareView):
    """The preparation view in Qt."""

    def __init__(self) -> None:
        super().__init__()
        content = QWidget()
        self.open_file = button(
            "Open file…",
            "Open files of cells (.h5ad, 10x .h5, .csv, .parquet); choose several to see them side by side",
        )
        self.open_folder = button(
            "Open folder…",
            "Open a .zarr folder, or one as Visium, Visium HD, Xenium, CosMx or MERSCOPE write it",
        )
        self.save = button("Save as…", SAVE_TIP)
        self.report = PlainLabel(BEGIN)
        self.counts = Choice(COUNTS_TIP)
        self.genes = Choice(GENES_TIP)
        self.choices = row_of(PlainLabel("Counts"), self.counts, PlainLabel("Genes"), self.genes)
        self.choice_box = QWidget()
        column_of(self.choices, parent=self.choice_box)
        self.form = QtForm()
        self.run = button(RUN, RUN_TIP, primary=True)
        self.reason = PlainLabel("", "muted")
        column = column_of(
            row_of(self.open_file, self.open_folder, None, self.save),
            self.report,
            self.choice_box,
            line(),
            heading("Preparation"),
            self.form,
            self.run,
            self.reason,
            parent=content,
        )
        column.addStretch(1)
        self.widget = scrolled(content)
        self.open_file.clicked.connect(self._on_open_file)
        self.open_folder.clicked.connect(self._on_open_folder)
        self.counts.activated.connect(lambda: self.choice_requested.emit("counts", self.counts.name()))
        self.genes.activated.connect(lambda: self.choice_requested.emit("genes", self.genes.name()))
        self.set_choices((), (), ("", ""))
        self.save.clicked.connect(self._on_save)
        self.run.clicked.connect(self._on_run)
        self.set_enabled(False, "")

    def set_form(self, fields: Sequence[FieldSpec]) -> None:
        """Show the parameters."""
        self.form.set_fields(fields)

    def set_report(self, text: str) -> None:
        """Show the dataset in one sentence."""
        self.report.set_text(text)

    def set_choices(self, counts: Sequence[str], genes: Sequence[str], chosen: tuple[str, str]) -> None:
        """Offer matrices with counts and names of genes; one alone is shown and cannot be changed."""
        for box, names, current in ((self.counts, counts, chosen[0]), (self.genes, genes, chosen[1])):
            words = {name: choice_words(name) for name in names}
            box.set_names(names or ("",), current, words or {"": "none"})
            box.setEnabled(len(names) > 1)
        self.choice_box.setVisible(bool(genes))

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow running, or say why not."""
        self.run.setEnabled(enabled)
        self.reason.set_text(reason)

    def _on_run(self) -> None:
        try:
            values = self.form.values()
        except GlasscellError as error:
            self.reason.set_text(str(error))
            return
        self.run_requested.emit(values)

    def _on_open_file(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self.widget, "Open cells", "", _OPENED)
        if paths:
            self.open_requested.emit([Path(path) for path in paths])

    def _on_open_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self.widget, "Open a .zarr or a vendor's folder")
        if path:
            self.open_requested.emit(Path(path))

    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self.widget, "Save the data", "", _FILES)
        if path:
            self.save_requested.emit(Path(path) if Path(path).suffix else Path(f"{path}.h5ad"))
