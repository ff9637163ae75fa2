"""Pixel geometry: where images and masks lie, and links by key."""

import numpy as np
import pandas as pd
import pytest

from glasscell.data.affine import is_straight, resample, straighten
from glasscell.data.dataset import Dataset
from glasscell.data.link import as_keys, link_keys, link_mask
from glasscell.data.tissue import Extent, TissueImage, pixel_extent

SQUARE = {"scale": (1.0, 1.0), "translate": (0.5, 0.5)}


def test_levels_share_their_outer_edge() -> None:
    levels = (np.zeros((8, 12, 3)), np.zeros((4, 6, 3)), np.zeros((2, 3, 3)))
    image = TissueImage("i", levels, (2.0, 1.0), (1.0, 0.5))
    assert image.extent == Extent(0.0, 0.0, 24.0, 8.0)
    for level in range(3):
        place = image.level_scale(level), image.level_translate(level)
        assert pixel_extent(levels[level].shape, *place) == image.extent
    assert image.shifted((5.0, 1.0)).extent == Extent(5.0, 1.0, 29.0, 9.0)


@pytest.mark.parametrize(
    "linear",
    [
        [[2, 0], [0, 3]],
        [[-2, 0], [0, 3]],
        [[2, 0], [0, -3]],
        [[0, 2], [3, 0]],
        [[0, -2], [3, 0]],
        [[0, -2], [-3, 0]],
    ],
)
def test_flips_and_quarter_turns_keep_every_pixel_in_place(linear: list[list[float]]) -> None:
    array = np.arange(12).reshape(3, 4)
    affine = np.eye(3)
    affine[:2, :2] = linear
    affine[:2, 2] = (5, 7)
    assert is_straight(affine)
    turned, scale, translate = straighten(array, affine)
    assert scale[0] > 0
    assert scale[1] > 0
    for row in range(3):
        for column in range(4):
            world = affine @ [column + 0.5, row + 0.5, 1]
            at = ((world[:2] - translate) / scale).round().astype(int)
            assert turned[at[1], at[0]] == array[row, column]


def test_a_turned_picture_is_drawn_anew() -> None:
    array = np.zeros((40, 40, 1), np.uint8)
    array[10:30, 10:30] = 200
    angle = np.radians(30)
    affine = np.array([[np.cos(angle), -np.sin(angle), 100], [np.sin(angle), np.cos(angle), 50], [0, 0, 1]])
    assert not is_straight(affine)
    drawn, scale, translate = resample(array, affine)
    centre = affine @ [20, 20, 1]
    at = ((centre[:2] - translate) / scale).round().astype(int)
    assert drawn[at[1], at[0], 0] == 200
    assert (drawn == 200).sum() * scale[0] * scale[1] == pytest.approx(400, rel=0.05)


def test_keys_of_every_type_are_one() -> None:
    assert as_keys([7, 7.0, "7", "7.0", np.int32(7), b"7", " 7 "]) == ["7"] * 7
    assert as_keys(["a.0", 1.5]) == ["a.0", "1.5"]
    link = link_keys(["2", "1", "9", "1"], np.array([1, 2, 3]))
    assert link.positions_c.tolist() == [1, 0, -1, -1]
    assert (link.unused, link.missing, link.repeated, link.n_missing) == (1, ("9",), ("1",), 1)


def oracle_cells(labels: np.ndarray, keys: list[int], cells: list[int]) -> np.ndarray:
    out = np.full(labels.shape, -1)
    for row in range(labels.shape[0]):
        for column in range(labels.shape[1]):
            for key, cell in zip(keys, cells, strict=True):
                if labels[row, column] == key:
                    out[row, column] = cell
    return out


@pytest.mark.parametrize("offset", [0, 1 << 40])
@pytest.mark.parametrize("with_background", [True, False])
def test_masks_are_linked_by_label(offset: int, with_background: bool) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0 if with_background else 1, 6, (7, 9))
    labels[labels > 0] += offset
    keys, cells = [3 + offset, 1 + offset, 99], [10, 11, 12]
    mask, complaint = link_mask(labels, np.array(keys), np.array(cells), name="m", key="id", **SQUARE)
    assert mask is not None
    np.testing.assert_array_equal(mask.cells[mask.labels_yx], oracle_cells(labels, keys, cells))
    assert (mask.labels_yx[labels == 0] == 0).all()
    assert complaint == "'m': 1 of 3 cells have no label (such as 99); 3 of 5 labels have no cell."
    assert mask.matched.tolist() == [10, 11]
    back = mask.keys[mask.labels_yx] if mask.keys is not None else mask.labels_yx
    np.testing.assert_array_equal(back, labels)


