"""Generator and critic in the real window: cancelled, trained, coloured by, saved, loaded, explained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import settled, spin, wait

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(900)]
SHORT = {
    "hidden": 16,
    "n_latent": 2,  # drawn as they are
    "max_epochs": 1,
    "noise": 4,
    "gan_hidden": 8,
    "gan_epochs": 2,
    "critic_steps": 2,
}


@pytest.fixture
def blood(real_data: Callable[[str], Path], tmp_path: Path) -> Path:
    """Every eighth cell and the 200 genes seen most, so that training takes seconds."""
    import anndata as ad

    whole = ad.read_h5ad(real_data("pbmc3k.h5ad"))
    total = np.asarray(whole.X.sum(axis=0)).ravel()
    some = whole[::8, np.sort(np.argsort(-total)[:200])].copy()
    path = tmp_path / "blood.h5ad"
    some.write_h5ad(path)
    return path


def search_for(shown: Any, text: str) -> None:
    """Type a name into the search box and take the first hit."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    shown.raise_dock("Colour by")
    search = shown.docks["Colour by"].view.search
    search.setFocus()
    search.clear()
    QTest.keyClicks(search, text)
    wait(lambda: bool(search.model.hits), 10, text)
    QTest.keyClick(search, Qt.Key.Key_Return)
    settled(shown.desk)


def test_the_whole_way(window: Callable[..., Any], blood: Path, tmp_path: Path) -> None:
    shown = window(blood)
    settled(shown.desk)
    session = shown.desk.session
    shown.raise_dock("Model")
    spin(0.05)
    view = shown.docks["Model"].view
    view.family.setCurrentIndex(view.family.findData("gan"))
    assert view.labels.isVisible(), "it can be told what kind each cell is"
    view.labels.setCurrentText("louvain")
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
    assert bundle.family == "gan"
    assert bundle.folds[0].label_column == "louvain"
    assert [view.metrics.item(row, 0).text() for row in range(3)] == [
        "gan",
        "each gene resampled within class",
        "copies of training cells",
    ]
    gene = bundle.genes[3]
    search_for(shown, f"{gene}, imputed from generated cells minus observed")
    channel = session.state.colouring.channel
    assert (channel.kind, channel.key, channel.param("what")) == ("generated", gene, "delta")
    values = session.resolve(channel).values
    assert values.centre == 0
    assert "not counted" in values.note
    search_for(shown, "realism, rank among held-out cells")
    assert session.state.colouring.channel.kind == "realism"

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
    target = f"realism:{bundle.folds[0].kinds[0]}"
    explain.target.setCurrentText(target)
    explain.explain.click()
    settled(shown.desk)
    assert session.explanation.target == target
    wait(lambda: explain.ranking.genes.rowCount() > 0, 20, "the ranking")
