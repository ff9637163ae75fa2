"""SAUCIE in the real window on real cells: stopped, trained, its codes shown, saved, opened, explained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.read import read

from .conftest import spin
from .family_walk import FamilyWalk, rows_told

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


def test_saucie_by_its_buttons(window: Callable[..., Any], blood_file: Path, tmp_path: Path) -> None:
    walk = FamilyWalk(window(blood_file), "saucie", **TINY)
    view = walk.cancel()
    assert not view.labels.isVisible()
    bundle, session = walk.train(), walk.session
    net = bundle.folds[0]
    assert rows_told(view, 2) == ["saucie", "2 principal components"]
    assert session.state.views.embedding == "X_saucie", "two dimensions are drawn as they are"
    assert np.array_equal(session.dataset.embeddings["X_saucie"], bundle.cells.latent_cz)
    session.update(channel=ChannelRef.make("domain", "label", model=bundle.id))
    values = session.resolve(ChannelRef.make("domain", "label", model=bundle.id)).values
    assert values.categories == net.domain_names
    walk.shown.raise_dock("Embedding")
    spin(0.2)
    walk.keep(tmp_path / "kept")
    walk.explain(str(net.targets()[0]))
