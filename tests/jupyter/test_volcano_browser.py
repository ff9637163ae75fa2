"""The volcano in a real browser: dots are hovered and clicked, the colours are of the page's theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .browser import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EVIL = "<b onclick=x>$x^2$"
DOTS = f"""
import numpy as np
from IPython.display import display
from glasscell.data.dataset import Dataset
from glasscell.jupyter.contrast import JupyterContrastView
from glasscell.jupyter.dispatcher import AsyncioDispatcher
from glasscell.session import Session
from glasscell.testing.planted import planted_adata
from glasscell.views.contrast_presenter import ContrastPresenter
adata = planted_adata(n_cells=200, n_genes=400, seed=2)
adata.var_names = ["{EVIL}" + name for name in adata.var_names]
session = Session(AsyncioDispatcher())
session.open_dataset(Dataset(adata))
view = JupyterContrastView()
presenter = ContrastPresenter(session, view)
session.contrast("label=K1", "label=K2", independent=True)
view.widget.layout.width = "360px"
display(view.widget)
"""


def at_dot(page: Any, ear: Any, gene: int) -> tuple[float, float]:
    box = page.locator(".glasscell-plot").bounding_box()
    x, y = ear.value(
        f"(lambda n, d: [float(np.frombuffer(d[4 * k:], '<f4', 1)[0]) for k in ({gene}, n + {gene})])"
        "(len(view.volcano.genes), view.volcano._dots)"
    )
    return box["x"] + x * box["width"] + 0.5, box["y"] + (1 - y) * box["height"]


def test_dots_are_read_and_clicked_in_the_theme_of_the_page(notebook: Callable[..., Any]) -> None:
    page, ear = notebook("dots.ipynb", DOTS, size=(1366, 1000))
    page.wait_for_selector(".glasscell-named", timeout=90_000)
    first = ear.value("int(session.latest('contrast').order_of('expression', 'a')[0])")
    name = ear.value(f"view.volcano.genes[{first}]")
    page.locator(".glasscell-plot").scroll_into_view_if_needed()
    page.mouse.move(*at_dot(page, ear, first))
    until(lambda: page.locator(".glasscell-said").inner_text() == name, 20, "the name of the dot")
    page.mouse.click(*at_dot(page, ear, first))
    until(lambda: ear.value("getattr(session.state.colouring.channel, 'key', '')") == name, 20, "the click")
    assert page.locator(".glasscell-plot b").count() == 0, "a name became markup"

    pixels = """() => { const one = document.querySelector('.glasscell-plot canvas');
        const all = one.getContext('2d').getImageData(0, 0, one.width, one.height).data;
        let clear = 0, inked = 0;
        for (let i = 3; i < all.length; i += 4) all[i] ? inked++ : clear++;
        return [clear, inked, one.width]; }"""
    clear, inked, wide = page.evaluate(pixels)
    assert clear > 5 * inked > 0, "the ground is the page's"
    assert wide > 200
    colour = "getComputedStyle(document.querySelector('.glasscell-named')).color"
    before = page.evaluate(colour)
    page.evaluate("document.body.style.setProperty('--jp-ui-font-color1', 'rgb(1, 200, 3)')")
    assert page.evaluate(colour) == "rgb(1, 200, 3)" != before
