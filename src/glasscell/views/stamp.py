"""All that is drawn on a viewport, whatever the colours: cells, the picture below, points above."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.tissue import Extent
from glasscell.views.raster import CellRaster, Viewport, stamp_discs
from glasscell.views.sight import channel_names, first_layers, lit_pixels, shown_images

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from glasscell.data.tissue import TissueImage
    from glasscell.views.picture import TissuePicture
    from glasscell.views.sight import ChannelLook, Light, Sight

    Channels = Mapping[str, tuple[bool, Light]]

#: Size of a point as a fraction of the longer side of the tissue.
POINT_SIZE = 1 / 500


@dataclass(frozen=True, eq=False)
class Stamp:
    """What is drawn on a viewport.

    Parameters
    ----------
    cells
        Which cell each pixel shows.
    below_yxc
        The picture below them, RGBA; None for none.
    above_yx
        Pixels of the points above them; None for none.
    """

    cells: CellRaster
    below_yxc: NDArray[np.uint8] | None = None
    above_yx: NDArray[np.bool_] | None = None


def stamp_tissue(picture: TissuePicture, sight: Sight, viewport: Viewport) -> Stamp:
    """Draw a tissue on a viewport."""
    return Stamp(
        picture.raster(viewport),
        _stamp_images(picture, sight, viewport),
        _stamp_points(picture, sight, viewport),
    )


class TissueDrawing:
    """Draws one tissue, any plane of it; how its channels look is worked out once, with the first stamp.

    Parameters
    ----------
    whole
        The tissue with all planes.
    """

    def __init__(self, whole: TissuePicture) -> None:
        self._whole = whole
        self._layers: tuple[tuple[ChannelLook, ...], ...] | None = None

    def stamp(self, picture: TissuePicture, sight: Sight, channels: Channels, viewport: Viewport) -> Stamp:
        """Draw a viewport of a plane."""
        return stamp_tissue(picture, self.look(sight, channels), viewport)

    def look(self, sight: Sight, channels: Channels) -> Sight:
        """Say how all channels look, those that a person has changed as they were changed.

        Parameters
        ----------
        channels
            Whether a channel is shown and its light, by name.
        """
        if self._layers is None:
            self._layers = first_layers(self._whole)
        images = [image for section in self._whole.sections for image in section.images]
        layers = []
        for image, looks in zip(images, self._layers, strict=True):
            names = channel_names(image)
            told = [channels.get(name) for name in names]
            layers.append(
                tuple(
                    look if one is None else replace(look, visible=one[0], light=one[1])
                    for look, one in zip(looks, told, strict=True)
                )
            )
        return replace(sight, layers=tuple(layers))


def tissue_extent(picture: TissuePicture) -> tuple[float, float, float, float]:
    """Rectangle round cells, masks and pictures."""
    images = [image for section in picture.sections for image in section.images]
    parts = [Extent(*picture.bounds), *(each.extent for each in (*picture.masks, *images))]
    whole = Extent.union(parts)
    assert whole is not None
    return whole.x0, whole.y0, whole.x1, whole.y1


def _stamp_images(picture: TissuePicture, sight: Sight, viewport: Viewport) -> NDArray[np.uint8] | None:
    frame_yxc = None
    for image, looks in shown_images(picture, sight):
        if frame_yxc is None:
            frame_yxc = np.zeros((viewport.height, viewport.width, 4), np.uint8)
        _stamp_image(image, looks, viewport, frame_yxc)
    return frame_yxc


def _stamp_image(
    image: TissueImage, looks: Sequence[ChannelLook], viewport: Viewport, frame_yxc: NDArray[np.uint8]
) -> None:
    """Draw a picture: its coarsest level that is sharp enough, each pixel from four places of it."""
    sizes = [image.level_scale(level) for level in range(len(image.levels_yxc))]
    sharp = [number for number, size in enumerate(sizes) if size[0] <= viewport.pixel * (1 + 1e-6)]
    level = max(sharp, default=0)
    level_yxc: Any = image.levels_yxc[level]
    scale, shift = sizes[level], image.level_translate(level)
    world_y = viewport.y + viewport.pixel_y * np.arange(viewport.height)
    world_x = viewport.x + viewport.pixel * np.arange(viewport.width)
    extent = image.extent
    inside_y = np.flatnonzero((world_y >= extent.y0) & (world_y < extent.y1))
    inside_x = np.flatnonzero((world_x >= extent.x0) & (world_x < extent.x1))
    if not inside_y.size or not inside_x.size:
        return
    step = max(int(viewport.pixel / scale[0] / 2), 1)
    rows = _samples(world_y[inside_y], viewport.pixel_y, shift[1], scale[1], level_yxc.shape[0])
    columns = _samples(world_x[inside_x], viewport.pixel, shift[0], scale[0], level_yxc.shape[1])
    top, left = int(rows.min()), int(columns.min())
    window_yxc = level_yxc[top : int(rows.max()) + 1 : step, left : int(columns.max()) + 1 : step]
    lit_yxc = lit_pixels(image, window_yxc, looks)
    rows, columns = (rows - top) // step, (columns - left) // step
    total = np.zeros((inside_y.size, inside_x.size, 3), np.uint16)
    for row in rows:
        for column in columns:
            total += lit_yxc[row[:, None], column]
    place = np.ix_(inside_y, inside_x)
    opacity = looks[0].opacity if image.rgb else 1.0
    frame_yxc[place] = np.concatenate(
        [((total + 2) // 4).astype(np.uint8), np.full((*total.shape[:2], 1), round(255 * opacity), np.uint8)],
        axis=2,
    )


def _samples(
    world: NDArray[np.floating[Any]], pixel: float, shift: float, scale: float, count: int
) -> NDArray[np.int64]:
    """Places in a level, a quarter of a pixel before and after the middle of each pixel, ``(2, n)``."""
    places = (world + np.array([[-0.25], [0.25]]) * pixel - shift) / scale
    return np.floor(places + 0.5).astype(np.int64).clip(0, count - 1)


def _stamp_points(picture: TissuePicture, sight: Sight, viewport: Viewport) -> NDArray[np.bool_] | None:
    x0, y0, x1, y1 = picture.bounds
    radius = max(x1 - x0, y1 - y0) * POINT_SIZE / 2
    raster = None
    for number, mask in enumerate(picture.shown_points(sight.gene)):
        if sight.shows_points(number):
            places_pd = np.asarray(picture.points[number].positions_pd, np.float64)[mask]
            order = np.arange(len(places_pd), dtype=np.int32)
            raster = stamp_discs(places_pd, radius, viewport, order, raster)
    return None if raster is None else raster.ids_yx > 0
