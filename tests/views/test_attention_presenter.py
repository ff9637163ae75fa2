"""The attention presenter with a fake view: choices, asking, clicking, maps; edges of the hovered cell."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.selection import Cells
from glasscell.models.registry import FAMILIES
from glasscell.session import Session
from glasscell.session.resolve import Ready
from glasscell.testing.attending_family import EDGE_FAMILY, TOKEN_FAMILY, attending_bundle
from glasscell.testing.fake_views import FakeColourView, fake
from glasscell.testing.planted import tiny_adata
from glasscell.views.attention_edge import UNIFORM_PX, EdgePresenter, EdgeView
from glasscell.views.attention_picture import REMOVED, attention_picture
from glasscell.views.attention_presenter import AttentionPresenter
from glasscell.views.attention_view import AttentionView
from glasscell.views.colour_presenter import ColourPresenter
from glasscell.views.heat import (
    HeatPanel,
    cluster_order,
    end_words,
    rising_limits,
    symmetric_limits,
    without_prefix,
)

FEW = {"removal_cells": 5, "random_nets": 2, "edge_cells": 30}


@pytest.fixture
def shown() -> Iterator[tuple[Session, Any, Any]]:
    for family in (TOKEN_FAMILY, EDGE_FAMILY):
        FAMILIES.register(family)
    session, view, edges = Session(), fake(AttentionView)(), fake(EdgeView)()
    presenter = AttentionPresenter(session, view, EdgePresenter(session, edges, view))
    assert view.shown["enabled"] == (False, "Open data first.")
    adata = tiny_adata(n_cells=90, n_genes=30, seed=2)
    adata.obs = adata.obs[["label"]].copy()
    session.open_dataset(Dataset(adata))
    assert session.jobs.wait_idle(60)
    yield session, view, edges
    presenter.close()
    assert session.close()
    for family in (TOKEN_FAMILY, EDGE_FAMILY):
        FAMILIES.unregister(family.info.key)


def give(session: Session, kind: str) -> None:
    session.update(model=session.hold("bundle", attending_bundle(session.dataset, "label", kind)))


def ask(session: Session, view: Any, **wish: Any) -> None:
    view.attend_requested.emit({"by": "label", "target": "", "cells": "all", "params": FEW, **wish})
    assert session.jobs.wait_idle(60)


def test_greyed_with_the_reason(shown: tuple[Session, Any, Any]) -> None:
    session, view, _ = shown
    assert "attends first" in view.shown["enabled"][1]
    give(session, "tokens")
    assert view.shown["enabled"] == (True, "")
    choices, current = view.shown["groupings"]
    assert current == "label"
    assert [key for key, _ in choices] == ["predicted class", "label"]
    assert view.shown["targets"][0] == ("", "each cell's predicted class")
    assert ("class:K1", "class:K1") in view.shown["targets"]
    assert view.shown["result"] == (None, "Nothing is asked yet.")
    session.update(selection=Cells(np.arange(30, dtype=np.int32)))
    session.grouping.add("a")
    session.update(selection=Cells(np.arange(30, 60, dtype=np.int32)))
    session.grouping.add("b")
    assert ("groups", "named groups") in view.shown["groupings"][0]
    ask(session, view, by="groups", cells="selection")
    assert session.latest("attention").groups == ("b",)


def test_ask_click_and_choose(shown: tuple[Session, Any, Any], tmp_path: Path) -> None:
    session, view, _ = shown
    give(session, "tokens")
    ask(session, view)
    picture, title = view.shown["result"]
    assert [panel.key for panel in picture.heat.panels] == ["relative", REMOVED]
    assert "predicted class" in title
    assert sorted(picture.heat.rows) == [f"SET {k}" for k in range(1, 6)]
    assert picture.multiples.shape == (2, 3)
    assert len({panel.limits for panel in picture.multiples.picture.panels}) == 1
    groups, group, _, unit = view.shown["rows"]
    assert (group, unit) == (groups[0], "logit over other classes")
    view.place_clicked.emit("K2", "SET 3", "relative")
    channel = session.state.colouring.channel
    assert (channel.kind, channel.key, channel.param("map")) == ("attention", "SET 3", "mean")
    assert isinstance(session.resolve(channel), Ready)
    assert view.shown["marked"] == ("K2", "SET 3", "relative")
    assert view.shown["rows"][1] == "K2"
    view.place_clicked.emit("K2", "SET 3", REMOVED)
    assert session.state.colouring.channel.param("quantity") == REMOVED
    assert view.shown["marked"][2] == REMOVED
    for which, quantity in (("rollout", "weight"), ("norm", "z_twin"), ("head:2.1", "relative")):
        view.map_chosen.emit(which)
        view.quantity_chosen.emit(quantity)
        picture = view.shown["result"][0]
        assert (picture.which, picture.quantity) == (which, quantity)
        assert picture.heat.panels[1].key == REMOVED, "never without the change on removal"
    view.place_hovered.emit(("K1", "SET 1"))
    assert "x uniform. Removed:" in view.shown["place"]
    view.place_hovered.emit(None)
    assert view.shown["place"] == ""
    session.undo()
    assert session.state.colouring.channel.param("quantity") == "relative"
    view.table_requested.emit(tmp_path / "a.csv")
    assert session.jobs.wait_idle(60)
    assert (tmp_path / "a.csv").read_text().startswith("map,group,token,weight,relative_to_uniform,cha")


def test_wrong_wishes_are_told(shown: tuple[Session, Any, Any], tmp_path: Path) -> None:
    session, view, _ = shown
    view.table_requested.emit(tmp_path / "a.csv")
    assert "nothing to write" in session.messages[-1].text
    ask(session, view)
    assert "Train or load" in session.messages[-1].text
    give(session, "tokens")
    ask(session, view, by="nothing")
    assert 'no obs column "nothing"' in session.messages[-1].text.replace("called ", "")
    ask(session, view, target="class:K9")
    assert "K9" in session.messages[-1].text
    assert view.shown["result"][0] is None


def test_the_chosen_map_governs_the_edges_too(shown: tuple[Session, Any, Any]) -> None:
    session, view, edges = shown
    give(session, "neighbours")
    ask(session, view)
    found = session.latest("attention")
    cell, other = 3, 7
    session.hover(cell)
    drawn = {}
    for which in ("mean", "layer:1", "head:1.1", "head:1.2"):
        view.map_chosen.emit(which)
        drawn[which] = picture = edges.shown["edges"]
        around = found.neighbours(cell, which)
        assert picture.senders.tolist() == around.senders.tolist()
        np.testing.assert_allclose(picture.widths, np.clip(UNIFORM_PX * around.relative, 0.8, 10), rtol=1e-6)
        assert picture.title.startswith("layer 1, head 2: ") == (which == "head:1.2")
        assert picture.colours == drawn["mean"].colours, "removal is of the edge, not of a head"
    assert not np.allclose(drawn["head:1.1"].widths, drawn["head:1.2"].widths)
    assert not np.allclose(drawn["head:1.1"].widths, drawn["mean"].widths)
    session.hold("attention", replace(found, first_net_e=found.receivers != other))
    session.hover(other)
    assert len(edges.shown["edges"].senders) == 0
    assert "net 1, which does not explain this cell" in edges.shown["edges"].title
    view.map_chosen.emit("mean")
    assert len(edges.shown["edges"].senders) > 0
    view.map_chosen.emit("head:1.2")
    give(session, "tokens")
    ask(session, view)
    assert view.shown["result"][0].which == "head:1.2"
    assert edges.shown["edges"] is None
    view.map_chosen.emit("rollout")
    give(session, "neighbours")
    ask(session, view)
    assert view.shown["result"][0].which == "mean"
    assert len(edges.shown["edges"].senders) > 0, "a map that is not there is the mean, as in the table"


def test_edges_of_the_hovered_cell(shown: tuple[Session, Any, Any]) -> None:
    session, view, edges = shown
    give(session, "neighbours")
    session.hover(7)
    assert edges.shown["edges"] is None
    ask(session, view)
    found = session.latest("attention")
    picture = edges.shown["edges"]
    assert picture.cell == 7
    around = found.neighbours(7)
    assert picture.senders.tolist() == around.senders.tolist()
    np.testing.assert_allclose(picture.widths, np.clip(UNIFORM_PX * around.relative, 0.8, 10), rtol=1e-6)
    assert picture.limits[0] == -picture.limits[1]
    assert [bool(colour) for colour in picture.colours] == np.isfinite(around.removed).tolist()
    unmeasured = int(np.setdiff1d(found.cells, found.receivers[np.isfinite(found.removed_e)])[0])
    session.hover(unmeasured)
    assert set(edges.shown["edges"].colours) == {""}
    assert "not measured here" in edges.shown["edges"].title
    view.edges_toggled.emit(False)
    assert edges.shown["edges"] is None
    session.hover(7)
    assert edges.shown["edges"] is None
    view.edges_toggled.emit(True)
    assert edges.shown["edges"].cell == 7
    session.hover(None)
    assert edges.shown["edges"] is None
    assert view.shown["result"][0].is_graph
    ask(session, view, target="latent_shift")
    session.hover(7)
    assert edges.shown["edges"].limits[0] == 0
    picture = view.shown["result"][0]
    assert not picture.heat.panels[1].diverging
    assert picture.heat.panels[1].limits[0] == 0.0


def test_another_model_is_told(shown: tuple[Session, Any, Any]) -> None:
    session, view, _ = shown
    give(session, "tokens")
    ask(session, view)
    assert "another model" not in view.shown["result"][1]
    give(session, "neighbours")
    assert "of another model than the current one" in view.shown["result"][1]


def test_results_of_other_data_are_not_shown(shown: tuple[Session, Any, Any]) -> None:
    session, view, _ = shown
    give(session, "tokens")
    ask(session, view)
    assert view.shown["result"][0] is not None
    session.open_dataset(Dataset(tiny_adata(n_cells=60, seed=9)))
    assert view.shown["result"] == (None, "Nothing is asked yet.")


def test_order_limits_and_colours() -> None:
    rng = np.random.default_rng(0)
    kinds = rng.normal(size=(3, 8)) * 5
    values = kinds[np.arange(30) % 3] + rng.normal(size=(30, 8)) * 0.1
    values[4, 2] = np.nan
    order = cluster_order(values)
    assert sorted(order.tolist()) == list(range(30))
    changes = np.count_nonzero(np.diff(order % 3))
    assert changes == 2, "rows alike stand together"
    assert cluster_order(values[:2]).tolist() == [0, 1]
    low, high = symmetric_limits(values)
    assert low == -high
    assert rising_limits(np.abs(values))[0] == 0
    panel = HeatPanel("a", "a", np.array([[-1.0, 0.0, 1.0, np.nan]]), (-1.0, 1.0), "x", diverging=True)
    rgba = panel.rgba("#123456")
    assert rgba[0, 3, :3].tolist() == [0x12, 0x34, 0x56]
    middle = len(panel.colours) // 2
    assert "#" + "".join(f"{v:02x}" for v in rgba[0, 1, :3]) == panel.colours[middle]


def test_an_end_beyond_which_there_are_values_is_marked() -> None:
    values = np.concatenate([np.linspace(-1.0, 1.0, 199), [40.0]])[:, None]
    panel = HeatPanel("a", "a", values, symmetric_limits(values), "x", diverging=True)
    assert panel.limits[1] < 40
    assert panel.ends == ("-1", "≥ 1"), "only the end that clips is marked"
    turned = replace(panel, values_rc=-values)
    assert turned.ends == ("≤ -1", "1")
    whole = replace(panel, values_rc=np.array([[-1.0, np.nan, panel.limits[1]]]))
    assert whole.ends == ("-1", "1")
    assert end_words((0.0, 2.0), np.array([0.5]), np.array([2.5])) == ("0", "≥ 2")


def test_edges_beyond_the_colours_are_marked(shown: tuple[Session, Any, Any]) -> None:
    session, view, edges = shown
    give(session, "neighbours")
    ask(session, view)
    found = session.latest("attention")
    session.hover(7)
    limits, (low, high) = edges.shown["edges"].limits, edges.shown["edges"].ends
    known = found.removed_e[np.isfinite(found.removed_e)]
    assert low.startswith("≤") == bool((known < limits[0]).any())
    assert high.startswith("≥") == bool((known > limits[1]).any())
    assert low.startswith("≤") or high.startswith("≥"), "the colours end at the 98th percentile"


def test_small_pictures_say_what_their_one_scale_is(shown: tuple[Session, Any, Any]) -> None:
    session, view, _ = shown
    give(session, "tokens")
    ask(session, view)
    multiples = view.shown["result"][0].multiples
    high = multiples.picture.panels[0].limits[1]
    assert multiples.scale.endswith("log2 x uniform")
    biggest = max(np.nanmax(np.abs(panel.values_rc)) for panel in multiples.picture.panels)
    assert biggest <= high or "≤" in multiples.scale or "≥" in multiples.scale
    assert f"{high:.3g}" in multiples.scale


def test_a_word_that_all_names_share_is_left_out() -> None:
    names = ["HALLMARK_A_B", "HALLMARK_C", "HALLMARK_D", "HALLMARK_E", "unannotated"]
    assert without_prefix(names) == ("A_B", "C", "D", "E", "unannotated")
    assert without_prefix(["X_A", "Y_A", "Z_A"]) == ("X_A", "Y_A", "Z_A")
    assert without_prefix(["H_A", "H_B", "H_C", "H_D", "A"]) == ("H_A", "H_B", "H_C", "H_D", "A")
    assert without_prefix(["SET 1", "SET 2", "SET 3"]) == ("SET 1", "SET 2", "SET 3")


def test_found_by_searching(shown: tuple[Session, Any, Any]) -> None:
    session, view, _ = shown
    colours = FakeColourView()
    presenter = ColourPresenter(session, colours)
    give(session, "tokens")
    ask(session, view)
    colours.query_typed.emit("SET 4")
    hit = colours.shown["hits"][0]
    assert (hit.title, hit.subtitle) == ("SET 4", "attention, by label")
    colours.channel_requested.emit(hit.ref)
    assert session.jobs.wait_idle(30)
    assert "not importance" in colours.shown["message"], "the caption never leaves the removal out"
    presenter.close()


def test_names_from_data_stay_plain(shown: tuple[Session, Any, Any]) -> None:
    session, view, _ = shown
    give(session, "tokens")
    ask(session, view)
    found = session.latest("attention")
    text = attention_picture(found).title
    assert "<" not in text
