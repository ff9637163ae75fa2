"""Pictures and points of a tissue against a slow, literal drawing."""

from typing import Any

import anndata as ad
import numpy as np
import pytest
from numpy.typing import NDArray

from glasscell.data.dataset import Dataset
from glasscell.data.points import TissuePoints
from glasscell.data.tissue import Tissue, TissueImage, TissueMask, TissueSection
from glasscell.views.picture import TissuePicture, resolve_tissue
from glasscell.views.raster import Viewport
from glasscell.views.sight import ChannelLook, Sight
from glasscell.views.stamp import TissueDrawing, stamp_tissue, tissue_extent


def picture_of(*images: TissueImage, mask: TissueMask | None = None, points: Any = ()) -> TissuePicture:
    """Four cells at the corners of a square, over some images."""
    adata = ad.AnnData(np.ones((4, 2), np.float32))
    adata.obsm["spatial"] = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    section = TissueSection("one", images=images, mask=mask, radius=1.0, points=points)
    found = resolve_tissue(Dataset(adata, tissue=Tissue((section,))))
    assert found is not None
    return found


def photograph(scale: float = 1.0, shape: tuple[int, int] = (6, 8), levels: int = 1) -> TissueImage:
    rng = np.random.default_rng(0)
    finest = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    pyramid = [finest]
    for _ in range(levels - 1):
        high = pyramid[-1]
        pyramid.append(
            high.reshape(high.shape[0] // 2, 2, high.shape[1] // 2, 2, 3).mean(axis=(1, 3)).astype(np.uint8)
        )
    return TissueImage("photo", tuple(pyramid), (scale, scale), (1.0, 2.0), rgb=True)


def literal(image: TissueImage, viewport: Viewport) -> NDArray[np.uint8]:
    """Nearest pixel of the finest level under the middle of each pixel of the viewport."""
    level, ((sx, sy), (tx, ty)) = image.levels_yxc[0], (image.scale, image.translate)
    out = np.zeros((viewport.height, viewport.width, 4), np.uint8)
    for row in range(viewport.height):
        for column in range(viewport.width):
            y = int(np.floor((viewport.y + row * viewport.pixel_y - ty) / sy + 0.5))
            x = int(np.floor((viewport.x + column * viewport.pixel - tx) / sx + 0.5))
            if 0 <= y < level.shape[0] and 0 <= x < level.shape[1]:
                out[row, column] = (*level[y, x], 255)
    return out


def test_a_picture_lies_where_it_belongs() -> None:
    image = photograph()
    viewport = Viewport(-1.0, -1.0, 0.25, 48, 56)  # a quarter of a pixel never leaves the picture's own one
    stamp = stamp_tissue(picture_of(image), Sight(), viewport)
    assert stamp.below_yxc is not None
    wanted = literal(image, viewport)
    np.testing.assert_array_equal(stamp.below_yxc[..., 3], wanted[..., 3])
    inner = np.zeros(wanted.shape[:2], np.bool_)
    world_y, world_x = viewport.y + 0.25 * np.arange(48), viewport.x + 0.25 * np.arange(56)
    inner[np.ix_(np.abs(world_y % 1 - 0.5) > 0.1, np.abs(world_x % 1 - 0.5) > 0.1)] = True
    np.testing.assert_array_equal(stamp.below_yxc[inner], wanted[inner])
    assert stamp.above_yx is None


def test_far_away_a_coarse_level_or_few_pixels_are_read() -> None:
    class Counting:
        def __init__(self, pixels: NDArray[np.uint8]) -> None:
            self.pixels, self.shape, self.dtype, self.read = pixels, pixels.shape, pixels.dtype, 0

        def __getitem__(self, key: Any) -> NDArray[np.uint8]:
            part = self.pixels[key]
            self.read += part.size
            return part

    flat = np.full((2000, 2000, 3), 90, np.uint8)
    for levels in (1, 3):
        pyramid = tuple(Counting(flat[:: 4**n, :: 4**n]) for n in range(levels))
        image = TissueImage("big", pyramid, (0.01, 0.01), (0.0, 0.0), rgb=True)
        stamp = stamp_tissue(picture_of(image), Sight(), Viewport(0.0, 0.0, 0.2, 100, 100))
        assert stamp.below_yxc is not None
        assert (stamp.below_yxc[..., :3] == 90).all()
        assert sum(level.read for level in pyramid) < 4.5 * 100 * 100 * 3
        assert levels == 1 or pyramid[0].read == 0


def test_what_is_hidden_or_elsewhere_is_not_drawn() -> None:
    image, viewport = photograph(), Viewport(500.0, 500.0, 1.0, 5, 5)
    stamp = stamp_tissue(picture_of(image), Sight(), viewport)
    assert stamp.below_yxc is not None
    assert not stamp.below_yxc.any()
    hidden = Sight(layers=((ChannelLook(visible=False),),))
    assert stamp_tissue(picture_of(image), hidden, viewport).below_yxc is None
    half = Sight(layers=((ChannelLook(opacity=0.5),),))
    faint = stamp_tissue(picture_of(image), half, Viewport(2.0, 3.0, 0.1, 3, 3)).below_yxc
    assert faint is not None
    assert (faint[..., 3] == 128).all()


def test_channels_are_added_up_as_light() -> None:
    levels = (np.array([[[0, 10], [5, 0]]], np.float32),)
    image = TissueImage("stain", levels, (1.0, 1.0), (0.0, 0.0), channels=("a", "b"))
    looks = (ChannelLook(high=5.0, light=(0, 0, 1)), ChannelLook(high=10.0, light=(0, 1, 0)))
    stamp = stamp_tissue(picture_of(image), Sight(layers=(looks,)), Viewport(0.0, 0.0, 1.0, 1, 2))
    assert stamp.below_yxc is not None
    np.testing.assert_array_equal(stamp.below_yxc[0], [[0, 255, 0, 255], [0, 0, 255, 255]])


def test_points_of_one_gene_or_of_all() -> None:
    places = np.array([[1.0, 1.0], [3.0, 1.0], [5.0, 5.0]])
    rna = TissuePoints("rna", places, 3, np.array([0, 1, 0], np.int32), ("A", "B"))
    picture = picture_of(points=(rna,))
    viewport = Viewport(0.0, 0.0, 1.0, 8, 8)
    every = stamp_tissue(picture, Sight(), viewport).above_yx
    assert every is not None
    np.testing.assert_array_equal(np.argwhere(every), [[1, 1], [1, 3], [5, 5]])
    one = stamp_tissue(picture, Sight(gene="B"), viewport).above_yx
    assert one is not None
    np.testing.assert_array_equal(np.argwhere(one), [[1, 3]])
    assert stamp_tissue(picture, Sight(points=(False,)), viewport).above_yx is None


@pytest.mark.parametrize("with_image", [False, True])
def test_the_extent_holds_cells_masks_and_pictures(with_image: bool) -> None:
    mask = TissueMask("m", np.zeros((4, 30), np.int32), (1.0, 1.0), (0.0, 0.0), np.array([-1], np.int32))
    picture = picture_of(*([photograph()] if with_image else []), mask=mask)
    x0, y0, x1, y1 = tissue_extent(picture)
    assert (x0, y0, x1) == (-1, -1, 29.5)
    assert y1 == 11


def test_channels_that_a_person_changed_look_changed_and_limits_are_found_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from glasscell.views import sight as sights

    calls: list[int] = []
    real = sights.channel_limits
    monkeypatch.setattr(sights, "channel_limits", lambda plane: (calls.append(1), real(plane))[1])
    levels = (np.arange(24, dtype=np.float32).reshape(2, 3, 4),)
    image = TissueImage("stain", levels, (1.0, 1.0), (0.0, 0.0), channels=("a", "b"))
    picture = picture_of(photograph(), image)
    drawing = TissueDrawing(picture)
    first = drawing.look(Sight(), {})
    assert first.layers is not None
    assert [[look.visible for look in looks] for looks in first.layers] == [[True], [False] * 4]
    assert sights.channel_names(image) == ("a", "b", "2", "3")
    assert sights.first_channels(picture)["3"] == (False, (0.0, 1.0, 1.0))
    second = drawing.look(Sight(), {"photo": (False, (1.0, 1.0, 1.0)), "3": (True, (1.0, 0.0, 0.0))})
    assert second.layers is not None
    assert [[look.visible for look in looks] for looks in second.layers] == [
        [False],
        [False, False, False, True],
    ]
    assert second.layers[1][3].light == (1.0, 0.0, 0.0)
    assert second.layers[1][3].high == first.layers[1][3].high
    assert len(calls) == 4
    stamp = drawing.stamp(
        picture, Sight(), {"photo": (False, (1.0, 1.0, 1.0))}, Viewport(0.0, 0.0, 1.0, 2, 2)
    )
    assert stamp.below_yxc is None
