"""Elements of a SpatialData: shapes, masks, points and images as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glasscell.data.guard_size import readable_size
from glasscell.data.tissue import plane_number
from glasscell.errors import DataError

if TYPE_CHECKING:
    from glasscell.data.affine import Affine

_LARGEST_MASK = 100_000_000
_KEPT_IN_MEMORY = 64 << 20


@dataclass(frozen=True, eq=False)
class Places:
    """Where the instances of an element lie, in the element's own coordinates.

    Parameters
    ----------
    keys
        Instance key of each, integers or text.
    centres_cd
        (x, y) of each, shape ``(n, 2)``.
    radii
        Radius of each, NaN where it has none; a polygon has that of the disc of equal area.
    z
        Height of each, None in a flat element.
    """

    keys: npt.NDArray[Any]
    centres_cd: npt.NDArray[np.float64]
    radii: npt.NDArray[np.float32]
    z: npt.NDArray[np.float64] | None = None


def shape_places(shapes: Any) -> Places:
    """Read circles (points with a radius) or polygons from a GeoDataFrame."""
    import shapely

    geometry = np.asarray(shapes.geometry.values, dtype=object)
    centres = shapely.centroid(geometry)
    centres_cd = np.column_stack([shapely.get_x(centres), shapely.get_y(centres)]).astype(np.float64)
    if "radius" in shapes.columns:
        radii = shapes["radius"].to_numpy(dtype=np.float32)
    else:
        area = shapely.area(geometry)
        radii = np.where(area > 0, np.sqrt(area / np.pi), np.nan).astype(np.float32)
    z = shapely.get_z(centres) if shapely.has_z(geometry).any() else None
    if z is None and "z" in shapes.columns and shapes["z"].dtype.kind in "if":
        z = shapes["z"].to_numpy(dtype=np.float64)
    return Places(shapes.index.to_numpy(), centres_cd, radii, z)


def has_outlines(shapes: Any) -> bool:
    """Whether a GeoDataFrame holds polygons rather than circles."""
    return "radius" not in shapes.columns and bool(shapes.geometry.geom_type.str.endswith("Polygon").any())


def point_places(points: Any, instance_key: str) -> Places:
    """Read points from a (lazy) table with columns x and y; keys are a column, else the index."""
    columns = ["x", "y", *(name for name in ("z", instance_key) if name in points.columns)]
    table = points[columns].compute()
    keys = table[instance_key].to_numpy() if instance_key in table.columns else table.index.to_numpy()
    z = table["z"].to_numpy(dtype=np.float64) if "z" in table.columns else None
    centres_cd = table[["x", "y"]].to_numpy(dtype=np.float64)
    return Places(keys, centres_cd, np.full(len(table), np.nan, np.float32), z)


def mask_places(labels_yx: npt.NDArray[Any], affine: Affine) -> Places:
    """Find the centroid and the radius of the disc of equal area of every label but 0.

    Parameters
    ----------
    labels_yx
        Whole numbers, 0 = background; a 3-D mask as seen from above.
    affine
        3 x 3, from pixel coordinates (x, y) with their origin at the corner of pixel [0, 0].
    """
    keys, inverse, sizes = np.unique(labels_yx, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(labels_yx.shape)
    rows, columns = (np.arange(length) + 0.5 for length in labels_yx.shape)
    x = np.bincount(inverse.reshape(-1), np.broadcast_to(columns[None, :], inverse.shape).reshape(-1)) / sizes
    y = np.bincount(inverse.reshape(-1), np.broadcast_to(rows[:, None], inverse.shape).reshape(-1)) / sizes
    centres_cd = np.column_stack([x, y]) @ affine[:2, :2].T + affine[:2, 2]
    radii = np.sqrt(sizes * abs(np.linalg.det(affine[:2, :2])) / np.pi).astype(np.float32)
    cells = keys != 0
    return Places(keys[cells], centres_cd[cells], radii[cells])


def raster_levels(element: Any) -> list[Any]:
    """Return the levels of an image or mask, finest first, as labelled arrays; one for a plain array."""
    if hasattr(element, "dims") and not hasattr(element, "children"):
        return [element]
    levels = [next(iter(node.ds.data_vars.values())) for node in element.children.values()]
    return sorted(levels, key=lambda level: -level.sizes["x"])


def flat(level: Any, place: float = 0.5) -> Any:
    """Take one plane of a 3-D image or mask, 0 being the first and 1 the last; a 2-D one stays as it is."""
    return level.isel(z=plane_number(place, level.sizes["z"])) if "z" in level.dims else level


def n_planes(element: Any) -> int:
    """How many planes an image or mask has, 1 when it is flat."""
    finest = raster_levels(element)[0]
    return int(finest.sizes["z"]) if "z" in finest.dims else 1


def plane_places(element: Any) -> list[float]:
    """Middle of each plane of a 3-D image or mask, between 0 and 1; empty for a flat one."""
    number = n_planes(element)
    return [(plane + 0.5) / number for plane in range(number)] if number > 1 else []


def project(labels_zyx: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Lay the planes of a mask on one another, the middle one on top."""
    middle = len(labels_zyx) // 2
    order = sorted(range(len(labels_zyx)), key=lambda plane: abs(plane - middle))
    seen_yx: npt.NDArray[Any] = labels_zyx[order[0]].copy()
    for plane in order[1:]:
        seen_yx = np.where(seen_yx == 0, labels_zyx[plane], seen_yx)
    return seen_yx


def level_affine(finest: Any, level: Any) -> Affine:
    """Map pixel coordinates (x, y) of a level to those of the finest one."""
    return np.diag([finest.sizes["x"] / level.sizes["x"], finest.sizes["y"] / level.sizes["y"], 1.0])


def mask_array(element: Any, name: str) -> tuple[npt.NDArray[Any], Affine]:
    """Read a mask: its finest level of at most 100 million pixels, and how that lies on the finest.

    Returns
    -------
    Labels ``(height, width)``, or ``(height, width, planes)`` of a 3-D mask; and the 3 x 3 map of pixels.

    Raises
    ------
    DataError
        Even the coarsest level is larger.
    """
    levels = raster_levels(element)
    level = next((each for each in levels if each.size <= _LARGEST_MASK), None)
    if level is None:
        size = readable_size(levels[-1].size * 4)
        raise DataError(f"The mask {name!r} needs {size} and has no smaller level; save it as multiscale.")
    axes = ("y", "x", "z") if "z" in level.dims else ("y", "x")
    return np.asarray(level.transpose(*axes).data), level_affine(levels[0], level)


def image_levels(element: Any, place: float = 0.5) -> tuple[list[Any], tuple[str, ...]]:
    """Return the levels of an image as ``(height, width, channels)`` and the names of its channels.

    Levels up to 64 MB are read; larger ones stay lazy and are read where they are looked at. Of a 3-D image
    it is the plane at ``place``, between 0 and 1; its planes share the 64 MB.
    """
    allowed = _KEPT_IN_MEMORY // n_planes(element)
    levels = [flat(level, place) for level in raster_levels(element)]
    if "c" in levels[0].dims:
        channels = (
            tuple(str(name) for name in levels[0].coords["c"].values) if "c" in levels[0].coords else ()
        )
        arrays = [level.transpose("y", "x", "c").data for level in levels]
    else:
        channels = ()
        arrays = [level.transpose("y", "x").data[:, :, None] for level in levels]
    return [np.asarray(array) if array.nbytes <= allowed else array for array in arrays], channels
