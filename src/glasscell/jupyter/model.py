"""Train a model in a notebook, watch it learn, see how good it is beside cheap baselines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import ipywidgets

from glasscell.errors import GlasscellError
from glasscell.jupyter.form import JupyterForm
from glasscell.jupyter.metrics import JupyterMetrics
from glasscell.jupyter.model_keeping import ModelKeeping
from glasscell.jupyter.panel import TITLE, WIDE, Choice, Panel, Words, button, column, fold, row, show
from glasscell.jupyter.preflight import JupyterPreflightView
from glasscell.jupyter.robustness import JupyterRobustnessView
from glasscell.views import model_wish as wishes
from glasscell.views.curve_picture import curve_svg
from glasscell.views.model_view import ModelView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.form import FieldSpec
    from glasscell.views.row import Curve, FamilyRow, FigureRow, MetricRow

#: Least seconds between two drawings of a loss that grows.
_PAUSE = 0.5


class JupyterModelView(ModelView, Panel):
    """The model view in a notebook; paths are those of the machine the kernel runs on."""

    def __init__(self) -> None:
        super().__init__()
        self._families: dict[str, FamilyRow] = {}
        self._busy, self._drawn = False, 0.0
        self._allowed: tuple[bool, str] = (False, "")
        self._choices = {name: Choice(*words) for name, words in wishes.CHOICES.items()}
        self.family, self.labels, self.scheme, self.batch, self.action, self.control = self._choices.values()
        self.seed = ipywidgets.BoundedIntText(
            0, min=0, max=2**31 - 1, description=wishes.SEED, tooltip=wishes.SEED_TIP
        )
        self.seed.style.description_width, self.seed.layout.width = TITLE, "14em"
        self.form = JupyterForm()
        self.train = button(wishes.TRAIN, wishes.train_tip(None), main=True)
        self.cancel = button(wishes.CANCEL, wishes.CANCEL_TIP)
        self.progress = ipywidgets.FloatProgress(
            0.0, min=0.0, max=1.0, layout={"flex": "1 1 auto", "width": "auto"}
        )
        self.reason, self.message = Words("", "muted"), Words()
        self.curve = ipywidgets.Image(format="svg+xml", layout={"width": WIDE, "max_width": "520px"})
        self.metrics = JupyterMetrics()
        self.robustness = JupyterRobustnessView()
        self.keeping = ModelKeeping(self)
        self.preflight = JupyterPreflightView(
            self._question, lambda: wishes.done(self._row(), self._chosen())
        )
        self.widget = self._content()
        self._connect()
        self.set_form(())
        self.set_curve(())
        self.set_batches(())
        self.set_can_save(False)
        self.set_busy(False)
        self.set_enabled(False, "Open a file first.")

    def set_families(self, rows: Sequence[FamilyRow]) -> None:
        """Offer kinds of models; one that cannot be used here says why in its own line."""
        self._families = {row.key: row for row in rows}
        with self.telling():
            self.family.offer([(row.key, wishes.family_words(row)) for row in rows])
        self._fit_form()

    def set_batches(self, names: Sequence[str]) -> None:
        """Offer columns as a batch."""
        with self.telling():
            self.batch.offer([("", wishes.NO_BATCH), *((name, name) for name in names)])

    def set_actions(self, names: Sequence[str]) -> None:
        """Offer columns of perturbations."""
        with self.telling():
            self.action.offer([(name, name) for name in names])

    def set_controls(self, names: Sequence[str], default: str) -> None:
        """Offer names of the control."""
        with self.telling():
            self.control.offer([("", wishes.NO_CONTROL), *((name, name) for name in names)], default)

    def set_labels(self, names: Sequence[str]) -> None:
        """Offer sources of labels."""
        with self.telling():
            self.labels.offer([(name, name) for name in names])

    def set_schemes(self, names: Sequence[str], default: str) -> None:
        """Offer ways of splitting."""
        with self.telling():
            self.scheme.offer([(name, name) for name in names], default)

    def set_form(self, fields: Sequence[FieldSpec]) -> None:
        """Show the family's parameters."""
        self.form.set_fields(fields)
        show(self._fold, bool(fields))

    def set_curve(self, curves: Sequence[Curve]) -> None:
        """Draw the loss; while it grows not at every step, for a page may be far away."""
        now = time.monotonic()
        if curves and self._busy and now - self._drawn < _PAUSE:
            return
        self._drawn = now
        self.curve.value = curve_svg(curves)
        for part in (self._curve_title, self.curve):
            show(part, bool(self.curve.value))

    def set_metrics(self, rows: Sequence[MetricRow]) -> None:
        """Show the scores."""
        self.metrics.set_rows(rows)

    def set_figures(self, names: Sequence[str], rows: Sequence[FigureRow]) -> None:
        """Show other figures where there are no scores."""
        if rows:
            self.metrics.set_figures(names, rows)

    def set_can_save(self, can_save: bool) -> None:
        """Allow saving."""
        self.keeping.save.disabled = not can_save

    def set_message(self, text: str) -> None:
        """Show one line."""
        self.message.say(text)

    def set_busy(self, busy: bool) -> None:
        """Offer cancel while training."""
        self._busy = busy
        show(self.train, not busy)
        show(self.cancel, busy)
        show(self.progress, busy)
        self.set_progress(None)

    def set_progress(self, fraction: float | None) -> None:
        """Show how far it is."""
        self.progress.value = min(max(fraction or 0.0, 0.0), 1.0)

    def set_enabled(self, enabled: bool, reason: str) -> None:
        """Allow training, or say why not."""
        self._allowed = enabled, reason
        why_not = self._why_not()
        self.train.disabled = bool(why_not) or not enabled
        self.reason.say(why_not or reason, "muted")

    def _content(self) -> ipywidgets.Widget:
        """Lay everything out."""
        self._fold = fold("Parameters", self.form.widget)
        self._curve_title = Words(wishes.CURVE, "head")
        return column(
            *self._choices.values(),
            self.seed,
            self._fold,
            self.preflight.widget,
            row(self.train, self.cancel, self.progress, flex_flow="row nowrap"),
            self.reason,
            self.message,
            self._curve_title,
            self.curve,
            self.metrics.widget,
            self.robustness.widget,
            self.keeping.widget,
            self.preflight.applying_widget,
        )

    def _connect(self) -> None:
        self.hear(self.family, lambda _: self._on_family())
        self.hear(self.action, lambda name: self.action_chosen.emit(str(name or "")))
        for choice in (self.family, self.labels, self.batch, self.action, self.control):
            self.hear(choice, lambda _: self.preflight.asked.emit())
        self.hear_press(self.train, self._on_train)
        self.hear_press(self.cancel, self.cancel_requested.emit)

    def _row(self) -> FamilyRow | None:
        return self._families.get(self.family.key)

    def _why_not(self) -> str:
        row = self._row()
        return "" if row is None else row.why_not

    def _fit_form(self) -> None:
        """Show the choices that the chosen kind of model uses; one that cannot be used trains nothing."""
        row = self._row()
        for name, choice in self._choices.items():
            show(choice, wishes.is_used(row, name))
        self.family.tooltip = wishes.CHOICES["family"][1] if row is None else row.why_not or row.tip
        self.train.tooltip = wishes.train_tip(row)
        self.set_enabled(*self._allowed)

    def _chosen(self) -> dict[str, str]:
        return {name: choice.key for name, choice in self._choices.items()}

    def _question(self) -> tuple[str, str, str]:
        return ("", "", "") if self._why_not() else wishes.question(self._row(), self._chosen())

    def _on_family(self) -> None:
        self._fit_form()
        if not self._why_not():
            self.family_chosen.emit(self.family.key)

    def _on_train(self) -> None:
        if self.train.disabled:
            return
        try:
            params = self.form.values()
        except GlasscellError as error:
            self.message.say(str(error))
            return
        self.fit_requested.emit(wishes.wish(self._row(), self._chosen(), params, self.seed.value))
