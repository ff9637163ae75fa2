"""Generator and critic in the real window: cancelled, trained, coloured by, saved, loaded, explained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import search_for
from .family_walk import FamilyWalk, rows_told, some_blood

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


def test_the_whole_way(window: Callable[..., Any], real_data: Callable[[str], Path], tmp_path: Path) -> None:
    shown = window(some_blood(real_data("pbmc3k.h5ad"), tmp_path, n_genes=200, every=8))
    walk = FamilyWalk(shown, "gan", "louvain", **SHORT)
    view = walk.cancel(max_epochs=5000)
    assert view.labels.isVisible(), "it can be told what kind each cell is"
    bundle, session = walk.train(), walk.session
    assert bundle.folds[0].label_column == "louvain"
    assert rows_told(view, 3) == ["gan", "each gene resampled within class", "copies of training cells"]
    gene = bundle.genes[3]
    search_for(shown, f"{gene}, imputed from generated cells minus observed")
    channel = session.state.colouring.channel
    assert (channel.kind, channel.key, channel.param("what")) == ("generated", gene, "delta")
    values = session.resolve(channel).values
    assert values.centre == 0
    assert "not counted" in values.note
    search_for(shown, "realism, rank among held-out cells")
    assert session.state.colouring.channel.kind == "realism"
    walk.keep(tmp_path / "model")
    walk.explain(f"realism:{bundle.folds[0].kinds[0]}")
