"""Train a model, watch it learn, see how good it is beside cheap baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog, QFormLayout, QLineEdit, QProgressBar, QWidget

from glasscell.errors import GlasscellError
from glasscell.qt.curve import QtCurve
from glasscell.qt.form import QtForm
from glasscell.qt.metrics import QtMetrics
from glasscell.qt.number import WholeBox
from glasscell.qt.open_scvi import OpenScviButton
from glasscell.qt.preflight import QtPreflightView
from glasscell.qt.robustness import QtRobustnessView
from glasscell.qt.style import plain_tip
from glasscell.qt.text import (
    Choice,
    Fold,
    PlainLabel,
    button,
    caption,
    column_of,
    heading,
    line,
    row_of,
    scrolled,
)
from glasscell.views import model_wish as wishes
from glasscell.views.model_view import ModelView
from glasscell.views.score_table import TITLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.form import FieldSpec
    from glasscell.views.row import Curve, FamilyRow, FigureRow, MetricRow


class QtModelView(ModelView):
    """The model view in Qt."""

    def __init__(self) -> None:
        super().__init__()
        self._choices = {name: Choice(tip) for name, (_, tip) in wishes.CHOICES.items()}
        self.family, self.labels, self.scheme, self.batch, self.action, self.control = self._choices.values()
        self.seed = WholeBox(0)
        self.seed.setToolTip(plain_tip(wishes.SEED_TIP))
        self.form = QtForm()
        self.train = button(wishes.TRAIN, wishes.train_tip(None), primary=True)
        self.cancel = button(wishes.CANCEL, wishes.CANCEL_TIP)
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.message = PlainLabel()
        self.curve = QtCurve()
        self.scheme_note = PlainLabel("", "muted")
        self.metrics = QtMetrics()
        self.group_name = QLineEdit()
        self.group_name.setPlaceholderText(wishes.GROUP_NAME)
        self.group = button(wishes.GROUP, wishes.GROUP_TIP)
        self.save = button("Save model…", wishes.SAVE_TIP)
        self.load = button("Load model…", wishes.LOAD_TIP)
        self.scvi = OpenScviButton(self.scvi_requested.emit, self.set_message)
        self.robustness = QtRobustnessView()
        self.preflight = QtPreflightView(self._question, self._done)
        self._families: dict[str, FamilyRow] = {}
        self.widget = scrolled(self._content())
        self._connect()
        self.set_curve(())
        self.set_metrics(())
        self.set_batches(())
        self.set_can_save(False)
        self.set_busy(False)
        self.set_enabled(False, "Open a file first.")

    def set_families(self, rows: Sequence[FamilyRow]) -> None:
        """Offer kinds of models; the rows of the form follow the one chosen."""
        self._families = {row.key: row for row in rows}
        self.family.set_names([row.key for row in rows], words={row.key: row.title for row in rows})
        for number, row in enumerate(rows):
            item = self.family.model().item(number)
            item.setToolTip(plain_tip(row.why_not or row.tip))
            item.setEnabled(not row.why_not)
        self._fit_form()

    def set_batches(self, names: Sequence[str]) -> None:
        """Offer columns as a batch."""
        self.batch.set_names(("", *names), words={"": wishes.NO_BATCH})

    def set_actions(self, names: Sequence[str]) -> None:
        """Offer columns of perturbations."""
        self.action.set_names(names)

    def set_controls(self, names: Sequence[str], default: str) -> None:
        """Offer names of the control."""
        self.control.set_names(("", *names), default, words={"": wishes.NO_CONTROL})

    def set_labels(self, names: Sequence[str]) -> None:
        """Offer sources of labels."""
        self.labels.set_names(names)

    def set_schemes(self, names: Sequence[str], default: str) -> None:
        """Offer ways of splitting."""
        self.scheme.set_names(names, default)

    def set_form(self, fields: Sequence[FieldSpec]) -> None:
        """Show the family's parameters."""
        self.form.set_fields(fields)
        self._fold.setVisible(bool(fields))

    def set_curve(self, curves: Sequence[Curve]) -> None:
        """Draw the loss."""
        self.curve.set_curves(curves)
        self._curve_title.setVisible(bool(curves))

    def set_metrics(self, rows: Sequence[MetricRow]) -> None:
        """Show the scores."""
        self.metrics.set_rows(rows)
        self._metrics_title.setVisible(self.metrics.rowCount() > 0)
        self.scheme_note.set_text(self.metrics.note)

    def set_figures(self, names: Sequence[str], rows: Sequence[FigureRow]) -> None:
        """Show other figures where there are no scores."""
        if not rows:
            return
        self.metrics.set_figures(names, rows)
        self._metrics_title.setVisible(self.metrics.rowCount() > 0)
        self.scheme_note.set_text(self.metrics.note)

    def set_can_save(self, can_save: bool) -> None:
        """Allow saving."""
        self.save.setEnabled(can_save)

    def set_message(self, text: str) -> None:
        """Show one line."""
        self.message.set_text(text)

    def set_busy(self, busy: bool) -> None:
        """Offer cancel while training."""
        self.train.setVisible(not busy)
        self.cancel.setVisible(busy)
        self.progress.setVisible(busy)
        self.set_progress(None)

    def set_progress(self, fraction: float | None) -> None:
        """Show how far it is; a bar that ran to and fro would draw the window anew all the time."""
        self.progress.setUpdatesEnabled(False)
        self.progress.setValue(round(min(max(fraction or 0.0, 0.0), 1.0) * 1000))
        self.progress.setUpdatesEnabled(True)

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow training, or say why not."""
        self.train.setEnabled(enabled)
        self.reason.set_text(reason)

    def _content(self) -> QWidget:
        """Lay everything out."""
        content, choices = QWidget(), QWidget()
        form = QFormLayout(choices)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        self._form = form
        titles = [title for title, _ in wishes.CHOICES.values()]
        for title, control in zip((*titles, wishes.SEED), (*self._choices.values(), self.seed), strict=True):
            form.addRow(caption(title), control)
        self._fold = Fold("Parameters", self.form, is_open=False)
        self._fold.setVisible(False)
        self.reason = PlainLabel("", "muted")
        self._curve_title = heading(wishes.CURVE)
        self._metrics_title = heading(TITLE)
        column = column_of(
            choices,
            self._fold,
            self.preflight.widget,
            row_of(self.train, self.cancel, stretch=0),
            self.progress,
            self.reason,
            self.message,
            self._curve_title,
            self.curve,
            self._metrics_title,
            self.scheme_note,
            self.metrics,
            self.robustness.widget,
            line(),
            row_of(self.group_name, self.group, stretch=0),
            row_of(self.save, self.load, None),
            row_of(self.scvi, None),
            self.preflight.applying_widget,
            parent=content,
        )
        column.addStretch(1)
        return content

    def _connect(self) -> None:
        self.family.currentIndexChanged.connect(self._on_family)
        self.action.currentIndexChanged.connect(lambda _: self.action_chosen.emit(self.action.name()))
        for choice in (self.family, self.labels, self.batch, self.action, self.control):
            choice.currentIndexChanged.connect(lambda _: self.preflight.asked.emit())
        self.train.clicked.connect(self._on_train)
        self.cancel.clicked.connect(lambda: self.cancel_requested.emit())
        self.group.clicked.connect(self._on_group)
        self.group_name.returnPressed.connect(self._on_group)
        self.save.clicked.connect(lambda: _save(self))
        self.load.clicked.connect(lambda: _load(self))

    def _fit_form(self) -> None:
        """Show the rows that the chosen kind of model uses."""
        row = self._families.get(self.family.name())
        for name, choice in self._choices.items():
            self._form.setRowVisible(choice, wishes.is_used(row, name))
        self.train.setToolTip(plain_tip(wishes.train_tip(row)))

    def _chosen(self) -> dict[str, str]:
        return {name: choice.name() for name, choice in self._choices.items()}

    def _question(self) -> tuple[str, str, str]:
        """Return family, labels and batch as chosen, for the check before training."""
        return wishes.question(self._families.get(self.family.name()), self._chosen())

    def _done(self) -> tuple[str, str]:
        """Return the columns of perturbations and the control, as far as the kind of model uses them."""
        return wishes.done(self._families.get(self.family.name()), self._chosen())

    def _on_family(self) -> None:
        self._fit_form()
        self.family_chosen.emit(self.family.name())

    def _on_train(self) -> None:
        try:
            params = self.form.values()
        except GlasscellError as error:
            self.message.set_text(str(error))
            return
        row = self._families.get(self.family.name())
        self.fit_requested.emit(wishes.wish(row, self._chosen(), params, self.seed.value()))

    def _on_group(self) -> None:
        name = self.group_name.text().strip()
        if name:
            self.group_requested.emit(name)
            self.group_name.clear()


def _save(view: QtModelView) -> None:
    path, _ = QFileDialog.getSaveFileName(view.widget, "Save the model as a folder")
    if path:
        view.save_requested.emit(Path(path))


def _load(view: QtModelView) -> None:
    path = QFileDialog.getExistingDirectory(view.widget, "Load a model folder")
    if path:
        view.load_requested.emit(Path(path))
