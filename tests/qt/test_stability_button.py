"""The button that trains a model with other seeds: pressed, greyed with the reason, and its words."""

from __future__ import annotations

from typing import Any

import pytest

from glasscell.session import Session
from glasscell.testing.planted import planted_dataset

pytestmark = [pytest.mark.gui, pytest.mark.timeout(300)]
FAST = {"n_latent": 3, "hidden": 16, "decoder_hidden": 8, "max_epochs": 4, "batch_size": 32}


def test_pressing_it_says_how_stable_the_factor_is(qapp: Any) -> None:
    from glasscell.qt.traversal import QtTraversalView
    from glasscell.views.traversal_presenter import TraversalPresenter

    session = Session()
    dataset = planted_dataset(n_cells=120, n_genes=30)
    session.open_dataset(dataset)
    view = QtTraversalView()
    presenter = TraversalPresenter(session, view)
    view.widget.show()
    assert not view.measure.isEnabled()
    assert "Train a model with latent factors first" in view.measure.toolTip()
    session.fit(family="additive_vae", params=FAST)
    assert session.jobs.wait_idle(120)
    assert view.measure.isEnabled()
    session.traverse()
    assert session.jobs.wait_idle(60)
    view.slider_moved.emit(1, 4, False)
    assert session.jobs.wait_idle(60)
    assert "not measured" in view.stability.text()
    view.measure.click()
    assert not view.measure.isEnabled(), "once is enough"
    assert session.jobs.wait_idle(180)
    session.jobs.dispatcher.run_pending()
    assert view.stability.text() == session.latest("stability").words(1)
    assert "4 other seeds" in view.stability.text() or "carries nothing" in view.stability.text()
    assert view.measure.isEnabled(), view.measure.toolTip()
    presenter.close()
    view.widget.close()
    view.widget.deleteLater()
    assert session.close()
