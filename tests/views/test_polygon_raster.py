"""Polygons in the raster against shapely, pixel centre by pixel centre."""

import numpy as np
import pytest

from glasscell.data.polygon import make_polygons
from glasscell.errors import DataError
from glasscell.views.polygon_raster import stamp_polygons
from glasscell.views.raster import Viewport, draw_order, stamp_discs

shapely = pytest.importorskip("shapely")


def blobs(seed: int = 0, n_shapes: int = 30) -> np.ndarray:
    """Star-shaped cells, every third with a hole, every fifth of two parts."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(n_shapes):
        angle = np.linspace(0, 2 * np.pi, rng.integers(5, 40), endpoint=False)
        reach = rng.uniform(3, 7) * rng.uniform(0.6, 1.0, len(angle))
        corners = np.stack([reach * np.cos(angle), reach * np.sin(angle)], 1)
        centre = rng.uniform(-3, 60, 2)
        holes = [corners * 0.4 + centre] if number % 3 == 0 else []
        shape = shapely.Polygon(corners + centre, holes)
        if number % 5 == 0:
            shape = shapely.MultiPolygon([shape, shapely.box(*(centre + 9), *(centre + 12))])
        made.append(shape)
    return np.array(made, dtype=object)


def test_pixels_are_those_whose_centres_shapely_finds_inside() -> None:
    shapes = blobs()
    cells = np.random.default_rng(1).permutation(len(shapes)).astype(np.int32)
    cells[4] = -1
    viewport = Viewport(0.3, -1.7, 0.71, 75, 83, 1.3)
    x, y = np.meshgrid(
        viewport.x + viewport.pixel * np.arange(viewport.width),
        viewport.y + viewport.pixel_y * np.arange(viewport.height),
    )
    expected_yx = np.zeros(x.shape, np.int32)
    for shape in draw_order(len(shapes)):
        if cells[shape] >= 0:
            expected_yx[shapely.contains_xy(shapes[shape], x, y)] = cells[shape] + 1
    raster = stamp_polygons(make_polygons("cells", shapes, cells), viewport)
    assert (expected_yx > 0).sum() > 1000
    np.testing.assert_array_equal(raster.ids_yx, expected_yx)


def test_filling_the_hull_would_not_pass() -> None:
    """Impostor: outer rings alone, as a drawing without holes would have it."""
    shapes = blobs()
    cells = np.arange(len(shapes), dtype=np.int32)
    filled = np.array(
        [shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(s)]) for s in shapes]
    )
    viewport = Viewport(0, 0, 0.5, 120, 120)
    rasters = [stamp_polygons(make_polygons("cells", each, cells), viewport) for each in (shapes, filled)]
    assert (rasters[0].ids_yx != rasters[1].ids_yx).mean() > 0.01


def test_tiny_cells_take_the_nearest_pixel_and_others_stay_below() -> None:
    shapes = np.array(
        [shapely.box(5.2, 3.1, 5.3, 3.2), shapely.Point(1, 1), None, shapely.box(200, 0, 201, 1)]
    )
    polygons = make_polygons("cells", shapes, np.arange(4, dtype=np.int32))
    viewport = Viewport(0, 0, 1, 8, 8)
    ground = stamp_discs(np.array([[1.0, 6.0]]), 0.1, viewport)
    raster = stamp_polygons(polygons, viewport, over=ground)
    assert {(int(r), int(c)): int(raster.ids_yx[r, c]) for r, c in np.argwhere(raster.ids_yx)} == {
        (3, 5): 1,
        (6, 1): 1,
    }
    assert not stamp_polygons(polygons, viewport, shown_c=np.zeros(4, np.bool_)).ids_yx.any()
    with pytest.raises(DataError, match="same viewport"):
        stamp_polygons(polygons, Viewport(1, 0, 1, 8, 8), over=ground)
    empty = make_polygons("none", np.array([], dtype=object), np.empty(0, np.int32))
    assert not stamp_polygons(empty, viewport).ids_yx.any()
    assert empty.extent is None
