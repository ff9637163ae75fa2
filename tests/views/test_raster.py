"""The raster against a slow, literal drawing of the same discs and masks."""

import numpy as np
import pytest
from numpy.typing import NDArray

from glasscell.errors import DataError
from glasscell.views.raster import CellRaster, Viewport, draw_order, stamp_discs, stamp_mask


def literal_discs(
    positions_cd: NDArray[np.float64],
    radius_c: NDArray[np.float64],
    viewport: Viewport,
    order: NDArray[np.int32],
) -> NDArray[np.int32]:
    """One cell after another, one pixel after another."""
    ids_yx = np.zeros((viewport.height, viewport.width), np.int32)
    for cell in order:
        column = (positions_cd[cell, 0] - viewport.x) / viewport.pixel
        row = (positions_cd[cell, 1] - viewport.y) / viewport.pixel_y
        radius = radius_c[cell] / viewport.pixel
        for y in range(viewport.height):
            for x in range(viewport.width):
                nearest = abs(x - column) < 0.5 and abs(y - row) < 0.5
                if nearest or (radius >= 0.5 and (x - column) ** 2 + (y - row) ** 2 <= radius**2):
                    ids_yx[y, x] = cell + 1
    return ids_yx


@pytest.mark.parametrize("radius", [0.01, 0.4, 1.7, 6.3, 40.0])
@pytest.mark.parametrize("stretch", [1.0, 0.4])
def test_discs_are_the_literal_ones(radius: float, stretch: float) -> None:
    rng = np.random.default_rng(int(radius * 10))
    positions_cd = rng.uniform(-4, 30, (60, 2))
    radius_c = radius * rng.uniform(0.5, 1.5, 60)
    viewport = Viewport(2.3, 1.1, 0.83, 23, 31, stretch)
    order = draw_order(60, seed=3)
    raster = stamp_discs(positions_cd, radius_c, viewport, order)
    np.testing.assert_array_equal(raster.ids_yx, literal_discs(positions_cd, radius_c, viewport, order))


def test_the_same_pixels_every_time_and_an_unbiased_top() -> None:
    positions_cd = np.zeros((1000, 2))
    viewport = Viewport(-2, -2, 1, 5, 5)
    first, second = stamp_discs(positions_cd, 1.0, viewport), stamp_discs(positions_cd, 1.0, viewport)
    np.testing.assert_array_equal(first.ids_yx, second.ids_yx)
    tops = [
        stamp_discs(positions_cd, 1.0, viewport, draw_order(1000, seed)).ids_yx[2, 2] for seed in range(40)
    ]
    assert 200 < np.mean(tops) < 800, "the cell on top does not depend on its place in the table"


def test_far_and_missing_cells_draw_nothing() -> None:
    positions_cd = np.array([[np.nan, 1.0], [1e18, 0.0], [-1e300, 5.0], [np.inf, np.inf]])
    raster = stamp_discs(positions_cd, 3.0, Viewport(0, 0, 1, 8, 8))
    assert not raster.ids_yx.any()
    assert not raster.visible(4).any()


def test_huge_disc_fills_the_view() -> None:
    raster = stamp_discs(np.array([[0.0, 0.0]]), 1e6, Viewport(0, 0, 1, 6, 9))
    assert (raster.ids_yx == 1).all()


def test_mask_is_the_literal_one() -> None:
    rng = np.random.default_rng(0)
    labels_yx = rng.integers(0, 9, (20, 26)).astype(np.int32)
    lut = np.array([-1, 4, 0, -1, 2, 1, 3], np.int32)
    scale, shift = (1.5, 0.7), (3.0, -2.0)
    viewport = Viewport(1.1, -3.3, 0.9, 22, 30)
    expected = np.zeros((22, 30), np.int32)
    for y in range(22):
        for x in range(30):
            column = int(np.floor((1.1 + 0.9 * x - shift[0]) / scale[0] + 0.5))
            row = int(np.floor((-3.3 + 0.9 * y - shift[1]) / scale[1] + 0.5))
            if 0 <= row < 20 and 0 <= column < 26 and labels_yx[row, column] < len(lut):
                expected[y, x] = lut[labels_yx[row, column]] + 1
    raster = stamp_mask(labels_yx, lut, scale, shift, viewport)
    np.testing.assert_array_equal(raster.ids_yx, expected)


