"""The compare panel of a notebook: ticking, figures, agreement, two maps, the explorer's command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.jupyter.compare import JupyterCompareView
from glasscell.jupyter.explorer import explore
from glasscell.session import Session
from glasscell.session.comparing import KIND
from glasscell.testing.planted import planted_adata
from glasscell.testing.toy_comparison import toy_comparison
from glasscell.views.compare_presenter import ComparePresenter
from glasscell.views.pair_presenter import PairPresenter

MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def parts() -> Iterator[tuple[Session, JupyterCompareView]]:
    session, view = Session(), JupyterCompareView()
    presenter = ComparePresenter(session, view, PairPresenter(session, view.pair))
    assert view.run.disabled
    assert view.reason.text == "Open data first."
    adata = planted_adata(n_cells=90, n_genes=12, seed=1)
    adata.obs["label"] = adata.obs["label"].cat.rename_categories({"K1": MARKUP})
    session.open_dataset(Dataset(adata))
    assert session.jobs.wait_idle(60)
    yield session, view
    presenter.close()
    view.close_down()
    assert session.close()


def tick(view: JupyterCompareView, key: str, value: bool) -> None:
    view.models._on_message(view.models, {"type": "changed", "key": key, "column": 0, "value": value}, [])


def shown(widget: Any) -> bool:
    return bool(widget.layout.display != "none")


def test_ticks_seeds_and_cancel(parts: tuple[Session, Any]) -> None:
    session, view = parts
    heard: list[dict[str, Any]] = []
    view.compare_requested.connect(heard.append)
    assert view.ticked() == ("classifier", "vae")
    tick(view, "vae", False)
    tick(view, "spagcn", True)
    rows = dict(zip(view.models._body["keys"], view.models.rows, strict=True))
    assert rows["spagcn"][0] is True
    assert rows["vae"][0] is False
    assert rows["svae"][0] == "", "what cannot be trained has no box"
    assert "not here" in rows["svae"][1]
    view.seeds.value = "5, 6"
    view.target.value = MARKUP
    view.run.click()
    assert heard[-1]["models"] == ("classifier", "spagcn")
    assert (heard[-1]["seeds"], heard[-1]["target"]) == ("5, 6", MARKUP)
    assert shown(view.cancel)
    assert not shown(view.run)
    view.cancel.click()
    assert session.jobs.wait_idle(60)
    assert shown(view.run)
    assert session.latest(KIND) is None


def test_figures_agreement_and_maps(parts: tuple[Session, Any]) -> None:
    session, view = parts
    assert session.dataset is not None
    assert not shown(view._result)
    session.hold(KIND, toy_comparison(session.dataset))
    assert shown(view._result)
    assert [row[0] for row in view.table.sheet.rows] == ["sure", "rough", "majority"]
    view.figure.value = view.figure.options[1][1]
    assert [row[0] for row in view.table.sheet.rows] == ["voting", "gene mean"]
    heat = next(row for row in view.heatmap.sheet.rows if row[0] == "sure")
    assert [each.text for each in heat[1:]] == ["+0.90", "+0.40", "+0.30"]
    view.heatmap.hovered.emit((0, 1, 0))
    assert view.place.text == "sure with rough: +0.40 (+0.30 to +0.50)"
    assert view.noted.get_title(0) == "1 note on these figures"

    pair = view.pair
    assert pair.left.key == "compared:sure"
    pair.what.value = "own"
    assert pair.right.key == "compared:rough"
    assert [one.text for one in pair.shared.ticks] == ["0.4", "0.65", "0.9"]
    assert [one.text for one in pair.own.ticks] == ["-0.5", "0", "0.5"]
    assert shown(pair.own._bar)
    tables = [canvas.scene._table_u32 for canvas in pair.canvases]
    assert (tables[0] != tables[1]).any()
    pair.canvases[1].hovered.emit(4)
    assert session.hovered_cell == 4
    assert all(canvas.overlay.mark is not None for canvas in pair.canvases)
    assert "left 0.9" in pair.caption.text
    positions_cd = session.dataset.positions_cd
    assert positions_cd is not None
    middle = float(np.median(positions_cd[:, 0]))
    low, high = positions_cd.min(axis=0) - 1, positions_cd.max(axis=0) + 1
    half = np.array([low, (middle, low[1]), (middle, high[1]), (low[0], high[1])])
    pair.canvases[2].drawn.emit(half, "replace")
    np.testing.assert_array_equal(session.mask(), positions_cd[:, 0] < middle)
    pair.tools.clear.click()
    assert session.mask().all()
    pair.paint.click()
    assert session.state.colouring.channel is not None
    assert session.state.colouring.channel.kind == "difference"


def test_three_canvases_are_looked_at_together(parts: tuple[Session, Any]) -> None:
    _, view = parts
    first, second, third = view.pair.canvases
    third.scene.resize(600.0, 200.0, 1.0)
    view.pair.tools.tool.value = "lasso"
    assert third.gesture.tool == "lasso"
    home = second.scene.camera
    first._on_event({"type": "wheel", "dy": -360.0, "x": 10.0, "y": 10.0})
    view.pair._follow(first, {})
    assert second.scene.camera.pixel == pytest.approx(home.pixel / 2)
    assert third.scene.camera.pixel == pytest.approx(third.scene.home_pixel / 2)
    assert (second.scene.camera.x, third.scene.camera.x) == (first.scene.camera.x,) * 2
    assert third.scene.camera.width == 600


def test_the_explorer_has_the_panel_and_the_command() -> None:
    session = Session()
    session.open_dataset(Dataset(planted_adata(n_cells=90, n_genes=12, seed=1)))
    explorer = explore(session)
    explorer.open("Compare")
    assert explorer.layout.views["Compare"].pair.canvases
    running = explorer.compare(("vae",), "label", split="random", seeds=(0,))
    running.job.cancel()
    assert session.jobs.wait_idle(60)
    explorer.close()
    assert session.close()
