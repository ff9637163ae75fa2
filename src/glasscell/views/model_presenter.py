"""Training and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.labels import GROUPS
from glasscell.data.report import why_no_cells
from glasscell.session.message import sentence
from glasscell.session.rules import label_columns
from glasscell.session.training import TRAINING
from glasscell.views.action_choice import action_columns, controls
from glasscell.views.family_choice import family_rows, why_not_these
from glasscell.views.form import fields
from glasscell.views.live_curve import LiveCurves
from glasscell.views.model_view import ModelView
from glasscell.views.model_words import figure_rows, words
from glasscell.views.presenter import Presenter
from glasscell.views.row import Curve, FamilyRow, MetricRow

if TYPE_CHECKING:
    from pathlib import Path

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import Job
    from glasscell.models.bundle import Bundle
    from glasscell.session import Session, State

FAMILY = "classifier"


class ModelPresenter(Presenter[ModelView]):
    """Offer labels and splits, train, show curves and figures, save and load."""

    def __init__(self, session: Session, view: ModelView) -> None:
        super().__init__(session, view)
        self._families: dict[str, FamilyRow] = {row.key: row for row in family_rows()}
        self._family = FAMILY
        self._job: Job[Any] | None = None
        self._live = LiveCurves()
        self.listen(view.fit_requested, self._on_fit)
        self.listen(view.cancel_requested, self._on_cancel)
        self.listen(view.save_requested, self._on_save)
        self.listen(view.load_requested, self._on_load)
        self.listen(view.scvi_requested, self._on_scvi)
        self.listen(view.group_requested, self._on_group)
        self.listen(session.stored, self._on_stored)
        self.listen(view.family_chosen, self._on_family)
        self.listen(view.action_chosen, self._show_controls)
        view.set_families(tuple(self._families.values()))
        self._show_form()
        view.set_busy(False)
        self._show_data()
        self._show_bundle()
        self.listen(session.jobs.changed, self._follow)
        self._follow()

    def _on_changed(self, new: State, old: State) -> None:
        if (new.dataset, new.groups) != (old.dataset, old.groups):
            self._show_data()
        if new.model != old.model:
            self._show_bundle()

    def _show_data(self) -> None:
        dataset = self.session.dataset
        if dataset is None:
            self._show_nothing("Open data first.")
            return
        if why_no_cells(dataset):
            self._show_nothing(why_no_cells(dataset))
            return
        columns = label_columns(self.session.facts)
        labels = (*((GROUPS,) if len(self.session.state.groups) >= 2 else ()), *columns)
        self.view.set_labels(labels)
        self.view.set_schemes(*schemes(dataset))
        self.view.set_batches(columns)
        actions = action_columns(dataset, columns)
        self.view.set_actions(actions)
        self._show_controls(actions[0] if actions else "")
        reason = why_not_these(self._families[self._family], dataset, labels)
        self.view.set_enabled(not reason, reason)

    def _show_nothing(self, reason: str) -> None:
        self.view.set_labels(())
        self.view.set_batches(())
        self.view.set_actions(())
        self.view.set_controls((), "")
        self.view.set_schemes((), "")
        self.view.set_enabled(False, reason)

    def _show_controls(self, column: str) -> None:
        dataset = self.session.dataset
        if dataset is not None:
            self.view.set_controls(*controls(dataset, column))

    def _show_form(self) -> None:
        from glasscell.models.registry import family

        self.view.set_form(fields(family(self._family).params))

    def _on_family(self, key: str) -> None:
        if key in self._families and not self._families[key].why_not:
            self._family = key
            self._show_form()
            self._show_data()

    def _show_bundle(self) -> None:
        bundle = self.session.bundle
        if bundle is None:
            self.view.set_metrics(())
            self.view.set_figures((), ())
            self.view.set_curve(())
            self.view.set_message("")
            self.view.set_can_save(False)
            return
        rows, (names, figures) = metric_rows(bundle), figure_rows(bundle)
        self.view.set_metrics(rows)
        self.view.set_figures(names, figures)
        self.view.set_can_save(True)
        self.view.set_curve(
            tuple(
                Curve(f"fold {k + 1}", one.train_loss, one.valid_loss)
                for k, one in enumerate(bundle.curves)
                if one.train_loss
            )
        )
        self.view.set_message(" ".join(word for word in words(bundle, bool(rows)) if word))

    def _on_stored(self, kind: str, name: str) -> None:
        if kind == "bundle" and name == self.session.state.model:
            self._show_bundle()

    def _on_fit(self, wish: dict[str, Any]) -> None:
        with self.spoken("Training"):
            self.session.fit(**wish)

    def _follow(self) -> None:
        """Follow the training that runs now, whoever asked for it."""
        running = [job for job in self.session.jobs.active if job.title.startswith(TRAINING)]
        if self._job is None and running:
            self._job, self._live = running[0], LiveCurves()
            self.view.set_busy(True)
            self.view.set_curve(())
            self.view.set_metrics(())  # those of another model; they come back when this one is stopped
            self.view.set_figures((), ())
            self.view.set_message("Waiting to train.")
            self._job.progressed.connect(self._on_progressed)
            self._job.finished.connect(self._on_finished)

    def _on_progressed(self, progress: Any) -> None:
        self.view.set_message(progress.text)
        self.view.set_progress(progress.fraction)
        if self._live.add(progress):
            self.view.set_curve(self._live.curves())

    def _on_finished(self, job: Job[Any]) -> None:
        if job is self._job and self._links:
            self._job = None
            self.view.set_busy(False)
            self._show_bundle()
            if job.error is not None:
                self.view.set_message(sentence(job.error, job.title))
            self._follow()

    def _on_cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _on_save(self, path: Path) -> None:
        with self.spoken("Saving the model"):
            self.session.save_model(path)

    def _on_load(self, path: Path) -> None:
        with self.spoken("Loading the model"):
            self.session.load_model(path)

    def _on_scvi(self, path: Path) -> None:
        with self.spoken("Opening the model"):
            self.session.open_scvi(path)

    def _on_group(self, name: str) -> None:
        with self.spoken("Naming the selection"):
            self.session.grouping.add(name)


def metric_rows(bundle: Bundle) -> tuple[MetricRow, ...]:
    """List the model's figures with its baselines', which never stand apart; none without baselines."""
    if not bundle.baselines or bundle.metrics is None:
        return ()
    entries = [
        (bundle.family, bundle.metrics, False),
        *((name, m, True) for name, m in bundle.baselines.items()),
    ]
    return tuple(
        MetricRow(name, m.accuracy, m.macro_f1, m.calibration_error, bundle.split_scheme, is_baseline)
        for name, m, is_baseline in entries
    )


def schemes(dataset: Dataset) -> tuple[tuple[str, ...], str]:
    """List the splits a dataset allows, strict to lenient, with the default."""
    from glasscell.data.split import allowed_schemes

    allowed = allowed_schemes(dataset)
    return allowed, allowed[0]
