"""N1-N4: a million cells in a notebook: a recolour, a selection, panning, and the largest message.

Measured at the websocket of a real browser on loopback. The kernel draws, so a recolour is one frame and a
selection is the outline that was drawn; the mask is made where the cells are.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.row import Row
from tests.jupyter.browser import CHROMIUM, FLAGS, Ear, Lab, run_all, until

IDS = ("N1", "N2", "N3", "N4")
N_CELLS = 1_000_000
#: Bytes a recolour may send, and the largest message that the server lets through.
RECOLOUR_BYTES, SERVER_LIMIT = 1.1e6, 10 * 1024 * 1024
QUOTED = float("inf")
OPEN = f"""
import anndata as ad, numpy as np, glasscell
from scipy import sparse
rng = np.random.default_rng(0)
n = {N_CELLS}
blob = rng.integers(0, 20, n)
places = rng.normal(size=(20, 2))[blob] * 8 + rng.normal(size=(n, 2))
values = np.stack([blob, rng.gamma(2.0, 1.0, n), rng.random(n)], axis=1).astype(np.float32)
adata = ad.AnnData(sparse.csr_matrix(values))
adata.var_names = ["g0", "g1", "g2"]
adata.obsm["X_umap"] = places
ex = glasscell.explore(adata)
from glasscell.jupyter.frame import Frame
from IPython.display import display
paper = np.full((60, 420, 3), 255, np.uint8)
blank = Frame(lambda: paper, ex.session.jobs.dispatcher, height="60px")
display(blank, ex)
"""
TRIPS = """
import asyncio, time
frame = ex.layout.views["Embedding"].canvas.frame

async def trip(frame, change):
    await taken(frame, frame._rfb_frame_index)
    before, started = frame._rfb_frame_index, time.perf_counter()
    change()
    await taken(frame, before + 1)
    return time.perf_counter() - started

async def taken(frame, index):
    end = time.perf_counter() + 10
    while frame._frame_feedback.get("index", 0) < index and time.perf_counter() < end:
        await asyncio.sleep(0.002)

trips, blanks, windows = [], [], []
await asyncio.sleep(3)
for turn in range(5):
    windows.append([time.time(), 0])
    trips.append(await trip(frame, lambda: ex.colour(f"gene:g{turn % 3}")))
    await asyncio.sleep(2)
    windows[-1][1] = time.time()
    blanks.append(await trip(blank, blank.request_draw))
    await asyncio.sleep(0.5)
print("trips", "are done")
"""


class Wire:
    """What passed the websocket of a page: when, and how many bytes."""

    def __init__(self, page: Any) -> None:
        self.sent: list[tuple[float, int]] = []
        self.received: list[tuple[float, int]] = []
        page.on("websocket", self._on_socket)

    def _on_socket(self, socket: Any) -> None:
        socket.on("framesent", lambda load: self.sent.append((time.time(), len(load))))
        socket.on("framereceived", lambda load: self.received.append((time.time(), len(load))))


def drag(page: Any, box: Any, path: Any, pause_ms: float = 0.0) -> None:
    """Drag along places of a box, each 0 to 1 across and down."""
    spots = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*spot)
        page.wait_for_timeout(pause_ms)
    page.mouse.up()


def measure(page: Any, wire: Wire, ear: Ear) -> list[Row]:
    """Press, look and count."""
    trips, blanks, windows = (ear.value(name) for name in ("trips", "blanks", "windows"))
    each = [sum(size for at, size in wire.received if a <= at <= b) for a, b in windows]
    if min(each) < 10_000:
        raise RuntimeError(f"A recolour sent {min(each)} bytes: no frame was seen on the wire.")
    first, empty = sorted(trips)[len(trips) // 2], sorted(blanks)[len(blanks) // 2]
    page.locator(".jp-CodeCell").first.scroll_into_view_if_needed()
    box = page.locator(".renderview-wrapper").nth(2).bounding_box()

    index = "ex.layout.views['Embedding'].canvas.frame._rfb_frame_index"
    before, started = ear.value(index), time.time()
    there = [(0.3 + 0.01 * step, 0.5) for step in range(41)]
    drag(page, box, [*there, *there[::-1]], pause_ms=16)
    lasted = time.time() - started
    frames = (ear.value(index) - before) / lasted
    page.get_by_role("button", name="Home", exact=True).nth(1).click()
    page.get_by_role("button", name="Lasso", exact=True).nth(1).click()
    page.wait_for_timeout(1000)
    n_sent = len(wire.sent)
    drag(page, box, [(0.02, 0.02), (0.58, 0.02), (0.58, 0.98), (0.02, 0.98), (0.02, 0.1)], pause_ms=30)
    chosen = until(lambda: ear.value("int(ex.mask.sum()) % ex.dataset.n_cells"), 30, "a selection")
    page.wait_for_timeout(1000)
    outline = max(size for _, size in wire.sent[n_sent:])
    largest = max(size for _, size in (*wire.sent, *wire.received))
    return [
        Row(
            "N1",
            f"{N_CELLS:,} cells recoloured: bytes to the page",
            f"{max(each) / 1e6:.2f} MB",
            f"limit {RECOLOUR_BYTES / 1e6:.1f} MB",
            max(each),
            RECOLOUR_BYTES,
            at_least=False,
            note=f"{', '.join(f'{size / 1e6:.2f}' for size in each)} MB, with the frame that stands",
        ),
        Row(
            "N1",
            "the same: asked for until the page has it (quoted)",
            f"{first * 1e3:.0f} ms",
            f"an empty frame {empty * 1e3:.0f} ms",
            first / empty,
            QUOTED,
            at_least=False,
        ),
        Row(
            "N2",
            f"a lasso of {chosen:,} cells: largest message to the kernel",
            f"{outline:,} bytes",
            f"a bit per cell {N_CELLS // 8:,} bytes",
            outline,
            N_CELLS / 8,
            at_least=False,
            note="only places of the pointer are sent; the mask is made by the kernel",
        ),
        Row(
            "N3",
            "panning: frames a second (quoted)",
            f"{frames:.0f} frames/s",
            f"{len(there) * 2 / lasted:.0f} moves/s",
            frames,
            0.0,
        ),
        Row(
            "N4",
            "largest message of all",
            f"{largest / 1e6:.2f} MB",
            f"the server's limit {SERVER_LIMIT / 1e6:.1f} MB",
            largest,
            SERVER_LIMIT,
            at_least=False,
        ),
    ]


def rows() -> list[Row]:
    """Open a million cells in a real JupyterLab."""
    from playwright.sync_api import sync_playwright

    lab = Lab(Path(tempfile.mkdtemp(prefix="glasscell-notebook-")))
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            page = browser.new_page(viewport={"width": 1366, "height": 900})
            wire = Wire(page)
            run_all(page, lab.write("million.ipynb", OPEN, TRIPS))
            page.keyboard.press("Control+b")
            page.get_by_text("trips are done").wait_for(timeout=240_000)  # events are dated while it waits
            ear = lab.kernel("million.ipynb")
            try:
                return measure(page, wire, ear)
            finally:
                ear.close()
                browser.close()
    finally:
        lab.close()
