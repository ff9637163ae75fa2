"""Traversal: C4, the Jacobian of a decoder; C5, a slider that recolours both views while it moves."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from tests.benchmarks.bench_recolour import Screen, wait_for
from tests.benchmarks.row import Row, text

IDS = ("C4", "C5")
MANY_GENES, N_LATENT, HIDDEN = 20_000, 10, 128
N_CELLS, N_GENES, FEW_CELLS = 4_000, 2_000, 4
FRAMES, TIMED_ROWS = 60, 1_000
FACTOR = 1


def decoder(n_genes: int) -> Any:
    """A published vae as it is before training: its speed does not depend on what it learnt."""
    import torch

    from glasscell.models.preprocessing import Preprocessing
    from glasscell.models.vae.family import INFO
    from glasscell.models.vae.model import VaeModel
    from glasscell.models.vae.network import VaeNetwork

    torch.manual_seed(0)
    network = VaeNetwork(n_genes, N_LATENT, hidden=HIDDEN)
    genes = tuple(f"GENE{g:05}" for g in range(n_genes))
    return VaeModel(network, INFO, genes, Preprocessing("lognorm", 1e4, "log1p normalised counts"))


def jacobian_rows() -> list[Row]:
    """One cell, 20,000 genes: one forward pass per latent against one backward pass per gene."""
    import torch

    from glasscell.explain.traversal.engine import jacobian
    from glasscell.models.cell_batch import CellBatch

    model = decoder(MANY_GENES)
    batch = CellBatch(torch.zeros(1, MANY_GENES), torch.zeros(1, dtype=torch.int64))
    latent_cz = torch.randn(1, N_LATENT, generator=torch.Generator().manual_seed(1))

    def ours() -> Any:
        return jacobian(lambda z: model.decode(z, batch), latent_cz)[0]

    def control() -> Any:
        leaf = latent_cz.clone().requires_grad_(True)
        decoded_g = model.decode(leaf, batch)[0]
        some = decoded_g[:TIMED_ROWS]
        rows = [torch.autograd.grad(one, leaf, retain_graph=True)[0][0] for one in some]
        return torch.stack(rows, dim=1)

    ours()
    times = []
    for _ in range(7):
        started = time.perf_counter()
        forward = ours()
        times.append(time.perf_counter() - started)
    started = time.perf_counter()
    reverse = control()
    control_s = (time.perf_counter() - started) * MANY_GENES / TIMED_ROWS
    ours_s = float(np.median(times))
    gap = float((forward[:, :TIMED_ROWS] - reverse).abs().max() / reverse.abs().max())
    ratio = control_s / ours_s if gap < 1e-4 else 0.0
    what = f"Jacobian of a decoder, {N_LATENT} latents to 20,000 genes"
    note = (
        f"{TIMED_ROWS:,} rows timed and taken twenty times; largest difference {gap:.1e} of the largest entry"
    )
    return [Row("C4", what, text(ours_s), f"reverse mode row by row {text(control_s)}", ratio, 50, note=note)]


def tissue(n_cells: int = N_CELLS) -> Any:
    """Cells with counts on a grid, and an embedding."""
    import anndata as ad
    from scipy import sparse

    from glasscell.data.dataset import Dataset

    rng = np.random.default_rng(0)
    side = int(np.ceil(np.sqrt(n_cells)))
    counts_cg = sparse.csr_matrix(rng.poisson(0.3, (n_cells, N_GENES)).astype(np.float32))
    adata = ad.AnnData(counts_cg)
    adata.var_names = [f"GENE{g:05}" for g in range(N_GENES)]
    adata.obs_names = [f"c{c}" for c in range(n_cells)]
    at = np.arange(n_cells)
    adata.obsm["spatial"] = np.stack([at % side, at // side], axis=1).astype(np.float64) * 10
    adata.obsm["X_umap"] = rng.normal(size=(n_cells, 2)).astype(np.float32)
    return Dataset(adata)


def bundle_of(dataset: Any) -> Any:
    """A model of these genes in a bundle."""
    from dataclasses import replace

    from glasscell.testing.toy_net import toy_bundle

    return replace(toy_bundle(dataset, [decoder(N_GENES)], [-1] * dataset.n_cells, ()), family="vae")


class Panel:
    """A window with the traversal dock in front."""

    def __init__(self, dataset: Any) -> None:
        from glasscell.plugin.window import open_window

        self.window = open_window()
        self.session = self.window.desk.session
        self.screen = Screen(self.window.viewer)
        self.dock = self.window.docks["Traversal"].view
        self.embedding = self.window.docks["Embedding"].view.canvas
        self.session.open_dataset(dataset)
        self.session.update(model=self.session.hold("bundle", bundle_of(dataset)))
        self.window.raise_dock("Traversal")
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is being worked out."""
        end = time.monotonic() + 0.5
        wait_for(lambda: time.monotonic() > end and not self.session.jobs.active, 120)

    def render(self) -> None:
        """Draw both views and the dock to the last pixel, also when Qt sees no need to."""
        from vispy import gloo

        before, native = self.screen.drawn, self.screen.native
        native.makeCurrent()
        native.paintGL()
        gloo.gl.glFinish()
        native.doneCurrent()
        if self.screen.drawn == before:
            raise RuntimeError("the canvas was not drawn, so there is nothing to time")
        self.embedding.repaint()
        self.dock.widget.repaint()

    def close(self) -> None:
        """Close the window."""
        self.window.viewer.close()


