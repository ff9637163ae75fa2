"""The drawn views of a notebook, driven by the events a browser sends, without one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import anndata as ad
import ipywidgets
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.data.points import TissuePoints
from glasscell.data.selection import Everything
from glasscell.data.tissue import Tissue, TissueImage, TissueMask, TissueSection
from glasscell.jobs import InlineDispatcher
from glasscell.jupyter.canvas import PATIENCE_MS
from glasscell.jupyter.embedding import JupyterEmbeddingView
from glasscell.jupyter.frame import FRAME_BYTES, REST_MS, Frame, pack
from glasscell.jupyter.overlay import cut, font, wrap
from glasscell.jupyter.tissue import JupyterTissueView
from glasscell.session import Session
from glasscell.session import resolve as resolving
from glasscell.testing.planted import tiny_dataset
from glasscell.views.embedding_presenter import EmbeddingPresenter
from glasscell.views.scatter import NO_EMBEDDING, TWO_NAMES
from glasscell.views.theme import DARK, LIGHT
from glasscell.views.tissue_presenter import TissuePresenter

FIVE = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0], [5.0, 5.0]])
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255))
WIDTH, HEIGHT = 360, 420


class Browser:
    """The other end of a frame: it confirms what it gets, and a hand that drags."""

    def __init__(self, view: Any, monkeypatch: pytest.MonkeyPatch, ratio: float = 1.0) -> None:
        self.view, self.canvas, self.frame = view, view.canvas, view.canvas.frame
        self.frames: list[tuple[str, bytes]] = []
        monkeypatch.setattr(ipywidgets.Widget, "send", self._receive)
        self.frame._has_visible_views = True
        self.say("resize", width=float(WIDTH), height=float(HEIGHT), ratio=ratio)

    def _receive(self, content: dict[str, Any], buffers: Any = None) -> None:
        if content.get("type") == "framebufferdata":
            self.frames.append((content["mimetype"], bytes(buffers[0])))
            told = {
                "index": content["index"],
                "timestamp": content["timestamp"],
                "localtime": content["timestamp"],
            }
            self.frame._frame_feedback = told

    def say(self, kind: str, **parts: Any) -> None:
        self.frame._rfb_handle_msg(self.frame, {"timestamp": 0.0, **parts, "type": kind}, [])

    def drag(self, places: list[tuple[float, float]], keys: tuple[str, ...] = ()) -> None:
        """Drag through world places with the left button."""
        points = self.canvas.scene.camera.to_screen(places)
        pressed = {"button": 1, "buttons": [1], "modifiers": list(keys)}
        self.say("pointer_down", x=points[0, 0], y=points[0, 1], **pressed)
        for x, y in points[1:]:
            self.say("pointer_move", x=x, y=y, **pressed)
        self.say("pointer_up", x=points[-1, 0], y=points[-1, 1], **{**pressed, "buttons": []})

    def hover(self, x: float, y: float) -> None:
        ((column, row),) = self.canvas.scene.camera.to_screen([(x, y)])
        self.say("pointer_move", x=column, y=row, button=0, buttons=[], modifiers=[])

    def at(self, x: float, y: float) -> tuple[int, ...]:
        """Colour of the frame at a world place."""
        picture, ratio = self.canvas.compose(), self.canvas.scene.camera.ratio
        ((column, row),) = self.canvas.scene.camera.to_screen([(x, y)])
        return tuple(int(v) for v in picture[int(row * ratio), int(column * ratio)])


def five_colours() -> NDArray[np.uint32]:
    words = np.zeros((6, 4), np.uint8)
    words[1:, :3], words[1:, 3] = COLOURS, 255
    return np.asarray(words.view("<u4").ravel(), np.uint32)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """Five cells on two axes, without a session."""
    view = JupyterEmbeddingView()
    browser = Browser(view, monkeypatch)
    view.set_positions(FIVE, "umap 1", "umap 2")
    view.set_colours(five_colours())
    yield browser
    view.close_down()


@pytest.fixture
def linked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Both views on one session by the real presenters."""
    session = Session()
    views = {"embedding": JupyterEmbeddingView, "tissue": JupyterTissueView}
    made = {name: view(session.jobs.dispatcher, session.jobs) for name, view in views.items()}
    browsers = {name: Browser(view, monkeypatch) for name, view in made.items()}
    presenters = EmbeddingPresenter(session, made["embedding"]), TissuePresenter(session, made["tissue"])

    def receive(frame: Any, content: Any, buffers: Any = None) -> None:
        for browser in browsers.values():
            if browser.frame is frame:
                browser._receive(content, buffers)

    monkeypatch.setattr(ipywidgets.Widget, "send", receive)

    def settle(rest_ms: int = 100) -> None:
        for _ in range(3):
            assert session.jobs.wait_idle(60)
            session.jobs.dispatcher.advance(rest_ms)  # type: ignore[attr-defined]

    settle()
    yield SimpleNamespace(session=session, presenters=presenters, settle=settle, **browsers)
    for view in made.values():
        view.close_down()
    assert session.close()


