"""Models side by side and the session."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from glasscell.data.labels import GROUPS
from glasscell.data.report import why_no_cells
from glasscell.errors import DataError
from glasscell.session.comparing import KIND, SIDE_BY_SIDE
from glasscell.session.message import sentence
from glasscell.session.rules import label_columns
from glasscell.views.compare_picture import comparison_picture
from glasscell.views.compare_view import CompareView
from glasscell.views.family_choice import family_rows, why_not_these
from glasscell.views.model_presenter import schemes
from glasscell.views.presenter import Presenter

if TYPE_CHECKING:
    from pathlib import Path

    from glasscell.data.dataset import Dataset
    from glasscell.explain.comparison.result import ModelComparison
    from glasscell.jobs import Job
    from glasscell.session import Session, State
    from glasscell.views.row import FamilyRow

#: Ticked at first, where the data allow them.
FIRST = ("classifier", "vae")
IN_THE_SHELL = "It learns what perturbations do: compare it in the shell, with --action and --control."
NO_LABELS = (
    "No column sorts these cells into classes, so models are compared by their own figures alone, and those "
    "that learn classes cannot be trained."
)


class ComparePresenter(Presenter[CompareView]):
    """Offer models, labels and splits, train side by side, show figures and agreement.

    Parameters
    ----------
    beside
        Presenters that share the dock and are closed with this one.
    """

    def __init__(self, session: Session, view: CompareView, *beside: Presenter[Any]) -> None:
        super().__init__(session, view)
        self._beside = beside
        self._job: Job[Any] | None = None
        self._figure = ""
        self._labels = ""
        self._offered: Dataset | None = None
        self.listen(session.made, self._on_made)
        self.listen(session.jobs.changed, self._follow)
        self.listen(view.compare_requested, self._on_compare)
        self.listen(view.cancel_requested, self._on_cancel)
        self.listen(view.labels_chosen, self._show_targets)
        self.listen(view.figure_chosen, self._on_figure)
        self.listen(view.table_requested, self._on_table)
        view.set_busy(False)
        self._show_data()
        self._show()
        self._follow()

    def close(self) -> None:
        """Let go of session and view, and of the presenters beside."""
        super().close()
        for presenter in self._beside:
            presenter.close()

    def _on_changed(self, new: State, old: State) -> None:
        if (new.dataset, new.groups) != (old.dataset, old.groups):
            self._show_data()
        if new.dataset != old.dataset:
            self._show()

    def _show_data(self) -> None:
        dataset = self.session.dataset
        closed = "Open data first." if dataset is None else why_no_cells(dataset)
        if dataset is None or closed:
            self.view.set_models((), ())
            self.view.set_labels(())
            self.view.set_schemes((), "")
            self.view.set_batches(())
            self.view.set_targets(())
            self.view.set_enabled(False, closed)
            self._labels, self._offered = "", None
            return
        columns = label_columns(self.session.facts)
        labels = (*((GROUPS,) if len(self.session.state.groups) >= 2 else ()), *columns)
        rows = tuple(self._row(row, dataset, labels) for row in family_rows())
        can = [row.key for row in rows if not row.why_not]
        self.view.set_models(rows, tuple(key for key in FIRST if key in can) or tuple(can[:1]))
        self.view.set_labels(labels)
        if dataset is not self._offered:  # other groups take no choice back
            self.view.set_schemes(*schemes(dataset))
            self._offered = dataset
        self.view.set_batches(columns)
        self._show_targets(self._labels if self._labels in labels else "".join(labels[:1]))
        if not can:
            self.view.set_enabled(False, f"No model can be trained on these data: {rows[0].why_not}")
        else:
            self.view.set_enabled(True, "" if labels else NO_LABELS)

    def _row(self, row: FamilyRow, dataset: Dataset, labels: tuple[str, ...]) -> FamilyRow:
        """Say of a kind of model why it cannot be trained here; nothing when it can."""
        if row.why_not:
            return row
        reason = why_not_these(row, dataset, labels)
        return replace(row, why_not=reason or (IN_THE_SHELL if row.needs_action else ""))

    def _show_targets(self, column: str) -> None:
        from glasscell.data.column import categorical_codes

        self._labels = column
        dataset, names = self.session.dataset, []
        if column == GROUPS and dataset is not None and column not in dataset.obs.columns:
            names = [group.name for group in self.session.state.groups]
        elif dataset is not None and column in dataset.obs.columns:
            names = list(categorical_codes(dataset.obs[column])[1])
        self.view.set_targets(tuple(map(str, names)))

    def _current(self) -> ModelComparison | None:
        found: ModelComparison | None = self.session.latest(KIND)
        return found

    def _show(self) -> None:
        found = self._current()
        if found is None:
            self.view.set_result(None, "" if self._job is not None else "Nothing is compared yet.")
            return
        picture = comparison_picture(found, self._figure)
        self.view.set_result(picture, picture.title)

    def _on_made(self, kind: str) -> None:
        if kind == KIND:
            self._show()

    def _on_figure(self, key: str) -> None:
        self._figure = key
        self._show()

    def _on_compare(self, wish: dict[str, Any]) -> None:
        from glasscell.explain.comparison.request import read_seeds

        with self.spoken("Comparing models"):
            if not wish["models"]:
                raise DataError("Tick one model or more.")
            target = wish.get("target", "")
            self.session.compare(
                wish["models"],
                wish.get("labels", ""),
                split=wish.get("split") or None,
                seeds=read_seeds(wish.get("seeds", "0")),
                target=f"class:{target}" if target else "",
                batch=wish.get("batch", ""),
                params=wish.get("params", {}),
            )

    def _follow(self) -> None:
        running = [job for job in self.session.jobs.active if job.title.startswith(SIDE_BY_SIDE)]
        if self._job is None and running:
            self._job = running[0]
            self.view.set_busy(True)
            self.view.set_progress(None, "Waiting to train.")
            self._show()
            self._job.progressed.connect(self._on_progressed)
            self._job.finished.connect(self._on_finished)

    def _on_progressed(self, progress: Any) -> None:
        if self._links:
            self.view.set_progress(progress.fraction, progress.text)

    def _on_finished(self, job: Job[Any]) -> None:
        if job is self._job and self._links:
            self._job = None
            self.view.set_busy(False)
            self.view.set_progress(None, "")
            self._show()
            if job.error is not None:
                self.view.set_progress(None, sentence(job.error, job.title))
            self._follow()

    def _on_cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _on_table(self, path: Path) -> None:
        with self.spoken("Saving the table"):
            self.session.save_table(KIND, path)
