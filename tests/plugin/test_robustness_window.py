"""What a model stands, in the real window on real cells: asked by the button, shown, kept with the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.read import read

from .conftest import settled, spin, wait

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(900)]


def test_robustness_by_its_button(
    window: Callable[..., Any], real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    whole = read(real_data("mixology_3lines_celseq2_dropseq.h5ad"))
    genes = np.argsort(-np.asarray(whole.expression_cg("counts").sum(axis=0)).ravel())[:200]
    whole.adata[:, np.sort(genes)].copy().write_h5ad(tmp_path / "mix.h5ad")
    made = window(tmp_path / "mix.h5ad")
    settled(made.desk)
    session = made.desk.session
    made.raise_dock("Model")
    spin(0.05)
    view = made.docks["Model"].view
    part = view.robustness
    assert not part.ask.isEnabled(), "there is no model yet"
    view.labels.setCurrentIndex(view.labels.findData("cell_line"))
    view.scheme.setCurrentIndex(view.scheme.findData("random"))
    view.form.set_values({"hidden": 16, "max_epochs": 6, "batch_size": 64})
    view.train.click()
    wait(lambda: not session.jobs.active, 300, "training")
    settled(made.desk)
    assert part.ask.isEnabled()
    assert not part.table.isVisible()
    part.ask.click()
    spin(0.05)
    assert not part.ask.isEnabled(), "it is being checked"
    wait(lambda: not session.jobs.active, 300, "the check")
    settled(made.desk)
    found = session.bundle.robustness
    shown = [part.table.item(row, 0).text() for row in range(part.table.rowCount())]
    assert shown == [row.condition for row in found.rows]
    assert "counts thinned to 25 %" in shown
    assert "sc_dropseq, not trained on" in shown
    assert part.table.item(0, 1).text() == f"{found.rows[0].figures['accuracy']:.3f}"
    assert part.table.isVisible()
    session.save_model(tmp_path / "kept")
    settled(made.desk)
    session.load_model(tmp_path / "kept")
    settled(made.desk)
    assert session.bundle.robustness.to_json() == found.to_json()