def test_every_cell_of_an_embedding_is_in_its_place_and_colour(plain: Browser) -> None:
    for (x, y), colour in zip(FIVE, COLOURS, strict=True):
        assert plain.at(x, y) == colour
    assert plain.at(2.5, 5) == (0, 0, 0)
    (left, low), (right, high) = plain.canvas.scene.camera.to_screen([(0, 0), (10, 10)])
    assert right > left
    assert high < low, "y runs up"
    assert plain.canvas.compose().shape == (HEIGHT, WIDTH, 3)


def test_a_screen_of_fine_pixels_gets_as_many(plain: Browser) -> None:
    plain.say("resize", width=float(WIDTH), height=float(HEIGHT), ratio=2.0)
    assert plain.canvas.compose().shape == (2 * HEIGHT, 2 * WIDTH, 3)
    for (x, y), colour in zip(FIVE, COLOURS, strict=True):
        assert plain.at(x, y) == colour


def test_dragging_pans_and_the_wheel_zooms_about_the_pointer(plain: Browser) -> None:
    camera = plain.canvas.scene.camera
    before = camera.to_screen(FIVE)
    plain.drag([(5, 5), (6, 6), (8, 7)])
    moved = plain.canvas.scene.camera.to_screen(FIVE)
    np.testing.assert_allclose(
        moved - before, np.tile(before[4] * 0 + (3 / camera.pixel, -2 / camera.pixel), (5, 1))
    )
    x, y = moved[3]
    plain.say("wheel", x=x, y=y, dx=0.0, dy=-360.0, buttons=[], modifiers=[])
    np.testing.assert_allclose(plain.canvas.scene.camera.to_screen(FIVE)[3], (x, y))
    assert plain.canvas.scene.camera.pixel == pytest.approx(camera.pixel / 2)
    plain.drag([(10, 10), (5, 6)])
    assert plain.at(10, 10) == COLOURS[3]
    plain.view.tools.home.click()
    assert plain.canvas.scene.camera == camera


@pytest.mark.parametrize(
    ("keys", "mode"),
    [((), "replace"), (("Shift",), "add"), (("Alt",), "subtract"), (("Shift", "Alt"), "intersect")],
)
def test_a_lasso_tells_its_outline_in_the_units_of_the_axes(plain: Browser, keys: Any, mode: str) -> None:
    found: list[Any] = []
    plain.view.selection_drawn.connect(lambda outline, how: found.append((outline, how)))
    plain.view.tools.choose("lasso")
    corners = [(4.0, 4.0), (6.0, 4.0), (6.0, 6.0), (4.0, 6.0)]
    plain.drag(corners, keys)
    ((outline, told),) = found
    assert told == mode
    np.testing.assert_allclose(outline, corners)
    assert plain.canvas.overlay.outline_vd is None, "nothing is left of the drawing"


def test_the_outline_is_seen_while_it_is_drawn_and_escape_drops_it(plain: Browser) -> None:
    found: list[Any] = []
    plain.view.selection_drawn.connect(lambda *drawn: found.append(drawn))
    plain.view.tools.choose("rectangle")
    before = plain.canvas.compose()
    a, b = plain.canvas.scene.camera.to_screen([(2, 2), (8, 8)])
    pressed = {"button": 1, "buttons": [1], "modifiers": []}
    plain.say("pointer_down", x=a[0], y=a[1], **pressed)
    plain.say("pointer_move", x=b[0], y=b[1], **pressed)
    seen = (plain.canvas.compose() != before).any(axis=2)
    rows, columns = np.nonzero(seen)
    np.testing.assert_allclose([columns.min(), columns.max()], [a[0], b[0]], atol=2)
    np.testing.assert_allclose([rows.min(), rows.max()], [b[1], a[1]], atol=2)
    plain.say("key_down", key="Escape", modifiers=[])
    np.testing.assert_array_equal(plain.canvas.compose(), before)
    plain.say("pointer_up", x=b[0], y=b[1], **{**pressed, "buttons": []})
    assert not found


