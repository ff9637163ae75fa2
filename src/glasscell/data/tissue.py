"""What lies under the cells: images, segmentation masks and their place in the world.

World coordinates are (x, y) in the dataset's unit; pixel arrays are [y, x]. ``translate`` is always the world
position of the *centre* of pixel [0, 0] and ``scale`` the world length of one pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.data.points import TissuePoints
    from glasscell.data.polygon import TissuePolygons

Pair = tuple[float, float]


@dataclass(frozen=True)
class Extent:
    """A rectangle in world coordinates."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """Length along x, in world units."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Length along y, in world units."""
        return self.y1 - self.y0

    def shifted(self, offset: Pair) -> Extent:
        """Move the rectangle by (dx, dy)."""
        return Extent(self.x0 + offset[0], self.y0 + offset[1], self.x1 + offset[0], self.y1 + offset[1])

    def overlap(self, other: Extent) -> float:
        """Shared area as a fraction of the smaller rectangle, 0 to 1."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        smaller = min(self.width * self.height, other.width * other.height)
        return max(width, 0.0) * max(height, 0.0) / smaller if smaller > 0 else 0.0

    @staticmethod
    def union(extents: Sequence[Extent]) -> Extent | None:
        """Smallest rectangle that holds all of them; None when there are none."""
        if not extents:
            return None
        corners = np.array([(e.x0, e.y0, e.x1, e.y1) for e in extents])
        low, high = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
        return Extent(float(low[0]), float(low[1]), float(high[0]), float(high[1]))

    @staticmethod
    def of_points(positions_cd: npt.NDArray[np.float64]) -> Extent | None:
        """Bounding box of points, NaN left out; None when no point is left."""
        known = positions_cd[np.isfinite(positions_cd).all(axis=1)]
        if not len(known):
            return None
        low, high = known.min(axis=0), known.max(axis=0)
        return Extent(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def pixel_extent(shape: Sequence[int], scale: Pair, translate: Pair) -> Extent:
    """World rectangle covered by a pixel array of shape ``(height, width, ...)``, pixel edges included."""
    x0, y0 = translate[0] - scale[0] / 2, translate[1] - scale[1] / 2
    return Extent(x0, y0, x0 + shape[1] * scale[0], y0 + shape[0] * scale[1])


def plane_number(place: float, n_planes: int) -> int:
    """Find the plane at a place between 0 (first) and 1 (last)."""
    return min(max(int(place * n_planes), 0), n_planes - 1)


@dataclass(frozen=True, eq=False)
class TissueImage:
    """A picture of a section, possibly as a pyramid.

    Parameters
    ----------
    name
        Its name in the file.
    levels_yxc
        Finest first, each ``(height, width, channels)``; numpy arrays, or lazy arrays that slice like them.
    scale
        World units per pixel of the finest level, (x, y).
    translate
        World position of the centre of pixel [0, 0] of the finest level, (x, y).
    channels
        One name per channel.
    rgb
        The channels are red, green, blue (and alpha), to be shown as colour.
    planes
        Of a three-dimensional picture the levels of every plane; ``levels_yxc`` is then the middle one.
    """

    name: str
    levels_yxc: tuple[Any, ...]
    scale: Pair
    translate: Pair = (0.0, 0.0)
    channels: tuple[str, ...] = ()
    rgb: bool = False
    planes: tuple[tuple[Any, ...], ...] = ()

    def at_plane(self, place: float) -> TissueImage:
        """Show the plane at a place between 0 (first) and 1 (last); a flat picture stays as it is."""
        if not self.planes:
            return self
        return replace(self, levels_yxc=self.planes[plane_number(place, len(self.planes))])

    @property
    def extent(self) -> Extent:
        """World rectangle of the picture."""
        return pixel_extent(self.levels_yxc[0].shape, self.scale, self.translate)

    def level_scale(self, level: int) -> Pair:
        """World units per pixel of a level, (x, y)."""
        finest, shape = self.levels_yxc[0].shape, self.levels_yxc[level].shape
        return self.scale[0] * finest[1] / shape[1], self.scale[1] * finest[0] / shape[0]

    def level_translate(self, level: int) -> Pair:
        """World position of the centre of pixel [0, 0] of a level; all levels share their outer edge."""
        scale, extent = self.level_scale(level), self.extent
        return extent.x0 + scale[0] / 2, extent.y0 + scale[1] / 2

    def shifted(self, offset: Pair) -> TissueImage:
        """Move the picture by (dx, dy)."""
        return replace(self, translate=(self.translate[0] + offset[0], self.translate[1] + offset[1]))


@dataclass(frozen=True, eq=False)
class TissueMask:
    """A segmentation: every pixel holds the label of the cell that covers it, 0 where there is none.

    Parameters
    ----------
    name
        Its name in the file.
    labels_yx
        int32, shape ``(height, width)``, 0 = background.
    scale, translate
        World units per pixel, and the world position of the centre of pixel [0, 0], both (x, y).
    cells
        Look-up from label to cell: int32, ``cells[label]`` is the index of the cell or -1 when it has none.
    keys
        The file's own label of each label, where they were too large to be used as they are; else None.
    planes
        Of a three-dimensional mask the labels of every plane; ``labels_yx`` then shows them all, the middle
        plane on top.
    """

    name: str
    labels_yx: npt.NDArray[np.int32]
    scale: Pair
    translate: Pair
    cells: npt.NDArray[np.int32]
    keys: npt.NDArray[np.int64] | None = None
    planes: tuple[npt.NDArray[np.int32], ...] = ()

    def at_plane(self, place: float) -> TissueMask:
        """Show the plane at a place between 0 (first) and 1 (last); a flat mask stays as it is."""
        if not self.planes:
            return self
        return replace(self, labels_yx=self.planes[plane_number(place, len(self.planes))])

    @property
    def extent(self) -> Extent:
        """World rectangle of the mask."""
        return pixel_extent(self.labels_yx.shape, self.scale, self.translate)

    @property
    def matched(self) -> npt.NDArray[np.int32]:
        """Indices of the cells that have a label here, sorted."""
        return np.unique(self.cells[self.cells >= 0])

    def shifted(self, offset: Pair) -> TissueMask:
        """Move the mask by (dx, dy)."""
        return replace(self, translate=(self.translate[0] + offset[0], self.translate[1] + offset[1]))

    def renumbered(self, new_index: npt.NDArray[np.int32]) -> TissueMask:
        """Follow new cell numbers: ``new_index[old]``, -1 for a cell left out."""
        cells = np.where(self.cells >= 0, new_index[np.maximum(self.cells, 0)], -1).astype(np.int32)
        return replace(self, cells=cells)


@dataclass(frozen=True, eq=False)
class TissueSection:
    """One piece of tissue: what can be drawn of it.

    Parameters
    ----------
    name
        Name of the section, one of the dataset's sections.
    images
        Pictures of it, the most useful first.
    mask
        Segmentation, if there is one.
    radius
        Radius of a cell or spot in world units, 0 when unknown.
    shape
        ``"disc"`` or ``"square"``: how an observation without a mask is drawn.
    polygons
        Outlines of cells, if there are any.
    points
        Transcripts and other points.
    """

    name: str
    images: tuple[TissueImage, ...] = ()
    mask: TissueMask | None = None
    radius: float = 0.0
    shape: str = "disc"
    polygons: TissuePolygons | None = None
    points: tuple[TissuePoints, ...] = ()

    @property
    def extent(self) -> Extent | None:
        """World rectangle of all that is drawn; None when there is nothing."""
        drawn = (*self.images, self.mask, self.polygons, *self.points)
        parts = [part.extent for part in drawn if part is not None]
        return Extent.union([part for part in parts if part is not None])

    def shifted(self, offset: Pair) -> TissueSection:
        """Move everything by (dx, dy)."""
        return replace(
            self,
            images=tuple(image.shifted(offset) for image in self.images),
            mask=None if self.mask is None else self.mask.shifted(offset),
            polygons=None if self.polygons is None else self.polygons.shifted(offset),
            points=tuple(points.shifted(offset) for points in self.points),
        )

    def renumbered(self, new_index: npt.NDArray[np.int32]) -> TissueSection:
        """Follow new cell numbers: ``new_index[old]``, -1 for a cell left out."""
        mask = None if self.mask is None else self.mask.renumbered(new_index)
        polygons = None if self.polygons is None else self.polygons.renumbered(new_index)
        return replace(self, mask=mask, polygons=polygons)


@dataclass(frozen=True, eq=False)
class Tissue:
    """Everything that lies under the cells of a dataset.

    Parameters
    ----------
    sections
        One entry per section that has anything to draw.
    unit
        ``"um"`` or ``"px"``, the unit of world coordinates.
    microns_per_unit
        Length of one world unit in micrometres, None when unknown; makes the scale bar real.
    radii_c
        Radius of each cell in world units, NaN where unknown, shape ``(n_cells,)``; None without radii.
    z_c
        Height of each cell, NaN where unknown, shape ``(n_cells,)``; None in a flat tissue.
    heights
        Height of each plane that can be shown by itself, ascending; empty in a flat tissue.
    """

    sections: tuple[TissueSection, ...] = ()
    unit: str = "px"
    microns_per_unit: float | None = None
    radii_c: npt.NDArray[np.float32] | None = field(default=None)
    z_c: npt.NDArray[np.float64] | None = None
    heights: tuple[float, ...] = ()

    def section(self, name: str) -> TissueSection | None:
        """Find a section by name; None when nothing is drawn for it."""
        return next((section for section in self.sections if section.name == name), None)

    def shifted(self, offsets: dict[str, Pair]) -> Tissue:
        """Move each named section by its (dx, dy)."""
        moved = tuple(section.shifted(offsets.get(section.name, (0.0, 0.0))) for section in self.sections)
        return replace(self, sections=moved)

    def renumbered(self, new_index: npt.NDArray[np.int32], n_cells: int) -> Tissue:
        """Follow new cell numbers: ``new_index[old]``, -1 for a cell left out."""
        sections = tuple(section.renumbered(new_index) for section in self.sections)
        kept = new_index >= 0
        radii_c = z_c = None
        if self.radii_c is not None:
            radii_c = np.full(n_cells, np.nan, dtype=np.float32)
            radii_c[new_index[kept]] = self.radii_c[kept]
        if self.z_c is not None:
            z_c = np.full(n_cells, np.nan)
            z_c[new_index[kept]] = self.z_c[kept]
        return replace(self, sections=sections, radii_c=radii_c, z_c=z_c)
