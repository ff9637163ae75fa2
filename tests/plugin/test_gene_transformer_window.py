"""A gene transformer in the real window on real cells: stopped, trained, attention asked, kept, explained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.read import read

from .conftest import press, settled, spin, wait
from .family_walk import FamilyWalk

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(900)]
TINY = {"n_tokens": 12, "width": 8, "heads": 2, "pretrain_epochs": 1, "max_epochs": 1}


@pytest.fixture
def blood_file(real_data: Callable[[str], Path], tmp_path: Path) -> Path:
    """Two hundred cells of blood and their 30 most variable genes."""
    whole = read(real_data("pbmc3k.h5ad"))
    counts = np.asarray(whole.expression_cg("counts").todense())
    mean_g = counts.mean(axis=0)
    genes = np.sort(np.argsort(-counts.var(axis=0) / (mean_g + 0.05))[:30])
    cells = np.sort(np.random.default_rng(0).permutation(whole.n_cells)[:200])
    path = tmp_path / "blood.h5ad"
    whole.adata[cells][:, genes].copy().write_h5ad(path)
    return path


def test_a_gene_transformer_by_its_buttons(
    window: Callable[..., Any], blood_file: Path, tmp_path: Path
) -> None:
    made = window(blood_file)
    walk = FamilyWalk(made, "gene_transformer", "louvain", **TINY)
    view = walk.cancel(pretrain_epochs=4000, patience=1000)
    bundle, session = walk.train(), walk.session
    assert view.metrics.item(0, 0).text().startswith("gene_transformer")
    assert any("error of hidden genes" in note for note in bundle.notes)
    walk.keep(tmp_path / "kept")

    made.raise_dock("Attention")
    spin(0.1)
    panel = made.docks["Attention"].view
    panel.by.setCurrentText("louvain")
    press(panel.ask)
    wait(lambda: not session.jobs.active, 300, "attention, with every gene removed")
    settled(made.desk)
    heat = panel.heatmap.picture
    assert [one.key for one in heat.panels] == ["relative", "removed"]
    assert set(heat.rows) <= set(bundle.folds[0].tokens)

    walk.explain(f"class:{bundle.classes[0]}")