def test_a_click_with_the_lasso_clears_and_the_mode_of_the_menu_holds(plain: Browser) -> None:
    cleared: list[int] = []
    drawn: list[str] = []
    plain.view.selection_cleared.connect(lambda: cleared.append(1))
    plain.view.selection_drawn.connect(lambda _, mode: drawn.append(mode))
    plain.drag([(1, 1), (1, 1)])
    assert not cleared, "the tool that moves clears nothing"
    plain.view.tools.choose("lasso")
    plain.drag([(1, 1), (1, 1)])
    plain.view.tools.clear.click()
    assert len(cleared) == 2
    plain.view.tools.mode.value = "subtract"
    plain.drag([(1, 1), (1, 1)])
    assert len(cleared) == 2, "a click takes nothing away"
    plain.drag([(1, 1), (5, 1), (5, 5)])
    assert drawn == ["subtract"]


def test_hovering_picks_the_cell_drawn_there(plain: Browser) -> None:
    seen: list[int | None] = []
    plain.view.cell_hovered.connect(seen.append)
    plain.hover(10, 0)
    plain.hover(10, 0)
    plain.hover(2, 5)
    plain.hover(5, 5)
    plain.say("pointer_leave", x=0, y=0, button=0, buttons=[], modifiers=[])
    assert seen == [1, None, 4, None]


def test_another_picture_under_a_resting_pointer_is_hovered_anew(plain: Browser) -> None:
    seen: list[Any] = []
    plain.view.cell_hovered.connect(seen.append)
    plain.hover(10, 0)
    plain.view.set_positions(FIVE + 0.0, "UMAP 1", "UMAP 2")
    plain.hover(10, 0)
    assert seen == [1, 1], "the same number is another cell now"


@pytest.mark.parametrize("tool", ["move", "lasso"])
def test_a_button_let_go_out_of_sight_is_no_longer_held(plain: Browser, tool: str) -> None:
    drawn: list[Any] = []
    plain.view.selection_drawn.connect(lambda *what: drawn.append(what))
    plain.view.tools.choose(tool)
    pressed = {"button": 1, "buttons": [1], "modifiers": []}
    free = {"button": 0, "buttons": [], "modifiers": []}
    before = plain.canvas.scene.camera
    plain.say("pointer_down", x=100.0, y=100.0, timestamp=5.0, **pressed)
    plain.say("pointer_move", x=20.0, y=30.0, timestamp=4.9, **free)
    assert not plain.canvas.gesture.is_idle, "a move from before the press, sent late, lets nothing go"
    assert plain.canvas.scene.camera == before
    plain.say("pointer_move", x=140.0, y=100.0, timestamp=5.1, **pressed)
    plain.say("pointer_move", x=140.0, y=150.0, timestamp=5.2, **pressed)
    camera = plain.canvas.scene.camera
    assert not plain.canvas.gesture.is_idle
    plain.say("pointer_move", x=20.0, y=30.0, timestamp=6.0, **free)
    assert plain.canvas.gesture.is_idle
    assert plain.canvas.scene.camera == camera, "the picture hangs on the pointer"
    assert plain.canvas.overlay.outline_vd is None
    assert not drawn


def test_the_hovered_cell_is_ringed_and_nothing_else_changes(plain: Browser) -> None:
    before = plain.canvas.compose()
    plain.view.set_hovered(4)
    rows, columns = np.nonzero((plain.canvas.compose() != before).any(axis=2))
    ((x, y),) = plain.canvas.scene.camera.to_screen([(5, 5)])
    np.testing.assert_allclose([columns.mean(), rows.mean()], [x - 0.5, y - 0.5], atol=1)
    assert np.hypot(columns + 0.5 - x, rows + 0.5 - y).max() < 13
    assert plain.at(5, 5) == COLOURS[4], "the cell itself is seen"
    plain.view.set_hovered(99)
    np.testing.assert_array_equal(plain.canvas.compose(), before)


