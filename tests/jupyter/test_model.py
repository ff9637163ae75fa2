"""Training in a notebook: what is offered, what is greyed, what is asked, and scores beside baselines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.data.selection import Category
from glasscell.models.registry import family
from glasscell.session import Session
from glasscell.testing.planted import planted_adata
from glasscell.views.form import fields
from glasscell.views.model_presenter import ModelPresenter
from glasscell.views.preflight_presenter import PreflightPresenter
from glasscell.views.row import Curve, FamilyRow, FigureRow, MetricRow

pytest.importorskip("ipywidgets")
from glasscell.jupyter.model import JupyterModelView

MARKUP = "<img src=x onerror=alert(1)>"
INTENTS = (
    "fit_requested",
    "action_chosen",
    "family_chosen",
    "cancel_requested",
    "save_requested",
    "load_requested",
    "scvi_requested",
    "group_requested",
)
FAMILIES = (
    FamilyRow("classifier", "Classifier", True, False, "for labels"),
    FamilyRow("vae", "Auto-encoder", False, True, "for counts"),
    FamilyRow("scvi", MARKUP, False, True, "", "scvi-tools is not installed."),
    FamilyRow("shift", "Shifts", False, False, "for perturbations", needs_action=True),
)


def told(view: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for name in INTENTS:
        signal = getattr(view, name)
        signal.connect(lambda *values, name=name: found.append((name, *values)), check_nargs=False)
    return found


def shown(widget: Any) -> bool:
    return widget.layout.display != "none"


def visible(view: JupyterModelView) -> list[bool]:
    return [shown(choice) for choice in (view.labels, view.scheme, view.batch, view.action)]


def filled() -> tuple[JupyterModelView, list[tuple[Any, ...]]]:
    view = JupyterModelView()
    heard = told(view)
    view.set_families(FAMILIES)
    view.set_labels(("layer", "leiden"))
    view.set_schemes(("blocks", "random"), "random")
    view.set_batches(("section",))
    view.set_actions(("guide",))
    view.set_controls(("non-targeting", "a"), "non-targeting")
    view.set_form(fields(family("classifier").params))
    view.set_curve((Curve("fold 1", (1.0, 0.5), (1.1,)),))
    view.set_metrics(())
    view.set_figures((), ())
    view.set_message(MARKUP)
    view.set_progress(0.3)
    view.set_can_save(True)
    view.set_enabled(True, "")
    assert heard == [], "showing is not asking"
    return view, heard


def test_training_asks_for_what_the_kind_of_model_uses() -> None:
    view, heard = filled()
    view.labels.value = "leiden"
    view.seed.value = 3
    view.train.click()
    wish = dict(heard.pop()[1])
    assert wish.pop("params") == family("classifier").params().model_dump()
    labelled = {"labels": "leiden", "split": "random", "family": "classifier", "seed": 3}
    assert wish == {**labelled, "batch": "", "action": "", "control": ""}
    assert [shown(c) for c in (view.labels, view.scheme, view.batch, view.action)] == [
        True,
        True,
        False,
        False,
    ]

    view.family.value = "vae"
    assert heard.pop() == ("family_chosen", "vae")
    assert [shown(c) for c in (view.labels, view.scheme, view.batch, view.action)] == [
        False,
        False,
        True,
        False,
    ]
    view.batch.value = "section"
    view.train.click()
    assert {k: v for k, v in heard.pop()[1].items() if k not in ("params", "seed")} == {
        "labels": "", "split": "", "family": "vae", "batch": "section", "action": "", "control": "",
    }  # fmt: skip
    view.family.value = "shift"
    assert view.preflight.done() == ("guide", "non-targeting")
    assert "embedding" in view.train.tooltip


def test_a_kind_of_model_that_cannot_be_used_says_why_and_trains_nothing() -> None:
    view, heard = filled()
    words = [words for words, _ in view.family.options]
    assert words[2] == f"{MARKUP} (not here: scvi-tools is not installed.)"
    view.family.value = "scvi"
    assert heard == [], "the form stays that of a model that can be trained"
    assert view.train.disabled
    assert view.reason.text == "scvi-tools is not installed."
    assert view.preflight.question() == ("", "", "")
    view.set_enabled(True, "")
    assert view.train.disabled
    view.train.click()
    assert heard == []
    view.family.value = "classifier"
    assert not view.train.disabled
    assert view.reason.text == ""
    view.set_enabled(False, "Open data first.")
    assert view.train.disabled
    assert view.reason.text == "Open data first."


def test_bad_values_are_told_and_nothing_is_asked() -> None:
    view, heard = filled()
    view.form.fields["learning_rate"].control.value = "fast"
    view.train.click()
    assert heard == []
    assert "is not a number" in view.message.text


def test_while_it_trains_there_is_cancel_and_progress() -> None:
    view, heard = filled()
    view.set_busy(True)
    assert [shown(part) for part in (view.train, view.cancel, view.progress)] == [False, True, True]
    assert view.progress.value == 0
    view.set_progress(0.25)
    assert view.progress.value == 0.25
    view.cancel.click()
    assert heard == [("cancel_requested",)]
    view.set_busy(False)
    assert shown(view.train)


def test_the_loss_is_drawn_and_taken_away() -> None:
    view, _ = filled()
    drawn = ElementTree.fromstring(view.curve.value)
    assert drawn.tag.endswith("svg")
    assert shown(view.curve)
    view.set_busy(True)
    before = view.curve.value
    view.set_curve((Curve("fold 1", (1.0, 0.5, 0.4), (1.1,)),))
    assert view.curve.value == before, "a curve that grows is not sent at every step"
    view.set_busy(False)
    view.set_curve((Curve("fold 1", (1.0, 0.5, 0.4), (1.1,)),))
    assert view.curve.value != before
    view.set_curve(())
    assert not shown(view.curve)


def test_scores_never_stand_without_baselines() -> None:
    view, _ = filled()
    mine = MetricRow(MARKUP, 0.9, 0.8, 0.02, "blocks", False)
    view.set_metrics((mine,))
    assert not shown(view.metrics.widget)
    view.set_metrics((mine, MetricRow("majority", 0.4, 0.1, None, "blocks", True)))
    assert shown(view.metrics.widget)
    assert view.metrics.sheet.rows == [
        (MARKUP, "0.900", "0.800", "0.020"),
        ("majority", "0.400", "0.100", "-"),
    ]
    assert view.metrics.sheet._body["strong"] == [0]
    assert view.metrics.note.text == "Cells held out by: blocks"
    view.set_figures((), ())
    assert shown(view.metrics.widget), "no other figures leave the scores where they are"
    view.set_figures(("Poisson deviance",), (FigureRow("vae", (0.5,), False),))
    assert not shown(view.metrics.widget)
    rows = (FigureRow("vae", (0.5,), False), FigureRow("gene mean x size", (None,), True))
    view.set_figures(("Poisson deviance",), rows)
    assert view.metrics.sheet.rows[1] == ("gene mean x size", "-")
    assert "lower is better" in view.metrics.note.text


def test_models_are_kept_by_a_typed_path_and_groups_by_a_name() -> None:
    view, heard = filled()
    keeping = view.keeping
    keeping.save.click()
    assert heard == []
    assert "Type the path" in view.message.text
    keeping.path.value = "/x/model"
    keeping.save.click()
    keeping.load.click()
    assert heard == [("save_requested", Path("/x/model")), ("load_requested", Path("/x/model"))]
    keeping.group.click()
    keeping.group_name.value = " my cells "
    keeping.group.click()
    assert heard[2:] == [("group_requested", "my cells")]
    assert keeping.group_name.value == ""
    view.set_can_save(False)
    assert keeping.save.disabled


def test_it_says_what_opening_a_model_of_scvi_tools_runs_and_asks(tmp_path: Path) -> None:
    view, heard = filled()
    keeping, folder = view.keeping, tmp_path / "<b>saved"
    folder.mkdir()
    keeping.path.value = str(folder)
    keeping.scvi.click()
    assert "no model saved by scvi-tools" in view.message.text
    assert not shown(keeping.asked.widget)
    (folder / "model.pt").touch()
    keeping.scvi.click()
    assert shown(keeping.asked.widget)
    assert "nothing in the file is run" in keeping.asked.words.text
    assert "<b>saved" in keeping.asked.words.text
    assert "<b>saved" not in keeping.asked.words.value
    keeping.asked.no.click()
    keeping.asked.yes.click()
    assert heard == []
    keeping.scvi.click()
    keeping.asked.yes.click()
    assert heard == [("scvi_requested", folder)]
    assert not shown(keeping.asked.widget)


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    made.open_dataset(Dataset(planted_adata(n_cells=200, n_genes=30, seed=3)))
    yield made
    assert made.close()


def test_a_model_is_trained_saved_loaded_and_applied(session: Session, tmp_path: Path) -> None:
    view = JupyterModelView()
    presenter = PreflightPresenter(session, view.preflight, beside=ModelPresenter(session, view))
    assert view.labels.key == "label"
    assert view.scheme.key == "blocks"
    assert view.preflight.training.rows[0][0].startswith("✓ cells")
    session.update(selection=Category(ChannelRef.make("obs", "label"), ("K1",)))
    view.keeping.group_name.value = MARKUP
    view.keeping.group.click()
    assert session.grouping.names() == (MARKUP,)
    view.form.set_values({"max_epochs": 4})
    view.train.click()
    assert shown(view.cancel)
    assert session.jobs.wait_idle(300)
    assert session.bundle is not None
    assert shown(view.train)
    assert not shown(view.cancel)
    names = [row[0] for row in view.metrics.sheet.rows]
    assert names[0] == "classifier"
    assert {"majority", "logistic", "coordinates"} <= set(names)
    assert shown(view.curve)
    assert shown(view.preflight.applying_widget)

    view.keeping.path.value = str(tmp_path / "model")
    view.keeping.save.click()
    assert session.jobs.wait_idle(60)
    assert (tmp_path / "model" / "model.json").exists()
    view.keeping.load.click()
    assert session.jobs.wait_idle(60)
    view.preflight.apply.click()
    assert session.jobs.wait_idle(120)
    assert view.preflight.notes.text

    view.train.click()
    view.cancel.click()
    assert session.jobs.wait_idle(120)
    assert shown(view.train)
    assert view.metrics.sheet.rows[0][0] == "classifier", "figures of the kept model come back"
    presenter.close()
