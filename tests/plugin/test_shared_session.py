"""A window opened from a notebook shows the notebook's session, and leaves it when it is closed."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

from glasscell.data.selection import Cells, Everything
from glasscell.jupyter.dispatcher import AsyncioDispatcher
from glasscell.plugin.window import open_window
from glasscell.session import Session
from glasscell.testing.fake_views import FakeTissueView
from glasscell.views.tissue_presenter import TissuePresenter

from .conftest import canvas_pixels, close, drag, settled, spin
from .test_main_job import half_outline

pytestmark = [pytest.mark.gui]


def test_what_is_lassoed_in_one_is_selected_in_the_other(qapp: Any) -> None:
    from glasscell.data.read import read
    from glasscell.data.sample import sample_path

    loop = asyncio.new_event_loop()
    session = Session(AsyncioDispatcher(loop))
    notebook = FakeTissueView()
    presenter = TissuePresenter(session, notebook)
    session.open_dataset(read(sample_path()))
    shown = open_window(shared=session)
    desk = shown.desk
    spin(0.1)
    settled(desk)
    assert desk.session is session
    before = canvas_pixels(shown.viewer)
    colours = notebook.count("colours")

    shown.docks["Tissue"].view.widget.choose_tool("lasso")
    drag(desk, half_outline(session.dataset.positions_cd, True))
    settled(desk)
    assert 0.2 < session.mask().mean() < 0.8
    assert notebook.count("colours") > colours, "the notebook's view does not follow"
    assert (canvas_pixels(shown.viewer) != before).any()

    session.update(selection=Everything())
    settled(desk)
    assert np.array_equal(canvas_pixels(shown.viewer), before), "the window does not follow"

    close(shown.viewer)
    spin(0.1)
    assert session.mask().all(), "the session has gone with the window"
    job = session.jobs.submit(lambda job: 7, title="after the window", lane="io")
    ended: list[Any] = []
    job.finished.connect(ended.append)
    job._ended.wait(10)
    for _ in range(3):
        loop.run_until_complete(asyncio.sleep(0.01))
    assert ended, "the loop does not bring the session's calls again"
    assert job.result == 7
    presenter.close()
    assert session.close()
    loop.close()


def test_the_window_keeps_a_session_that_the_notebook_has_closed(qapp: Any) -> None:
    from glasscell.jupyter.explorer import LEFT, explore
    from glasscell.testing.planted import tiny_dataset

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    explorer = explore(tiny_dataset(n_cells=80))
    session = explorer.session
    shown = open_window(shared=session)
    desk = shown.desk
    settled(desk)
    assert desk.running() == (), "nothing is lost with the window while the notebook shows the session"
    explorer.close()
    assert not session.jobs.closed, "the data have gone from under the window"
    assert session.messages[-1].text == LEFT
    session.update(selection=Cells(np.arange(20, dtype=np.int32)))
    settled(desk)
    assert session.mask().sum() == 20
    held = threading.Event()
    job = session.jobs.submit(lambda job: held.wait(10), title="Long", lane="io")
    assert desk.running() == ("Long",), "the last that shows a session is asked before jobs are stopped"
    held.set()
    job._ended.wait(10)
    settled(desk)
    close(shown.viewer)
    spin(0.1)
    assert session.jobs.closed
    asyncio.set_event_loop(None)
    loop.close()