def test_stale_colours_are_dim_and_messages_are_read(plain: Browser) -> None:
    plain.view.set_stale(True)
    assert max(plain.at(0, 0)) < 128
    plain.view.set_stale(False)
    assert plain.at(0, 0) == COLOURS[0]
    before = plain.canvas.compose()
    plain.view.set_message("An axis needs numbers.")
    rows, _ = np.nonzero((plain.canvas.compose() != before).any(axis=2))
    assert abs(rows.mean() - HEIGHT / 2) < 8
    plain.view.set_message("")
    np.testing.assert_array_equal(plain.canvas.compose(), before)


def test_arrows_point_where_cells_go_and_their_note_is_read(plain: Browser) -> None:
    before = plain.canvas.compose()
    arrows = SimpleNamespace(
        start_ad=np.array([[1.0, 2.0]]), end_ad=np.array([[9.0, 2.0]]), caption="Only a direction."
    )
    plain.view.set_arrows(arrows)
    changed = np.nonzero((plain.canvas.compose() != before).any(axis=2))
    a, b = plain.canvas.scene.camera.to_screen([(1, 2), (9, 2)])
    np.testing.assert_allclose([changed[1].min(), changed[1].max()], [a[0], b[0]], atol=2)
    assert np.abs(changed[0][changed[1] < a[0] + 20] - a[1]).max() < 3, (
        "a shaft, and barbs at the far end alone"
    )
    assert plain.view.arrow_note.text == "Only a direction."
    plain.view.set_arrows(None)
    np.testing.assert_array_equal(plain.canvas.compose(), before)
    assert plain.view.arrow_note.text == ""


def test_light_and_dark_ground(plain: Browser) -> None:
    plain.view.theme = "light"
    plain.view.theme_changed.emit()
    assert plain.at(2.5, 5) == (255, 255, 255)
    assert plain.canvas.theme is LIGHT
    assert plain.at(0, 0) == COLOURS[0]
    plain.view.theme = "dark"
    plain.view.theme_changed.emit()
    assert (plain.at(2.5, 5), plain.canvas.theme) == ((0, 0, 0), DARK)


def test_choosing_axes(plain: Browser) -> None:
    wishes: list[Any] = []
    plain.view.axes_requested.connect(wishes.append)
    plain.view.axis_names_requested.connect(lambda x, y: wishes.append((x, y)))
    plain.view.set_choices(("X_umap", "X_pca"), "X_umap")
    plain.view.set_choices(("X_umap", "X_pca"), None)
    plain.view.set_choices((), None)
    plain.view.set_choices(("X_umap", "X_pca"), "X_umap")
    assert not wishes, "what is shown is not wished"
    assert [words for words, _ in plain.view.choice.options] == ["UMAP", "PCA", TWO_NAMES]
    plain.view.choice.value = "X_pca"
    plain.view.choice.value = TWO_NAMES
    assert wishes == ["X_pca"]
    assert plain.view.names.layout.display is None
    plain.view.x_name.value = "GENE1"
    assert len(wishes) == 1, "one name is not two"
    plain.view.y_name.value = "score"
    assert wishes == ["X_pca", ("GENE1", "score")]
    plain.view.set_choices(("X_umap", "X_pca"), None)
    assert plain.view.choice.key == TWO_NAMES
    plain.view.set_choices(("X_umap", "X_pca"), "X_umap")
    assert plain.view.names.layout.display == "none"


def test_an_empty_embedding_says_what_to_do(plain: Browser) -> None:
    plain.view.set_positions(None, "", "")
    assert plain.canvas.overlay.message == NO_EMBEDDING
    plain.view.set_positions(np.full((5, 2), np.nan), "umap 1", "umap 2")
    plain.view.set_hovered(2)
    assert plain.canvas.overlay.mark is None
    assert plain.canvas.compose().shape == (HEIGHT, WIDTH, 3)


