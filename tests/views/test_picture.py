"""The tissue picture: sizes, masks over discs, places that do not exist."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from glasscell.data.points import TissuePoints
from glasscell.data.polygon import make_polygons
from glasscell.data.tissue import Tissue, TissueImage, TissueMask, TissueSection
from glasscell.views.picture import fit_viewport, resolve_tissue, typical_spacing


def dataset(positions_cd: Any, **more: Any) -> Any:
    n_cells = 0 if positions_cd is None else len(positions_cd)
    sections = more.get("sections", SimpleNamespace(names=("one",), codes=np.zeros(n_cells, np.int32)))
    tissue = Tissue(more.get("tissue", ()), "um", 1.0, z_c=more.get("z_c"), heights=more.get("heights", ()))
    return SimpleNamespace(positions_cd=positions_cd, position_unit="um", sections=sections, tissue=tissue)


GRID = np.array([(x * 10.0, y * 10.0) for y in range(6) for x in range(8)])


def test_discs_nearly_touch_when_no_size_is_known() -> None:
    picture = resolve_tissue(dataset(GRID))
    assert picture is not None
    np.testing.assert_allclose(picture.radius_c, 4.5)
    assert picture.bounds == (-4.5, -4.5, 74.5, 54.5)
    raster = picture.raster(picture.overview(400))
    assert raster.visible(len(GRID)).all()
    assert [raster.pick(x, y) for x, y in GRID] == list(range(len(GRID)))


def test_a_known_radius_is_used_for_its_section_only() -> None:
    codes = (np.arange(len(GRID)) % 2).astype(np.int32)
    known, unknown = TissueSection("b", radius=2.0), TissueSection("a")
    picture = resolve_tissue(
        dataset(GRID, sections=SimpleNamespace(names=("a", "b"), codes=codes), tissue=(unknown, known))
    )
    assert picture is not None
    assert (picture.radius_c[codes == 1] == 2).all()
    np.testing.assert_allclose(picture.radius_c[codes == 0], 4.5)


def test_masks_draw_their_cells_and_discs_the_others() -> None:
    labels_yx = np.zeros((60, 80), np.int32)
    labels_yx[8:13, 8:13] = 3
    cells = np.array([-1, -1, -1, 9], np.int32)
    mask = TissueMask("m", labels_yx, (1.0, 1.0), (0.0, 0.0), cells)
    section = TissueSection("one", radius=3.0, mask=mask)
    picture = resolve_tissue(dataset(GRID, tissue=(section,)))
    assert picture is not None
    raster = picture.raster(fit_viewport((0, 0, 80, 60), 160))
    assert raster.pick(10, 10) == 9
    assert raster.pick(8.1, 8.1) == 9, "the square of the mask, not a disc"
    assert raster.pick(20, 10) == 10


@pytest.mark.parametrize("positions", [None, np.full((4, 2), np.nan)])
def test_cells_without_places_have_no_picture(positions: Any) -> None:
    assert resolve_tissue(dataset(positions)) is None


def test_odd_places() -> None:
    one = resolve_tissue(dataset(np.array([[5.0, 5.0]])))
    assert one is not None
    assert one.raster(one.overview(32)).visible(1).all()
    same = resolve_tissue(dataset(np.ones((5, 2))))
    assert same is not None
    assert same.raster(same.overview(16)).ids_yx.any()
    part = resolve_tissue(dataset(np.array([[0.0, 0.0], [np.nan, 1.0], [3.0, 4.0]])))
    assert part is not None
    assert part.raster(part.overview(64)).visible(3).tolist() == [True, False, True]
    assert typical_spacing(np.empty((0, 2))) == 1.0


def test_outlines_draw_their_cells_and_discs_the_others() -> None:
    shapely = pytest.importorskip("shapely")
    holed = shapely.box(5, 5, 15, 15) - shapely.box(9, 9, 11, 11)
    polygons = make_polygons("p", np.array([holed], dtype=object), np.array([9], np.int32))
    picture = resolve_tissue(dataset(GRID, tissue=(TissueSection("one", radius=3.0, polygons=polygons),)))
    assert picture is not None
    raster = picture.raster(fit_viewport((0, 0, 80, 60), 160))
    assert raster.pick(6, 6) == 9
    assert raster.pick(10, 10) is None, "the hole is a hole"
    assert raster.pick(20, 10) == 10


def in_planes() -> Any:
    image = TissueImage(
        "i", (np.ones((6, 8, 1)),), (10.0, 10.0), planes=tuple((np.full((6, 8, 1), k),) for k in range(3))
    )
    planes = tuple(np.full((6, 8), label, np.int32) for label in (0, 1, 2))
    mask = TissueMask(
        "m", planes[1], (1.0, 1.0), (200.0, 0.0), np.array([-1, 40, 41], np.int32), planes=planes
    )
    rna = TissuePoints(
        "rna", GRID, 480, (np.arange(48) % 2).astype(np.int32), ("A", "B"), np.arange(48) % 3 * 5.0
    )
    section = TissueSection("one", (image,), mask, 3.0, points=(rna,))
    z_c = np.repeat([0.0, 5.0, 10.0], 16)
    return resolve_tissue(dataset(GRID, tissue=(section,), z_c=z_c, heights=(0.0, 5.0, 10.0)))


def test_a_plane_shows_its_cells_its_picture_and_its_points() -> None:
    whole = in_planes()
    assert whole.at_plane(None) is whole
    first, last = whole.at_plane(0), whole.at_plane(2)
    assert [int(each.sections[0].images[0].levels_yxc[0].max()) for each in (first, last)] == [0, 2]
    seen = first.raster(whole.overview(400)).visible(48)
    np.testing.assert_array_equal(np.flatnonzero(seen), np.arange(16))
    np.testing.assert_array_equal(np.flatnonzero(first.shown_c), np.arange(16))
    np.testing.assert_array_equal(np.flatnonzero(last.shown_c), [*range(32, 40), *range(41, 48)])
    assert last.raster(fit_viewport((200, 0, 208, 6), 8)).pick(203, 3) == 41
    assert int(whole.shown_points("A")[0].sum()) == 24
    np.testing.assert_array_equal(np.flatnonzero(first.shown_points("A")[0]), np.arange(0, 48, 6))


def test_points_alone_have_a_picture() -> None:
    points = TissuePoints("rna", GRID, 48, np.full(48, -1, np.int32))
    picture = resolve_tissue(dataset(np.empty((0, 2)), tissue=(TissueSection("one", points=(points,)),)))
    assert picture is not None
    assert picture.bounds == (0.0, 0.0, 70.0, 50.0)
    assert not picture.raster(picture.overview(50)).ids_yx.any()
