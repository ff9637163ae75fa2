"""The compare panel in a real browser: ticked, pointed at, drawn on; names are text."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from .browser import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EVIL = "<img src=x onerror='window.harmed=1'>$x^2$"
PANEL = f"""
from IPython.display import display
from glasscell.data.dataset import Dataset
from glasscell.jupyter.compare import JupyterCompareView
from glasscell.jupyter.dispatcher import AsyncioDispatcher
from glasscell.jupyter.home import settle
from glasscell.session import Session
from glasscell.testing.planted import planted_adata
from glasscell.testing.toy_comparison import toy_comparison
from glasscell.views.compare_presenter import ComparePresenter
from glasscell.views.pair_presenter import PairPresenter
adata = planted_adata(n_cells=400, n_genes=30, seed=2)
adata.obs["label"] = ["{EVIL}" + str(name) for name in adata.obs["label"]]
session = Session(AsyncioDispatcher())
settle(session.jobs)
session.open_dataset(Dataset(adata))
session.hold("comparison", toy_comparison(session.dataset))
view = JupyterCompareView(session.jobs.dispatcher, session.jobs)
view.theme = "light"
view.theme_changed.emit()
presenter = ComparePresenter(session, view, PairPresenter(session, view.pair))
view.widget.layout.width = "420px"
display(view.widget)
"""


def test_tick_point_and_draw(notebook: Callable[..., Any]) -> None:
    page, ear = notebook("compare.ipynb", PANEL, size=(1366, 2400))
    maps = page.locator(".renderview-wrapper")
    until(lambda: maps.count() == 3, 120, "three maps")
    page.locator("tr", has_text="SpaGCN").locator("input[type=checkbox]").first.click()
    until(lambda: "spagcn" in ear.value("view.ticked()"), 20, "the tick")
    page.get_by_text("Colour by difference").scroll_into_view_if_needed()
    left = maps.nth(0).bounding_box()
    until(lambda: ear.value("view.pair.canvases[0].scene._overview is not None"), 60, "the cells")
    x, y = ear.value(
        "(lambda c, p: [(p[0] - c.x) / c.pixel / c.width + 0.5, (p[1] - c.y) / c.pixel / c.height + 0.5])"
        "(view.pair.canvases[0].scene.camera, [float(v) for v in session.dataset.positions_cd[7]])"
    )
    page.mouse.move(left["x"] + 3, left["y"] + 3)
    page.mouse.move(left["x"] + x * left["width"], left["y"] + y * left["height"], steps=4)
    until(lambda: ear.value("session.hovered_cell") is not None, 20, "the pointer")
    until(lambda: ": left " in page.inner_text("body"), 20, "its values")
    assert ear.value("[c.overlay.mark is not None for c in view.pair.canvases]") == [True] * 3

    page.get_by_role("button", name="Rectangle").first.click()
    until(lambda: ear.value("view.pair.canvases[1].gesture.tool") == "rectangle", 20, "the tool in all")
    right = maps.nth(1).bounding_box()
    page.mouse.move(right["x"] + 4, right["y"] + 4)
    page.mouse.down()
    page.mouse.move(right["x"] + right["width"] / 2, right["y"] + right["height"] - 4, steps=6)
    page.mouse.up()
    until(lambda: 0 < ear.value("int(session.mask().sum())") < 400, 20, "the rectangle")
    page.get_by_role("button", name="Colour by difference").click()
    until(lambda: ear.value("session.state.colouring.channel.kind") == "difference", 20, "the colours")
    assert page.evaluate("window.harmed") is None
    assert page.locator(".jp-OutputArea-output img[src='x']").count() == 0
    folder = os.environ.get("GLASSCELL_PICTURES")
    if folder:
        page.locator(".jp-OutputArea-output").first.screenshot(path=f"{folder}/compare_notebook.png")
