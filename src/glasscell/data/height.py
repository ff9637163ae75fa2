"""Three-dimensional tissue, shown one plane at a time: which planes there are and what lies in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glasscell.data.element import plane_places

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Heights that differ are planes of their own up to this many; beyond, the range is cut into slabs.
MOST_PLANES = 60
_SLABS = 10


def element_heights(element: Any, region: Any) -> tuple[float, ...]:
    """Height of each plane of a 3-D image or mask in the coordinates of a region's element; ascending.

    Parameters
    ----------
    element
        The image or mask; a flat one has none.
    region
        The element its cells belong to.
    """
    from spatialdata.transformations import get_transformation

    places = plane_places(element)
    own, theirs = (get_transformation(each, get_all=True) for each in (element, region))
    shared = [system for system in own if system in theirs]
    if not places or not shared:
        return ()
    maps = [_upright(each[shared[0]]) for each in (own, theirs)]
    (scale, shift), (region_scale, region_shift) = maps
    numbers = np.arange(len(places)) + 0.5
    heights = (scale * numbers + shift - region_shift) / region_scale
    return tuple(float(height) for height in heights) if scale / region_scale > 0 else ()


def _upright(transformation: Any) -> tuple[float, float]:
    """Scale and shift along z; those of an element without z are 1 and 0."""
    try:
        matrix = np.asarray(transformation.to_affine_matrix(("x", "y", "z"), ("x", "y", "z")), np.float64)
    except ValueError:
        return 1.0, 0.0
    return float(matrix[2, 2]) or 1.0, float(matrix[2, 3])


def choose_heights(
    z_c: npt.NDArray[np.float64] | None, rasters: Iterable[tuple[float, ...]] = ()
) -> tuple[float, ...]:
    """Say which planes can be shown: those of the finest 3-D image or mask, else those the cells lie in.

    Parameters
    ----------
    z_c
        Height of each cell, None when they have none.
    rasters
        Heights of the planes of each image and mask.

    Returns
    -------
    Ascending; empty when there is nothing to choose between.
    """
    finest = max(rasters, key=len, default=())
    if len(finest) > 1:
        return finest
    known = np.empty(0) if z_c is None else z_c[np.isfinite(z_c)]
    levels = np.unique(known)
    if len(levels) < 2:
        return ()
    if len(levels) > MOST_PLANES:
        edges = np.linspace(levels[0], levels[-1], _SLABS + 1)
        levels = (edges[1:] + edges[:-1]) / 2
    return tuple(float(level) for level in levels)


def plane_of(z: npt.NDArray[np.float64], heights: tuple[float, ...]) -> npt.NDArray[np.int64]:
    """Find the plane nearest to each height: its number, -1 where it is not known; shape as ``z``."""
    edges = (np.array(heights[1:]) + np.array(heights[:-1])) / 2
    return np.where(np.isfinite(z), np.searchsorted(edges, z, side="right"), -1)


def stored_heights(obsm: Any) -> npt.NDArray[np.float64] | None:
    """Third column of the stored coordinates, None when there is none or it says nothing."""
    from glasscell.data.observation import POSITION_KEYS

    for key in POSITION_KEYS:
        values = np.asarray(obsm[key]) if key in obsm else np.empty((0, 0))
        if values.ndim == 2 and values.shape[1] == 3 and values.dtype.kind in "iuf":
            z_c = values[:, 2].astype(np.float64)
            known = z_c[np.isfinite(z_c)]
            return z_c if len(known) and np.ptp(known) > 0 else None
    return None