def test_mask_reads_only_the_window() -> None:
    class Lazy:
        shape = (10_000, 10_000)
        asked: tuple[slice, slice] | None = None

        def __getitem__(self, window: tuple[slice, slice]) -> NDArray[np.int32]:
            self.asked = window
            return np.ones((window[0].stop - window[0].start, window[1].stop - window[1].start), np.int32)

    lazy = Lazy()
    raster = stamp_mask(lazy, np.array([-1, 0], np.int32), 1.0, 0.0, Viewport(500, 700, 2, 20, 30))
    assert (raster.ids_yx == 1).all()
    assert lazy.asked == (slice(700, 739), slice(500, 559))


def test_mask_over_discs_keeps_what_it_does_not_cover() -> None:
    viewport = Viewport(0, 0, 1, 6, 6)
    discs = stamp_discs(np.array([[2.0, 2.0], [5.0, 5.0]]), 1.0, viewport)
    labels_yx = np.zeros((6, 6), np.int32)
    labels_yx[5, 5] = 1
    both = stamp_mask(labels_yx, np.array([-1, 7], np.int32), 1.0, 0.0, viewport, over=discs)
    assert both.ids_yx[5, 5] == 8
    assert both.ids_yx[2, 2] == 1
    assert discs.ids_yx[5, 5] == 2, "the raster drawn on is not changed"
    with pytest.raises(DataError, match="same viewport"):
        stamp_mask(labels_yx, np.array([-1, 7]), 1.0, 0.0, Viewport(1, 0, 1, 6, 6), over=discs)


def test_paint_is_one_take_of_little_endian_rgba() -> None:
    raster = CellRaster(np.array([[0, 1], [2, 1]], np.int32), Viewport(0, 0, 1, 2, 2))
    table = np.array([0, 0xFF0000FF, 0x80FF0000], np.uint32)
    picture = raster.paint(table)
    assert picture.shape == (2, 2, 4)
    assert picture[0, 1].tolist() == [255, 0, 0, 255]
    assert picture[1, 0].tolist() == [0, 0, 255, 128]
    assert picture[0, 0, 3] == 0
    with pytest.raises(DataError, match="colour again"):
        raster.paint(table[:2])


def test_picking_finds_the_drawn_cell_and_the_nearest_within_reach() -> None:
    raster = stamp_discs(np.array([[10.0, 10.0], [20.0, 10.0]]), 2.0, Viewport(0, 0, 0.5, 50, 60))
    assert raster.pick(10, 10) == 0
    assert raster.pick(21, 10.9) == 1
    assert raster.pick(15, 10) is None
    assert raster.pick(17.4, 10, reach=2) == 1
    assert raster.pick(17.4, 10, reach=0) is None
    assert raster.pick(-1e9, 1e9, reach=5) is None


def test_wrong_shapes_are_named() -> None:
    viewport = Viewport(0, 0, 1, 4, 4)
    with pytest.raises(DataError, match="positions must be"):
        stamp_discs(np.zeros((3, 3)), 1.0, viewport)
    with pytest.raises(DataError, match="2 radii for 3 cells"):
        stamp_discs(np.zeros((3, 2)), np.ones(2), viewport)
    with pytest.raises(DataError, match="an order of 2"):
        stamp_discs(np.zeros((3, 2)), 1.0, viewport, order=np.zeros(2, np.int32))
    with pytest.raises(DataError, match="viewport needs"):
        Viewport(0, 0, 0, 4, 4)
