"""The check and the apply button inside the Model dock."""

import pytest
from qtpy.QtWidgets import QApplication

from glasscell.models.gene_match import IGNORE_CASE
from glasscell.models.preflight import PreflightLine
from glasscell.qt.model import QtModelView
from glasscell.qt.preflight import QtPreflightView

pytestmark = pytest.mark.gui
YES = PreflightLine("cells", "yes", "200 cells.")
NO = PreflightLine("counts", "no", "No <b>counts</b>: choose the layer.")
FEW = PreflightLine("genes", "no", "3 of 40 genes are in the file.")


def test_what_is_in_order_takes_one_line_and_the_rest_its_sentence(qapp: QApplication) -> None:
    view = QtPreflightView(lambda: ("", "", ""))
    view.set_training("Train", (YES, NO, PreflightLine("labels", "yes", "label: 3 classes.")))
    assert len(view.training.texts) == 2
    assert "cells, labels" in view.training.texts[0]
    assert "<b>counts</b>" in view.training.texts[1]
    assert not view._training_fold.isHidden()
    view.set_training("", ())
    assert view._training_fold.isHidden()


def test_apply_is_offered_unless_something_no_setting_can_mend(qapp: QApplication) -> None:
    view = QtPreflightView(lambda: ("", "", ""))
    heard: list[tuple[str, float]] = []
    view.apply_requested.connect(lambda rename, overlap: heard.append((rename, overlap)))
    view.set_applying("Apply", (YES, NO))
    assert not view.apply.isEnabled()
    view.set_applying("Apply", (YES, FEW))
    assert view.apply.isEnabled()
    view.ignore_case.setChecked(True)
    view.overlap.setValue(0.1)
    view.apply.click()
    assert heard == [(IGNORE_CASE, 0.1)]
    view.set_notes(("24 of 40 genes.",))
    assert not view.notes.isHidden()


def test_the_dock_says_what_would_be_trained(qapp: QApplication) -> None:
    view = QtModelView()
    view.set_labels(("layer", "type"))
    asked: list[int] = []
    view.preflight.asked.connect(lambda: asked.append(1))
    view.labels.setCurrentIndex(1)
    assert asked == [1]
    assert view.preflight.question()[1] == "type"
