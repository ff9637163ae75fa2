"""The opening report, preparation and saving, and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.report import why_no_cells
from glasscell.views.form import fields
from glasscell.views.presenter import Presenter
from glasscell.views.view import PrepareView

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from glasscell.session import Session, State

TITLE = "Prepare"


class PreparePresenter(Presenter[PrepareView]):
    """Say what was opened; prepare it with the values of the form."""

    def __init__(self, session: Session, view: PrepareView) -> None:
        super().__init__(session, view)
        from glasscell.data.prepare import PrepareParams

        self.listen(session.jobs.changed, self._show_enabled)
        self.listen(view.run_requested, self._on_run)
        self.listen(view.open_requested, self._on_open)
        self.listen(view.save_requested, self._on_save)
        self.listen(view.choice_requested, self._on_choice)
        view.set_form(fields(PrepareParams))
        self._show_report()

    def _on_changed(self, new: State, old: State) -> None:
        if new.dataset != old.dataset:
            self._show_report()

    def _show_report(self) -> None:
        dataset = self.session.dataset
        self.view.set_report(self.view.open_data if dataset is None else dataset.report())
        if dataset is None:
            self.view.set_choices((), (), ("", ""))
        else:
            genes = dataset.gene_choices
            named = "ids" if "ids" in genes and dataset.named_by == "ids" else "symbols"
            self.view.set_choices(dataset.count_choices, genes, (dataset.counts or "", named))
        self._show_enabled()

    def _show_enabled(self) -> None:
        if self.session.dataset is None:
            self.view.set_enabled(False, "Open data first.")
        elif why_no_cells(self.session.dataset):
            self.view.set_enabled(False, why_no_cells(self.session.dataset))
        elif any(job.title == TITLE for job in self.session.jobs.active):
            self.view.set_enabled(False, "Preparing; see the job strip.")
        else:
            self.view.set_enabled(True, "")

    def _on_run(self, values: dict[str, Any]) -> None:
        with self.spoken("Preparing"):
            self.session.prepare(values)

    def _on_choice(self, what: str, name: str) -> None:
        with self.spoken("Looking again"):
            self.session.choose(**{what: name})

    def _on_open(self, path: Path | Sequence[Path]) -> None:
        with self.spoken("Opening"):
            self.session.open(path)

    def _on_save(self, path: Path) -> None:
        with self.spoken("Saving"):
            self.session.save_data(path)
