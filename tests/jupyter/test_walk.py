"""A morning in a notebook on real data, in a real browser: look, draw, zoom, search, train, move, explain."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from .browser import Ear, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.real_data]

#: Where the screenshots of the docs go when they are made anew; else beside the test.
PICTURES = "GLASSCELL_PICTURES"
TISSUE = "ex.layout.views['Tissue'].canvas"
#: Cells of a place on the canvas, per logical pixel, 0 for none.
CELLS_AT = (
    "[[0 if (cell := {t}.scene.pick(x + .5, y + .5)) is None else cell + 1 for x in range({x0}, {x1})]"
    " for y in range({y0}, {y1})]"
)


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

    def take(self, tool: str, place: int) -> None:
        """Take a pointer tool in hand; the kernel hears of it a moment later."""
        self.press(tool, place)
        view = ("Tissue", "Embedding")[place]
        held = f"ex.layout.views['{view}'].canvas.gesture.tool"
        until(lambda: self.ear.value(held) == tool.lower(), 60, tool)

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

    def settled(self, seconds: float = 300) -> None:
        """Wait until no job runs and a moment more for the frames."""
        until(lambda: not self.ear.value("len(ex.session.jobs.active)"), seconds, "an end of all jobs")
        self.page.wait_for_timeout(900)

    def pixels(self, place: int) -> NDArray[np.uint8]:
        """What a canvas shows, RGB."""
        shot = Image.open(io.BytesIO(self.canvas(place).screenshot()))
        return np.asarray(shot.convert("RGB"))

    def channel(self) -> str:
        """What kind of channel the cells are coloured by."""
        return str(self.ear.value("ex.session.state.colouring.channel.kind"))

    def picture(self, name: str) -> None:
        """Keep what is on the screen."""
        self.page.screenshot(path=self._pictures / f"notebook-{name}.png")


@pytest.fixture
def walk(notebook: Callable[..., Any], real_data: Callable[[str], Path], tmp_path: Path) -> Walk:
    """Open the explorer on real cells with masks and an embedding."""
    path = real_data("mibitof_crc.sdata.zarr")
    cells = (
        f"import glasscell\nex = glasscell.explore({str(path)!r})\nex",
        "await ex.opening\nbundle = None",
    )
    page, ear = notebook("walk.ipynb", *cells, size=(1366, 1250))
    page.keyboard.press("Control+b")  # room for the views
    page.get_by_role("button", name="Lasso", exact=True).first.wait_for(timeout=300_000)
    until(lambda: ear.value("'bundle' in globals()"), 300, "the data")
    found = Walk(page, ear, Path(os.environ.get(PICTURES, tmp_path)))
    found.settled()
    page.locator(".jp-CodeCell").first.scroll_into_view_if_needed()
    return found


def test_a_morning(walk: Walk) -> None:
    for step in (draw_round_cells, zoom_in, type_a_gene, train, move_a_factor, paint_a_reason, click_a_place):
        step(walk)


def draw_round_cells(walk: Walk) -> None:
    """A lasso in the embedding shows in the tissue, and in ``ex.selection``."""
    before = walk.pixels(0)
    walk.take("Lasso", 1)
    walk.lasso(1)
    until(lambda: walk.ear.value("len(ex.selection) < ex.dataset.n_cells"), 60, "a selection")
    walk.settled()
    n_cells, chosen = walk.ear.value("[ex.dataset.n_cells, len(ex.selection)]")
    assert 0 < chosen < n_cells
    assert walk.ear.value("int(ex.mask.sum())") == chosen
    assert walk.ear.value(
        "sorted(map(str, ex.selection)) == sorted(map(str, ex.dataset.cell_names[ex.mask]))"
    )
    assert (walk.pixels(0) != before).any(axis=2).mean() > 0.05, "the tissue does not show the selection"
    walk.picture("lasso")
    walk.ear.value("ex.select(None)")
    walk.settled()


def zoom_in(walk: Walk) -> None:
    """Close by, every pixel is wholly of one cell, up to the edges between cells."""
    page, ear = walk.page, walk.ear
    walk.take("Move", 0)
    middle = walk.box(0)
    x, y = middle["x"] + 0.27 * middle["width"], middle["y"] + 0.75 * middle["height"]
    page.mouse.click(x, y)
    wide = ear.value(f"{TISSUE}.scene.camera.pixel")
    for _ in range(60):
        page.mouse.wheel(0, -200)
        page.wait_for_timeout(60)
        if ear.value(f"{TISSUE}.scene.camera.pixel") < wide / 12:
            break
    walk.settled()
    assert ear.value(f"{TISSUE}.scene.ready")
    assert ear.value(f"{TISSUE}.scene.camera.pixel") < wide / 8
    walk.picture("zoom")
    crisp(walk)
    walk.press("Home", 0)
    walk.settled()
    assert abs(ear.value(f"{TISSUE}.scene.camera.pixel") / wide - 1) < 1e-6


def crisp(walk: Walk) -> None:
    """Compare what is on the screen with the colour of the cell at each pixel."""
    walk.page.mouse.move(3, 3)  # no ring round a cell
    walk.settled()
    shown = walk.pixels(0).astype(int)
    (x0, x1), (y0, y1) = ((size // 4, 3 * size // 4) for size in (shown.shape[1], shown.shape[0]))
    cells = np.array(walk.ear.value(CELLS_AT.format(t=TISSUE, x0=x0, x1=x1, y0=y0, y1=y1)))
    table = np.array(walk.ear.value(f"{TISSUE}.scene._table_u32.tolist()"), np.uint32)
    opaque = (table[cells] >> 24 == 255) & (cells > 0)
    assert opaque.mean() > 0.2, "few cells here: look elsewhere"
    sizes = np.bincount(cells[opaque])
    assert np.median(sizes[sizes > 0]) > 200, "cells are specks"
    wanted = np.stack([table[cells] >> shift & 255 for shift in (0, 8, 16)], axis=2).astype(int)
    # The page frames the canvas by a pixel.
    places = [(y0 + down, x0 + across) for down, across in np.ndindex(3, 3)]
    height, width = cells.shape
    offs = [np.abs(shown[y : y + height, x : x + width] - wanted).max(axis=2) for y, x in places]
    off = max(offs, key=lambda one: float((one[opaque] <= 1).mean()))
    right = float((off[opaque] <= 1).mean())
    assert right > 0.99, f"only {right:.3f} of the pixels are those of their cells"
    edge = (cells[:, :-1] != cells[:, 1:]) & opaque[:, :-1]
    assert edge.sum() > 50, "no cell ends here"
    sharp = float((off[:, :-1][edge] <= 1).mean())
    assert sharp > 0.97, f"edges of cells are blurred: {sharp:.3f} of their pixels are of one cell"


def type_a_gene(walk: Walk) -> None:
    """Typing finds a gene, and a click paints both views by it."""
    gene = walk.ear.value("str(ex.dataset.genes.names[5])")
    before = walk.pixels(0), walk.pixels(1)
    walk.page.get_by_placeholder("Colour by").first.fill(gene)
    walk.page.locator(".glasscell-sheet td", has_text=gene).first.click()
    until(lambda: walk.ear.value("ex.session.state.colouring.channel.key") == gene, 20, "the gene's colours")
    walk.settled()
    assert all((walk.pixels(place) != before[place]).any() for place in (0, 1))


def train(walk: Walk) -> None:
    """Training tells how far it is; cancelled, it leaves no model; left alone, it gives one."""
    page, ear = walk.page, walk.ear
    walk.press("Model")
    page.get_by_role("button", name="Train", exact=True).wait_for(timeout=300_000)
    walk.choose("Spatial attention")
    parameters = page.get_by_text("Parameters", exact=True).first
    parameters.click()
    title = re.compile(r"^\s*Most epochs\s*$")
    epochs = page.locator(".widget-hbox:visible").filter(has_text=title).locator("input").first
    epochs.fill("40")
    epochs.press("Tab")
    parameters.click()
    walk.press("Train")
    bar = page.locator(".progress-bar:visible").first
    until(lambda: bar.count() and bar.evaluate("bar => bar.offsetWidth") > 2, 300, "progress in the page")
    walk.picture("training")
    page.get_by_role("button", name="Cancel", exact=True).first.click()
    walk.settled()
    assert not ear.value("bool(ex.bundle)"), "the cancelled model is there"
    assert "CANCELLED" in ear.value("[str(job.outcome) for job in ex.session.jobs.jobs][-1]").upper()
    walk.press("Train")
    until(lambda: ear.value("bool(ex.bundle)"), 900, "a model")
    walk.settled(900)
    assert ear.value("ex.bundle.family") == "spatial_attention"
    walk.picture("model")


#: Rows of controls that are lower than what stands in them.
SQUASHED = """() => [...document.querySelectorAll('.jp-OutputArea .widget-hbox')].filter(
    row => row.offsetParent && row.scrollHeight > row.clientHeight + 4).map(row => row.innerText)"""


def move_a_factor(walk: Walk) -> None:
    """The slider of a factor repaints the tissue while it is dragged, and stays where it is let go."""
    page, ear = walk.page, walk.ear
    walk.press("Traversal")
    page.get_by_role("button", name="Sweep", exact=True).click()
    page.wait_for_selector(".glasscell-factor", timeout=300_000)
    walk.settled()
    before = walk.pixels(0)
    track = page.locator(".glasscell-place").first
    track.scroll_into_view_if_needed()
    box = track.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.5 * box["width"], y)
    page.mouse.down()
    for share in (0.55, 0.6, 0.65, 0.7, 0.75):
        page.mouse.move(box["x"] + share * box["width"], y)
        page.wait_for_timeout(120)
    page.mouse.up()
    until(lambda: walk.channel() == "traversal", 60, "what the factor does")
    walk.settled()
    assert page.evaluate(SQUASHED) == []
    assert ear.value("ex.session.lit_cells is not None and len(ex.session.lit_cells) > 0")
    page.locator(".jp-CodeCell").first.scroll_into_view_if_needed()
    assert (walk.pixels(0) != before).any(axis=2).mean() > 0.02
    walk.picture("traversal")


def paint_a_reason(walk: Walk) -> None:
    """A click in the ranking paints the attribution of a gene to the selected cells."""
    page, ear = walk.page, walk.ear
    ear.value("ex.select(list(range(0, ex.dataset.n_cells, 12)))")
    walk.press("Attribution")
    page.get_by_role("button", name="Explain", exact=True).wait_for()
    walk.choose("selected cells")
    page.get_by_role("button", name="Explain", exact=True).click()
    until(lambda: ear.value("bool(ex.session.explanation)"), 600, "an explanation")
    walk.settled(600)
    before = walk.pixels(1)
    ranked = ear.value("ex.layout.views['Attribution'].ranking.rows[0][0]")
    page.locator(".glasscell-sheet:visible td", has_text=ranked).first.click()
    until(lambda: walk.channel() == "attribution", 60, "the attribution")
    walk.settled()
    assert (walk.pixels(1) != before).any()
    walk.picture("attribution")


def click_a_place(walk: Walk) -> None:
    """A click on the heatmap of attention paints how each cell attends to that group."""
    page, ear = walk.page, walk.ear
    ear.value("ex.select(None)")
    walk.press("Attention")
    page.get_by_role("button", name="Show attention", exact=True).click()
    page.wait_for_selector(".glasscell-fixed th.glasscell-heat", timeout=600_000)
    walk.settled(600)
    before = walk.pixels(0)
    heat = page.locator(".glasscell-fixed:visible td.glasscell-heat[data-row='2']").last
    heat.scroll_into_view_if_needed()
    heat.click()
    until(lambda: walk.channel() == "attention", 60, "the attention")
    walk.settled()
    until(lambda: page.locator("td.glasscell-marked").count() > 0, 60, "the frame of the place")
    page.locator(".jp-CodeCell").first.scroll_into_view_if_needed()
    assert (walk.pixels(0) != before).any(axis=2).mean() > 0.02
    assert ear.value("ex.result is ex.session.latest('attention')")
    walk.picture("attention")
