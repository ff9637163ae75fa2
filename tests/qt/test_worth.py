"""Gene sets of a model in the Traversal view: buttons pressed, a set found and clicked, the table saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from glasscell.models.fit import FitRequest, fit
from glasscell.models.pathway_vae.params import PathwayParams
from glasscell.session import Session
from glasscell.testing.pathway_activity import make_pathway_activity

pytestmark = [pytest.mark.gui, pytest.mark.timeout(300)]
FAST: dict[str, Any] = {"n_free": 1, "group_lasso": 0.1, "hidden": 8, "max_epochs": 4, "warm_up": 1}


def test_sets_are_measured_found_painted_and_saved(
    qapp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glasscell.qt.traversal import QtTraversalView
    from glasscell.views.traversal_presenter import TraversalPresenter
    from glasscell.views.worth_presenter import WorthPresenter

    planted = make_pathway_activity(
        10, n_cells=120, n_genes=60, n_true=3, n_decoys=2, genes_per_set=10, depth=1500
    )
    gmt = tmp_path / "sets.gmt"
    gmt.write_text("\n".join("\t".join((one.name, "", *sorted(one.genes))) for one in planted.sets))
    session = Session()
    session.open_dataset(planted.dataset)
    view = QtTraversalView()
    presenter = TraversalPresenter(session, view, WorthPresenter(session, view.worth))
    view.widget.show()
    worth = view.worth
    assert not worth.ask.isVisible(), "nothing is offered without a model of gene sets"
    params = PathwayParams(**FAST, gene_sets=str(gmt))
    bundle = fit(planted.dataset, FitRequest(family="pathway_vae", params=params))
    session.update(model=session.hold("bundle", bundle))
    assert worth.ask.isVisible()
    assert "not measured" in worth.message.whole_text()
    worth.ask.click()
    assert not worth.ask.isEnabled(), "once is enough"
    assert session.jobs.wait_idle(60)
    session.jobs.dispatcher.run_pending()
    assert worth.ask.isEnabled()
    found = session.latest("set_worth")
    assert worth.table.genes.rowCount() == len(found.names) == 5
    wanted = planted.sets[1].name
    worth.find.setText(wanted.lower())
    assert [texts[0] for texts in worth.table.genes.texts] == [wanted]
    worth.table.clicked.emit(worth.table.genes.index(0, 0))
    channel = session.state.colouring.channel
    assert channel is not None
    assert (channel.kind, channel.key) == ("latent", wanted)

    session.traverse()
    assert session.jobs.wait_idle(60)
    session.jobs.dispatcher.run_pending()
    swept = session.latest("traversal")
    factor = swept.names.index(wanted)
    view.slider_moved.emit(factor, int(swept.n_steps) - 3, False)
    assert session.jobs.wait_idle(60)
    assert view.bars.picture is not None
    assert {row.gene for row in view.bars.picture.up} <= set(planted.sets[1].genes)
    chosen = "glasscell.qt.traversal.QFileDialog.getSaveFileName"
    monkeypatch.setattr(chosen, lambda *_: (str(tmp_path / "moved"), ""))
    view.save.click()
    assert session.jobs.wait_idle(60)
    assert (tmp_path / "moved.csv").read_text().startswith("factor,gene,")
    view.widget.grab()
    presenter.close()
    view.widget.close()
    view.widget.deleteLater()
    assert session.close()
