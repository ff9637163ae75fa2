"""Names of genes, clusters, cells, columns and groups are text wherever an explorer shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .browser import Ear, until

pytestmark = [pytest.mark.browser]

EVIL = "<img src=x onerror='window.__pwned=1'>$x^2$"

START = f"""
import numpy as np
import glasscell
from glasscell.data.dataset import Dataset
from glasscell.testing.planted import planted_adata
evil = "{EVIL}"
adata = planted_adata(n_cells=120, n_genes=24, seed=2)
adata.var_names = [evil + name for name in adata.var_names]
adata.obs_names = [evil + "cell" + str(number) for number in range(adata.n_obs)]
adata.obs[evil + "kind"] = [evil + str(name) for name in adata.obs["label"]]
del adata.obs["label"]
adata.obsm["X_" + evil] = np.random.default_rng(0).normal(size=(adata.n_obs, 2))
ex = glasscell.explore(Dataset(adata))
ex
"""
LISTS = """
ex.select(list(adata.obs_names[:40]))
ex.session.grouping.add(evil + "group")
ex.session.grouping.annotate(evil + "note")
await ex.contrast("group:" + evil + "group")
display(ex.selection[:3], ex.dataset.obs.head(3), ex.session.state.groups[0].name)
"""
PANELS = ("Data", "Model", "Attribution", "Traversal", "Attention", "Perturbation", "Contrast", "Groups")


def shown(page: Any) -> str:
    """All text of what cells gave: what is written (folded away or not), offered and typed."""
    said = "[...document.querySelectorAll('.jp-OutputArea-output, option')].map(one => one.textContent)"
    typed = "[...document.querySelectorAll('.jp-OutputArea-output input')].map(one => one.value)"
    found: list[str] = page.evaluate(f"[...{said}, ...{typed}]")
    return "\n".join(found)


def harmless(page: Any) -> None:
    """No name has become an element, a formula or a deed."""
    assert page.evaluate("window.__pwned") is None
    assert page.locator("img[src='x']").count() == 0
    # JupyterLab itself typesets what pandas prints.
    assert page.locator(".jupyter-widgets mjx-container, .jupyter-widgets .MathJax").count() == 0


def over_a_cell(page: Any, ear: Ear, view: str, place: int) -> None:
    """Move the pointer onto a cell of a canvas."""
    box = page.locator(".renderview-wrapper").nth(place).bounding_box()
    scene = f"ex.layout.views['{view}'].canvas.scene"
    at = ear.value(f"ex.layout.views['{view}'].canvas.scene.camera.to_screen({places(view)}[:1]).tolist()[0]")
    assert ear.value(f"{scene}.n_cells")
    page.mouse.move(box["x"] + at[0] - 3, box["y"] + at[1] - 3)
    page.mouse.move(box["x"] + at[0], box["y"] + at[1])
    until(lambda: ear.value("ex.session.hovered_cell is not None"), 60, "a hovered cell")


def places(view: str) -> str:
    return "ex.dataset.positions_cd" if view == "Tissue" else "np.asarray(adata.obsm['X_' + evil])"


def test_every_name_is_text(notebook: Callable[..., Any]) -> None:
    page, ear = notebook("names.ipynb", START, LISTS, size=(1500, 1100))
    page.keyboard.press("Control+b")
    page.get_by_role("button", name="Lasso", exact=True).first.wait_for(timeout=300_000)
    until(lambda: ear.value("'ex' in globals() and ex.result is not None"), 300, "the contrast")
    for name in PANELS:
        page.get_by_role("button", name=name, exact=True).first.click()
        until(lambda name=name: ear.value(f"'{name}' in ex.layout.views"), 60, name)
        page.wait_for_timeout(150)
        harmless(page)
        if name == "Contrast":
            assert page.locator(".glasscell-sheet td", has_text=EVIL).count() > 3, "the genes that differ"
    text = shown(page)
    page.locator(".jp-CodeCell").nth(1).scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    text += shown(page)
    harmless(page)
    for name in ("group", "note", "cell0", "cell2", "kind"):
        assert EVIL + name in text, f"{name} is not written as it is called"

    page.locator(".jp-CodeCell").first.scroll_into_view_if_needed()
    for place, view in enumerate(("Tissue", "Embedding")):
        over_a_cell(page, ear, view, place)
        cell = ear.value("str(ex.dataset.cell_names[ex.session.hovered_cell])")
        assert cell.startswith(EVIL)
        until(lambda cell=cell: cell in shown(page), 60, "the caption with the name of the cell")
        harmless(page)

    page.get_by_placeholder("Colour by").first.fill("img")
    until(lambda: page.locator(".glasscell-sheet td", has_text=EVIL).count() > 3, 60, "what is found")
    page.get_by_placeholder("Colour by").first.fill("kind")
    page.locator(".glasscell-sheet td", has_text=EVIL + "kind").first.click()
    until(lambda: EVIL + "K1" in shown(page), 60, "the legend")
    harmless(page)

    # Drawn by the kernel with PIL: names of axes are pixels, and nothing of the page.
    genes = ear.value("list(map(str, ex.dataset.genes.names[:2]))")
    before = page.locator(".renderview-wrapper").nth(1).screenshot()
    ear.value(f"ex.layout.views['Embedding'].axis_names_requested.emit(*{genes!r}) and None")
    axes = "list(ex.layout.views['Embedding'].canvas.overlay.axes or ())"
    until(lambda: [EVIL in one for one in ear.value(axes)] == [True, True], 60, "the axes")
    until(lambda: page.locator(".renderview-wrapper").nth(1).screenshot() != before, 60, "the drawn names")
    harmless(page)