def tissue() -> Dataset:
    """Two cells of a mask over half of a grey picture, and one disc beside them."""
    adata = ad.AnnData(np.ones((3, 2), np.float32))
    adata.obsm["spatial"] = np.array([[2.0, 2.0], [6.0, 2.0], [12.0, 8.0]])
    labels = np.zeros((8, 10), np.int32)
    labels[:5, :4], labels[:5, 4:8] = 1, 2
    mask = TissueMask("m", labels, (1.0, 1.0), (0.0, 0.0), np.array([-1, 0, 1], np.int32))
    image = TissueImage("p", (np.full((10, 16, 3), 200, np.uint8),), (1.0, 1.0), (0.0, 0.0), rgb=True)
    section = TissueSection("one", images=(image,), mask=mask, radius=1.5)
    return Dataset(adata, tissue=Tissue((section,), microns_per_unit=0.5))


def test_a_tissue_of_mask_picture_and_disc(linked: Any) -> None:
    linked.session.open_dataset(tissue())
    linked.settle()
    view, browser = linked.tissue.view, linked.tissue
    table = np.zeros((4, 4), np.uint8)
    table[1:, :3], table[1:, 3] = COLOURS[:3], 255
    view.set_colours(table.view("<u4").ravel())
    assert browser.at(1, 1) == COLOURS[0]
    assert browser.at(5, 4) == COLOURS[1]
    assert browser.at(12, 8) == COLOURS[2]
    assert browser.at(9, 6) == (200, 200, 200)
    seen: list[int | None] = []
    view.cell_hovered.connect(seen.append)
    for place in ((1, 1), (5, 4), (12, 8), (9, 6)):
        browser.hover(*place)
    assert seen == [0, 1, 2, None]
    view.cell_opacity.value = 0.5
    assert all(abs(a - b) < 3 for a, b in zip(browser.at(1, 1), (228, 100, 100), strict=True))
    view.picture_opacity.value = 0.0
    assert browser.at(9, 6) == (0, 0, 0)
    assert view.picture_opacity.layout.display is None
    assert view.sight.cells == 0.5


def stack() -> Dataset:
    """Cells at two heights over a picture of two channels, with transcripts."""
    adata = ad.AnnData(np.ones((4, 2), np.float32))
    adata.obsm["spatial"] = np.array([[2.0, 2.0], [6.0, 2.0], [2.0, 8.0], [6.0, 8.0]])
    level = np.zeros((10, 10, 2), np.float32)
    level[:, :5, 0] = level[:, 5:, 1] = 1
    image = TissueImage("p", (level,), (1.0, 1.0), (0.0, 0.0), channels=("<b>one</b>", "two"))
    rna = TissuePoints("rna", np.array([[4.1, 5.1], [6.6, 5.1]]), 2, np.array([0, 1], np.int32), ("0", "1"))
    section = TissueSection("one", images=(image,), radius=1.0, points=(rna,))
    heights, z_c = (1.0, 2.0), np.array([1.0, 1.0, 2.0, 2.0])
    return Dataset(adata, tissue=Tissue((section,), z_c=z_c, heights=heights))


def test_planes_channels_and_transcripts(linked: Any) -> None:
    linked.session.open_dataset(stack())
    linked.settle()
    view, browser = linked.tissue.view, linked.tissue
    assert view.plane.options == ("all z", "z = 1", "z = 2")
    assert browser.at(1, 5) == (0, 0, 255)
    assert browser.at(7, 5) == (0, 255, 0)
    assert browser.at(4.1, 5.1) == browser.at(6.6, 5.1) == (255, 176, 0)
    cell = browser.at(2, 8)
    assert cell != (0, 0, 255)
    camera = browser.canvas.scene.camera
    view.plane.index = 1
    linked.settle()
    assert browser.at(2, 8) == (0, 0, 255), "cells of other planes are gone"
    assert browser.at(2, 2) == cell
    assert browser.canvas.scene.camera == camera
    assert view.sight.plane == 0
    view.plane.index = 0
    linked.settle()
    assert browser.at(2, 8) == cell
    sheet = view.channels.sheet
    assert [row[2] for row in sheet.rows] == ["<b>one</b>", "two"]
    sheet._on_message(sheet, {"type": "changed", "row": 0, "column": 0, "value": False}, [])
    sheet._on_message(sheet, {"type": "changed", "row": 1, "column": 1, "value": "#ff0000"}, [])
    linked.settle()
    assert browser.at(1, 5) == (0, 0, 0)
    assert browser.at(7, 5) == (255, 0, 0)
    assert view.sight.layers[0][1].light == (1.0, 0.0, 0.0)
    view.set_gene("1")
    linked.settle()
    assert browser.at(4.1, 5.1) != (255, 176, 0)
    assert browser.at(6.6, 5.1) == (255, 176, 0)


