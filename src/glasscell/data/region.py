"""One region of a SpatialData: the element a group of cells belongs to, and the images that lie over it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os.path import commonpath
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glasscell.data.affine import is_straight, resample, straighten
from glasscell.data.element import (
    has_outlines,
    image_levels,
    mask_array,
    mask_places,
    plane_places,
    point_places,
    project,
    shape_places,
)
from glasscell.data.link import link_keys, link_mask, mismatch
from glasscell.data.polygon import TissuePolygons, make_polygons
from glasscell.data.tissue import TissueImage, TissueMask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from glasscell.data.affine import Affine
    from glasscell.data.element import Places
    from glasscell.data.link import Link

_COLOUR_NAMES = (("r", "g", "b"), ("red", "green", "blue"), ("0", "1", "2"), ("r", "g", "b", "a"))


@dataclass(frozen=True, eq=False)
class Region:
    """An element and its cells, in the element's own coordinates.

    Parameters
    ----------
    name
        Name of the element.
    cells
        Indices of its cells in the table.
    centres_cd
        Centre of each cell's shape, mask or point, NaN where it has none, shape ``(len(cells), 2)``.
    radii
        Radius of each cell, NaN where unknown.
    mask
        The mask, when the element is one and any cell matches.
    transforms
        3 x 3 maps from the element to each coordinate system it is in.
    polygons
        The outlines, when the element holds polygons and any cell matches.
    z
        Height of each cell, NaN where unknown; None when the element is flat.
    """

    name: str
    cells: npt.NDArray[np.int64]
    centres_cd: npt.NDArray[np.float64]
    radii: npt.NDArray[np.float32]
    mask: TissueMask | None
    transforms: dict[str, Affine]
    polygons: TissuePolygons | None = None
    z: npt.NDArray[np.float64] | None = None

    @property
    def radius(self) -> float:
        """Median radius, 0 when no cell has one."""
        known = self.radii[np.isfinite(self.radii)]
        return float(np.median(known)) if len(known) else 0.0


def transforms_of(element: Any) -> dict[str, Affine]:
    """Return the maps (x, y) -> (x, y) of an element to each coordinate system, as 3 x 3 matrices."""
    from spatialdata.transformations import get_transformation

    found = {}
    for system, transformation in get_transformation(element, get_all=True).items():
        for axes in (("x", "y"), ("x", "y", "z")):
            try:
                matrix = np.asarray(transformation.to_affine_matrix(axes, axes), dtype=np.float64)
            except ValueError:
                continue  # a map that mixes in z is only defined with it
            affine = matrix[np.ix_([0, 1, -1], [0, 1, -1])]
            if abs(np.linalg.det(affine[:2, :2])) > 0:
                found[str(system)] = affine
            break
    return found


def read_region(
    sdata: Any,
    name: str,
    cells: npt.NDArray[np.int64],
    keys: npt.NDArray[Any],
    instance_key: str,
    problems: list[str],
) -> Region:
    """Link the cells of one region to their masks, shapes or points.

    Parameters
    ----------
    sdata
        The SpatialData.
    name
        The element.
    cells, keys
        Index and instance key of each cell of the region.
    instance_key
        Column of the keys, for messages.
    problems
        Mismatches are added here, one sentence each.
    """
    element, mask, polygons, complaint = sdata[name], None, None, None
    if name in sdata.labels:
        labels, affine = mask_array(element, name)
        places = mask_places(labels if labels.ndim == 2 else project(np.moveaxis(labels, 2, 0)), affine)
        labels, scale, translate = straighten(labels, affine)
        mask, complaint = link_mask(
            labels, keys, cells, name=name, key=instance_key, scale=scale, translate=translate
        )
        if mask is not None and labels.ndim == 3:
            planes_zyx = np.ascontiguousarray(np.moveaxis(mask.labels_yx, 2, 0))
            mask = replace(mask, labels_yx=project(planes_zyx), planes=tuple(planes_zyx))
    elif name in sdata.points:
        places = point_places(element, instance_key)
    else:
        places = shape_places(element)
    centres_cd, radii, z, link = _linked(places, keys)
    if name in sdata.shapes and has_outlines(element) and (link.positions_c >= 0).any():
        owners = np.full(len(places.keys), -1, np.int32)
        owners[link.positions_c[link.positions_c >= 0]] = cells[link.positions_c >= 0]
        polygons = make_polygons(name, np.asarray(element.geometry.values, dtype=object), owners)
    found = mismatch(link, len(places.keys), name, instance_key, "shape")
    said = complaint if name in sdata.labels else found
    if said:
        problems.append(said)
    return Region(name, cells, centres_cd, radii, mask, transforms_of(element), polygons, z)


def _linked(
    places: Places, keys: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32], npt.NDArray[np.float64] | None, Link]:
    link = link_keys(keys, places.keys)
    own = link.positions_c >= 0
    centres_cd, radii = np.full((len(keys), 2), np.nan), np.full(len(keys), np.nan, dtype=np.float32)
    centres_cd[own] = places.centres_cd[link.positions_c[own]]
    radii[own] = places.radii[link.positions_c[own]]
    z = None
    if places.z is not None:
        z = np.full(len(keys), np.nan)
        z[own] = places.z[link.positions_c[own]]
    return centres_cd, radii, z, link


def share(elements: Mapping[str, Any], regions: list[Region]) -> Iterator[tuple[str, Region, Affine]]:
    """Give each image, or each set of points, to the region it lies over.

    An element and a region belong together when they share a coordinate system; of several regions that share
    it, the one with the system to itself is taken, then the one whose name is most like the element's.

    Yields
    ------
    Name of the element, its region, and the map from its coordinates to the region's own coordinates.
    """
    users: dict[str, int] = {}
    for region in regions:
        for system in region.transforms:
            users[system] = users.get(system, 0) + 1
    for name, element in elements.items():
        own = transforms_of(element)
        choices = [
            (users[system], -len(commonpath([str(name), region.name])), number, system)
            for number, region in enumerate(regions)
            for system in region.transforms
            if system in own
        ]
        if choices:
            _, _, number, system = min(choices)
            region = regions[number]
            yield str(name), region, np.linalg.inv(region.transforms[system]) @ own[system]


def read_image(element: Any, name: str, affine: Affine) -> tuple[TissueImage, str | None]:
    """Read an image and place it.

    Parameters
    ----------
    element
        The image, one array or a pyramid.
    name
        Its name.
    affine
        3 x 3, from its pixels (x, y; origin at the corner of pixel [0, 0]) to the world.

    Returns
    -------
    The image, and a sentence when it had to be drawn anew.
    """
    levels, channels = image_levels(element)
    note: str | None = None
    planes: tuple[tuple[Any, ...], ...] = ()
    if is_straight(affine):
        placed = [straighten(level, affine) for level in levels]
        scale, translate = placed[0][1:]
        arrays = tuple(array for array, _, _ in placed)
        # Where a flip moves the origin depends on the finest level only: coarser ones share its outer edge.
        planes = tuple(
            tuple(straighten(level, affine)[0] for level in image_levels(element, place)[0])
            for place in plane_places(element)
        )
    else:
        smallest = next((level for level in levels if level.nbytes <= 1 << 28), levels[-1])
        finest = np.diag(
            [levels[0].shape[1] / smallest.shape[1], levels[0].shape[0] / smallest.shape[0], 1.0]
        )
        array, scale, translate = resample(np.asarray(smallest), affine @ finest)
        arrays = (array,)
        note = f"The image {name!r} lies at an angle to the cells and was drawn anew, pixel by nearest pixel."
    names = tuple(channel.casefold() for channel in channels)
    colour = arrays[0].shape[2] in (3, 4) and (names in _COLOUR_NAMES or not names)
    rgb = bool(colour and arrays[0].dtype == np.uint8)
    return TissueImage(name, arrays, scale, translate, channels, rgb, planes), note
