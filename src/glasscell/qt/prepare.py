"""The first screen: what was opened, and the preparation it may need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog, QWidget

from glasscell.errors import GlasscellError
from glasscell.qt.form import QtForm
from glasscell.qt.text import PlainLabel, button, column_of, heading, line, row_of, scrolled
from glasscell.views.view import PrepareView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.form import FieldSpec

_FILES = "Cells (*.h5ad);;All files (*)"


class QtPrepareView(PrepareView):
    """The preparation view in Qt."""

    def __init__(self) -> None:
        super().__init__()
        content = QWidget()
        self.open_file = button("Open file…", "Open an .h5ad file")
        self.open_folder = button("Open folder…", "Open an AnnData or SpatialData .zarr folder")
        self.save = button("Save as…", "Save the data with what was computed, to a new .h5ad file")
        self.report = PlainLabel("Open a file to begin.")
        self.form = QtForm()
        self.run = button("Prepare", "Normalise, reduce, embed and cluster in the background", primary=True)
        self.reason = PlainLabel("", "muted")
        column = column_of(
            row_of(self.open_file, self.open_folder, None, self.save),
            self.report,
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
        self.save.clicked.connect(self._on_save)
        self.run.clicked.connect(self._on_run)
        self.set_enabled(False, "")

    def set_form(self, fields: Sequence[FieldSpec]) -> None:
        """Show the parameters."""
        self.form.set_fields(fields)

    def set_report(self, text: str) -> None:
        """Show the dataset in one sentence."""
        self.report.set_text(text)

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
        path, _ = QFileDialog.getOpenFileName(self.widget, "Open cells", "", _FILES)
        if path:
            self.open_requested.emit(Path(path))

    def _on_open_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self.widget, "Open a .zarr folder")
        if path:
            self.open_requested.emit(Path(path))

    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self.widget, "Save the data", "", _FILES)
        if path:
            self.save_requested.emit(Path(path) if Path(path).suffix else Path(f"{path}.h5ad"))
