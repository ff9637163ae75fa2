"""Models side by side: tick them, train all, read figures, reasons and maps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QWidget,
)

from glasscell.qt.heatmap import QtHeatmap
from glasscell.qt.metrics import QtMetrics
from glasscell.qt.pair import QtPairView
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
from glasscell.views import compare_view as words
from glasscell.views.compare_view import CompareView, wish_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.jobs.dispatcher import Dispatcher
    from glasscell.jobs.runner import JobRunner
    from glasscell.qt.heatmap import Place
    from glasscell.views.compare_view import ComparisonPicture
    from glasscell.views.row import FamilyRow

_KEY = int(Qt.ItemDataRole.UserRole)
_LISTED = 6


class QtCompareView(CompareView):
    """The view of models side by side in Qt.

    Parameters
    ----------
    dispatcher, runner
        For the maps, as in ``QtEmbeddingView``.
    """

    def __init__(self, dispatcher: Dispatcher | None = None, runner: JobRunner | None = None) -> None:
        super().__init__()
        self.models = QListWidget()
        self.models.setToolTip(plain_tip(words.MODELS_TIP))
        self.models.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._choices = {name: Choice(tip) for name, (_, tip) in words.CHOICES.items()}
        self.labels, self.split, self.batch, self.target = self._choices.values()
        self.seeds = QLineEdit(words.SEEDS[2])
        self.seeds.setToolTip(plain_tip(words.SEEDS[1]))
        self.run = button(words.RUN, words.RUN_TIP, primary=True)
        self.cancel = button(words.CANCEL, words.CANCEL_TIP)
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.doing, self.reason = PlainLabel("", wrap=False), PlainLabel("", "muted")
        self.message = PlainLabel("", "muted")
        self.figure = Choice(words.FIGURE_TIP)
        self.table, self.table_note = QtMetrics(), PlainLabel("", "muted")
        self.heatmap, self.place = QtHeatmap(300), PlainLabel("", "muted")
        self.reasons_title = PlainLabel("", "muted")
        self.notes = PlainLabel("", "warn")
        self.noted = Fold("", self.notes, is_open=False)
        self.save = button(words.SAVE, words.SAVE_TIP)
        self.pair = QtPairView(dispatcher, runner)
        self._picture: ComparisonPicture | None = None
        self._result, self._reasons = QWidget(), QWidget()
        self.widget = scrolled(self._content())
        self._connect()
        self.set_models((), ())
        self.set_batches(())
        self.set_targets(())
        self.set_busy(False)
        self.set_result(None, "")
        self.set_enabled(False, "Open data first.")

    def close_down(self) -> None:
        """Draw no more; the dock is going away."""
        self.pair.close_down()

    def set_models(self, rows: Sequence[FamilyRow], chosen: Sequence[str]) -> None:
        """Offer kinds of models; what was ticked stays ticked where it can."""
        kept = set(self.ticked()) or set(chosen)
        self.models.clear()
        for row in rows:
            item = QListWidgetItem(row.title)
            item.setData(_KEY, row.key)
            item.setToolTip(plain_tip(row.why_not or row.tip))
            usable = Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled
            item.setFlags(Qt.ItemFlag.NoItemFlags if row.why_not else usable)
            ticked = row.key in kept and not row.why_not
            item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
            self.models.addItem(item)
        tall = max(self.models.sizeHintForRow(0), 18)
        self.models.setFixedHeight(tall * min(max(len(rows), 2), _LISTED) + 6)

    def ticked(self) -> tuple[str, ...]:
        """Return the keys of the ticked models."""
        items = (self.models.item(row) for row in range(self.models.count()))
        return tuple(str(item.data(_KEY)) for item in items if item.checkState() == Qt.CheckState.Checked)

    def set_labels(self, names: Sequence[str]) -> None:
        """Offer sources of labels."""
        self.labels.set_names(names)
        self._form.setRowVisible(self.labels, bool(names))

    def set_schemes(self, names: Sequence[str], default: str) -> None:
        """Offer ways of splitting."""
        self.split.set_names(names, default)

    def set_batches(self, names: Sequence[str]) -> None:
        """Offer columns as a batch."""
        self.batch.set_names(("", *names), words={"": words.NO_BATCH})

    def set_targets(self, names: Sequence[str]) -> None:
        """Offer classes."""
        self.target.set_names(("", *names), words={"": words.COMMONEST})
        self._form.setRowVisible(self.target, bool(names))

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow comparing, or say why not."""
        for control in (self.run, self.models, self.seeds, *self._choices.values()):
            control.setEnabled(enabled)
        self.reason.set_text(reason)

    def set_busy(self, busy: bool) -> None:
        """Offer cancel while comparing."""
        self.run.setVisible(not busy)
        self.cancel.setVisible(busy)
        self.progress.setVisible(busy)

    def set_progress(self, fraction: float | None, text: str) -> None:
        """Show how far it is."""
        self.progress.setUpdatesEnabled(False)
        self.progress.setValue(round(min(max(fraction or 0.0, 0.0), 1.0) * 1000))
        self.progress.setUpdatesEnabled(True)
        self.doing.set_text(text)

    def set_result(self, picture: ComparisonPicture | None, message: str) -> None:
        """Show a comparison, or the message alone."""
        self._picture = picture
        self.message.set_text(message)
        self._result.setVisible(picture is not None)
        if picture is None:
            self.heatmap.set_picture(None)
            return
        self.figure.set_names(
            [key for key, _ in picture.figures], picture.figure, words=dict(picture.figures)
        )
        self.table.set_table(picture.table)
        self.table_note.set_text(picture.table.note)
        self._reasons.setVisible(picture.reasons is not None)
        self.heatmap.set_picture(None if picture.reasons is None else picture.reasons.heat)
        self.reasons_title.set_text(picture.reasons_title)
        self._on_place(None)
        self.notes.set_text("\n".join(picture.notes))
        self.noted.header.setText(words.notes_title(picture.notes))
        self.noted.set_open(self.noted.header.isChecked())
        self.noted.setVisible(bool(picture.notes))

    def _content(self) -> QWidget:
        """Lay everything out."""
        content, choices = QWidget(), QWidget()
        self._form = form = QFormLayout(choices)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        for (title, _), control in zip(words.CHOICES.values(), self._choices.values(), strict=True):
            form.addRow(caption(title), control)
        form.insertRow(2, caption(words.SEEDS[0]), self.seeds)
        column_of(heading(words.REASONS), self.reasons_title, self.heatmap, self.place, parent=self._reasons)
        column_of(
            row_of(self.figure, self.save, stretch=0),
            self.table,
            self.table_note,
            self._reasons,
            self.noted,
            parent=self._result,
        )
        column = column_of(
            self.models,
            choices,
            row_of(self.run, self.cancel, stretch=0),
            self.progress,
            self.doing,
            self.reason,
            self.message,
            self._result,
            line(),
            self.pair.widget,
            parent=content,
        )
        column.addStretch(1)
        return content

    def _connect(self) -> None:
        self.run.clicked.connect(self._on_run)
        self.cancel.clicked.connect(lambda: self.cancel_requested.emit())
        self.labels.activated.connect(lambda _place: self.labels_chosen.emit(self.labels.name()))
        self.figure.activated.connect(lambda _place: self.figure_chosen.emit(self.figure.name()))
        self.heatmap.hovered.connect(self._on_place)
        self.save.clicked.connect(self._on_save)
        self.theme_changed.connect(self._on_theme)

    def _on_theme(self) -> None:
        self.pair.theme = self.theme
        self.pair.theme_changed.emit()

    def _on_run(self) -> None:
        chosen = {name: choice.name() for name, choice in self._choices.items()}
        self.compare_requested.emit(wish_of(self.ticked(), self.seeds.text(), **chosen))

    def _on_place(self, place: Place | None) -> None:
        reasons = None if self._picture is None else self._picture.reasons
        tip = "" if reasons is None or place is None else reasons.tips[place.row][place.column]
        self.place.set_text(tip or words.HOVER)

    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self.widget, "Save the table of the comparison", "comparison.csv", "Tables (*.csv)"
        )
        if path:
            chosen = Path(path)
            self.table_requested.emit(chosen if chosen.suffix else chosen.with_suffix(".csv"))
