"""A cell-graph model in the real window: cancelled, trained, coloured by, saved, loaded, explained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import search_for, settled, spin, wait

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(900)]
SHORT = {
    "hidden": 16,
    "n_latent": 2,  # drawn as they are
    "max_epochs": 1,
    "rounds": 2,
    "graph_epochs": 5,
    "cluster_epochs": 1,
    "refine_epochs": 1,
    "starts": 1,
    "n_clusters": 3,
}


@pytest.fixture
def blood(real_data: Callable[[str], Path], tmp_path: Path) -> Path:
    """Every eighth cell and the 200 genes seen most, so that a round takes seconds."""
    import anndata as ad

    whole = ad.read_h5ad(real_data("pbmc3k.h5ad"))
    total = np.asarray(whole.X.sum(axis=0)).ravel()
    some = whole[::8, np.sort(np.argsort(-total)[:200])].copy()
    path = tmp_path / "blood.h5ad"
    some.write_h5ad(path)
    return path


def test_the_whole_way(window: Callable[..., Any], blood: Path, tmp_path: Path) -> None:
    shown = window(blood)
    settled(shown.desk)
    session = shown.desk.session
    shown.raise_dock("Model")
    spin(0.05)
    view = shown.docks["Model"].view
    view.family.setCurrentIndex(view.family.findData("scgnn"))
    assert not view.labels.isVisible()
    view.form.set_values({**SHORT, "max_epochs": 5000, "patience": 1000})
    view.train.click()
    job = next(job for job in session.jobs.active if job.lane == "train")
    wait(lambda: job.progress.fraction or job.is_finished, 120, "the first epoch")
    view.cancel.click()
    wait(lambda: job.is_finished, 30, "the cancel")
    assert job.outcome.value == "cancelled"
    assert session.bundle is None
    view.form.set_values(SHORT)
    view.train.click()
    settled(shown.desk)
    bundle = session.bundle
    assert bundle.family == "scgnn"
    assert [view.metrics.item(row, 0).text() for row in range(3)] == [
        "scgnn",
        "without neighbours",
        "gene mean x size",
    ]
    gene = bundle.genes[3]
    search_for(shown, f"{gene}, imputed minus observed")
    channel = session.state.colouring.channel
    assert (channel.kind, channel.key, channel.param("what")) == ("imputed", gene, "delta")
    values = session.resolve(channel).values
    assert values.centre == 0
    assert "not counted" in values.note
    search_for(shown, "cluster of the cell graph")
    assert session.state.colouring.channel.kind == "cell_graph"

    folder = tmp_path / "model"
    session.save_model(folder)
    settled(shown.desk)
    session.update(model=None)
    session.load_model(folder)
    settled(shown.desk)
    assert session.bundle.fingerprint == bundle.fingerprint
    shown.raise_dock("Attribution")
    spin(0.05)
    explain = shown.docks["Attribution"].view
    explain.cells.setCurrentIndex(explain.cells.findData("all"))
    explain.target.setCurrentText("domain:1")
    explain.explain.click()
    settled(shown.desk)
    assert session.explanation.target == "domain:1"
    wait(lambda: explain.ranking.genes.rowCount() > 0, 20, "the ranking")
