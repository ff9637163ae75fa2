"""The panels that explain, in a real browser: drag a factor, click an attended place; names are text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .browser import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EVIL = "<img src=x onerror='window.harmed=1'>$x^2$"

START = f"""
import numpy as np
from dataclasses import replace
from IPython.display import display
from glasscell.data.dataset import Dataset
from glasscell.jupyter.dispatcher import AsyncioDispatcher
from glasscell.session import Session
from glasscell.testing.planted import planted_adata
from glasscell.testing.toy_latent import ToyLatent, latent_bundle
evil = "{EVIL}"
adata = planted_adata(n_cells=120, n_genes=40, seed=2)
adata.var_names = [evil + name for name in adata.var_names]
adata.obs["label"] = [evil + str(name) for name in adata.obs["label"]]
session = Session(AsyncioDispatcher())
session.open_dataset(Dataset(adata))
names = [str(name) for name in session.dataset.genes.names]
def shown(view):
    view.widget.layout.width = "400px"
    display(view.widget)
"""
FACTORS = """
from glasscell.jupyter.traversal import JupyterTraversalView
from glasscell.views.traversal_presenter import TraversalPresenter
weights_zg = np.random.default_rng(0).normal(size=(3, 40), scale=0.3)
net = ToyLatent(weights_zg, names, latent_names=(evil, "B", "C"))
session.update(model=session.hold("bundle", replace(latent_bundle(session.dataset, net), family="vae")))
view = JupyterTraversalView()
presenter = TraversalPresenter(session, view)
heard = []
view.slider_moved.connect(lambda *said: heard.append(said))
shown(view)
"""
PLACES = """
from glasscell.jupyter.attention import JupyterAttentionView
from glasscell.models.registry import FAMILIES
from glasscell.testing.attending_family import TOKEN_FAMILY, attending_bundle
from glasscell.views.attention_presenter import AttentionPresenter
FAMILIES.register(TOKEN_FAMILY)
session.update(model=session.hold("bundle", attending_bundle(session.dataset, "label", "tokens", sets=8)))
view = JupyterAttentionView()
presenter = AttentionPresenter(session, view)
view.form.fields["removal_cells"].control.value = 3
heard = []
view.place_clicked.connect(lambda *said: heard.append(said))
shown(view)
"""


def harmless(page: Any) -> None:
    assert page.evaluate("window.harmed") is None
    assert page.locator(".jp-OutputArea-output img[src='x']").count() == 0
    assert page.locator(".jp-OutputArea-output mjx-container").count() == 0


def test_a_factor_is_dragged_and_let_go(notebook: Callable[..., Any]) -> None:
    page, ear = notebook("factors.ipynb", START, FACTORS, size=(1366, 1400))
    page.get_by_role("button", name="Sweep").click(timeout=90_000)
    page.wait_for_selector(".glasscell-factor", timeout=60_000)
    box = page.locator(".glasscell-place").first.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.5 * box["width"], middle)
    page.mouse.down()
    for share in (0.55, 0.6, 0.65, 0.7):
        page.mouse.move(box["x"] + share * box["width"], middle)
        page.wait_for_timeout(60)
    page.mouse.up()
    until(lambda: ear.value("bool(heard) and not heard[-1][2]"), 20, "the handle let go")
    heard = ear.value("heard")
    assert [moving for _, _, moving in heard].count(False) == 1
    assert len(heard) > 1, "told while it is dragged"
    assert heard[-1][1] == ear.value("view.factors._steps[0]")
    assert page.locator(".glasscell-name").first.inner_text() in (EVIL, "B", "C")
    until(lambda: page.locator("td.glasscell-text").count() > 8, 20, "the bars")
    page.locator(".glasscell-place input").nth(1).focus()
    page.keyboard.press("ArrowRight")
    until(lambda: ear.value("view.factors._active == view.factors.rows[1].factor"), 20, "the key")
    harmless(page)


def test_an_attended_place_is_clicked(notebook: Callable[..., Any]) -> None:
    page, ear = notebook("places.ipynb", START, PLACES, size=(1366, 1400))
    page.get_by_role("button", name="Show attention").click(timeout=90_000)
    heat = page.locator(".glasscell-fixed td.glasscell-heat[data-row='2']")
    page.wait_for_selector(".glasscell-fixed th.glasscell-heat", timeout=60_000)
    last = heat.last
    last.hover()
    until(lambda: "x uniform. Removed:" in ear.value("view.place.text"), 20, "the words")
    last.click()
    until(lambda: ear.value("len(heard)"), 20, "the click")
    group, token, panel = ear.value("heard[0]")
    assert panel == "removed"
    assert ear.value("session.state.colouring.channel.key") == token
    until(lambda: page.locator("td.glasscell-marked").count() == 2, 20, "the frame in both tables")
    shades = page.locator("td.glasscell-marked").evaluate_all("all => all.map(one => one.style.background)")
    assert len(shades) == 2
    assert all(shade.startswith("rgb") for shade in shades)
    assert EVIL in group
    harmless(page)
