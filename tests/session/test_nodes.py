"""A session trains control networks for its model; the panel offers, shows and colours by named nodes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anndata import read_h5ad

from glasscell.data.gene_set import write_gmt
from glasscell.errors import NotCompatible
from glasscell.explain.node_importance.result import read_nodes
from glasscell.models import fit as fitting
from glasscell.session import Session
from glasscell.session.nodes import nodes_offer
from glasscell.testing.fake_views import fake
from glasscell.testing.favoured_node import make_favoured_node
from glasscell.views.attribution_presenter import AttributionPresenter
from glasscell.views.view import AttributionView

FAST = {"n_free": 2, "max_epochs": 4, "batch_size": 32, "learning_rate": 1e-2}


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setattr(fitting, "baseline_rows", lambda *args: {})
    made = make_favoured_node(n_cells=120, n_decoys=2, n_markers=6)
    write_gmt(made.sets, tmp_path / "sets.gmt")
    session = Session()
    session.open_dataset(made.dataset)
    settings = {**FAST, "gene_sets": str(tmp_path / "sets.gmt")}
    session.fit("label", family="pathway_net", split="random", params=settings)
    assert session.jobs.wait_idle(120)
    yield session
    assert session.close()


def test_measured_shown_clicked_and_written(trained: Session, tmp_path: Path) -> None:
    view: Any = fake(AttributionView)()
    presenter = AttributionPresenter(trained, view)
    assert view.shown["nodes_offer"] == (True, "")
    assert "not measured" in view.shown["nodes"].words
    view.nodes_requested.emit()
    assert trained.jobs.wait_idle(120)
    found = trained.latest("nodes")
    assert found.model == trained.state.model
    assert len(found.seeds) == 5
    shown = view.shown["nodes"]
    assert (shown.classes, shown.chosen) == (found.classes, "K1")
    assert [texts[0] for texts in shown.table.texts] == [row.node for row in found.rows("K1")]
    warned = {row for row, _ in shown.table.warned}
    assert warned == {place for place, row in enumerate(found.rows("K1")) if row.flag}
    view.node_class_chosen.emit("K2")
    assert view.shown["nodes"].chosen == "K2"
    view.node_clicked.emit("MARKERS K2")
    channel = trained.state.colouring.channel
    assert channel is not None
    assert (channel.kind, channel.key) == ("latent", "MARKERS K2")
    assert trained.jobs.wait_idle(60)
    trained.save_data(tmp_path / "out.h5ad").wait(60)
    trained.save_table("nodes", tmp_path / "nodes.csv").wait(60)
    assert (tmp_path / "nodes.csv").read_text().count("\n") == 1 + len(found.nodes) * len(found.classes)
    (kept,) = read_nodes(read_h5ad(tmp_path / "out.h5ad"))
    assert kept.manifest() == found.manifest()
    trained.update(model=None)
    assert view.shown["nodes"] is None
    presenter.close()


def test_cancelled_leaves_nothing(trained: Session) -> None:
    job = trained.measure_nodes(3)
    assert nodes_offer(trained)[0] is False
    assert "cancel them in the list of jobs" in nodes_offer(trained)[1]
    job.cancel()
    assert trained.jobs.wait_idle(60)
    assert trained.latest("nodes") is None
    assert nodes_offer(trained) == (True, "")


def test_a_model_without_nodes_is_told(trained: Session) -> None:
    trained.fit("label", family="classifier", split="random", params={"max_epochs": 1})
    assert trained.jobs.wait_idle(60)
    with pytest.raises(NotCompatible, match="no layers of named nodes"):
        trained.measure_nodes()
