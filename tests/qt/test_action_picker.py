"""Perturbations and their control are picked in the Model dock when the kind of model needs them."""

from __future__ import annotations

from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from glasscell.qt.model import QtModelView
from glasscell.views.row import FamilyRow

pytestmark = pytest.mark.gui


def test_picks_what_was_done_and_the_control(qtbot: QtBot) -> None:
    view = QtModelView()
    qtbot.addWidget(view.widget)
    view.widget.resize(340, 900)
    view.widget.show()
    asked: list[str] = []
    fits: list[dict[str, Any]] = []
    view.action_chosen.connect(asked.append)
    view.fit_requested.connect(fits.append)
    view.set_families(
        (
            FamilyRow("vae", "Auto-encoder", False, True, "for counts"),
            FamilyRow("svae", "Sparse shifts", False, True, "for perturbations", needs_action=True),
        )
    )
    view.set_actions(("condition", "<b>guide</b>"))
    view.set_controls(("KLF1", "control"), "control")
    view.set_enabled(True, "")
    assert not view.action.isVisible()
    assert view.preflight.done() == ("", "")
    view.family.setCurrentIndex(1)
    assert view.action.isVisible()
    assert view.control.isVisible()
    assert view.control.name() == "control"
    view.action.setCurrentIndex(1)
    assert asked[-1] == "<b>guide</b>", "names are plain text"
    assert view.preflight.done() == ("<b>guide</b>", "control")
    view.train.click()
    assert (fits[0]["family"], fits[0]["action"], fits[0]["control"]) == ("svae", "<b>guide</b>", "control")
