"""The tissue picture: sizes, masks over discs, places that do not exist."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from glasscell.views.picture import fit_viewport, resolve_tissue, typical_spacing


def dataset(positions_cd: Any, **more: Any) -> Any:
    n_cells = 0 if positions_cd is None else len(positions_cd)
    sections = more.get("sections", SimpleNamespace(names=("one",), codes=np.zeros(n_cells, np.int32)))
    tissue = SimpleNamespace(sections=more.get("tissue", ()), unit="um", microns_per_unit=1.0)
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
    known = SimpleNamespace(name="b", radius=2.0, mask=None)
    unknown = SimpleNamespace(name="a", radius=0.0, mask=None)
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
    mask = SimpleNamespace(labels_yx=labels_yx, cells=cells, scale=(1.0, 1.0), translate=(0.0, 0.0))
    section = SimpleNamespace(name="one", radius=3.0, mask=mask)
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
