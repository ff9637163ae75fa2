"""Gene sets as latents in the window, on real cells: train, cancel, train, save, load, sweep, find, paint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.read import read

from .conftest import settled, spin, wait
from .test_attention_dock import press

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(1800)]
INTERFERON = "REACTOME_INTERFERON_ALPHA_BETA_SIGNALING"
SMALL = {"min_genes": 12, "hidden": 32, "group_lasso": 0.1, "learning_rate": 2e-2, "warm_up": 3}


@pytest.fixture
def some_cells(real_data: Callable[[str], Path], tmp_path: Path) -> Path:
    """Six hundred of the cells, stimulated and not."""
    whole = read(real_data("kang_labelled_1556x1267.h5ad")).adata
    few = np.sort(np.random.default_rng(0).permutation(whole.n_obs)[:600])
    path = tmp_path / "kang.h5ad"
    whole[few].copy().write_h5ad(path)
    return path


@pytest.fixture
def some_sets(real_data: Callable[[str], Path], tmp_path: Path) -> Path:
    """Interferon signalling and sixty other sets of the file."""
    lines = real_data("gene_sets/reactome_v4_vega.gmt").read_text().splitlines()
    sized = [line for line in lines if 40 < line.count("\t") < 250]
    kept = [line for place, line in enumerate(sized) if place % 3 == 0 or "INTERFERON" in line]
    path = tmp_path / "some.gmt"
    path.write_text("\n".join(kept))
    return path


def train(made: Any, gmt: Path) -> Any:
    """Train by the buttons of the Model dock, cancel, and train again."""
    session = made.desk.session
    made.raise_dock("Model")
    spin(0.05)
    view = made.docks["Model"].view
    view.family.setCurrentIndex(view.family.findData("pathway_vae"))
    view.form.set_values({**SMALL, "gene_sets": str(gmt), "max_epochs": 5000, "patience": 900})
    press(view.train)
    job = next(job for job in session.jobs.active if job.lane == "train")
    wait(lambda: job.progress.fraction or job.is_finished, 600, "the first epoch")
    press(view.cancel)
    wait(lambda: job.is_finished, 120, "the cancel")
    assert job.outcome.value == "cancelled"
    assert session.bundle is None
    view.form.set_values({"max_epochs": 12})
    press(view.train)
    wait(lambda: not session.jobs.active, 800, "training, the twin and a map of the latents")
    settled(made.desk)
    assert session.bundle.family == "pathway_vae"
    assert session.bundle.twin is not None
    return view


def test_pathways_of_stimulated_cells(
    window: Callable[..., Any], some_cells: Path, some_sets: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    made = window(some_cells)
    settled(made.desk)
    session = made.desk.session
    model = train(made, some_sets)
    trained = session.bundle
    place = str(tmp_path / "model")
    for name in ("getSaveFileName", "getExistingDirectory"):
        answer = (place, "") if name == "getSaveFileName" else place
        monkeypatch.setattr(f"glasscell.qt.model.QFileDialog.{name}", lambda *_, answer=answer: answer)
    press(model.save)
    settled(made.desk)
    press(model.load)
    settled(made.desk)
    assert session.bundle is not trained
    assert session.bundle.fingerprint == trained.fingerprint
    np.testing.assert_array_equal(session.bundle.cells.latent_cz, trained.cells.latent_cz)

    made.raise_dock("Traversal")
    made.raise_dock("Embedding")
    spin(0.1)
    dock = made.docks["Traversal"].view
    keys = [dock.start.itemData(place) for place in range(dock.start.count())]
    stim = next(key for key in keys if key.endswith("=stim"))
    dock.start.setCurrentIndex(dock.start.findData(stim))
    press(dock.sweep)
    settled(made.desk)
    found = session.latest("traversal")
    assert found.named
    assert len(dock.factors.sliders) == len(found.factors) > 20
    dock.factors.find.setText("interferon_alpha")
    spin(0.05)
    shown = {slider.row.title for slider in dock.factors.sliders.values() if slider.isVisible()}
    assert INTERFERON in shown
    assert all("INTERFERON_ALPHA" in title for title in shown)
    factor = found.names.index(INTERFERON)
    slider = dock.factors.sliders[found.factors[factor]]
    assert slider.row.activity > 0.3, "stimulated cells have more of it than all cells"
    slider.name_clicked.emit(slider.row.factor)
    settled(made.desk)
    channel = session.state.colouring.channel
    assert (channel.kind, channel.key) == ("latent", INTERFERON)
