"""The attention dock pressed: ask, click a place, choose a head, hover a cell; on an empty viewer, twice."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import canvas_pixels, hover, press, settled, spin, wait

pytestmark = pytest.mark.gui
CLASSES = ("left", "right")


@pytest.fixture(autouse=True)
def _toy_families() -> Iterator[None]:
    from glasscell.models.registry import FAMILIES
    from glasscell.testing.attending_family import EDGE_FAMILY, TOKEN_FAMILY

    for family in (TOKEN_FAMILY, EDGE_FAMILY):
        FAMILIES.register(family)
    yield
    for family in (TOKEN_FAMILY, EDGE_FAMILY):
        FAMILIES.unregister(family.info.key)


def choose(box: Any, key: str) -> None:
    assert box.findData(key) >= 0, key
    box.setCurrentIndex(box.findData(key))
    box.activated.emit(box.currentIndex())


def click(widget: Any, point: Any) -> None:
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=point.toPoint())


def give_model(session: Any, kind: str) -> None:
    """Make a toy the session's model."""
    from glasscell.testing.attending_family import attending_bundle

    bundle = attending_bundle(session.dataset, "half", kind, sets=8)
    session.update(model=session.hold("bundle", bundle))


def shots(shown: Any, name: str) -> None:
    """Keep pictures of the window in both themes where a folder is named."""
    folder = os.environ.get("GLASSCELL_PICTURES")
    if folder:
        for theme in ("dark", "light"):
            shown.viewer.theme = theme
            spin(0.5)
            shown.desk.tissue.canvas.main_window.grab().save(f"{folder}/{name}_{theme}.png")
        shown.viewer.theme = "dark"
        spin(0.2)


def test_tokens_in_the_window(window: Callable[..., Any], grid_file: Path, tmp_path: Path) -> None:
    shown = window(grid_file)
    settled(shown.desk)
    session, view = shown.desk.session, shown.docks["Attention"].view
    shown.raise_dock("Attention")
    spin(0.1)
    assert not view.ask.isEnabled()
    assert "model that attends" in view.reason.whole_text()
    give_model(session, "tokens")
    spin(0.1)
    assert view.by.name() == "half"
    before = canvas_pixels(shown.viewer)
    press(view.ask)
    settled(shown.desk)
    heat = view.heatmap.picture
    assert [panel.key for panel in heat.panels] == ["relative", "removed"]
    assert set(heat.columns) == set(CLASSES)
    assert len(heat.rows) == 8
    place = type(view.heatmap).place_at(view.heatmap, view.heatmap.box(0).center())
    click(view.heatmap, view.heatmap.centre_of(place))
    settled(shown.desk)
    channel = session.state.colouring.channel
    assert (channel.kind, channel.key) == ("attention", heat.rows[place.row])
    assert channel.param("quantity") == "relative"
    assert np.abs(canvas_pixels(shown.viewer).astype(int) - before).max() > 30
    shots(shown, "attention_tokens")
    click(view.heatmap, view.heatmap.centre_of(place._replace(panel=1)))
    assert session.state.colouring.channel.param("quantity") == "removed"
    click(view.multiples, view.multiples.box(1).center())
    assert view.which.name() == "head:1.1"
    assert "layer 1, head 1" in view.heatmap.picture.panels[0].title
    choose(view.quantity, "weight")
    assert view.heatmap.picture.panels[0].unit == "weight"
    press(view.closer)
    assert view.heatmap.rows.shown < 8
    press(view.home)
    assert view.heatmap.rows.shown == 8
    view.rows.clicked.emit(view.rows.genes.index(1, 0))
    assert session.state.colouring.channel.key == view.rows.genes.texts[1][0]
    view.table_requested.emit(tmp_path / "attention.csv")
    settled(shown.desk)
    assert "change_when_removed" in (tmp_path / "attention.csv").read_text().splitlines()[0]
    assert "not what matters" in view.notes.whole_text()


