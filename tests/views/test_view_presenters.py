"""Tissue, embedding and colour presenters: linked hover, selection and colours, without a display."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.data.selection import Everything
from glasscell.errors import GlasscellError
from glasscell.session import resolve as resolving
from glasscell.testing.planted import tiny_adata, tiny_dataset
from glasscell.views.presenter import combine
from glasscell.views.view import View

SQUARE = np.array([(-1, -1), (4.5, -1), (4.5, 4.5), (-1, 4.5)])


def test_an_empty_window_says_what_to_do(window: Any) -> None:
    assert window.tissue.shown["caption"] == View.open_data
    assert window.embedding.shown["message"] == View.open_data
    assert window.colour.shown["message"] == View.open_data
    assert window.prepare.shown["report"] == View.open_data
    for view in (window.prepare, window.model, window.attribution):
        assert view.shown["enabled"] == (False, "Open data first.")
    assert window.attribution.shown["ranking"][0] is None
    assert window.tissue.shown["picture"] is None


def test_opening_shows_tissue_embedding_and_colours(window: Any) -> None:
    window.session.open_dataset(tiny_dataset())
    assert window.tissue.shown["picture"].n_cells == 120
    assert window.embedding.shown["choices"] == (("X_umap", "X_pca"), "X_umap")
    positions, x, y = window.embedding.shown["positions"]
    assert positions.shape == (120, 2)
    assert (x, y) == ("umap 1", "umap 2")
    assert window.embedding.shown["message"] == ""
    np.testing.assert_array_equal(window.tissue.shown["colours"], window.embedding.shown["colours"])
    assert window.tissue.shown["colours"] is window.embedding.shown["colours"]
    assert len(window.tissue.shown["colours"]) == 121
    assert [item.name for item in window.colour.shown["legend"].items] == ["K1", "K2", "K3"]
    assert window.colour.shown["colour_bar"] is None
    assert window.colour.shown["title"] == "label"


def test_hovering_is_linked_both_ways_and_the_caption_tells_cell_value_and_label(window: Any) -> None:
    window.session.open_dataset(tiny_dataset())
    window.session.update(channel=ChannelRef.make("gene", "GENE0000"))
    window.embedding.cell_hovered.emit(7)
    assert window.tissue.shown["hovered"] == 7
    assert window.embedding.shown["hovered"] == 7
    caption = window.tissue.shown["caption"]
    assert "cell00007" in caption
    assert "GENE0000" in caption
    assert "label: K" in caption
    window.tissue.cell_hovered.emit(None)
    assert window.embedding.shown["hovered"] is None
    assert window.tissue.shown["caption"] == ""


def test_a_lasso_on_the_tissue_greys_the_rest_in_both_views(window: Any) -> None:
    window.session.open_dataset(tiny_dataset())
    before = window.embedding.shown["colours"].copy()
    window.tissue.selection_drawn.emit(SQUARE, "replace")
    mask = window.session.mask()
    assert mask.sum() == 25
    after = window.embedding.shown["colours"]
    np.testing.assert_array_equal(after[1:][mask], before[1:][mask])
    assert len(np.unique(after[1:][~mask])) == 1
    assert window.tissue.shown["caption"] == "25 of 120 cells selected"
    assert sum(item.count for item in window.colour.shown["legend"].items) == 25
    window.tissue.selection_cleared.emit()
    assert window.session.state.selection == Everything()
    window.session.undo()
    assert window.session.mask().sum() == 25


def test_lassos_combine_across_the_views(window: Any) -> None:
    window.session.open_dataset(tiny_dataset())
    session = window.session
    window.tissue.selection_drawn.emit(SQUARE, "add")
    first = session.mask().copy()
    assert first.sum() == 25
    positions = window.embedding.shown["positions"][0]
    x0, x1 = positions[:, 0].min() - 1, np.median(positions[:, 0])
    half = np.array([(x0, -99), (x1, -99), (x1, 99), (x0, 99)])
    left = (positions[:, 0] > x0) & (positions[:, 0] < x1)
    window.embedding.selection_drawn.emit(half, "intersect")
    np.testing.assert_array_equal(session.mask(), first & left)
    session.undo()
    window.embedding.selection_drawn.emit(half, "subtract")
    np.testing.assert_array_equal(session.mask(), first & ~left)
    session.undo()
    window.embedding.selection_drawn.emit(half, "add")
    np.testing.assert_array_equal(session.mask(), first | left)
    window.embedding.selection_cleared.emit()
    window.embedding.selection_drawn.emit(half, "subtract")
    np.testing.assert_array_equal(session.mask(), ~left)
    window.embedding.selection_cleared.emit()
    window.embedding.selection_drawn.emit(half, "intersect")
    np.testing.assert_array_equal(session.mask(), left)
    with pytest.raises(GlasscellError, match="combined"):
        combine(Everything(), Everything(), "xor")


def test_a_line_is_no_lasso_and_is_said_so_in_one_sentence(window: Any) -> None:
    window.session.open_dataset(tiny_dataset())
    window.tissue.selection_drawn.emit(SQUARE[:2], "replace")
    assert window.session.state.selection == Everything()
    level, text = window.job.shown["message"]
    assert level == "error"
    assert "at least three" in text


def test_other_axes_an_embedding_or_two_named_channels(window: Any) -> None:
    window.session.open_dataset(tiny_dataset())
    window.embedding.axes_requested.emit("X_pca")
    assert window.embedding.shown["positions"][1:] == ("pca 1", "pca 2")
    window.embedding.axis_names_requested.emit("GENE0003", "score")
    positions, x, y = window.embedding.shown["positions"]
    assert x.startswith("GENE0003")
    assert y == "score"
    np.testing.assert_allclose(positions[:, 1], window.session.dataset.obs["score"], rtol=1e-6)
    window.embedding.selection_drawn.emit(np.array([(-9, 0), (99, 0), (99, 99), (-9, 99)]), "replace")
    np.testing.assert_array_equal(window.session.mask(), window.session.dataset.obs["score"].to_numpy() > 0)
    window.embedding.axis_names_requested.emit("nope", "score")
    assert "nope" in window.job.shown["message"][1]
    window.embedding.axis_names_requested.emit("label", "x")
    assert "needs numbers" in window.embedding.shown["message"]
    window.session.undo()
    assert window.embedding.shown["message"] == ""


def test_axes_that_must_be_worked_out_come_later(window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "SMALL_TABLE", 0)
    window.session.open_dataset(tiny_dataset())
    window.embedding.axis_names_requested.emit("GENE0003", "GENE0004")
    assert window.embedding.shown["positions"][1] == "umap 1"
    window.settle()
    assert window.embedding.shown["positions"][1].startswith("GENE0003")


def test_while_values_are_worked_out_the_old_picture_stays_marked(
    window: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolving, "SMALL_TABLE", 0)
    window.session.open_dataset(tiny_dataset())
    old = window.tissue.shown["colours"]
    window.colour.channel_requested.emit(ChannelRef.make("gene", "GENE0003"))
    assert window.tissue.shown["stale"] is True
    assert window.embedding.shown["stale"] is True
    assert window.tissue.shown["colours"] is old
    assert "GENE0003" in window.colour.shown["message"]
    window.settle()
    assert window.tissue.shown["stale"] is False
    assert window.tissue.shown["colours"] is not old
    assert window.colour.shown["colour_bar"].title == "GENE0003"


def test_only_the_last_of_two_quick_requests_is_shown(window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "SMALL_TABLE", 0)
    window.session.open_dataset(tiny_dataset())
    shown = window.colour.count("colour_bar")
    for gene in ("GENE0003", "GENE0004"):
        window.colour.channel_requested.emit(ChannelRef.make("gene", gene))
    window.settle()
    assert window.colour.shown["title"] == "GENE0004"
    assert window.colour.count("colour_bar") == shown + 1


def test_searching_finds_genes_columns_and_axes(window: Any) -> None:
    window.session.open_dataset(tiny_dataset())
    window.colour.query_typed.emit("gene0007")
    assert window.colour.shown["hits"][0].ref == ChannelRef.make("gene", "GENE0007")
    window.colour.query_typed.emit("lab")
    assert window.colour.shown["hits"][0].ref == ChannelRef.make("obs", "label")
    window.colour.query_typed.emit("umap 2")
    assert window.colour.shown["hits"][0].ref == ChannelRef.make("embedding", "X_umap", component=1)
    window.tissue.selection_drawn.emit(SQUARE, "replace")
    window.model.group_requested.emit("my corner")
    window.colour.query_typed.emit("corner")
    assert window.colour.shown["hits"][0].ref == ChannelRef.make("group", "my corner")
    window.colour.channel_requested.emit(window.colour.shown["hits"][0].ref)
    assert window.colour.shown["legend"].items[0].total == 25


def test_a_large_index_is_made_beside_the_window(window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from glasscell.views import colour_presenter

    monkeypatch.setattr(colour_presenter, "FEW_NAMES", 0)
    window.colour.query_typed.emit("gene0007")
    window.session.open_dataset(tiny_dataset())
    window.settle()
    assert window.colour.shown["hits"][0].title == "GENE0007"


def test_legend_and_range_changes_are_undone(window: Any) -> None:
    window.session.open_dataset(tiny_dataset())
    window.colour.category_toggled.emit("K2", False)
    assert [item.shown for item in window.colour.shown["legend"].items] == [True, False, True]
    codes = window.session.dataset.obs["label"].cat.codes.to_numpy()
    assert not window.tissue.shown["colours"][1:][codes == 1].any()
    window.colour.category_recoloured.emit("K1", "#ff0000")
    assert window.colour.shown["legend"].items[0].colour == "#ff0000"
    window.colour.category_toggled.emit("K2", True)
    for _ in range(3):
        window.session.undo()
    assert all(item.shown for item in window.colour.shown["legend"].items)
    window.colour.channel_requested.emit(ChannelRef.make("gene", "GENE0003"))
    window.colour.limits_requested.emit((0.5, 1.5))
    bar = window.colour.shown["colour_bar"]
    assert (bar.low, bar.high, bar.automatic) == (0.5, 1.5, False)
    assert bar.below + bar.above > 0
    window.colour.limits_requested.emit(None)
    assert window.colour.shown["colour_bar"].automatic


def test_a_channel_that_fails_leaves_plain_cells_and_says_why(window: Any) -> None:
    adata = tiny_adata(600)
    adata.obs["barcode"] = [f"b{k}" for k in range(600)]
    window.session.open_dataset(Dataset(adata))
    window.colour.channel_requested.emit(ChannelRef.make("obs", "barcode"))
    assert "too many" in window.colour.shown["message"]
    assert len(np.unique(window.tissue.shown["colours"][1:])) == 1
    assert window.colour.shown["legend"] is None
    assert window.tissue.shown["stale"] is False


def test_without_positions_or_embedding_the_views_say_what_to_do(window: Any) -> None:
    adata = tiny_adata()
    del adata.obsm["spatial"], adata.obsm["X_umap"], adata.obsm["X_pca"]
    window.session.open_dataset(Dataset(adata))
    assert "no positions" in window.tissue.shown["caption"]
    assert "Prepare" in window.embedding.shown["message"]
    assert window.embedding.shown["positions"][0] is None
    assert window.tissue.shown["picture"] is None


def test_the_theme_of_a_view_decides_its_colours(window: Any) -> None:
    adata = tiny_adata()
    del adata.obs["label"]
    for column in list(adata.obs.columns):
        del adata.obs[column]
    window.session.open_dataset(Dataset(adata))
    dark = window.tissue.shown["colours"]
    window.tissue.theme = "light"
    window.tissue.theme_changed.emit()
    assert (window.tissue.shown["colours"] != dark).any()
    assert window.embedding.shown["colours"] is not window.tissue.shown["colours"]


def test_a_closed_presenter_hears_nothing(window: Any) -> None:
    for presenter in window.presenters:
        presenter.close()
    window.session.open_dataset(tiny_dataset())
    assert "colours" not in window.tissue.shown
    window.tissue.cell_hovered.emit(3)
    assert window.session.hovered_cell is None


def test_presenters_go_when_nobody_holds_them(window_maker: Any) -> None:
    import gc
    import weakref

    open_window = window_maker

    made = open_window()
    refs = [weakref.ref(presenter) for presenter in made.presenters]
    session = made.session
    session.open_dataset(tiny_dataset())
    del made
    gc.collect()
    assert [ref() for ref in refs] == [None] * len(refs)
    assert session.close()
