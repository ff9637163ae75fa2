"""The attention panel of a notebook: ask, click a place, choose a head; never without the removal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.palette import diverging_map
from glasscell.jupyter.attention import JupyterAttentionView
from glasscell.jupyter.edge import JupyterEdgeView
from glasscell.jupyter.overlay import EdgeLines, Overlay
from glasscell.jupyter.tissue import JupyterTissueView
from glasscell.models.registry import FAMILIES
from glasscell.session import Session
from glasscell.testing.attending_family import EDGE_FAMILY, TOKEN_FAMILY, attending_bundle
from glasscell.testing.planted import tiny_adata
from glasscell.views.attention_edge import EdgePresenter
from glasscell.views.attention_picture import REMOVED, attention_picture
from glasscell.views.attention_presenter import AttentionPresenter
from glasscell.views.attention_table import MOST_ROWS, POINT, drawn_rows
from glasscell.views.camera import Camera
from glasscell.views.heat import HeatPanel, HeatPicture
from glasscell.views.theme import LIGHT
from glasscell.views.tissue_presenter import TissuePresenter

MARKUP = "<img src=x onerror=alert(1)>"
INTENTS = (
    "attend_requested",
    "cancel_requested",
    "map_chosen",
    "quantity_chosen",
    "group_chosen",
    "place_clicked",
    "place_hovered",
    "table_requested",
    "edges_toggled",
)


def told(view: Any) -> list[tuple[Any, ...]]:
    heard: list[tuple[Any, ...]] = []
    for name in INTENTS:
        getattr(view, name).connect(lambda *values, name=name: heard.append((name, *values)))
    return heard


def tell(sheet: Any, kind: str, row: int, column: int) -> None:
    sheet._on_message(sheet, {"type": kind, "row": row, "column": column}, [])


def shown(widget: Any) -> bool:
    return bool(widget.layout.display != "none")


@pytest.fixture
def parts() -> Iterator[tuple[Session, JupyterAttentionView]]:
    for family in (TOKEN_FAMILY, EDGE_FAMILY):
        FAMILIES.register(family)
    session, view = Session(), JupyterAttentionView()
    presenter = AttentionPresenter(session, view)
    adata = tiny_adata(n_cells=90, n_genes=30, seed=2)
    adata.obs = adata.obs[["label"]].copy()
    session.open_dataset(Dataset(adata))
    assert session.jobs.wait_idle(60)
    for name, value in {"removal_cells": 5, "random_nets": 2, "edge_cells": 30}.items():
        if name in view.form.fields:
            view.form.fields[name].control.value = value
    yield session, view
    presenter.close()
    assert session.close()
    for family in (TOKEN_FAMILY, EDGE_FAMILY):
        FAMILIES.unregister(family.info.key)


def ask(session: Session, view: Any, kind: str = "tokens") -> None:
    assert session.dataset is not None
    session.update(model=session.hold("bundle", attending_bundle(session.dataset, "label", kind)))
    view.asking.ask.click()
    assert session.jobs.wait_idle(60)


def test_greyed_with_the_reason(parts: tuple[Session, Any]) -> None:
    session, view = parts
    assert view.asking.ask.disabled
    assert "attends first" in view.reason.text
    session.update(model=session.hold("bundle", attending_bundle(session.dataset, "label", "tokens")))
    assert not view.asking.ask.disabled
    assert view.by.key == "label"
    assert view.target.options[0] == ("each cell's predicted class", "")
    assert not shown(view._result)


def test_the_tables_grow_and_keep_their_names_and_places(parts: tuple[Session, Any]) -> None:
    session, view = parts
    assert view.heatmap._zooms.layout.display == "none"
    ask(session, view)
    heatmap, sheet = view.heatmap, view.heatmap.sheet
    assert heatmap._zooms.layout.display is None
    assert heatmap.smaller.disabled
    names = float(sheet.columns[0].width.strip("%"))
    heatmap.larger.click()
    heatmap.larger.click()
    assert sheet._zoom == 2.0
    assert float(sheet.columns[0].width.strip("%")) == names / 2, "names take no more room"
    view.which.value = "rollout"
    assert sheet._zoom == 2.0, "another map is as large"
    assert float(sheet.columns[0].width.strip("%")) == names / 2
    tell(sheet, "clicked", 1, 1)
    assert session.state.colouring.channel.key == heatmap.picture.rows[1]
    for _ in range(9):
        heatmap.larger.click()
    assert heatmap.larger.disabled
    for _ in range(9):
        heatmap.smaller.click()
    assert sheet._zoom == 1.0


def test_ask_click_and_choose(parts: tuple[Session, Any], tmp_path: Path) -> None:
    session, view = parts
    ask(session, view)
    heat = view.heatmap.picture
    assert [panel.key for panel in heat.panels] == ["relative", REMOVED]
    n = len(heat.columns)
    assert len(view.heatmap.sheet.columns) == 1 + n + 1 + n, "both tables stand in one sheet"
    titles = [row[0] for row in view.heatmap.legend.rows]
    assert titles == [
        "left: attention (log2 x uniform)",
        "right: change when removed (logit over other classes)",
    ]
    assert view.heatmap.sheet.rows[0][1].back == heat.panels[0].hexes("#000000")[0][0]
    assert view.heatmap.sheet.rows[0][n + 2].back == heat.panels[1].hexes("#000000")[0][0]
    tell(view.heatmap.sheet, "clicked", 1, 1)
    channel = session.state.colouring.channel
    assert channel is not None
    assert (channel.kind, channel.key, channel.param("quantity")) == ("attention", heat.rows[1], "relative")
    assert view.heatmap.sheet._body["marked"] == [[1, 1], [1, n + 2]]
    assert view.group.key == heat.columns[0]
    tell(view.heatmap.sheet, "clicked", 2, n + 2)
    assert session.state.colouring.channel.param("quantity") == REMOVED
    before = session.state.colouring.channel
    tell(view.heatmap.sheet, "clicked", 2, 0)
    tell(view.heatmap.sheet, "clicked", 2, n + 1)
    assert session.state.colouring.channel == before, "names and the gap are no places"
    tell(view.heatmap.sheet, "hovered", 0, 1)
    assert "x uniform. Removed:" in view.place.text
    tell(view.heatmap.sheet, "hovered", 0, 0)
    assert view.place.text == POINT
    for which, quantity in (("rollout", "weight"), ("norm", "z_twin"), ("head:2.1", "relative")):
        view.which.value = which
        view.quantity.value = quantity
        assert [panel.key for panel in view.heatmap.picture.panels] == [quantity, REMOVED]
        assert (view.which.key, view.quantity.key) == (which, quantity)
    view.rows._on_message(view.rows, {"type": "clicked", "row": 1, "column": 2}, [])
    assert session.state.colouring.channel.key == view.rows.rows[1][0]
    other = next(name for name in heat.columns if name != view.group.key)
    view.group.value = other
    assert view.group.key == other
    view.save.text.value = str(tmp_path / "made")
    view.save.press.click()
    assert session.jobs.wait_idle(60)
    assert (tmp_path / "made.csv").read_text().startswith("map,group,token,weight")
    assert "not what matters" in view.notes.text


def test_layers_and_heads_are_small_pictures_with_one_scale(parts: tuple[Session, Any]) -> None:
    session, view = parts
    ask(session, view)
    assert shown(view._layers)
    assert [press.description for press in view.multiples.buttons] == [
        "layer 1", "head 1", "head 2", "layer 2", "head 1", "head 2"
    ]  # fmt: skip
    assert all(bytes(image.value).startswith(b"\x89PNG") for image in view.multiples.images)
    held = list(view.multiples.images)
    view.multiples.buttons[4].click()
    assert view.which.key == "head:2.1"
    assert view.multiples.images == held, "pictures that stay are not made anew"
    assert [press.button_style for press in view.multiples.buttons].index("info") == 4


def test_neighbours_offer_edges(parts: tuple[Session, Any]) -> None:
    session, view = parts
    heard = told(view)
    ask(session, view, "neighbours")
    assert shown(view.edges)
    view.edges.value = False
    assert ("edges_toggled", False) in heard
    ask(session, view, "tokens")
    assert not shown(view.edges)


def test_many_rows_are_searched(parts: tuple[Session, Any]) -> None:
    session, view = parts
    ask(session, view)
    names = tuple(f"TOKEN {n}" for n in range(MOST_ROWS + 30))
    values = np.linspace(-1, 1, len(names) * 2).reshape(-1, 2)
    panels = tuple(HeatPanel(k, k, values, (-1, 1), "u", diverging=True) for k in ("relative", REMOVED))
    heat = HeatPicture(names, ("a", MARKUP), panels)
    found = session.latest("attention")
    view.set_result(replace(attention_picture(found), heat=heat, multiples=None), "many")
    assert len(view.heatmap.sheet.rows) == MOST_ROWS
    assert "of 150 rows" in view.left_out.text
    assert shown(view.find)
    view.set_marked((MARKUP, "TOKEN 149", REMOVED))
    assert view.heatmap.sheet._body["marked"] == []
    view.find.value = "token 14"
    assert next(row[0] for row in view.heatmap.sheet.rows) == "TOKEN 14"
    assert view.heatmap.sheet._body["marked"] == [[10, 2], [10, 5]]
    heard = told(view)
    tell(view.heatmap.sheet, "clicked", 10, 5)
    assert heard == [("place_clicked", MARKUP, "TOKEN 149", REMOVED)]
    assert view.heatmap.sheet._columns[2]["head"] == MARKUP
    assert view.heatmap.sheet.rows[10][5].tip == f"TOKEN 149, {MARKUP}: 1 u"
    assert view.heatmap.sheet.rows[10][5].back in (diverging_map()[-1], diverging_map()[-2])
    assert drawn_rows(heat, "nothing")[1] == "No row is called so."


def test_setters_are_silent() -> None:
    view = JupyterAttentionView()
    heard = told(view)
    view.set_groupings([("label", MARKUP), ("other", "other")], "other")
    assert view.by.key == "other"
    view.set_groupings([("other", "other"), ("label", MARKUP)], "label")
    assert view.by.key == "other", "what was chosen stays"
    view.set_targets([("", "the default"), ("class:K1", "class:K1")])
    view.set_enabled(True, "")
    view.set_rows(("a", "b"), "b", (), "logit")
    view.set_marked(("a", "b", "relative"))
    view.set_result(None, "Nothing is asked yet.")
    view.set_place(MARKUP)
    assert "<img" not in view.place.value
    view.set_busy(True)
    view.set_busy(False)
    assert heard == []
    view.asking.ask.click()
    assert heard[0][1]["by"] == "other"
    assert heard[0][1]["target"] == ""
    view.form.fields["removal_cells"].control.value = 3


def test_edges_of_the_hovered_cell_lie_over_the_tissue(parts: tuple[Session, Any]) -> None:
    session, view = parts
    tissue = JupyterTissueView(session.jobs.dispatcher, session.jobs)
    edges = JupyterEdgeView(tissue)
    presenters = TissuePresenter(session, tissue), EdgePresenter(session, edges, view)
    ask(session, view, "neighbours")
    found = session.latest("attention")
    measured = found.receivers[np.isfinite(found.removed_e)]
    session.hover(int(measured[0]))
    assert edges.picture is not None
    lines = tissue.canvas.overlay.edges
    assert lines is not None
    assert lines.ends_ned.shape == (len(edges.picture.senders), 2, 2)
    reach = float(np.ptp(lines.ends_ned.reshape(-1, 2), axis=0).max())
    x, y = lines.ends_ned[0].mean(axis=0)
    camera = Camera(float(x), float(y), 1.5 * reach / 300, width=300, height=300)
    blank = np.full((300, 300, 3), 255, np.uint8)
    drawn = Overlay(edges=lines).draw(blank, camera, LIGHT)
    assert (drawn != 255).any()
    start, end = camera.to_screen(lines.ends_ned[0])
    column, row = ((start + end) / 2).astype(int)
    inks = [tuple(int(shade[n : n + 2], 16) for n in (1, 3, 5)) for shade in edges.picture.colours if shade]
    seen = drawn[row, column].astype(int)
    assert min(np.abs(seen - ink).max() for ink in [*inks, (160, 120, 64), (16, 16, 16)]) < 60
    unmeasured = replace(edges.picture, colours=("",) * len(edges.picture.colours))
    dotted = Overlay(edges=EdgeLines(lines.ends_ned, unmeasured)).draw(blank, camera, LIGHT)
    assert (dotted != drawn).any()
    view.edges.value = False
    assert tissue.canvas.overlay.edges is None
    view.edges.value = True
    session.hover(None)
    assert tissue.canvas.overlay.edges is None
    for presenter in presenters:
        presenter.close()
    tissue.close_down()
