"""A morning in a notebook, in a real browser: draw, zoom, search, train, cancel, explain."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .browser import Ear, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELLS = (
    "import glasscell\nex = glasscell.explore()\nex",
    "await ex.opening\nbundle = None\n_ = await ex.prepare({'n_neighbors': 10})",
)
#: Where the screenshots of the docs go when they are made anew; else beside the test.
PICTURES = "GLASSCELL_PICTURES"


class Walk:
    """The page with the explorer in it, and an ear in its kernel."""

    def __init__(self, page: Any, ear: Ear, pictures: Path) -> None:
        self.page, self.ear, self._pictures = page, ear, pictures

    def canvas(self, place: int) -> Any:
        """The tissue (0) or the embedding (1)."""
        return self.page.locator(".renderview-wrapper").nth(place)

    def press(self, words: str, place: int = 0) -> None:
        """Press one of the buttons that say this."""
        self.page.get_by_role("button", name=words, exact=True).nth(place).click()

    def box(self, place: int) -> Any:
        """Where a canvas lies on the screen."""
        return self.canvas(place).bounding_box()

    def lasso(self, place: int) -> None:
        """Draw round the left half of a canvas."""
        box = self.box(place)
        x0, y0, w, h = box["x"], box["y"], box["width"], box["height"]
        mouse = self.page.mouse
        mouse.move(x0 + 0.04 * w, y0 + 0.04 * h)
        mouse.down()
        for x, y in ((0.55, 0.04), (0.55, 0.96), (0.04, 0.96), (0.04, 0.1)):
            mouse.move(x0 + x * w, y0 + y * h, steps=6)
        mouse.up()

    def choose(self, words: str) -> None:
        """Choose this where it is offered."""
        offering = self.page.locator("select:visible", has=self.page.locator("option", has_text=words))
        offering.first.select_option(label=words)

    def settled(self, seconds: float = 120) -> None:
        """Wait until no job runs and a moment more for the frames."""
        until(lambda: not self.ear.value("len(ex.session.jobs.active)"), seconds, "an end of all jobs")
        self.page.wait_for_timeout(700)

    def picture(self, name: str) -> None:
        """Keep what is on the screen."""
        self.page.screenshot(path=self._pictures / f"notebook-{name}.png")


@pytest.fixture
def walk(notebook: Callable[..., Any], tmp_path: Path) -> Walk:
    """Open the explorer on the sample tissue, prepared."""
    page, ear = notebook("walk.ipynb", *CELLS, size=(1366, 900))
    page.keyboard.press("Control+b")  # room for the views
    page.get_by_role("button", name="Lasso", exact=True).first.wait_for(timeout=120_000)
    until(lambda: ear.value("'ex' in globals()"), 60, "the explorer")
    until(lambda: ear.value("bool(ex.session.dataset and ex.dataset.embeddings)"), 180, "the embedding")
    found = Walk(page, ear, Path(os.environ.get(PICTURES, tmp_path)))
    found.settled()
    page.locator(".jp-CodeCell").first.scroll_into_view_if_needed()
    return found


def test_a_morning(walk: Walk) -> None:
    page, ear = walk.page, walk.ear
    n_cells = ear.value("ex.dataset.n_cells")

    before = walk.canvas(0).screenshot()
    walk.press("Lasso", 1)
    walk.lasso(1)
    walk.settled()
    chosen = ear.value("len(ex.selection)")
    assert 0 < chosen < n_cells
    assert chosen == ear.value("int(ex.mask.sum())")
    assert walk.canvas(0).screenshot() != before, "the tissue does not show the selection"
    walk.picture("lasso")
    ear.value("ex.select(None)")

    middle = walk.box(0)
    page.mouse.click(middle["x"] + 0.3 * middle["width"], middle["y"] + 0.3 * middle["height"])
    wide = ear.value("ex.layout.views['Tissue'].canvas.scene.camera.pixel")
    for _ in range(8):
        page.mouse.wheel(0, -300)
        page.wait_for_timeout(60)
    walk.settled()
    assert ear.value("ex.layout.views['Tissue'].canvas.scene.camera.pixel") < wide / 4
    assert ear.value("ex.layout.views['Tissue'].canvas.scene.ready"), "the cells are not drawn at this zoom"
    walk.picture("zoom")
    walk.press("Home", 0)

    gene = ear.value("str(ex.dataset.genes.names[5])")
    page.get_by_placeholder("Colour by").first.fill(gene)
    page.locator(".glasscell-sheet td", has_text=gene).first.click()
    until(lambda: ear.value("ex.session.state.colouring.channel.key") == gene, 20, "the gene's colours")
    walk.settled()

    walk.press("Model")
    page.get_by_role("button", name="Train", exact=True).wait_for(timeout=120_000)
    walk.choose("layer")
    walk.press("Train")
    until(lambda: ear.value("len(ex.session.jobs.active)"), 30, "training")
    page.wait_for_timeout(1500)
    walk.picture("training")
    page.get_by_role("button", name="Cancel", exact=True).first.click()
    walk.settled()
    assert not ear.value("bool(ex.bundle)"), "the cancelled model is there"
    walk.press("Train")
    until(lambda: ear.value("bool(ex.bundle)"), 400, "a model")
    walk.settled(400)
    walk.picture("model")

    walk.press("Attribution")
    page.get_by_role("button", name="Explain", exact=True).click()
    until(lambda: ear.value("bool(ex.session.explanation)"), 240, "an explanation")
    walk.settled(240)
    before = walk.canvas(1).screenshot()
    ranked = ear.value("ex.layout.views['Attribution'].ranking.rows[0][0]")
    page.locator(".glasscell-sheet td", has_text=ranked).first.click()
    until(
        lambda: ear.value("ex.session.state.colouring.channel.kind") == "attribution", 30, "the attribution"
    )
    walk.settled()
    assert walk.canvas(1).screenshot() != before
    walk.picture("attribution")
