"""SpaGCN in the real window, on a real slice: cancelled, trained, coloured by, saved, loaded, explained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import search_for, settled, spin, wait

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(600)]
SHORT = {"n_domains": 4, "starts": 2, "k": 12, "max_epochs": 20}


def test_the_whole_way(window: Callable[..., Any], cortex: Path, tmp_path: Path) -> None:
    shown = window(cortex)
    settled(shown.desk)
    session = shown.desk.session
    shown.raise_dock("Model")
    spin(0.05)
    view = shown.docks["Model"].view
    view.family.setCurrentIndex(view.family.findData("spagcn"))
    assert not view.labels.isVisible()
    view.form.set_values({**SHORT, "starts": 200})
    view.train.click()
    job = next(job for job in session.jobs.active if job.lane == "train")
    wait(lambda: (job.progress.fraction or 0) > 0.2 or job.is_finished, 120, "the mixture")
    view.cancel.click()
    wait(lambda: job.is_finished, 30, "the cancel")
    assert job.outcome.value == "cancelled"
    assert session.bundle is None
    view.form.set_values(SHORT)
    view.train.click()
    settled(shown.desk)
    bundle = session.bundle
    assert bundle.family == "spagcn"
    assert any("chosen without labels" in note for note in bundle.notes)
    assert [view.metrics.item(row, 0).text() for row in range(2)] == ["spagcn", "mean of the neighbours"]

    search_for(shown, "refined domain")
    channel = session.state.colouring.channel
    assert (channel.kind, channel.key) == ("domain", "refined")
    refined = session.resolve(channel).values
    assert len(refined.categories) == 4
    search_for(shown, "share of domain 2")
    share = session.resolve(session.state.colouring.channel).values
    assert share.title == "share of domain 2"
    assert "Student" in share.unit
    assert 0 <= np.nanmin(share.values) <= np.nanmax(share.values) <= 1
    search_for(shown, "entropy over domains")
    assert session.state.colouring.channel.key == "entropy"

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
    own, around = (session.explanation.part(part) for part in ("own", "neighbours"))
    cells = np.arange(20)
    whole = session.explanation.block(cells)
    assert own.block(cells) + around.block(cells) == pytest.approx(whole, abs=1e-4)
