"""A cell-graph model in the real window: cancelled, trained, coloured by, saved, loaded, explained."""

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
    "rounds": 2,
    "graph_epochs": 5,
    "cluster_epochs": 1,
    "refine_epochs": 1,
    "starts": 1,
    "n_clusters": 3,
}


def test_the_whole_way(window: Callable[..., Any], real_data: Callable[[str], Path], tmp_path: Path) -> None:
    shown = window(some_blood(real_data("pbmc3k.h5ad"), tmp_path, n_genes=200, every=8))
    walk = FamilyWalk(shown, "scgnn", **SHORT)
    view = walk.cancel()
    assert not view.labels.isVisible()
    bundle, session = walk.train(), walk.session
    assert rows_told(view, 3) == ["scgnn", "without neighbours", "gene mean x size"]
    gene = bundle.genes[3]
    search_for(shown, f"{gene}, imputed minus observed")
    channel = session.state.colouring.channel
    assert (channel.kind, channel.key, channel.param("what")) == ("imputed", gene, "delta")
    values = session.resolve(channel).values
    assert values.centre == 0
    assert "not counted" in values.note
    search_for(shown, "cluster of the cell graph")
    assert session.state.colouring.channel.kind == "cell_graph"
    walk.keep(tmp_path / "model")
    walk.explain("domain:1")