def test_a_flat_tissue_has_no_planes_and_a_lone_photograph_no_channels(linked: Any) -> None:
    linked.session.open_dataset(stack())
    linked.session.open_dataset(tissue())
    linked.settle()
    view = linked.tissue.view
    assert view.plane.layout.display == view.channels.widget.layout.display == "none"
    assert not view.channels.chosen
    linked.session.open_dataset(tiny_dataset())
    assert view.picture_opacity.layout.display == "none"


def test_a_lasso_in_the_embedding_changes_the_tissue(linked: Any) -> None:
    session, embedding = linked.session, linked.embedding
    session.open_dataset(tiny_dataset())
    linked.settle()
    before = linked.tissue.canvas.compose()
    positions = session.dataset.embeddings["X_umap"][:, :2]
    near = positions[:, 0] < np.median(positions[:, 0])
    x0, y0, x1, y1 = -99.0, -99.0, float(np.median(positions[:, 0])), 99.0
    embedding.view.tools.choose("lasso")
    embedding.drag([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    linked.settle()
    np.testing.assert_array_equal(session.mask(), near)
    after = linked.tissue.canvas.compose()
    assert (after != before).any()
    assert linked.tissue.view.caption.text == f"{near.sum()} of 120 cells selected"
    chosen = int(np.flatnonzero(near)[0])
    place = session.dataset.positions_cd[chosen]
    linked.tissue.hover(*place)
    assert session.hovered_cell == chosen
    assert embedding.canvas.overlay.mark[:2] == tuple(positions[chosen])
    embedding.view.tools.clear.click()
    assert session.state.selection == Everything()
    linked.settle()
    linked.tissue.say("pointer_leave", x=0, y=0, button=0, buttons=[], modifiers=[])
    np.testing.assert_array_equal(linked.tissue.canvas.compose(), before)


def test_other_axes_by_the_presenter(linked: Any) -> None:
    linked.session.open_dataset(tiny_dataset())
    linked.settle()
    view = linked.embedding.view
    view.choice.value = "X_pca"
    linked.settle()
    assert linked.session.state.views.embedding == "X_pca"
    assert linked.embedding.canvas.overlay.corner.startswith("pca 1")
    view.choice.value = TWO_NAMES
    view.x_name.value, view.y_name.value = "GENE0003", "score"
    linked.settle()
    assert linked.session.state.views.axes is not None
    assert view.choice.key == TWO_NAMES
    assert not linked.embedding.canvas.scene.locked
    assert linked.embedding.canvas.overlay.axes[1] == "score"
    assert linked.embedding.canvas.overlay.corner == ""


def test_a_recolour_is_one_frame_and_then_the_same_without_loss(linked: Any) -> None:
    session, frames = linked.session, linked.tissue.frames
    session.open_dataset(tiny_dataset())
    linked.settle(REST_MS)
    frames.clear()
    table = linked.tissue.canvas.scene._table_u32.copy()
    for _ in range(3):
        linked.tissue.view.set_colours(np.roll(table, 1))
    linked.settle(1)
    assert [kind for kind, _ in frames] == ["image/jpeg"], "three recolours between two frames are one"
    linked.settle(REST_MS)
    kinds = [kind for kind, _ in frames]
    assert kinds[0] == "image/jpeg"
    assert len(kinds) == 2
    exact = np.asarray(Image.open(io.BytesIO(frames[1][1])).convert("RGB"))
    np.testing.assert_array_equal(exact, linked.tissue.canvas.compose())
    linked.settle(10 * REST_MS)
    assert len(frames) == 2


def test_colours_that_come_at_once_need_no_dim_frame_before(
    linked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, browser = linked.session, linked.tissue
    session.open_dataset(tiny_dataset())
    linked.settle(REST_MS)
    browser.frames.clear()
    monkeypatch.setattr(resolving, "SMALL_TABLE", 0)
    session.update(channel=ChannelRef.make("gene", "GENE0003"))
    assert session.jobs.wait_idle(60)
    session.jobs.dispatcher.run_pending()
    assert len(browser.frames) == 1
    browser.view.set_stale(True)
    assert not browser.canvas.scene.stale
    session.jobs.dispatcher.advance(PATIENCE_MS)
    assert browser.canvas.scene.stale
    assert browser.canvas.overlay.badge == "computing …"
    browser.view.set_stale(False)
    assert not browser.canvas.scene.stale
    assert browser.canvas.overlay.badge == ""


def test_frames_follow_the_dispatcher_of_the_session(linked: Any) -> None:
    linked.session.open_dataset(tiny_dataset())
    linked.settle(REST_MS)
    asyncio_like = linked.session.jobs.dispatcher
    linked.session.jobs.dispatcher = qt_like = InlineDispatcher()
    linked.tissue.frames.clear()
    linked.tissue.view.set_hovered(3)
    linked.tissue.say("wheel", x=50.0, y=50.0, dx=0.0, dy=-500.0, buttons=[], modifiers=[])
    asyncio_like.advance(1000)
    assert not linked.tissue.frames
    qt_like.advance(0)
    assert len(linked.tissue.frames) == 1
    qt_like.advance(100)
    assert linked.session.jobs.wait_idle(60)
    assert linked.tissue.canvas.scene.ready


def test_no_frame_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1400, 3), dtype=np.uint8)
    sent: list[int] = []
    monkeypatch.setattr(
        ipywidgets.Widget, "send", lambda self, content, buffers: sent.append(len(buffers[0]))
    )
    session = Session()
    frame = Frame(lambda: noise, runner=session.jobs)
    frame._has_visible_views = True
    frame.request_draw()
    dispatcher: Any = session.jobs.dispatcher
    dispatcher.run_pending()
    dispatcher.advance(REST_MS)
    assert session.jobs.wait_idle(60)
    assert len(sent) == 1, "too large without loss, so it stays as it is"
    assert sent[0] <= FRAME_BYTES
    frame.close_down()
    assert session.close()


def test_a_sharper_frame_fits_beside_the_one_before_it() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    exact = pack(noise, 10**6)
    assert exact is not None
    assert exact[0] in ("image/webp", "image/png")
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(exact[1])).convert("RGB")), noise)
    nearly = pack(noise, len(exact[1]) - 1)
    assert nearly is not None
    assert nearly[0] == "image/jpeg"
    assert pack(noise, 1000) is None


