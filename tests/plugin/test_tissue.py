"""The tissue on the canvas: pixels, picking, panning, drawing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import canvas_pixels, drag, hover, settled, spin, wait

pytestmark = pytest.mark.gui


@pytest.fixture
def desk(viewer: Any, grid_file: Path) -> Any:
    from glasscell.plugin.desk import desk_for

    made = desk_for(viewer)
    made.open(grid_file)
    settled(made)
    return made


def colour_at(desk: Any, x: float, y: float) -> tuple[int, ...]:
    shot = canvas_pixels(desk.viewer)
    (screen,) = desk.tissue.canvas.to_screen([[x, y]])
    ratio = shot.shape[1] / desk.tissue.canvas.size[0]
    column, row = (screen * ratio).astype(int)
    return tuple(int(v) for v in shot[row, column])


def paint_alone(desk: Any, cell: int, word: int) -> None:
    table = np.zeros(desk.session.dataset.n_cells + 1, np.uint32)
    table[cell + 1] = word
    desk.tissue.set_colours(table)


def test_a_cell_is_drawn_at_its_place_in_its_colour(desk: Any) -> None:
    x, y = desk.session.dataset.positions_cd[45]
    paint_alone(desk, 45, 0xFF0000FF)
    assert colour_at(desk, x, y) == (255, 0, 0)
    assert colour_at(desk, x + 10, y) == (0, 0, 0)


def test_translucent_cells_are_drawn_once(desk: Any) -> None:
    x, y = desk.session.dataset.positions_cd[45]
    paint_alone(desk, 45, 0x80FFFFFF)
    desk.viewer.scene.camera.zoom *= 2.5
    desk.viewer.scene.camera.center = (y, x)
    wait(lambda: desk.tissue.cells.ready)
    assert abs(colour_at(desk, x, y)[0] - 128) <= 2


def test_nothing_is_blank_while_panning_and_it_is_crisp_at_rest(desk: Any) -> None:
    positions = desk.session.dataset.positions_cd
    far = int(np.argmax(positions.sum(axis=1)))
    paint_alone(desk, far, 0xFF00FF00)
    x, y = positions[far]
    desk.viewer.scene.camera.zoom *= 6
    desk.viewer.scene.camera.center = (0, 0)
    wait(lambda: desk.tissue.cells.ready)
    fine = desk.tissue.cells._detail.viewport
    assert fine.pixel == pytest.approx(desk.tissue.canvas.sight().pixel, rel=0.02)
    desk.viewer.scene.camera.center = (y, x)
    assert colour_at(desk, x, y) == (0, 255, 0)


def test_home_shows_the_whole_tissue_from_anywhere(desk: Any) -> None:
    extent = desk.viewer.layers.extent.world.copy()
    desk.viewer.scene.camera.zoom *= 9
    desk.viewer.scene.camera.center = (100, 30)
    wait(lambda: desk.tissue.cells.ready)
    assert np.allclose(desk.viewer.layers.extent.world, extent, atol=desk.tissue.cells._grid.pixel)
    desk.viewer.reset_view()
    sight = desk.tissue.canvas.sight()
    x0, y0, x1, y1 = desk.tissue.cells._picture.bounds
    assert sight.x0 <= x0
    assert sight.y0 <= y0
    assert sight.x1 >= x1
    assert sight.y1 >= y1
    assert all(layer.thumbnail[..., :3].any() for layer in desk.tissue.cells.layers)


def test_the_whole_tissue_stays_in_sight_until_somebody_moves(desk: Any) -> None:
    viewer, camera = desk.viewer, desk.viewer.scene.camera
    desk.tissue.go_home()
    before = camera.zoom
    viewer.window.resize(600, 420)
    wait(lambda: camera.zoom < 0.9 * before, 10, "the tissue to fit the smaller canvas")
    camera.zoom *= 3
    moved = camera.zoom
    viewer.window.resize(900, 700)
    spin(0.3)
    assert camera.zoom == moved


def test_hovering_names_the_cell_and_leaving_forgets_it(desk: Any) -> None:
    x, y = desk.session.dataset.positions_cd[45]
    hover(desk, x, y)
    assert desk.session.hovered_cell == 45
    assert "cell45" in desk.tissue.overlay.caption
    assert desk.tissue.overlay.mark[:2] == (x, y)
    hover(desk, x + 5, y + 5)
    assert desk.session.hovered_cell is None
    hover(desk, x, y)
    desk.tissue._on_left()
    assert desk.session.hovered_cell is None


@pytest.mark.parametrize(
    ("keys", "expected"),
    [((), "new"), (("Shift",), "add"), (("Alt",), "subtract"), (("Shift", "Alt"), "intersect")],
)
def test_rectangle_combines_by_modifier_keys(desk: Any, keys: tuple[str, ...], expected: str) -> None:
    from qtpy.QtCore import Qt

    x, y = desk.session.dataset.positions_cd.T
    first, second = (x < 95) & (y < 95), (x > 45) & (x < 155) & (y < 95)
    desk.tissue.lasso.tool = "rectangle"
    drag(desk, [(-5, -5), (40, 40), (95, 95)])
    assert np.array_equal(desk.session.mask(), first)
    held = Qt.KeyboardModifier.NoModifier
    for key in keys:
        held |= getattr(Qt.KeyboardModifier, f"{key}Modifier")
    zoom = desk.viewer.scene.camera.zoom
    drag(desk, [(45, -5), (100, 40), (155, 95)], held)
    wanted = {"new": second, "add": first | second, "subtract": first & ~second, "intersect": first & second}
    assert np.array_equal(desk.session.mask(), wanted[expected])
    assert desk.viewer.scene.camera.zoom == zoom
    assert desk.tissue.overlay.outline_vd is None


def test_lasso_selects_and_grey_context_remains(desk: Any) -> None:
    desk.tissue.lasso.tool = "lasso"
    angle = np.linspace(0, 2 * np.pi, 60)
    drag(desk, np.stack([95 + 50 * np.cos(angle), 95 + 50 * np.sin(angle)], axis=1))
    positions = desk.session.dataset.positions_cd
    inside = np.hypot(*(positions - 95).T) < 47
    outside = np.hypot(*(positions - 95).T) > 51
    mask = desk.session.mask()
    assert mask[inside].all()
    assert not mask[outside].any()
    spin(0.1)
    red, green, blue = colour_at(desk, *positions[0])
    assert red == green == blue > 0
    desk.tissue.lasso.tool = "move"
    assert desk.viewer.scene.camera.mouse_pan
    assert any(found.__name__ == "drag_to_zoom" for found in desk.viewer.mouse_drag_callbacks)


def test_a_click_selects_everything_again(desk: Any) -> None:
    desk.tissue.lasso.tool = "rectangle"
    drag(desk, [(-5, -5), (40, 40), (95, 95)])
    assert not desk.session.mask().all()
    drag(desk, [(150, 150), (150, 150)])
    assert desk.session.mask().all()


def test_another_file_replaces_the_first_and_removed_layers_stay_away(desk: Any, tmp_path: Path) -> None:
    from .conftest import grid_adata

    other = tmp_path / "other.h5ad"
    grid_adata(side=8, step=100.0).write_h5ad(other)
    desk.open(other)
    settled(desk)
    assert [layer.name for layer in desk.viewer.layers] == ["Cells (overview)", "Cells"]
    assert desk.tissue.cells._picture.n_cells == 64
    desk.viewer.layers.clear()
    desk.tissue.set_colours(np.ones(65, np.uint32))
    desk.viewer.scene.camera.zoom *= 2
    spin(0.2)
    assert not desk.viewer.layers


def test_the_theme_reaches_the_colours(desk: Any) -> None:
    seen = []
    desk.tissue.theme_changed.connect(lambda: seen.append(desk.tissue.theme))
    desk.viewer.theme = "light"
    spin(0.05)
    desk.viewer.theme = "dark"
    spin(0.05)
    assert seen == ["light", "dark"]


def test_micrometres_where_they_are_known(viewer: Any) -> None:
    from glasscell.plugin.canvas import Canvas

    canvas = Canvas(viewer)
    assert canvas.units == ("pixel", "pixel")
    canvas.set_unit("px", 0.5)
    assert canvas.units == ("um", "um")
    assert canvas.affine((2.0, 3.0), (10.0, 20.0)).tolist() == [[1.5, 0, 10], [0, 1, 5], [0, 0, 1]]
    canvas.set_unit("um", None)
    assert canvas.units == ("um", "um")
    where = np.array([[3.0, 4.0], [50.0, -2.0]])
    screen = canvas.to_screen(where)
    assert np.allclose((screen[1] - screen[0]) / canvas.zoom, where[1] - where[0])
