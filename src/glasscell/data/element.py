"""Elements of a SpatialData: shapes, masks, points and images as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glasscell.data.guard_size import readable_size
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
    """

    keys: npt.NDArray[Any]
    centres_cd: npt.NDArray[np.float64]
    radii: npt.NDArray[np.float32]


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
    return Places(shapes.index.to_numpy(), centres_cd, radii)


def point_places(points: Any, instance_key: str) -> Places:
    """Read points from a (lazy) table with columns x and y; keys are a column, else the index."""
    columns = ["x", "y", *([instance_key] if instance_key in points.columns else [])]
    table = points[columns].compute()
    keys = table[instance_key].to_numpy() if instance_key in table.columns else table.index.to_numpy()
    return Places(keys, table[["x", "y"]].to_numpy(dtype=np.float64), np.full(len(table), np.nan, np.float32))


def mask_places(labels_yx: npt.NDArray[Any], affine: Affine) -> Places:
    """Find the centroid and the radius of the disc of equal area of every label but 0.

    Parameters
    ----------
    labels_yx
        Whole numbers, 0 = background.
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


def flat(level: Any) -> Any:
    """Take the middle plane of a 3-D image or mask; a 2-D one is returned as it is."""
    return level.isel(z=level.sizes["z"] // 2) if "z" in level.dims else level


def level_affine(finest: Any, level: Any) -> Affine:
    """Map pixel coordinates (x, y) of a level to those of the finest one."""
    return np.diag([finest.sizes["x"] / level.sizes["x"], finest.sizes["y"] / level.sizes["y"], 1.0])


def mask_array(element: Any, name: str) -> tuple[npt.NDArray[Any], Affine]:
    """Read a mask: its finest level of at most 100 million pixels, and how that lies on the finest.

    Raises
    ------
    DataError
        Even the coarsest level is larger.
    """
    levels = [flat(level) for level in raster_levels(element)]
    level = next((each for each in levels if each.sizes["x"] * each.sizes["y"] <= _LARGEST_MASK), None)
    if level is None:
        size = readable_size(levels[-1].sizes["x"] * levels[-1].sizes["y"] * 4)
        raise DataError(f"The mask {name!r} needs {size} and has no smaller level; save it as multiscale.")
    return np.asarray(level.transpose("y", "x").data), level_affine(levels[0], level)


def image_levels(element: Any) -> tuple[list[Any], tuple[str, ...]]:
    """Return the levels of an image as ``(height, width, channels)`` and the names of its channels.

    Levels up to 64 MB are read; larger ones stay lazy and are read where they are looked at.
    """
    levels = [flat(level) for level in raster_levels(element)]
    if "c" in levels[0].dims:
        channels = (
            tuple(str(name) for name in levels[0].coords["c"].values) if "c" in levels[0].coords else ()
        )
        arrays = [level.transpose("y", "x", "c").data for level in levels]
    else:
        channels = ()
        arrays = [level.transpose("y", "x").data[:, :, None] for level in levels]
    return [np.asarray(array) if array.nbytes <= _KEPT_IN_MEMORY else array for array in arrays], channels
