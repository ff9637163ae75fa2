"""Models side by side in a notebook: tick them, train all, read figures, reasons and maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from glasscell.jupyter.heat_sheet import HeatSheet
from glasscell.jupyter.metrics import JupyterMetrics
from glasscell.jupyter.pair import JupyterPairView
from glasscell.jupyter.panel import TITLE, Choice, Panel, Words, button, column, fold, row, show
from glasscell.jupyter.path_line import PathLine
from glasscell.jupyter.sheet import Column, Sheet
from glasscell.views import compare_view as words
from glasscell.views.compare_view import CompareView, wish_of
from glasscell.views.model_wish import family_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.jobs.dispatcher import Dispatcher
    from glasscell.jobs.runner import JobRunner
    from glasscell.views.compare_view import ComparisonPicture
    from glasscell.views.row import FamilyRow

_MODELS = (Column("", "", "check", "2em"), Column("", "", "words"))


class JupyterCompareView(CompareView, Panel):
    """The view of models side by side in a notebook; paths are those of the kernel's machine.

    Parameters
    ----------
    dispatcher, runner
        For the maps, as in ``JupyterEmbeddingView``.
    """

    def __init__(self, dispatcher: Dispatcher | None = None, runner: JobRunner | None = None) -> None:
        super().__init__()
        self._rows: tuple[FamilyRow, ...] = ()
        self._ticked: set[str] = set()
        self._enabled = False
        self.models = Sheet(_MODELS, "11em", heads=False)
        self._choices = {name: Choice(*said) for name, said in words.CHOICES.items()}
        self.labels, self.split, self.batch, self.target = self._choices.values()
        title, tip, first = words.SEEDS
        self.seeds = ipywidgets.Text(first, description=title, tooltip=tip)
        self.seeds.style.description_width, self.seeds.layout.width = TITLE, "calc(100% - 4px)"
        self.run = button(words.RUN, words.RUN_TIP, main=True)
        self.cancel = button(words.CANCEL, words.CANCEL_TIP)
        self.progress = ipywidgets.FloatProgress(
            0.0, min=0.0, max=1.0, layout={"flex": "1 1 auto", "width": "auto"}
        )
        self.doing, self.reason, self.message = Words(), Words("", "muted"), Words("", "muted")
        self.figure = Choice("Figure", words.FIGURE_TIP)
        self.table = JupyterMetrics("")
        self.reasons_title, self.place = Words("", "muted"), Words("", "muted")
        self.heatmap = HeatSheet("20em")
        self.notes = Words("", "warning")
        self.noted = fold("", self.notes)
        self.save = PathLine(words.SAVE.rstrip("…"), words.SAVE_TIP, "comparison.csv", ".csv")
        self.pair = JupyterPairView(dispatcher, runner)
        self._picture: ComparisonPicture | None = None
        self.widget = self._content()
        self._connect()
        self.set_batches(())
        self.set_targets(())
        self.set_busy(False)
        self.set_result(None, "")
        self.set_enabled(False, "Open data first.")

    def close_down(self) -> None:
        """Draw no more; the explorer is going away."""
        self.pair.close_down()

    def set_models(self, rows: Sequence[FamilyRow], chosen: Sequence[str]) -> None:
        """Offer kinds of models; one that cannot be used here says why in its own line."""
        self._rows = tuple(rows)
        can = {row.key for row in rows if not row.why_not}
        self._ticked = (self._ticked & can) or set(chosen)
        self._list()

    def ticked(self) -> tuple[str, ...]:
        """Return the keys of the ticked models."""
        return tuple(row.key for row in self._rows if row.key in self._ticked)

    def set_labels(self, names: Sequence[str]) -> None:
        """Offer sources of labels."""
        with self.telling():
            self.labels.offer([(name, name) for name in names])
        show(self.labels, bool(names))

    def set_schemes(self, names: Sequence[str], default: str) -> None:
        """Offer ways of splitting."""
        with self.telling():
            self.split.offer([(name, name) for name in names], default)

    def set_batches(self, names: Sequence[str]) -> None:
        """Offer columns as a batch."""
        with self.telling():
            self.batch.offer([("", words.NO_BATCH), *((name, name) for name in names)])

    def set_targets(self, names: Sequence[str]) -> None:
        """Offer classes."""
        with self.telling():
            self.target.offer([("", words.COMMONEST), *((name, name) for name in names)])
        show(self.target, bool(names))

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow comparing, or say why not."""
        for control in (self.run, self.seeds, *self._choices.values()):
            control.disabled = not enabled
        self.reason.say(reason, "muted")

    def set_busy(self, busy: bool) -> None:
        """Offer cancel while comparing."""
        show(self.run, not busy)
        for part in (self.cancel, self.progress):
            show(part, busy)

    def set_progress(self, fraction: float | None, text: str) -> None:
        """Show how far it is."""
        self.progress.value = min(max(fraction or 0.0, 0.0), 1.0)
        self.doing.say(text)

    def set_result(self, picture: ComparisonPicture | None, message: str) -> None:
        """Show a comparison, or the message alone."""
        self._picture = picture
        self.message.say(message, "muted")
        show(self._result, picture is not None)
        if picture is None:
            self.heatmap.set_picture(None)
            return
        with self.telling():
            self.figure.offer(picture.figures, picture.figure)
        self.table.set_table(picture.table)
        reasons = picture.reasons
        show(self._reasons, reasons is not None)
        if reasons is None:
            self.heatmap.set_picture(None)
        else:
            tips = reasons.tips
            self.heatmap.set_picture(reasons.heat, tip=lambda at, place, _panel: tips[at][place])
        self.reasons_title.say(picture.reasons_title, "muted")
        self._on_place(None)
        self.notes.say("\n".join(picture.notes), "warning")
        self.noted.set_title(0, words.notes_title(picture.notes))
        show(self.noted, bool(picture.notes))

    def _list(self) -> None:
        self.models.show(
            [("" if one.why_not else one.key in self._ticked, family_words(one)) for one in self._rows],
            [one.why_not or one.tip for one in self._rows],
            keys=[one.key for one in self._rows],
        )

    def _content(self) -> ipywidgets.Widget:
        """Lay everything out."""
        self._reasons = column(
            Words(words.REASONS, "head"), self.reasons_title, self.heatmap.widget, self.place
        )
        self._result = column(self.figure, self.table.widget, self.save.widget, self._reasons, self.noted)
        return column(
            self.models,
            self.labels,
            self.split,
            self.seeds,
            self.batch,
            self.target,
            row(self.run, self.cancel, self.progress, flex_flow="row nowrap"),
            self.doing,
            self.reason,
            self.message,
            self._result,
            self.pair.widget,
        )

    def _connect(self) -> None:
        self.models.changed.connect(self._on_ticked)
        self.hear_press(self.run, self._on_run)
        self.hear_press(self.cancel, lambda: self.cancel_requested.emit())
        self.hear(self.labels, lambda key: self.labels_chosen.emit(str(key or "")))
        self.hear(self.figure, lambda key: self.figure_chosen.emit(str(key or "")))
        self.heatmap.hovered.connect(self._on_place)
        self.save.connect(lambda path: self.table_requested.emit(path))
        self.theme_changed.connect(self._on_theme)

    def _on_ticked(self, row: int, column: int, value: object) -> None:
        key = self._rows[row].key
        self._ticked = self._ticked | {key} if value else self._ticked - {key}
        self._list()

    def _on_run(self) -> None:
        chosen = {name: choice.key for name, choice in self._choices.items()}
        self.compare_requested.emit(wish_of(self.ticked(), self.seeds.value, **chosen))

    def _on_place(self, place: tuple[int, int, int] | None) -> None:
        reasons = None if self._picture is None else self._picture.reasons
        tip = "" if reasons is None or place is None else reasons.tips[place[0]][place[1]]
        self.place.say(tip or words.HOVER, "muted")

    def _on_theme(self) -> None:
        self.pair.theme = self.theme
        self.pair.theme_changed.emit()
