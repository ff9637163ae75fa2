"""Outlines of cells that the table links to something else, such as circles, found by their keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.element import has_outlines
from glasscell.data.link import link_keys
from glasscell.data.polygon import make_polygons

if TYPE_CHECKING:
    import numpy.typing as npt

    from glasscell.data.region import Region

#: So many of the cells must have an outline of their key, and lie within its bounding box.
_SHARE = 0.5
_INSIDE = 0.9


def with_outlines(region: Region, sdata: Any, keys: npt.NDArray[Any]) -> Region:
    """Add the outlines that belong to a region's cells where its own element has none.

    An element of polygons belongs to them when at least half of the cells find their key in its index and
    nine in ten of these lie inside the bounding box of their outline; of several, that of whole cells (not
    nuclei) with the most matches is taken.

    Parameters
    ----------
    region
        The region; returned as it is when it has a mask or outlines, or nothing fits.
    sdata
        The SpatialData.
    keys
        Instance key of each of its cells.
    """
    if region.mask is not None or region.polygons is not None or not len(keys):
        return region
    best: tuple[tuple[bool, int], Region] | None = None
    for name, shapes in sdata.shapes.items():
        if not has_outlines(shapes):
            continue
        found = _linked(region, str(name), shapes, keys)
        if found is not None:
            merit = ("nucle" not in str(name).casefold(), found[0])
            if best is None or merit > best[0]:
                best = merit, found[1]
    return region if best is None else best[1]


def _linked(region: Region, name: str, shapes: Any, keys: npt.NDArray[Any]) -> tuple[int, Region] | None:
    from glasscell.data.region import transforms_of

    maps = transforms_of(shapes)
    shared = [system for system in region.transforms if system in maps]
    link = link_keys(keys, shapes.index.to_numpy())
    own = link.positions_c >= 0
    if not shared or own.sum() < _SHARE * len(keys):
        return None
    owners = np.full(len(shapes), -1, np.int32)
    owners[link.positions_c[own]] = region.cells[own]
    affine = np.linalg.inv(region.transforms[shared[0]]) @ maps[shared[0]]
    polygons = make_polygons(name, np.asarray(shapes.geometry.values, dtype=object), owners).transformed(
        affine
    )
    box = polygons.bounds[link.positions_c[own]]
    centres_cd = region.centres_cd[own]
    inside = ((centres_cd >= box[:, :2]) & (centres_cd <= box[:, 2:])).all(axis=1)
    if inside.mean() < _INSIDE:
        return None
    return int(own.sum()), replace(region, polygons=polygons)