def test_making_a_view_shows_nothing_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    JupyterTissueView().close_down()
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")


def test_nothing_runs_after_closing(linked: Any) -> None:
    linked.session.open_dataset(tiny_dataset())
    linked.settle()
    for browser in (linked.tissue, linked.embedding):
        browser.say("wheel", x=50.0, y=50.0, dx=0.0, dy=-100.0, buttons=[], modifiers=[])
        browser.view.close_down()
        browser.frames.clear()
        browser.view.set_hovered(3)
        browser.view.set_colours(np.zeros(121, np.uint32))
    linked.settle(10 * REST_MS)
    assert not linked.tissue.frames
    assert not linked.embedding.frames
    assert not linked.session.jobs.active
    assert not [
        widget for widget in (linked.tissue.frame, linked.tissue.frame.errors) if widget.comm is not None
    ]


def test_errors_of_drawing_are_shown_below_the_frame(plain: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise ValueError("broken")

    monkeypatch.setattr(plain.frame, "_compose", fail)
    plain.frame.request_draw()
    assert "broken" in str(plain.frame.errors.outputs)
    assert plain.frame.errors in plain.canvas.widget.children


def test_long_words_fit_and_greek_letters_have_glyphs() -> None:
    name = "<img src=x onerror=alert(1)>" * 9
    assert font(13).getlength(cut(name, 200, 13)) <= 200
    assert cut("short", 200, 13) == "short"
    sentence = "one two three four five six seven eight nine ten"
    lines = wrap(sentence, 80, 13)
    assert len(lines) > 2
    assert " ".join(lines) == sentence
    missing = np.asarray(font(20).getmask("\U0010ffff"))
    for letter in "µβ→↑…":
        assert not np.array_equal(np.asarray(font(20).getmask(letter)), missing)
