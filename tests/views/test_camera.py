"""The camera against plain arithmetic."""

import numpy as np
import pytest

from glasscell.views.camera import MOST_IN, MOST_OUT, RIM, WHEEL_PIXELS, Camera
from glasscell.views.raster import Viewport


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("ratio", [1.0, 2.0, 1.25])
def test_screen_and_world_are_each_others_reverse(up: bool, ratio: float) -> None:
    camera = Camera(3.0, -7.0, 0.5, 2.0, 400, 300, ratio, up)
    for point in ((0.0, 0.0), (17.5, 211.0), (400.0, 300.0)):
        np.testing.assert_allclose(camera.to_screen([camera.to_world(*point)]), [point], atol=1e-9)
    assert camera.to_world(200, 150) == (3.0, -7.0)
    assert (camera.to_world(200, 0)[1] > -7) == up, "y runs up the screen or down"


def test_dragging_takes_the_point_under_the_pointer_along() -> None:
    for up in (False, True):
        camera = Camera(1.0, 2.0, 0.25, 3.0, 200, 100, up=up)
        held = camera.to_world(40, 30)
        np.testing.assert_allclose(camera.panned(15, -8).to_world(55, 22), held)


def test_the_wheel_zooms_about_the_pointer_and_not_without_end() -> None:
    camera = Camera(0.0, 0.0, 1.0, 1.0, 200, 100, up=True)
    held = camera.to_world(150, 20)
    near = camera.wheeled(-WHEEL_PIXELS, 150, 20, home=1.0)
    assert near.pixel == pytest.approx(0.5)
    np.testing.assert_allclose(near.to_world(150, 20), held)
    np.testing.assert_allclose(near.wheeled(WHEEL_PIXELS, 3, 4, home=1.0).pixel, 1.0)
    assert camera.wheeled(-1e5, 0, 0, home=1.0).pixel == pytest.approx(MOST_IN)
    assert camera.wheeled(1e5, 0, 0, home=1.0).pixel == pytest.approx(MOST_OUT)


def test_home_shows_a_rectangle_whole() -> None:
    camera = Camera(width=400, height=200).over((0, 0, 10, 10))
    assert camera.stretch == 1
    corners = camera.to_screen([(0, 0), (10, 10)])
    np.testing.assert_allclose(corners[:, 1], [200 * RIM, 200 * (1 - RIM)])
    assert corners[0, 0] > 0
    free = Camera(width=400, height=200, up=True).over((0, 0, 10, 1000), locked=False)
    corners = free.to_screen([(0, 0), (10, 1000)])
    np.testing.assert_allclose(corners[1], [400 * (1 - RIM), 200 * RIM])
    assert (corners[0] > [400 * RIM, 200 * 0.5]).all()
    assert (corners[0] < [400 * 0.2, 200 * (1 - RIM)]).all(), "room for numbers at the left and below"
    assert Camera().over((5, 5, 5, 5)).pixel > 0, "one place is a place"


def test_a_canvas_of_another_size_keeps_its_middle_and_scale() -> None:
    camera = Camera(4.0, 5.0, 0.5, 1.0, 200, 100).sized(300, 120, 2.0)
    assert (camera.x, camera.y, camera.pixel, camera.shape) == (4.0, 5.0, 0.5, (240, 600))
    grid = camera.grid
    np.testing.assert_allclose(grid.bounds, (4 - 75, 5 - 30, 4 + 75, 5 + 30))
    assert grid.pixel == 0.25
    assert Camera().sized(0, 0, 0).shape == (1, 1), "a canvas that is not shown yet"


def test_the_viewport_has_a_margin_only_where_there_is_something() -> None:
    camera = Camera(0.0, 0.0, 1.0, 1.0, 100, 100)
    wide = camera.viewport((-1e9, -1e9, 1e9, 1e9), 0.15, 10**9)
    assert wide is not None
    assert (wide.width, wide.height) == (130, 130)
    np.testing.assert_allclose(wide.bounds, (-65, -65, 65, 65))
    some = camera.viewport((-10, 20, 10, 1e9), 0.15, 10**9)
    assert some is not None
    np.testing.assert_allclose(some.bounds, (-10, 20, 10, 65))
    assert camera.viewport((200, 0, 300, 10), 0.15, 10**9) is None
    tight = camera.viewport((-1e9, -1e9, 1e9, 1e9), 0.15, 10_000)
    assert tight is not None
    assert (tight.width, tight.height) == (100, 100), "no margin where it would be too large"


@pytest.mark.parametrize("up", [False, True])
def test_places_say_which_pixel_of_a_raster_lies_under_each_of_the_screen(up: bool) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        camera = Camera(*rng.uniform(-5, 5, 2), rng.uniform(0.1, 2), rng.uniform(0.5, 2), 14, 8, 1.5, up)
        viewport = Viewport(*rng.uniform(-5, 0, 2), rng.uniform(0.2, 1), 12, 17, rng.uniform(0.5, 2))
        rows, columns = camera.places(viewport)
        assert (len(rows), len(columns)) == camera.shape
        for r in range(len(rows)):
            for c in range(len(columns)):
                world = camera.to_world((c + 0.5) / 1.5, (r + 0.5) / 1.5)
                row, column = viewport.at(*world)
                assert rows[r] == (row if 0 <= row < 12 else -1)
                assert columns[c] == (column if 0 <= column < 17 else -1)


def test_a_raster_of_the_cameras_own_grid_is_read_pixel_by_pixel() -> None:
    camera = Camera(123.4, -55.1, 0.013, 1.0, 501, 333, 1.0, up=True)
    viewport = camera.viewport((-1e6, -1e6, 1e6, 1e6), 0.15, 10**9)
    assert viewport is not None
    rows, columns = camera.places(viewport)
    np.testing.assert_array_equal(np.diff(rows), -1)
    np.testing.assert_array_equal(np.diff(columns), 1)
    assert columns[0] == 75