def test_neighbours_on_the_tissue(window: Callable[..., Any], grid_file: Path) -> None:
    shown = window(grid_file)
    settled(shown.desk)
    session, dock = shown.desk.session, shown.docks["Attention"]
    shown.raise_dock("Attention")
    give_model(session, "neighbours")
    press(dock.view.ask)
    settled(shown.desk)
    sheet = dock.edges.sheet
    assert sheet.picture is None
    x, y = session.dataset.positions_cd[210]
    hover(shown.desk, float(x), float(y))
    wait(lambda: sheet.picture is not None, 5)
    assert sheet.picture.cell == 210
    assert len(sheet.lines()) == 4
    widest = int(np.argmax(sheet.picture.widths))
    line = sheet.lines()[widest]
    seen = sheet.grab().toImage()
    middle = seen.pixelColor(line.pointAt(0.5).toPoint())
    wanted = sheet.picture.colours[widest]
    parts = [int(wanted[place : place + 2], 16) for place in (1, 3, 5)]
    assert np.abs(np.array(middle.getRgb()[:3]) - parts).max() < 40
    shots(shown, "attention_edges")
    before, of_mean = sheet.grab().toImage(), sheet.picture
    choose(dock.view.which, "head:1.2")
    cell = int(session.latest("attention").receivers[session.latest("attention").first_net_e][0])
    x, y = session.dataset.positions_cd[cell]
    hover(shown.desk, float(x), float(y))
    wait(lambda: sheet.picture is not None and sheet.picture.cell == cell, 5)
    assert sheet.picture.title.startswith("layer 1, head 2: ")
    found = session.latest("attention").neighbours(cell, "head:1.2")
    np.testing.assert_allclose(sheet.picture.widths, np.clip(3 * found.relative, 0.8, 10), rtol=1e-6)
    assert sheet.grab().toImage() != before
    assert sheet.picture is not of_mean
    hover(shown.desk, -50.0, -50.0)
    assert sheet.picture is None
    assert set(dock.view.heatmap.picture.rows) == set(dock.view.heatmap.picture.columns) == set(CLASSES)


def test_empty_viewer_twice_and_late(viewer: Any, grid_file: Path) -> None:
    from glasscell.plugin.attention_dock import AttentionDock

    pair = [AttentionDock(viewer) for _ in range(2)]
    for number, dock in enumerate(pair):
        viewer.window.add_dock_widget(dock, name=f"Attention {number}")
    wait(lambda: pair[1].view is not None, 20)
    assert not pair[0].view.ask.isEnabled()
    assert "Open data first" in pair[0].view.reason.whole_text()
    pair[0].desk.open(grid_file)
    settled(pair[0].desk)
    assert "model that attends" in pair[0].view.reason.whole_text()
    viewer.window.remove_dock_widget(pair[0])
    spin(0.1)
    assert pair[0]._ended
    assert not pair[1]._ended


def agreement(attention: Any, change: Any) -> float:
    """Rank correlation of attention with the size of the change on removal."""
    from scipy.stats import spearmanr

    known = np.isfinite(attention) & np.isfinite(change)
    return float(spearmanr(attention[known], np.abs(change[known])).statistic)


