"""A scene: any camera at once, sharp when it rests, one take per recolour."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glasscell.jobs import InlineDispatcher, JobRunner
from glasscell.views.camera import Camera
from glasscell.views.raster import CellRaster, Viewport, stamp_discs
from glasscell.views.scene import POINT_COLOUR, REST_MS, STALE_OPACITY, Scene
from glasscell.views.stamp import Stamp

PLACES = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0], [5.0, 5.0]])
BOUNDS = (-1.0, -1.0, 11.0, 11.0)
RGB = np.array(
    [(0, 0, 0, 0), (255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255), (255, 255, 0, 255), (9, 8, 7, 128)]
)
TABLE = np.ascontiguousarray(RGB.astype(np.uint8)).view("<u4").ravel()


def discs(viewport: Viewport) -> Stamp:
    return Stamp(stamp_discs(PLACES, 1.0, viewport))


def literal(scene: Scene) -> NDArray[np.uint8]:
    """What the camera sees, pixel by pixel; at each place the disc of exactly one cell."""
    rows, columns = scene.camera.shape
    frame = np.empty((rows, columns, 3), np.uint8)
    for row in range(rows):
        for column in range(columns):
            at = scene.camera.to_world((column + 0.5) / scene.camera.ratio, (row + 0.5) / scene.camera.ratio)
            inside = np.flatnonzero(((PLACES - at) ** 2).sum(axis=1) <= 1)
            red, green, blue, alpha = (int(v) for v in RGB[inside[0] + 1]) if inside.size else (0, 0, 0, 0)
            share, ground = (alpha + 1) / 256 if alpha else 0, scene.ground
            frame[row, column] = [
                int(g + (c - g) * share // 1) for c, g in zip((red, green, blue), ground, strict=True)
            ]
    return frame


@pytest.fixture
def running() -> Iterator[tuple[InlineDispatcher, JobRunner]]:
    dispatcher = InlineDispatcher()
    runner = JobRunner(dispatcher)
    yield dispatcher, runner
    assert runner.shutdown()


def counted(scene: Scene) -> list[int]:
    seen: list[int] = []
    scene.redrawn.connect(lambda: seen.append(1))
    return seen


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_golden_frame(up: bool, ratio: float) -> None:
    scene = Scene()
    scene.camera = Camera(width=60, height=48, ratio=ratio, up=up)
    scene.show(discs, BOUNDS, 5)
    scene.set_colours(TABLE)
    scene.set_look(ground=(40, 40, 40))
    assert scene.ready
    np.testing.assert_array_equal(scene.frame(), literal(scene))
    for camera in (scene.camera.panned(11, -7), scene.camera.zoomed(3.0, 30, 24)):
        scene.look(camera)
        assert scene.ready
        np.testing.assert_array_equal(scene.frame(), literal(scene))


def test_panning_and_zooming_never_wait_and_sharpen_at_rest(
    running: tuple[InlineDispatcher, JobRunner],
) -> None:
    dispatcher, runner = running
    stamped: list[Viewport] = []

    def draw(viewport: Viewport) -> Stamp:
        stamped.append(viewport)
        return discs(viewport)

    scene = Scene(None, runner)
    scene.camera = Camera(width=60, height=48)
    scene.show(draw, BOUNDS, 5)
    scene.set_colours(TABLE)
    assert not scene.frame().any(), "nothing is drawn yet, and nobody waits"
    assert runner.wait_idle(60)
    assert scene.ready
    made = len(stamped)
    for step in range(30):
        scene.look(scene.camera.panned((-1) ** step, 0))
        assert scene.frame().any()
    for _ in range(5):
        scene.look(scene.camera.zoomed(1.3, 30, 24))
        assert scene.frame().any()
        dispatcher.advance(REST_MS / 2)
    assert len(stamped) == made, "a moving camera stamps nothing"
    dispatcher.advance(REST_MS)
    assert runner.wait_idle(60)
    assert len(stamped) == made + 1, "and once when it rests"
    assert scene.ready
    np.testing.assert_array_equal(scene.frame(), literal(scene))


def test_on_a_fine_screen_a_moving_picture_is_coarser(
    running: tuple[InlineDispatcher, JobRunner],
) -> None:
    dispatcher, runner = running
    scene = Scene(None, runner)
    scene.camera = Camera(width=60, height=48, ratio=2.0)
    scene.show(discs, BOUNDS, 5)
    scene.set_colours(TABLE)
    assert runner.wait_idle(60)
    dispatcher.advance(REST_MS)
    assert scene.frame().shape == (96, 120, 3)
    seen = counted(scene)
    scene.look(scene.camera.panned(2, 1))
    assert scene.frame().shape == (48, 60, 3)
    assert scene.frame().any()
    dispatcher.advance(REST_MS)
    assert len(seen) == 2, "once as it moves, once as it rests"
    np.testing.assert_array_equal(scene.frame(), literal(scene))


def test_a_short_pan_needs_no_new_stamp(running: tuple[InlineDispatcher, JobRunner]) -> None:
    dispatcher, runner = running
    stamped: list[Viewport] = []
    scene = Scene(None, runner)
    scene.camera = Camera(0, 0, 0.01, width=100, height=100)
    scene.show(lambda viewport: (stamped.append(viewport), discs(viewport))[1], BOUNDS, 5)
    scene.look(Camera(5, 5, 0.01, width=100, height=100))
    assert runner.wait_idle(60)
    dispatcher.advance(REST_MS)
    assert runner.wait_idle(60)
    made = len(stamped)
    scene.look(scene.camera.panned(10, -9))
    dispatcher.advance(REST_MS)
    assert scene.ready
    assert not runner.active
    assert len(stamped) == made


def test_a_recolour_is_one_picture_and_stamps_nothing() -> None:
    stamped: list[Viewport] = []
    scene = Scene()
    scene.show(lambda viewport: (stamped.append(viewport), discs(viewport))[1], BOUNDS, 5)
    scene.set_colours(TABLE)
    made, seen, before = len(stamped), counted(scene), scene.frame()
    scene.set_colours(TABLE[[0, 5, 4, 3, 2, 1]])
    assert (len(stamped), len(seen)) == (made, 1)
    assert (scene.frame() != before).any()
    scene.set_colours(TABLE[:3])
    assert len(seen) == 1, "colours of other cells are not taken"


def test_looks_dim_the_cells_and_the_picture() -> None:
    whole = (0.0, 0.0, 4.0, 4.0)

    def draw(viewport: Viewport) -> Stamp:
        shape = (viewport.height, viewport.width)
        below = np.full((*shape, 4), (100, 50, 0, 255), np.uint8)
        above = np.zeros(shape, np.bool_)
        above[:, : shape[1] // 3] = True
        ids = np.zeros(shape, np.int32)
        ids[:, 2 * shape[1] // 3 :] = 1
        return Stamp(CellRaster(ids, viewport), below, above)

    scene = Scene()
    scene.camera = Camera(width=40, height=40)
    scene.show(draw, whole, 1)
    scene.set_colours(TABLE[:2])
    points, picture, cell = (20, 2), (20, 20), (20, 36)
    seen = counted(scene)
    assert tuple(scene.frame()[points]) == POINT_COLOUR
    assert tuple(scene.frame()[picture]) == (100, 50, 0)
    assert tuple(scene.frame()[cell]) == (255, 0, 0)
    scene.set_look(picture_opacity=0.5)
    assert tuple(scene.frame()[picture]) == (50, 25, 0)
    scene.set_look(picture_opacity=0.0, stale=True)
    assert abs(int(scene.frame()[cell][0]) - 255 * STALE_OPACITY) < 2
    scene.set_look(stale=False, cell_opacity=0.0)
    assert not scene.frame()[cell].any()
    assert len(seen) == 3
    scene.set_look(cell_opacity=0.0)
    assert len(seen) == 3, "the same look again is not another picture"


def test_picking_is_an_index_into_what_is_drawn() -> None:
    scene = Scene()
    scene.camera = Camera(width=60, height=48, up=True)
    scene.show(discs, BOUNDS, 5)
    for cell, place in enumerate(PLACES):
        (at,) = scene.camera.to_screen([place])
        assert scene.pick(*at) == cell
    assert scene.pick(1, 1) is None
    ((x, y),) = scene.camera.to_screen([[5.0, 5.0]])
    beside = x + 1.0 / scene.camera.pixel + 2
    assert scene.pick(beside, y) is None
    scene.reach = 4
    assert scene.pick(beside, y) == 4


def test_another_drawing_of_the_same_place_keeps_the_camera_and_the_old_picture(
    running: tuple[InlineDispatcher, JobRunner],
) -> None:
    dispatcher, runner = running
    scene = Scene(None, runner)
    scene.camera = Camera(width=60, height=48)
    scene.show(discs, BOUNDS, 5)
    scene.set_colours(TABLE)
    assert runner.wait_idle(60)
    scene.look(scene.camera.zoomed(2.0, 30, 24))
    dispatcher.advance(REST_MS)
    assert runner.wait_idle(60)
    camera, before = scene.camera, scene.frame()
    scene.redraw(lambda viewport: Stamp(stamp_discs(PLACES[:0], 1.0, viewport)))
    np.testing.assert_array_equal(scene.frame(), before)
    assert not scene.ready
    assert runner.wait_idle(60)
    assert not scene.frame().any()
    assert scene.camera == camera
    scene.redraw(None)
    assert scene.ready


def test_who_sees_everything_keeps_seeing_it_when_the_canvas_changes_size() -> None:
    scene = Scene()
    scene.camera = Camera(width=60, height=48)
    scene.show(discs, BOUNDS, 5)
    scene.resize(300, 200, 2.0)
    assert scene.camera == Camera(width=300, height=200, ratio=2.0).over(BOUNDS)
    scene.look(scene.camera.zoomed(4, 10, 10))
    pixel = scene.camera.pixel
    scene.resize(100, 100, 1.0)
    assert scene.camera.pixel == pixel, "who looks at a detail keeps its size"
    scene.go_home()
    assert scene.camera == Camera(width=100, height=100).over(BOUNDS)


def test_an_old_answer_or_a_closed_scene_draws_nothing(running: tuple[InlineDispatcher, JobRunner]) -> None:
    _, runner = running
    scene = Scene(None, runner)
    scene.show(discs, BOUNDS, 5)
    scene.set_colours(TABLE)
    scene.show(lambda viewport: Stamp(stamp_discs(PLACES[:0], 1.0, viewport)), BOUNDS, 5)
    assert runner.wait_idle(60)
    assert not scene.frame().any(), "the first answer came too late"
    scene.show(discs, BOUNDS, 5)
    scene.close()
    seen = counted(scene)
    assert runner.wait_idle(60)
    scene.look(scene.camera.panned(5, 5))
    assert runner.wait_idle(60)
    assert len(seen) == 1


def test_axes_of_different_units_fill_the_canvas() -> None:
    places: Callable[[Viewport], Any] = lambda viewport: Stamp(stamp_discs(PLACES * (1, 100), 0.3, viewport))  # noqa: E731
    scene = Scene()
    scene.camera = Camera(width=80, height=60, up=True)
    scene.show(places, (0.0, 0.0, 10.0, 1000.0), 5, locked=False)
    scene.set_colours(TABLE)
    assert scene.camera.stretch > 50
    (at,) = scene.camera.to_screen([[10.0, 1000.0]])
    assert scene.pick(*at) == 3
    column, row = (int(v) for v in at)
    assert tuple(scene.frame()[row, column]) == (255, 255, 0)
