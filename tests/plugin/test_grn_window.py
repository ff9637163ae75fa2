"""A gene network in the real window on real cells: stopped, trained, coloured by, saved, explained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import search_for
from .family_walk import FamilyWalk, rows_told, some_blood

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(900)]
SHORT = {
    "hidden": 16,
    "n_genes": 60,
    "regulators": "LYZ S100A8 CD74",
    "max_epochs": 8,
    "learning_rate": 1e-2,
}


def test_the_whole_way(window: Callable[..., Any], real_data: Callable[[str], Path], tmp_path: Path) -> None:
    shown = window(some_blood(real_data("pbmc3k.h5ad"), tmp_path, n_genes=150, every=6))
    walk = FamilyWalk(shown, "grn", **SHORT)
    view = walk.cancel()
    assert not view.labels.isVisible()
    bundle, session = walk.train(), walk.session
    assert set(bundle.folds[0].regulators) == {"LYZ", "S100A8", "CD74"}
    assert rows_told(view, 3) == ["grn", "straight lines", "gene mean"]
    search_for(shown, "influence of LYZ on")
    channel = session.state.colouring.channel
    assert (channel.kind, channel.param("regulator")) == ("influence", "LYZ")
    values = session.resolve(channel).values
    assert values.centre == 0
    assert "Spearman" in values.note, "never without the correlation"
    walk.keep(tmp_path / "model")
    assert np.array_equal(session.resolve(channel).values.values, values.values)
    walk.explain("gene:LYZ")
    assert not np.asarray(session.explanation.gene("LYZ"))[: len(session.explanation.cells)].any()
