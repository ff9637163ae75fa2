"""Outlines, planes, transcripts, turning the view, and cells sent to layers, in a real window."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.plugin.conftest import canvas_pixels, drag, grid_adata, hover, settled, spin

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.data.points import TissuePoints
from glasscell.data.selection import Cells
from glasscell.data.tissue import Tissue, TissueSection
from glasscell.errors import DataError

pytestmark = [pytest.mark.gui]
RealData = Callable[[str], Path]


@pytest.fixture
def desk(viewer: Any) -> Any:
    """Cells on a grid at four heights, with transcripts over them."""
    from glasscell.plugin.desk import desk_for

    adata = grid_adata(12)
    z_c = np.repeat([0.0, 4.0, 8.0, 12.0], 36)
    rng = np.random.default_rng(1)
    rna = TissuePoints(
        "rna",
        rng.uniform(0, 110, (600, 2)),
        2400,
        np.arange(600, dtype=np.int32) % 3,
        ("A", "GENE1", "C"),
        rng.uniform(0, 12, 600),
    )
    tissue = Tissue(
        (TissueSection("one", radius=4.0, points=(rna,)),), "um", 1.0, z_c=z_c, heights=(0.0, 4.0, 8.0, 12.0)
    )
    made = desk_for(viewer)
    made.session.open_dataset(Dataset(adata, tissue=tissue))
    settled(made)
    return made


def tools_of(viewer: Any) -> Any:
    from glasscell.plugin.docks import TissueDock

    dock = TissueDock(viewer)
    viewer.window.resize(1300, 760)
    viewer.window.add_dock_widget(dock, area="bottom")
    spin(0.2)
    dock.desk.tissue.go_home()
    settled(dock.desk)
    return dock.view.widget


def pixel_at(desk: Any, x: float, y: float) -> Any:
    (screen,) = desk.tissue.canvas.to_screen([[x, y]])
    ratio = desk.tissue.canvas.native.devicePixelRatioF()
    column, row = (int(v * ratio) for v in screen)
    return canvas_pixels(desk.viewer)[row, column]


def orange(viewer: Any) -> int:
    """How many pixels have the colour of transcripts."""
    pixels = canvas_pixels(viewer).astype(int)
    return int(((abs(pixels - (255, 176, 0)) < 60).all(axis=2)).sum())


def hide_points(desk: Any) -> None:
    for layer in desk.tissue.points.layers:
        layer.visible = False
    spin(0.02)


def test_one_plane_shows_its_cells_and_selects_them_alone(desk: Any) -> None:
    tools = tools_of(desk.viewer)
    assert tools.planes.isVisible()
    assert [tools.planes.box.itemText(i) for i in range(5)] == [
        "all z",
        *(f"z = {z} µm" for z in (0, 4, 8, 12)),
    ]
    tools.planes.box.setCurrentIndex(2)
    tools.planes.box.activated.emit(2)
    settled(desk)
    assert "z = 4 µm" in desk.tissue.overlay.caption
    centre = desk.tissue.canvas._centre
    near = np.flatnonzero(desk.tissue.picture.shown_c)
    np.testing.assert_array_equal(near, np.arange(36, 72))
    x, y = desk.session.dataset.positions_cd[40]
    assert desk.tissue.cells.pick(x, y) == 40
    assert desk.tissue.cells.pick(*desk.session.dataset.positions_cd[5]) is None
    tools.choose_tool("rectangle")
    drag(desk, [(-5, -5), (60, 60), (115, 115)])
    settled(desk)
    np.testing.assert_array_equal(np.flatnonzero(desk.session.mask()), np.arange(36, 72))
    assert desk.tissue.canvas._centre == centre
    tools.planes.box.activated.emit(0)
    settled(desk)
    assert desk.tissue.cells.pick(*desk.session.dataset.positions_cd[5]) == 5


def test_transcripts_are_points_whose_number_is_told(desk: Any) -> None:
    (layer,) = desk.tissue.points.layers
    assert layer.name == "rna: showing 600 of 2,400 transcripts"
    assert "showing 600 of 2,400 transcripts" in desk.tissue.overlay.caption
    assert layer.features["gene"].tolist()[:3] == ["A", "GENE1", "C"]
    assert tuple(str(unit) for unit in layer.units) == ("micrometer", "micrometer")
    desk.session.update(channel=ChannelRef.make("gene", "GENE1"))
    settled(desk)
    assert layer.features["gene"].tolist() == ["GENE1"] * 200
    assert len(layer.data) == 200 < len(desk.tissue.picture.points[0])
    assert layer.name == "rna of GENE1: showing 200 of 2,400 transcripts"
    desk.tissue.plane_requested.emit(1)
    settled(desk)
    assert 0 < len(layer.data) < 100
    assert f"{len(layer.data)} of 2,400" in desk.tissue.overlay.caption
    desk.session.update(channel=None)
    settled(desk)
    desk.tissue.plane_requested.emit(None)
    assert len(layer.data) == 600
    assert orange(desk.viewer) > 200
    desk.session.update(channel=ChannelRef.make("gene", "GENE7"))
    settled(desk)
    assert layer.name == "rna of GENE7: showing 0 of 2,400 transcripts"
    desk.tissue.cells.layers[0].visible = False
    spin(0.05)
    assert orange(desk.viewer) == 0, "no other transcripts are drawn in their place"


@pytest.mark.parametrize(
    "turns",
    [
        ["Turn right"],
        ["Turn left"],
        ["Mirror left to right"],
        ["Mirror top to bottom"],
        ["Turn right", "Mirror left to right"],
    ],
)
def test_turned_and_mirrored_views_pick_and_select_the_same_cells(desk: Any, turns: list[str]) -> None:
    tools = tools_of(desk.viewer)
    desk.session.update(channel=ChannelRef.make("obs", "half"))
    hide_points(desk)
    settled(desk)
    corner, other = desk.session.dataset.positions_cd[[0, 11]]
    colours = [pixel_at(desk, *place).tolist() for place in (corner, other)]
    upright = desk.tissue.canvas.to_screen([corner, other])
    actions = {action.text(): action for action in tools.turn.menu().actions()}
    for name in turns:
        actions[name].trigger()
    spin(0.1)
    settled(desk)
    turned = desk.tissue.canvas.to_screen([corner, other])
    assert not np.allclose(turned, upright, atol=20)
    if turns == ["Turn right"]:  # what was top left is top right, what was top right is bottom right
        assert abs(turned[0, 0] - turned[1, 0]) < 2
        assert turned[0, 1] < turned[1, 1]
    assert [pixel_at(desk, *place).tolist() for place in (corner, other)] == colours
    hover(desk, *corner)
    assert desk.session.hovered_cell == 0
    tools.choose_tool("rectangle")
    drag(desk, [(-5, -5), (20, 30), (35, 55)])
    settled(desk)
    x, y = desk.session.dataset.positions_cd.T
    np.testing.assert_array_equal(desk.session.mask(), (x < 35) & (y < 55))
    desk.tissue.go_home()
    settled(desk)
    screen = desk.tissue.canvas.to_screen(desk.session.dataset.positions_cd)
    assert (screen > 0).all()
    assert (screen < desk.tissue.canvas.size).all(), "Home shows all of it"
    actions["As stored"].trigger()
    desk.tissue.go_home()
    settled(desk)
    np.testing.assert_allclose(desk.tissue.canvas.to_screen([corner, other]), upright, atol=1.5)


def test_selected_cells_become_points_with_features(desk: Any) -> None:
    tools = tools_of(desk.viewer)
    desk.session.update(
        channel=ChannelRef.make("gene", "GENE0"), selection=Cells(np.array([3, 50, 143], np.int32))
    )
    settled(desk)
    actions = {action.text(): action for action in tools.send.menu().actions()}
    actions["As Points"].trigger()
    layer = desk.viewer.layers[-1]
    assert layer.name == "3 cells"
    np.testing.assert_allclose(layer.data[:, ::-1], desk.session.dataset.positions_cd[[3, 50, 143]])
    assert layer.features["cell"].tolist() == ["cell3", "cell50", "cell143"]
    assert layer.features["half"].tolist() == ["left", "left", "right"]
    np.testing.assert_allclose(
        layer.features["GENE0"], desk.session.dataset.gene_column("GENE0")[[3, 50, 143]]
    )
    table = desk.tissue.cells.table_u32[[4, 51, 144]].view(np.uint8).reshape(-1, 4)
    np.testing.assert_allclose(layer.face_color, table / 255, atol=0.01)
    actions["As Labels"].trigger()
    labels = desk.viewer.layers[-1]
    assert np.unique(labels.data).tolist() == [0, 4, 51, 144]
    x, y = desk.session.dataset.positions_cd[50]
    assert labels.get_value((y, x), world=True) == 51
    assert labels.features["index"].tolist() == [4, 51, 144]
    desk.session.update(selection=Cells(np.empty(0, np.int32)))
    count = len(desk.viewer.layers)
    actions["As Points"].trigger()
    assert len(desk.viewer.layers) == count
    assert "No cells are selected" in desk.session.messages[-1].text


def test_saving_layers_writes_the_cells_they_hold(desk: Any, tmp_path: Path) -> None:
    import glasscell
    from glasscell.plugin.send_to_layer import send_points
    from glasscell.plugin.writer import write_cells

    desk.session.update(selection=Cells(np.array([5, 6, 90], np.int32)))
    layer = send_points(desk)
    layer.features["mine"] = [1.5, 2.5, 3.5]
    part, whole = tmp_path / "part.h5ad", tmp_path / "whole"
    assert layer.save(str(part), plugin="glasscell") == [str(part)]
    read = glasscell.read(part)
    assert read.cell_names.tolist() == ["cell5", "cell6", "cell90"]
    assert read.obs["mine"].tolist() == [1.5, 2.5, 3.5]
    assert write_cells(str(whole), [layer.as_layer_data_tuple() for layer in desk.tissue.cells.layers])
    assert glasscell.read(tmp_path / "whole.h5ad").n_cells == 144
    stranger = desk.viewer.add_points(np.zeros((2, 2)), features={"cell": ["nobody", "noone"]})
    with pytest.raises(DataError, match="not cells of the open data"):
        write_cells(str(part), [stranger.as_layer_data_tuple()])


@pytest.mark.real_data
def test_points_alone_open_with_the_model_docks_greyed(viewer: Any, real_data: RealData) -> None:
    from glasscell.plugin.desk import desk_for
    from glasscell.plugin.docks import AttributionDock, EmbeddingDock, ModelDock

    desk, tools = desk_for(viewer), tools_of(viewer)
    docks = [dock(viewer) for dock in (ModelDock, AttributionDock, EmbeddingDock)]
    for dock in docks:
        viewer.window.add_dock_widget(dock)
    desk.open(real_data("xenium_points.sdata.zarr"))
    settled(desk)
    assert "showing 50,000 of 213,191 transcripts" in desk.tissue.overlay.caption
    (layer,) = desk.tissue.points.layers
    assert len(layer.data) == 50_000
    assert (canvas_pixels(viewer) == np.array([255, 176, 0])).all(axis=2).sum() > 1000 or canvas_pixels(
        viewer
    ).any()
    for dock in docks[:2]:
        reason = [
            label.text()
            for label in dock.findChildren(type(tools.status))
            if "holds points and no cells" in label.text()
        ]
        assert reason
        assert reason[0].startswith("This file holds points and no cells")
    assert not tools.send.isEnabled()
    print(desk.tissue.overlay.caption)


@pytest.mark.real_data
def test_the_ileum_is_shown_by_z(viewer: Any, real_data: RealData) -> None:
    from glasscell.plugin.desk import desk_for

    desk, tools = desk_for(viewer), tools_of(viewer)
    desk.open(real_data("merfish_ileum3d.sdata.zarr"))
    settled(desk)
    assert tools.planes.isVisible()
    assert tools.planes.box.count() == 10
    pictures, cells = [], []
    for place in range(1, 10):
        tools.planes.box.setCurrentIndex(place)
        tools.planes.box.activated.emit(place)
        settled(desk)
        pictures.append(np.asarray(desk.tissue._images[0].data[0]).copy())
        cells.append(int(desk.tissue.picture.shown_c.sum()))
    assert sum(cells) == 13
    assert len({picture.tobytes() for picture in pictures}) == 9
    print("cells by plane:", cells, desk.tissue.overlay.caption)