def frames(panel: Panel, move: Any) -> np.ndarray:
    """Move the slider step by step to and fro, draw, and return the seconds of each frame."""
    from qtpy.QtWidgets import QApplication

    inside = [*range(5, 24), *range(23, 4, -1)]
    times = []
    for number in range(FRAMES + 10):
        step = inside[number % len(inside)]
        started = time.perf_counter()
        move(step)
        panel.render()
        times.append(time.perf_counter() - started)
        QApplication.processEvents()
    return np.array(times[10:])


def slider_rows() -> list[Row]:
    """The slider over 4,000 cells against the same frame in a window with nothing to colour or look up."""
    dataset = tissue()
    full, empty = Panel(dataset), None
    try:
        full.dock.sweep.click()
        full.settle()
        found = full.session.latest("traversal")
        slider = full.dock.factors.sliders[FACTOR]
        queued, first_s = hurry(full, slider, found)
        empty = Panel(tissue(FEW_CELLS))
        few_colours = [np.full(FEW_CELLS + 1, 0xFF202020 + shade, np.uint32) for shade in range(2)]
        pictures = still_pictures(full, empty, found)

        def move(step: int) -> None:
            slider._go(step, moving=True, always=True)

        def move_empty(step: int) -> None:
            empty.dock.set_step(FACTOR, step, pictures[step])
            empty.window.desk.tissue.set_colours(few_colours[step % 2])
            empty.embedding.set_colours(few_colours[step % 2])

        rounds: list[tuple[float, float]] = []
        for _ in range(3):
            pair = (frames(full, move), frames(empty, move_empty))
            rounds.append((float(np.percentile(pair[0], 95)), float(np.percentile(pair[1], 95))))
        shown = full.session.state.colouring.channel.param("step")
    finally:
        full.close()
        if empty is not None:
            empty.close()
    ours_s, control_s = sorted(rounds, key=lambda pair: pair[0] / pair[1])[1]
    what = "traversal slider, both views redrawn, 4,000 cells, p95 of a frame"
    note = (
        f"median of 3 rounds of {FRAMES} frames; a gene not looked at before is shown after {text(first_s)}"
    )
    ratio = ours_s / control_s if shown is not None else float("inf")
    return [
        Row(
            "C5",
            what,
            text(ours_s),
            f"the same frame with empty data {text(control_s)}",
            ratio,
            2,
            False,
            note,
        ),
        Row(
            "C5",
            "slider positions waiting behind another",
            str(queued),
            "none but the last",
            queued,
            1,
            False,
        ),
    ]


def hurry(panel: Panel, slider: Any, found: Any) -> tuple[int, float]:
    """Drag over a factor nobody has decoded yet; return the most positions that waited, and the wait."""
    from qtpy.QtWidgets import QApplication

    most, started = 0, time.perf_counter()
    for step in range(5, 24):
        slider._go(step, moving=True, always=True)
        QApplication.processEvents()
        asked = [job for job in panel.session.jobs.active if job.title.startswith("Decode")]
        waiting = [job for job in asked if not job.title.endswith("ahead") and job._stop_as is None]
        most = max(most, len(waiting))
    state = panel.session.state.colouring

    def arrived() -> bool:
        channel = panel.session.state.colouring.channel
        return channel is not None and channel.kind == "traversal" and channel.param("step") == 23

    wait_for(arrived, 60)
    first_s = time.perf_counter() - started
    panel.settle()
    if state is None or found is None:
        raise RuntimeError("nothing was traversed")
    return most, first_s


def still_pictures(full: Panel, empty: Panel, found: Any) -> dict[int, Any]:
    """Give the empty window the same sliders, and what it shows at each step."""
    from glasscell.views.traversal_picture import step_picture, sweep_picture

    picture = sweep_picture(found)
    empty.dock.set_sweep(picture, picture.title)
    return {step: step_picture(found, FACTOR, step) for step in range(found.n_steps)}


def rows() -> list[Row]:
    """Measure both."""
    return [*jacobian_rows(), *slider_rows()]
