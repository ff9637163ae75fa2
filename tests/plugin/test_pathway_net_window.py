"""A pathway network in the real window on real cells: stopped, trained, nodes measured, kept, explained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.gene_set import read_gmt
from glasscell.data.read import read

from .conftest import press, settled, spin, wait
from .family_walk import FamilyWalk

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(900)]
TINY = {"n_free": 4, "max_epochs": 6, "learning_rate": 1e-2, "batch_size": 64, "min_genes": 3}


@pytest.fixture
def blood_file(real_data: Callable[[str], Path], tmp_path: Path) -> Path:
    """Five hundred cells of blood and the genes of two sets they differ in."""
    whole = read(real_data("pbmc3k.h5ad"))
    sets = {one.name: one.genes for one in read_gmt(real_data("gene_sets/hallmark.gmt"))}
    wanted = sets["HALLMARK_INTERFERON_GAMMA_RESPONSE"] | sets["HALLMARK_COMPLEMENT"]
    genes = [name in wanted for name in map(str, whole.genes.names)]
    cells = np.sort(np.random.default_rng(0).permutation(whole.n_cells)[:500])
    path = tmp_path / "blood.h5ad"
    whole.adata[cells][:, genes].copy().write_h5ad(path)
    return path


def test_a_pathway_network_by_its_buttons(
    window: Callable[..., Any],
    blood_file: Path,
    real_data: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    made = window(blood_file)
    sets = str(real_data("gene_sets/hallmark.gmt"))
    walk = FamilyWalk(made, "pathway_net", "louvain", **TINY, gene_sets=sets)
    view = walk.cancel()
    bundle, session = walk.train(), walk.session
    assert view.metrics.item(0, 0).text().startswith("pathway_net")
    walk.keep(tmp_path / "kept")

    made.raise_dock("Attribution")
    spin(0.1)
    panel = made.docks["Attribution"].view
    nodes = panel.nodes
    assert "not measured" in nodes.words.text()
    assert not nodes.table.isVisible()
    press(nodes.measure)
    assert not nodes.measure.isEnabled(), "once is enough"
    wait(lambda: not session.jobs.active, 300, "control networks")
    settled(made.desk)
    found = session.latest("nodes")
    assert found.model == bundle.id
    assert nodes.table.isVisible()
    last = found.classes[-1]
    nodes.classes.setCurrentIndex(nodes.classes.findData(last))
    nodes.classes.activated.emit(nodes.classes.currentIndex())
    spin(0.05)
    assert nodes.table.genes.texts[0][0] == found.rows(last)[0].node
    assert "HALLMARK_INTERFERON_GAMMA_RESPONSE" in [texts[0] for texts in nodes.table.genes.texts]
    nodes.table.clicked.emit(nodes.table.genes.index(0, 0))
    settled(made.desk)
    channel = session.state.colouring.channel
    assert (channel.kind, channel.key) == ("latent", found.rows(last)[0].node)

    walk.explain(f"class:{last}")
    assert session.explanation.diagnostics["completeness_gap"] < 0.05
    train_other = {"hidden": 8, "max_epochs": 1}
    session.fit("louvain", family="classifier", params=train_other)
    settled(made.desk)
    spin(0.05)
    assert not nodes.isVisible(), "a model without nodes offers none"
