"""A gene network in the real window on real cells: stopped, trained, coloured by, saved, explained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import search_for, settled, spin, wait

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(900)]
SHORT = {
    "hidden": 16,
    "n_genes": 60,
    "regulators": "LYZ S100A8 CD79A",
    "max_epochs": 8,
    "learning_rate": 1e-2,
}


@pytest.fixture
def blood(real_data: Callable[[str], Path], tmp_path: Path) -> Path:
    """Every sixth cell and the 150 genes seen most, three named ones among them."""
    import anndata as ad

    whole = ad.read_h5ad(real_data("pbmc3k.h5ad"))
    total = np.asarray(whole.X.sum(axis=0)).ravel()
    total[np.isin(whole.var_names, SHORT["regulators"].split())] = np.inf
    path = tmp_path / "blood.h5ad"
    whole[::6, np.sort(np.argsort(-total)[:150])].copy().write_h5ad(path)
    return path


def test_the_whole_way(window: Callable[..., Any], blood: Path, tmp_path: Path) -> None:
    shown = window(blood)
    settled(shown.desk)
    session = shown.desk.session
    shown.raise_dock("Model")
    spin(0.05)
    view = shown.docks["Model"].view
    view.family.setCurrentIndex(view.family.findData("grn"))
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
    assert bundle.family == "grn"
    net = bundle.folds[0]
    assert set(net.regulators) == {"LYZ", "S100A8", "CD79A"}
    assert [view.metrics.item(row, 0).text() for row in range(3)] == ["grn", "straight lines", "gene mean"]

    search_for(shown, "influence of LYZ on")
    channel = session.state.colouring.channel
    assert (channel.kind, channel.param("regulator")) == ("influence", "LYZ")
    values = session.resolve(channel).values
    assert values.centre == 0
    assert "Spearman" in values.note, "never without the correlation"

    folder = tmp_path / "model"
    session.save_model(folder)
    settled(shown.desk)
    session.update(model=None)
    session.load_model(folder)
    settled(shown.desk)
    assert session.bundle.fingerprint == bundle.fingerprint
    assert np.array_equal(session.resolve(channel).values.values, values.values)
    shown.raise_dock("Attribution")
    spin(0.05)
    explain = shown.docks["Attribution"].view
    explain.cells.setCurrentIndex(explain.cells.findData("all"))
    explain.target.setCurrentText("gene:LYZ")
    explain.explain.click()
    settled(shown.desk)
    assert session.explanation.target == "gene:LYZ"
    wait(lambda: explain.ranking.genes.rowCount() > 0, 20, "the ranking")
    assert not np.asarray(session.explanation.gene("LYZ"))[: len(session.explanation.cells)].any()
