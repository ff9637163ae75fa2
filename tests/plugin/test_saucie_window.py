"""SAUCIE in the real window on real cells: stopped, trained, its codes shown, saved, opened, explained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.read import read

from .conftest import settled, spin, wait

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(900)]
TINY = {"hidden": 32, "max_epochs": 12, "patience": 12, "learning_rate": 3e-3, "batch_size": 64}


@pytest.fixture
def blood_file(real_data: Callable[[str], Path], tmp_path: Path) -> Path:
    """Six hundred cells of blood and their 300 most variable genes."""
    whole = read(real_data("pbmc3k.h5ad"))
    counts = np.asarray(whole.expression_cg("counts").todense())
    mean_g = counts.mean(axis=0)
    genes = np.sort(np.argsort(-counts.var(axis=0) / (mean_g + 0.05))[:300])
    cells = np.sort(np.random.default_rng(0).permutation(whole.n_cells)[:600])
    path = tmp_path / "blood.h5ad"
    whole.adata[cells][:, genes].copy().write_h5ad(path)
    return path


def choose(made: Any, **params: Any) -> Any:
    """Choose the family and its settings in the Model dock."""
    made.raise_dock("Model")
    spin(0.05)
    view = made.docks["Model"].view
    view.family.setCurrentIndex(view.family.findData("saucie"))
    assert not view.labels.isVisible()
    view.form.set_values({**TINY, **params})
    assert view.train.isEnabled(), view.reason.text()
    return view


def test_saucie_by_its_buttons(
    window: Callable[..., Any], blood_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = window(blood_file)
    settled(made.desk)
    session = made.desk.session
    view = choose(made, max_epochs=4000, patience=1000)
    view.train.click()
    job = next(job for job in session.jobs.active if job.lane == "train")
    wait(lambda: job.progress.fraction or job.is_finished, 120, "the first epoch")
    view.cancel.click()
    wait(lambda: job.is_finished, 30, "the cancel")
    assert job.outcome.value == "cancelled"
    settled(made.desk)
    assert session.bundle is None, "a run that was stopped leaves nothing"

    choose(made).train.click()
    wait(lambda: not session.jobs.active, 300, "training and the map")
    settled(made.desk)
    bundle = session.bundle
    net = bundle.folds[0]
    assert bundle.family == "saucie"
    assert view.metrics.item(0, 0).text() == "saucie"
    assert view.metrics.item(1, 0).text() == "2 principal components"
    assert session.state.views.embedding == "X_saucie", "two dimensions are drawn as they are"
    assert np.array_equal(session.dataset.embeddings["X_saucie"], bundle.cells.latent_cz)
    session.update(channel=ChannelRef.make("domain", "label", model=bundle.id))
    values = session.resolve(ChannelRef.make("domain", "label", model=bundle.id)).values
    assert values.categories == net.domain_names
    made.raise_dock("Embedding")
    spin(0.2)

    session.save_model(tmp_path / "kept")
    settled(made.desk)
    assert (tmp_path / "kept" / "weights.safetensors").exists()
    session.load_model(tmp_path / "kept")
    settled(made.desk)
    assert session.bundle.fingerprint == bundle.fingerprint

    made.raise_dock("Attribution")
    spin(0.05)
    explain = made.docks["Attribution"].view
    explain.cells.setCurrentIndex(explain.cells.findData("all"))
    target = str(net.targets()[0])
    explain.target.setCurrentText(target)
    explain.explain.click()
    settled(made.desk)
    assert str(session.explanation.target) == target
    wait(lambda: explain.ranking.genes.rowCount() > 0, 30, "the ranking, shown with its evidence")
