"""The first screen of a notebook: what was opened, and the preparation it may need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.errors import GlasscellError
from glasscell.jupyter.form import JupyterForm
from glasscell.jupyter.panel import OPEN_BY_PATH, Choice, Panel, Words, button, column, line, row, show
from glasscell.views.prepare_words import (
    BEGIN,
    COUNTS_TIP,
    GENES_TIP,
    RUN,
    RUN_TIP,
    SAVE_TIP,
    choice_words,
)
from glasscell.views.typed_path import typed_path, typed_paths
from glasscell.views.view import PrepareView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.form import FieldSpec

_OPEN_TIP = (
    "Files of cells (.h5ad, 10x .h5, .csv, .parquet), a .zarr folder, or one as Visium, Visium HD, Xenium, "
    "CosMx or MERSCOPE write it; several with semicolons between them are seen side by side"
)


class JupyterPrepareView(PrepareView, Panel):
    """The preparation view in a notebook; paths are those of the machine the kernel runs on."""

    open_data = OPEN_BY_PATH

    def __init__(self) -> None:
        super().__init__()
        self.path = line("Path of a file or folder", _OPEN_TIP)
        self.open = button("Open", _OPEN_TIP)
        self.report = Words(BEGIN)
        self.counts, self.genes = Choice("Counts", COUNTS_TIP), Choice("Genes", GENES_TIP)
        self.choices = column(self.counts, self.genes)
        self.form = JupyterForm()
        self.run = button(RUN, RUN_TIP, main=True)
        self.reason = Words("", "muted")
        self.save_path = line("Path of a new .h5ad file", SAVE_TIP)
        self.save = button("Save", SAVE_TIP)
        self.widget = column(
            row(self.path, self.open, flex_flow="row nowrap"),
            self.report,
            self.choices,
            Words("Preparation", "head"),
            self.form.widget,
            row(self.run),
            self.reason,
            row(self.save_path, self.save, flex_flow="row nowrap"),
        )
        self.hear_press(self.open, self._on_open)
        self.hear_enter(self.path, self._on_open)
        self.hear(self.counts, lambda name: self.choice_requested.emit("counts", str(name)))
        self.hear(self.genes, lambda name: self.choice_requested.emit("genes", str(name)))
        self.hear_press(self.run, self._on_run)
        self.hear_press(self.save, self._on_save)
        self.hear_enter(self.save_path, self._on_save)
        self.set_choices((), (), ("", ""))
        self.set_enabled(False, "")

    def set_form(self, fields: Sequence[FieldSpec]) -> None:
        """Show the parameters."""
        self.form.set_fields(fields)

    def set_report(self, text: str) -> None:
        """Show the dataset in one sentence."""
        self.report.say(text)

    def set_choices(self, counts: Sequence[str], genes: Sequence[str], chosen: tuple[str, str]) -> None:
        """Offer matrices with counts and names of genes; one alone is shown and cannot be changed."""
        with self.telling():
            for box, names, current in ((self.counts, counts, chosen[0]), (self.genes, genes, chosen[1])):
                box.offer([(name, choice_words(name)) for name in names] or [("", "none")], current)
                box.disabled = len(names) < 2
        show(self.choices, bool(genes))

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow running, or say why not."""
        self.run.disabled = not enabled
        self.reason.say(reason, "muted")

    def _on_run(self) -> None:
        if self.run.disabled:
            return
        try:
            values = self.form.values()
        except GlasscellError as error:
            self.reason.say(str(error), "muted")
            return
        self.run_requested.emit(values)

    def _on_open(self) -> None:
        paths = typed_paths(self.path.value)
        if paths is not None:
            self.open_requested.emit(paths)

    def _on_save(self) -> None:
        path = typed_path(self.save_path.value, ".h5ad")
        if path is not None:
            self.save_requested.emit(path)
