"""TOTALVI and MULTIVI in the real window: stopped, trained, saved, opened, explained by kind of counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glasscell.data.modality import CHROMATIN, PROTEIN
from glasscell.explain.modality_share import noted_shares
from glasscell.testing.two_modalities import make_two_modalities

from .conftest import settled, spin, wait

pytest.importorskip("scvi", reason="needs scvi-tools: pip install 'glasscell[scvi]'")
pytestmark = [pytest.mark.gui, pytest.mark.slow, pytest.mark.timeout(900)]
TINY = {"n_hidden": 16, "n_latent": 3, "n_layers": 1, "max_epochs": 4, "batch_size": 64}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("key", "kind"), [("totalvi", PROTEIN), ("multivi", CHROMATIN)])
def test_two_kinds_by_the_buttons(window: Callable[..., Any], tmp_path: Path, key: str, kind: str) -> None:
    made_up = make_two_modalities(0.5, n_cells=300, modality=kind)
    made_up.dataset.adata.write_h5ad(tmp_path / "both.h5ad")
    made = window(tmp_path / "both.h5ad")
    settled(made.desk)
    session = made.desk.session
    made.raise_dock("Model")
    spin(0.05)
    view = made.docks["Model"].view
    view.family.setCurrentIndex(view.family.findData(key))
    view.form.set_values({**TINY, "max_epochs": 9000, "patience": 1000})
    assert view.train.isEnabled(), view.reason.text()
    view.train.click()
    job = next(job for job in session.jobs.active if job.lane == "train")
    wait(lambda: (job.progress.fraction or 0) > 0 or job.is_finished, 200, "the first epoch")
    view.cancel.click()
    wait(lambda: job.is_finished, 60, "the cancel")
    assert job.outcome.value == "cancelled"
    settled(made.desk)
    assert session.bundle is None

    view.form.set_values(TINY)
    view.train.click()
    wait(lambda: not session.jobs.active, 300, "training and the map")
    settled(made.desk)
    bundle = session.bundle
    assert bundle.family == key
    session.save_model(tmp_path / "kept")
    settled(made.desk)
    session.load_model(tmp_path / "kept")
    settled(made.desk)
    assert session.bundle.fingerprint == bundle.fingerprint

    other = "multivi" if key == "totalvi" else "totalvi"
    view.family.setCurrentIndex(view.family.findData(other))
    assert not view.train.isEnabled(), "the file has one of the two kinds only"
    assert "learns from RNA and" in view.reason.text()

    made.raise_dock("Attribution")
    spin(0.05)
    explain = made.docks["Attribution"].view
    explain.cells.setCurrentIndex(explain.cells.findData("all"))
    explain.target.setCurrentText("latent:0")
    explain.explain.click()
    settled(made.desk)
    shares = noted_shares(session.explanation)
    assert set(shares) == {"RNA", kind}
    assert sum(shares.values()) == pytest.approx(1.0)