def test_a_mask_without_matching_cells_is_told_and_left_out() -> None:
    keys = np.array(["a", "b"])
    mask, complaint = link_mask(np.eye(3, dtype=int), keys, np.arange(2), name="m", key="id", **SQUARE)
    assert mask is None
    assert complaint is not None
    assert complaint.startswith("None of the 2 cells matches 'm'")
    mask, complaint = link_mask(np.eye(3), np.array([1]), np.arange(1), name="m", key="id", **SQUARE)
    assert mask is None
    assert "instead of labels" in str(complaint)


def visium(make_adata, **library):
    adata = make_adata(obsm={"spatial": np.random.default_rng(0).random((30, 2)) * 90 + 5})
    adata.obs["cell_id"] = np.arange(1, 31)
    adata.uns["spatial"] = {"lib": library}
    return adata


def test_pictures_of_visium_lie_at_the_right_scale(make_adata) -> None:
    picture = np.random.default_rng(0).random((20, 30, 3))
    factors = {"tissue_hires_scalef": 0.2, "spot_diameter_fullres": 8.0}
    images = {"hires": picture, "lowres": picture[::2]}
    dataset = Dataset(visium(make_adata, images=images, scalefactors=factors))
    (section,) = dataset.tissue.sections
    assert section.name == "lib"
    assert section.radius == 4.0
    (image,) = section.images
    assert image.name == "hires"
    assert image.levels_yxc[0].dtype == np.uint8
    assert image.rgb
    # 20 x 30 pixels of 5 units; edges half a full-resolution pixel before its first centre
    assert image.extent == Extent(-0.5, -0.5, 149.5, 99.5)


def test_a_picture_without_scale_factor_is_told(make_adata) -> None:
    dataset = Dataset(visium(make_adata, images={"hires": np.zeros((4, 4, 3))}, scalefactors={}))
    assert dataset.tissue.sections[0].images == ()
    assert any("no scale factor tissue_hires_scalef" in sentence for sentence in dataset.problems)
    factors = {"tissue_hires_scalef": 1.0}
    dataset = Dataset(visium(make_adata, images={"hires": np.zeros(4)}, scalefactors=factors))
    assert any("is not a picture" in sentence for sentence in dataset.problems)


def test_masks_in_uns_follow_a_change_of_cells(make_adata) -> None:
    labels = np.arange(100).reshape(10, 10) % 40
    adata = visium(make_adata, images={"segmentation": labels}, scalefactors={})
    dataset = Dataset(adata)
    mask = dataset.tissue.sections[0].mask
    assert mask is not None
    assert (mask.cells[mask.labels_yx] == np.where((labels > 0) & (labels <= 30), labels - 1, -1)).all()
    assert dataset.observation == "cell"
    assert "1 section with a mask" in dataset.report()
    fewer = dataset.with_adata(adata[[5, 2, 20]].copy())
    mask = fewer.tissue.sections[0].mask
    assert mask is not None
    assert sorted(np.unique(mask.cells[mask.labels_yx])) == [-1, 0, 1, 2]
    assert (mask.cells[mask.labels_yx][labels == 6] == 0).all()


def test_given_tissue_follows_a_change_of_cells(make_adata) -> None:
    adata = visium(make_adata, images={"segmentation": np.arange(100).reshape(10, 10) % 40}, scalefactors={})
    source = Dataset(adata)
    given = Dataset(adata, tissue=source.tissue)
    adata = given.editable()
    del adata.uns["spatial"]
    fewer = given.with_adata(adata[[5, 2, 20]].copy())
    mask = fewer.tissue.sections[0].mask
    assert mask is not None
    assert mask.matched.tolist() == [0, 1, 2]
    assert mask.cells[6] == 0


def test_visium_is_called_so(make_adata) -> None:
    adata = visium(make_adata, images={}, scalefactors={"spot_diameter_fullres": 65.0})
    adata.obs[["array_row", "array_col"]] = 0
    dataset = Dataset(adata)
    assert dataset.report() == "30 Visium spots, 1 section, counts in X, no embedding: prepare?"
    assert dataset.tissue.microns_per_unit == 1.0
    assert dataset.position_unit == "px"
    named = make_adata(n_cells=2, obs=pd.DataFrame(index=["s_008um_00001_00002-1", "s_008um_00001_00003-1"]))
    assert Dataset(named).observation == "bin"
