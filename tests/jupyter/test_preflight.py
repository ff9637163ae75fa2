"""The check before training in a notebook, and the button that applies the model."""

from __future__ import annotations

from typing import Any

import pytest

from glasscell.models.gene_match import IGNORE_CASE
from glasscell.models.preflight import PreflightLine

pytest.importorskip("ipywidgets")
from glasscell.jupyter.model import JupyterModelView
from glasscell.jupyter.preflight import JupyterPreflightView

YES = PreflightLine("cells", "yes", "200 cells.")
NO = PreflightLine("counts", "no", "No <b>counts</b>: choose the layer.")
FEW = PreflightLine("genes", "no", "3 of 40 genes are in the file.")


def told(view: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for name in ("asked", "apply_requested", "terms_changed"):
        signal = getattr(view, name)
        signal.connect(lambda *values, name=name: found.append((name, *values)), check_nargs=False)
    return found


def shown(widget: Any) -> bool:
    return widget.layout.display != "none"


def test_what_is_in_order_takes_one_line_and_the_rest_its_sentence() -> None:
    view = JupyterPreflightView()
    heard = told(view)
    view.set_training("Train", (YES, NO, PreflightLine("labels", "yes", "label: 3 classes.")))
    assert view.training.rows == [("✓ cells, labels",), ("✕ counts: No <b>counts</b>: choose the layer.",)]
    assert view.training._body["warned"] == [[1, 0]]
    assert shown(view.widget)
    view.set_training("", ())
    assert not shown(view.widget)
    assert heard == []


def test_apply_is_offered_unless_something_no_setting_can_mend() -> None:
    view = JupyterPreflightView()
    heard = told(view)
    assert not shown(view.applying_widget)
    view.set_applying("Apply", (YES, NO))
    assert shown(view.applying_widget)
    view.apply.click()
    assert view.apply.disabled
    assert heard == []
    view.set_applying("Apply", (YES, FEW))
    view.ignore_case.value = True
    view.overlap.value = 0.1
    view.apply.click()
    assert heard == [
        ("terms_changed", IGNORE_CASE, 0.5),
        ("terms_changed", IGNORE_CASE, 0.1),
        ("apply_requested", IGNORE_CASE, 0.1),
    ]
    assert view.applying_widget.selected_index is None
    view.set_notes(("24 of 40 genes.", "Two <i>classes</i>."))
    assert view.notes.text == "24 of 40 genes. Two <i>classes</i>."
    assert view.applying_widget.selected_index == 0, "what is to be known is not folded away"


def test_the_panel_says_what_would_be_trained() -> None:
    view = JupyterModelView()
    heard = told(view.preflight)
    view.set_labels(("layer", "type"))
    assert heard == []
    view.labels.value = "type"
    assert heard == [("asked",)]
    assert view.preflight.question() == ("", "type", "")
    assert view.preflight.done() == ("", "")
