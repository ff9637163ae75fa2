"""The panels pressed with mouse and keyboard: what they show, what they ask for, what they never show."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import BaseModel, Field
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QApplication, QColorDialog, QFileDialog, QLabel, QWidget

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.errors import GlasscellError
from glasscell.explain.check import Check
from glasscell.qt.attribution import QtAttributionView
from glasscell.qt.colour import QtColourView
from glasscell.qt.form import QtForm
from glasscell.qt.job import QtJobView
from glasscell.qt.model import QtModelView
from glasscell.qt.prepare import QtPrepareView
from glasscell.qt.ranking import BAR, WARN
from glasscell.qt.style import DARK, LIGHT, plain_tip, set_theme
from glasscell.views.colour import Default, colour_table
from glasscell.views.curve_picture import loss_range
from glasscell.views.form import build, fields
from glasscell.views.gene_table import CANNOT_TELL
from glasscell.views.job_words import duration
from glasscell.views.row import (
    CellGeneRow,
    Curve,
    FamilyRow,
    FigureRow,
    JobRow,
    MethodRow,
    MetricRow,
    RankingRow,
)
from glasscell.views.search import Hit

pytestmark = pytest.mark.gui
MARKUP = "<b>bold</b> & co"


class Params(BaseModel, frozen=True):
    n_steps: int = Field(64, ge=8, le=1024)
    rate: float = Field(1e-3, gt=0)
    tiny: float = 1.2345678901234567e-12
    large: float = 1e12
    use_it: bool = True
    kind: Literal["a_b", "c"] = "c"
    hidden: tuple[int, ...] = (128, 64)
    word: str = "x"
    clip: float | None = Field(None, json_schema_extra={"advanced": True})
    limit: int | None = Field(7, json_schema_extra={"advanced": True})


@pytest.fixture
def kept() -> list[Any]:
    """Views and slots that must outlive the test: a widget dropped while it is shown takes Qt with it."""
    return []


@pytest.fixture
def show(kept: list[Any], qtbot: Any) -> Callable[..., Any]:
    def shown(view: Any, width: int = 320, height: int = 640) -> Any:
        widget: QWidget = view.widget if hasattr(view, "widget") else view
        kept.append(view)
        qtbot.addWidget(widget)
        widget.resize(width, height)
        widget.show()
        qtbot.waitExposed(widget)
        QApplication.processEvents()
        return view

    return shown


def told(signal: Any) -> list[Any]:
    found: list[Any] = []

    signal.connect(lambda *values: found.append(values[0] if len(values) == 1 else values), check_nargs=False)
    return found


def press(qtbot: Any, button: Any) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def categories(n: int = 3) -> CellValues:
    return CellValues(
        "layer", codes=np.arange(12) % (n + 1) - 1, categories=(MARKUP, *map(str, range(n - 1)))
    )


def test_typing_opens_the_list_and_enter_takes_the_best(show: Any, qtbot: Any) -> None:
    view = show(QtColourView())
    queries, channels = told(view.query_typed), told(view.channel_requested)
    view.widget.activateWindow()
    view.search.setFocus()
    hits = [Hit(ChannelRef.make("gene", g), g, "gene") for g in ("PCP4", MARKUP)]
    view.query_typed.connect(lambda text: view.set_hits(hits if text else ()))
    qtbot.keyClicks(view.search, "pc")
    assert queries == ["p", "pc"]
    assert view.search.model.rowCount() == 2
    qtbot.waitUntil(view.search.popup.isVisible)
    qtbot.keyClick(view.search.popup, Qt.Key.Key_Down)
    qtbot.keyClick(view.search.popup, Qt.Key.Key_Down)
    qtbot.keyClick(view.search.popup, Qt.Key.Key_Return)
    assert [ref.key for ref in channels] == [MARKUP]
    qtbot.keyClicks(view.search, "x")
    place = view.search.popup.visualRect(view.search.model.index(1)).center()
    qtbot.mouseClick(view.search.popup.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert [ref.key for ref in channels] == [MARKUP, MARKUP]
    view.search.setText("pc")
    qtbot.keyClick(view.search, Qt.Key.Key_Return)
    assert [ref.key for ref in channels] == [MARKUP, MARKUP, "PCP4"]
    assert view.search.model.data(view.search.model.index(1), Qt.ItemDataRole.ToolTipRole) == plain_tip(
        f"{MARKUP}\ngene"
    )


def test_legend_toggles_recolours_and_counts(show: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    view = show(QtColourView())
    toggled, recoloured = told(view.category_toggled), told(view.category_recoloured)
    view.set_legend(colour_table(categories(), np.arange(12) < 6).legend)
    legend = view.legend
    assert [legend.topLevelItem(i).text(1) for i in range(4)] == [MARKUP, "0", "1", "no value"]
    assert legend.topLevelItem(0).text(2) == "2 / 3"
    assert not toggled, "showing is not asking"
    row = legend.visualItemRect(legend.topLevelItem(0))
    box = QPoint(legend.columnViewportPosition(1) + 8, row.center().y())
    qtbot.mouseClick(legend.viewport(), Qt.MouseButton.LeftButton, pos=box)
    assert toggled == [(MARKUP, False)]
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor("#123456"))
    qtbot.mouseClick(legend.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(8, row.center().y()))
    assert recoloured == [(MARKUP, "#123456")]


def test_legend_of_many_scrolls_and_keeps_its_place(show: Any) -> None:
    view = show(QtColourView(), height=400)
    many = CellValues("c", codes=np.arange(300), categories=tuple(f"c{i}" for i in range(300)))
    view.set_legend(colour_table(many).legend)
    view.legend.verticalScrollBar().setValue(120)
    view.set_legend(colour_table(many, colouring=Default(hidden=frozenset({"c3"}))).legend)
    assert view.legend.verticalScrollBar().value() == 120
    assert view.legend.topLevelItem(3).checkState(1) == Qt.CheckState.Unchecked


def bar_of(centre: float | None, limits: tuple[float, float] | None = None) -> Any:
    values = CellValues(
        "g", unit="log counts", values=np.linspace(-2, 8, 101, dtype=np.float32), centre=centre
    )
    return colour_table(values, colouring=Default(limits=limits)).bar


def test_range_boxes_buttons_and_automatic(show: Any, qtbot: Any) -> None:
    view = show(QtColourView())
    asked = told(view.limits_requested)
    view.set_colour_bar(bar_of(None))
    assert view.bar.unit.whole_text() == "log counts"
    assert not view.bar.automatic.isEnabled()
    assert not asked
    view.bar.high.lineEdit().selectAll()
    qtbot.keyClicks(view.bar.high.lineEdit(), "0.001")
    qtbot.keyClick(view.bar.high, Qt.Key.Key_Return)
    assert asked[-1] == (view.bar.low.value(), 0.001)
    press(qtbot, view.bar.offers[0])
    assert asked[-1] == (-2.0, 8.0)
    view.set_colour_bar(bar_of(None, (0.0, 1.0)))
    press(qtbot, view.bar.automatic)
    assert asked[-1] is None


def test_diverging_range_stays_symmetric(show: Any, qtbot: Any) -> None:
    view = show(QtColourView())
    asked = told(view.limits_requested)
    view.set_colour_bar(bar_of(0.0))
    assert not view.bar.low.isEnabled()
    view.bar.high.setValue(3)
    assert asked == [(-3.0, 3.0)]


def test_clipping_is_marked_in_words_and_pixels(show: Any, pixels: Callable[..., Any]) -> None:
    view = show(QtColourView())
    view.set_colour_bar(bar_of(None, (-3.0, 9.0)))
    QApplication.processEvents()
    clear = pixels(view.bar.strip)
    assert view.bar.marks.whole_text() == ""
    view.set_colour_bar(bar_of(None, (0.0, 5.0)))
    QApplication.processEvents()
    marked = pixels(view.bar.strip)
    assert view.bar.marks.whole_text() == "Clipped: 20 below 0, 30 above 5"
    for end in (slice(2, 10), slice(-10, -2)):
        assert (clear[8, end] == clear[0, 0]).all(), "nothing beyond an end that clips nothing"
        assert (marked[8, end] != marked[0, 0]).any()


def test_untouched_form_gives_the_defaults(show: Any) -> None:
    form = show(QtForm(fields(Params)))
    assert build(Params, form.values()) == Params()
    assert form.fields["rate"].control.text() == "0.001"
    other = Params(
        n_steps=9, rate=3e-7, hidden=(5,), clip=0.25, limit=None, kind="a_b", use_it=False, word="y z"
    )
    form.set_values(other.model_dump())
    assert build(Params, form.values()) == other
    assert form.more is not None
    assert not form.fields["clip"].isVisible()
    with pytest.raises(KeyError, match="no field n_pcs"):
        form.set_values({"n_steps": 3, "n_pcs": 20})
    assert form.values()["n_steps"] == 9


def test_form_takes_small_numbers_and_names_bad_lists(show: Any, qtbot: Any) -> None:
    form = show(QtForm(fields(Params)))
    box = form.fields["rate"].control
    box.lineEdit().selectAll()
    qtbot.keyClicks(box.lineEdit(), "2.5e-6")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert form.values()["rate"] == 2.5e-6
    qtbot.keyClick(box, Qt.Key.Key_Up)
    assert form.values()["rate"] == pytest.approx(2.6e-6)
    form.fields["hidden"].control.setText("12, x")
    with pytest.raises(GlasscellError, match="Hidden"):
        form.values()


def test_every_published_params_class_survives_its_form(show: Any) -> None:
    from glasscell.explain.method import METHODS, method_info
    from glasscell.models.registry import FAMILIES, family

    classes = [method_info(name).params for name in METHODS] + [family(name).params for name in FAMILIES]
    assert len(classes) >= 4
    for params in classes:
        assert build(params, QtForm(fields(params)).values()) == params()


def test_prepare_asks_with_the_forms_values(show: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    view = show(QtPrepareView())
    runs, opened, saved = told(view.run_requested), told(view.open_requested), told(view.save_requested)
    view.set_form(fields(Params))
    press(qtbot, view.run)
    assert not runs, "not before there is something to prepare"
    view.set_enabled(True, "")
    press(qtbot, view.run)
    assert build(Params, runs[0]) == Params()
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (["/x/a.h5ad"], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/x/b.zarr")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("/x/c", ""))
    for button in (view.open_file, view.open_folder, view.save):
        press(qtbot, button)
    assert opened == [[Path("/x/a.h5ad")], Path("/x/b.zarr")]
    assert saved == [Path("/x/c.h5ad")]
    view.set_report(MARKUP)
    assert view.report.text() == MARKUP


def test_model_trains_cancels_and_groups(show: Any, qtbot: Any) -> None:
    view = show(QtModelView())
    fits, cancels, groups = told(view.fit_requested), told(view.cancel_requested), told(view.group_requested)
    view.set_labels(("layer", "leiden"))
    view.set_schemes(("blocks", "random"), "random")
    view.set_form(fields(Params))
    view.set_enabled(True, "")
    view.labels.setCurrentText("leiden")
    press(qtbot, view.train)
    params = fits[0].pop("params")
    wished = {"labels": "leiden", "split": "random", "family": "classifier", "seed": 0, "batch": ""}
    assert fits[0] == {**wished, "action": "", "control": ""}
    assert build(Params, params) == Params()
    view.set_labels(("a", "layer", "leiden"))
    assert view.labels.currentText() == "leiden", "new columns do not change the choice"
    view.set_busy(True)
    assert view.cancel.isVisible()
    assert not view.train.isVisible()
    view.set_progress(0.25)
    assert view.progress.value() == view.progress.maximum() / 4
    press(qtbot, view.cancel)
    assert cancels == [()]
    qtbot.keyClicks(view.group_name, " my cells ")
    press(qtbot, view.group)
    assert groups == ["my cells"]


def test_scores_never_stand_without_baselines(show: Any) -> None:
    view = show(QtModelView(), height=900)
    mine = MetricRow("classifier", 0.9, 0.8, 0.02, "blocks", False)
    view.set_metrics((mine,))
    assert not view.metrics.isVisible()
    view.set_metrics((mine, MetricRow("majority", 0.4, 0.1, None, "blocks", True)))
    assert view.metrics.isVisible()
    assert [view.metrics.item(1, c).text() for c in range(4)] == ["majority", "0.400", "0.100", "-"]
    assert view.scheme_note.whole_text() == "Cells held out by: blocks"
    view.set_curve((Curve("fold 1", (2.0, 1.0), (2.1,)), Curve("fold 2", (2.0,), ())))
    assert len(view.curve.getPlotItem().listDataItems()) == 3


def test_the_loss_axis_starts_at_zero_unless_all_losses_are_far_above_it() -> None:
    assert loss_range([2.3, 0.4]) == (0.0, 2.5)
    assert loss_range([-0.2, 0.7]) == pytest.approx((-0.2, 0.7))
    low, high = loss_range([0.402, 0.381])
    assert 0.36 <= low <= 0.381
    assert 0.402 <= high <= 0.42
    assert loss_range([]) == (0.0, 0.1)
    low, high = loss_range([5.0])
    assert low <= 5.0 <= high
    assert low < high


RANKED = (
    RankingRow(1, MARKUP, 0.9, 0.7, 0.2, 1, 800, 0.0),
    RankingRow(2, "PCP4", 0.3, 0.5, -0.2, 12, 2, 4.0),
    RankingRow(3, "NEFM", -0.2, -0.1, -0.1, None, None, None),
)


def test_ranking_shows_every_evidence_column_and_clicks(show: Any, qtbot: Any) -> None:
    view = show(QtAttributionView(), 340, 900)
    clicked = told(view.gene_clicked)
    assert not view.ranking.isVisible()
    view.set_ranking(RANKED, "over 12 cells")
    QApplication.processEvents()
    genes = view.ranking.genes
    assert [c.head for c in genes.columns] == ["gene", "value", "", "diff", "twin", "folds"]
    assert genes.texts[2][3:] == (CANNOT_TELL,) * 3
    assert genes.data(genes.index(1, 4), WARN), "a gene the twin ranks high is marked"
    assert not genes.data(genes.index(0, 4), WARN)
    place = view.ranking.visualRect(genes.index(1, 0)).center()
    qtbot.mouseClick(view.ranking.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert clicked == ["PCP4"]


def test_bars_share_one_zero_and_scale(show: Any, pixels: Callable[..., Any]) -> None:
    view = show(QtAttributionView(), 340, 900)
    view.set_ranking(RANKED, "")
    QApplication.processEvents()
    genes = view.ranking.genes
    bars = [genes.data(genes.index(row, 2), BAR) for row in range(3)]
    assert len({(bar.low, bar.high) for bar in bars}) == 1
    assert bars[0].low < 0 < bars[0].high
    seen = pixels(view.ranking.viewport()).astype(int)
    for row, sign in ((0, 1), (2, -1)):
        rect = view.ranking.visualRect(genes.index(row, 2))
        patch = seen[rect.top() + 7 : rect.bottom() - 7, rect.left() : rect.right()]
        red, blue = (patch[..., 0] - patch[..., 2] > 80).sum(), (patch[..., 2] - patch[..., 0] > 80).sum()
        assert (red > blue) == (sign > 0)


def test_explain_asks_and_refused_methods_say_why(show: Any, qtbot: Any) -> None:
    view = show(QtAttributionView(), 340, 900)
    asked, methods = told(view.explain_requested), told(view.method_chosen)
    view.set_targets(("class:L5", "class:WM"))
    view.set_methods(
        (
            MethodRow("a", "First", "needs gradients"),
            MethodRow("b", "Second", ""),
            MethodRow("c", "Third", ""),
        )
    )
    view.set_baselines(("other_classes", "zero"))
    view.set_form(fields(Params))
    view.set_enabled(True, "")
    assert not methods
    refused = view.method.model().item(0)
    assert not refused.isEnabled()
    assert refused.toolTip() == plain_tip("needs gradients")
    view.method.setCurrentIndex(2)
    view.target.setCurrentText("class:WM")
    view.cells.setCurrentIndex(1)
    press(qtbot, view.explain)
    params = asked[0].pop("params")
    assert asked[0] == {
        "target": "class:WM",
        "method": "c",
        "baseline": "other_classes",
        "cells": "selection",
    }
    assert build(Params, params) == Params()
    assert methods == ["c"]


def test_checks_speak_in_words_and_only_ok_is_green(show: Any) -> None:
    view = show(QtAttributionView(), 340, 900)
    verdicts = ("ok", "warn", "bad", "cannot tell")
    view.set_checks([Check(MARKUP, 0.5, v, f"sentence {v}") for v in verdicts])  # type: ignore[arg-type]
    words = [label.text() for label in view.checks.findChildren(QLabel)]
    for sentence in ("sentence warn", "sentence bad", "sentence cannot tell", "cannot tell", "failed"):
        assert sentence in words
    assert [DARK.ok in chip.styleSheet() or LIGHT.ok in chip.styleSheet() for chip in view.checks.chips] == [
        True,
        False,
        False,
        False,
    ]
    assert view.checks.chips[0].toolTip() == plain_tip("sentence ok")


def test_hovered_cells_genes_keep_their_room(show: Any) -> None:
    view = show(QtAttributionView(), 340, 900)
    view.set_ranking(RANKED, "")
    before = view.cell_genes.height()
    view.set_cell_genes("cell 1", (CellGeneRow("PCP4", -0.5, 2.0),))
    assert view.cell_genes.height() == before
    assert view.cell_genes.genes.texts == [("PCP4", "-0.5", "", "2")]


def test_jobs_show_progress_and_cancel(show: Any, qtbot: Any) -> None:
    view = show(QtJobView())
    cancelled = told(view.cancel_requested)
    running = JobRow(4, MARKUP, "fold 1", 0.25, 83.0, "running", "")
    view.set_jobs((running, JobRow(3, "Old", "", 1.0, None, "finished", "failed")))
    line = view.lines[4]
    assert line.bar.value() == 250
    assert line.state.whole_text() == "1 min 23 s left"
    assert line.title.whole_text() == MARKUP
    assert not view.lines[3].cancel.isVisible()
    press(qtbot, line.cancel)
    assert cancelled == [4]
    view.set_jobs((JobRow(5, "New", "", None, None, "running", ""), running))
    assert view.lines[4] is line, "a line that stays is not built anew"
    assert set(view.lines) == {4, 5}
    assert duration(4000) == "1 h 06 min left"
    view.set_message("error", MARKUP)
    assert view.message.text() == MARKUP


def test_names_are_text_everywhere(show: Any) -> None:
    view = show(QtAttributionView(), 340, 900)
    view.set_ranking(RANKED, MARKUP)
    view.set_cell_genes(MARKUP, ())
    for label in view.widget.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText
    assert "&lt;b&gt;" in plain_tip(MARKUP)


@pytest.mark.parametrize("make", [QtColourView, QtPrepareView, QtModelView, QtAttributionView, QtJobView])
def test_narrow_docks_in_both_themes(make: Any, show: Any, pixels: Callable[..., Any]) -> None:
    view = show(make())
    assert view.widget.minimumSizeHint().width() <= 300
    grounds = []
    for dark in (True, False):
        set_theme(dark, view.widget)
        QApplication.processEvents()
        grounds.append(tuple(int(v) for v in pixels(view.widget)[-3, 3]))
    assert grounds == [tuple(bytes.fromhex(theme.ground[1:])) for theme in (DARK, LIGHT)]


def test_the_rows_of_the_model_form_follow_the_family(show: Any, qtbot: Any) -> None:
    view = show(QtModelView(), height=900)
    chosen, fits = told(view.family_chosen), told(view.fit_requested)
    view.set_families(
        (
            FamilyRow("classifier", "Classifier", True, False, "for labels"),
            FamilyRow("vae", "Auto-encoder", False, True, "for counts"),
            FamilyRow("scvi", MARKUP, False, True, "", "scvi-tools is not installed."),
        )
    )
    view.set_labels(("layer",))
    view.set_batches(("section",))
    view.set_enabled(True, "")
    assert view.labels.isVisible()
    assert not view.batch.isVisible()
    view.family.setCurrentIndex(1)
    assert chosen == ["vae"]
    assert not view.labels.isVisible()
    assert not view.scheme.isVisible()
    assert view.batch.isVisible()
    view.batch.setCurrentIndex(1)
    press(qtbot, view.train)
    fits[0].pop("params")
    assert fits[0] == {
        "labels": "",
        "split": "",
        "family": "vae",
        "seed": 0,
        "batch": "section",
        "action": "",
        "control": "",
    }
    item = view.family.model().item(2)
    assert not item.isEnabled()
    assert "not installed" in item.toolTip()
    view.set_figures(("Poisson deviance",), (FigureRow("vae", (0.0637,), False),))
    assert not view.metrics.isVisible(), "figures never stand without a baseline"
    rows = (FigureRow("vae", (0.0637,), False), FigureRow("gene mean x size", (None,), True))
    view.set_figures(("Poisson deviance",), rows)
    assert [view.metrics.item(n, 1).text() for n in (0, 1)] == ["0.0637", "-"]
    assert view.metrics.horizontalHeaderItem(1).text() == "Poisson deviance"
    mine = MetricRow("classifier", 0.9, 0.8, 0.02, "blocks", False)
    view.set_metrics((mine, MetricRow("majority", 0.4, 0.1, None, "blocks", True)))
    assert view.metrics.columnCount() == 4