@pytest.mark.slow
def test_dlpfc_neighbours(window: Callable[..., Any], real_data: Callable[[str], Path]) -> None:
    """Train on a real section, ask by layer, hover a spot: its edges, and both views by a click."""
    shown = window(real_data("dlpfc_151673.h5ad"))
    settled(shown.desk)
    session, dock = shown.desk.session, shown.docks["Attention"]
    session.fit(family="spatial_attention", params={"max_epochs": 30})
    settled(shown.desk)
    shown.raise_dock("Attention")
    spin(0.2)
    view = dock.view
    choose(view.by, "layer")
    assert "domain" in view.target.currentText()
    view.form.set_values({"removal_cells": 8, "edge_cells": 250, "random_nets": 2})
    press(view.ask)
    settled(shown.desk)
    found = session.latest("attention")
    heat = view.heatmap.picture
    assert set(heat.rows) == set(heat.columns) == set(found.groups)
    measured = np.unique(found.receivers[np.isfinite(found.removed_e)])
    assert 250 <= len(measured) <= 500
    assert (found.n_removed_gt[found.n_edges_gt > 0] > 0).all()
    weights = found.edge_values()[found.proper_e]
    low, high = np.quantile(weights, (0.01, 0.99))
    rank = agreement(weights, found.removed_e[found.proper_e])
    print(f"\nDLPFC 151673: edges {low:.2f} to {high:.2f} x uniform (1 to 99 %), rank correlation "
          f"with |change when removed| {rank:.2f}")  # fmt: skip
    inner = np.asarray(session.dataset.obs["layer"] == "L3")[measured]
    spot = int(measured[inner][10])
    x, y = dock.desk.tissue.picture.positions_cd[spot]
    hover(shown.desk, float(x), float(y))
    wait(lambda: dock.edges.sheet.picture is not None, 5)
    picture = dock.edges.sheet.picture
    assert picture.cell == spot
    assert len(dock.edges.sheet.lines()) == len(found.neighbours(spot).senders) > 5
    shots(shown, "attention_dlpfc_edges")
    row, column = heat.rows.index("L3"), heat.columns.index("L3")
    place = type(view.heatmap.place_at(view.heatmap.box(1).center()))(row, column, 1)
    click(view.heatmap, view.heatmap.centre_of(place))
    settled(shown.desk)
    channel = session.state.colouring.channel
    assert (channel.key, channel.param("quantity")) == ("L3", "removed")
    click(view.heatmap, view.heatmap.centre_of(place._replace(panel=0)))
    settled(shown.desk)
    assert session.state.colouring.channel.param("quantity") == "relative"
    shots(shown, "attention_dlpfc_painted")


@pytest.mark.slow
def test_pbmc3k_gene_sets(
    window: Callable[..., Any], real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    """Train a model of gene sets on real cells, ask it, click a place, read the map of a head."""
    shown = window(real_data("pbmc3k.h5ad"))
    settled(shown.desk)
    session, dock = shown.desk.session, shown.docks["Attention"]
    sets = str(real_data("gene_sets/hallmark.gmt"))
    params = {"gene_sets": sets, "max_epochs": 4}
    session.fit("louvain", family="pathway_transformer", params=params)
    settled(shown.desk)
    shown.raise_dock("Attention")
    spin(0.2)
    view = dock.view
    assert view.ask.isEnabled(), view.reason.whole_text()
    assert view.by.name() == "louvain"
    view.form.set_values({"removal_cells": 12, "random_nets": 2})
    press(view.ask)
    settled(shown.desk)
    found = session.latest("attention")
    heat = view.heatmap.picture
    assert set(heat.rows) == set(found.columns)
    assert "HALLMARK_INTERFERON_GAMMA_RESPONSE" in heat.rows
    assert {"rollout", "norm", "layer:2", "head:2.4"} <= set(found.maps)
    assert np.isfinite(found.removed_gt).all()
    assert np.isfinite(found.grouped("mean", "z_twin")).all(), "the twin was trained with the model"
    assert np.isfinite(found.grouped("rollout", "z_random")).all()
    for which in ("mean", "rollout", "norm"):
        per_group = [agreement(*pair) for pair in zip(found.grouped(which), found.removed_gt, strict=True)]
        words = ", ".join(f"{value:.2f}" for value in per_group)
        print(f"\npbmc3k, {which}: rank correlation with |change when removed| by group {words}")
    assert dock.edges.sheet.picture is None
    point = view.heatmap.box(0).center()
    place = view.heatmap.place_at(point)
    click(view.heatmap, view.heatmap.centre_of(place))
    settled(shown.desk)
    channel = session.state.colouring.channel
    assert (channel.kind, channel.key) == ("attention", heat.rows[place.row])
    embedded = shown.docks["Embedding"].view.widget.grab().toImage()
    colours = {embedded.pixel(x, y) for x in range(0, embedded.width(), 3) for y in range(60, 300, 3)}
    assert len(colours) > 30, "the embedding takes the colours of the attention"
    shots(shown, "attention_pbmc3k")
    click(view.multiples, view.multiples.box(view.multiples._multiples.keys.index("head:2.3")).center())
    assert view.which.name() == "head:2.3"
    assert session.latest("attention") is found, "another map needs no new question"
    choose(view.which, "rollout")
    assert "rollout" in view.heatmap.picture.panels[0].title
