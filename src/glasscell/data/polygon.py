"""Outlines of cells: many polygons with holes and parts, kept as flat arrays that can be drawn fast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glasscell.data.tissue import Extent

if TYPE_CHECKING:
    from glasscell.data.affine import Affine
    from glasscell.data.tissue import Pair


@dataclass(frozen=True, eq=False)
class TissuePolygons:
    """Polygons of a section; what lies inside an odd number of a shape's rings belongs to it.

    That rule draws holes and shapes of several parts without knowing which ring is which.

    Parameters
    ----------
    name
        Their name in the file.
    vertices_vd
        Corners of all rings one after the other, (x, y), float64 of shape ``(n_vertices, 2)``.
    ring_starts
        First vertex of each ring and, last, the number of vertices; int64 of shape ``(n_rings + 1,)``.
    shape_starts
        First ring of each shape and, last, the number of rings; int64 of shape ``(n_shapes + 1,)``.
    cells
        Cell of each shape, -1 for none; int32 of shape ``(n_shapes,)``.
    """

    name: str
    vertices_vd: npt.NDArray[np.float64]
    ring_starts: npt.NDArray[np.int64]
    shape_starts: npt.NDArray[np.int64]
    cells: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.cells)

    @cached_property
    def bounds(self) -> npt.NDArray[np.float64]:
        """Edges ``(x0, y0, x1, y1)`` of each shape, NaN for one without corners; shape ``(n_shapes, 4)``."""
        bounds = np.full((len(self), 4), np.nan)
        starts = self.ring_starts[self.shape_starts]
        drawn = np.flatnonzero(starts[1:] > starts[:-1])
        if len(drawn):
            first = starts[drawn]
            bounds[drawn, :2] = np.minimum.reduceat(self.vertices_vd, first, axis=0)
            bounds[drawn, 2:] = np.maximum.reduceat(self.vertices_vd, first, axis=0)
        return bounds

    @property
    def extent(self) -> Extent | None:
        """World rectangle of all shapes; None when there are none."""
        return Extent.of_points(self.vertices_vd)

    @property
    def matched(self) -> npt.NDArray[np.int32]:
        """Indices of the cells that have a shape here, sorted."""
        return np.unique(self.cells[self.cells >= 0])

    def shifted(self, offset: Pair) -> TissuePolygons:
        """Move the shapes by (dx, dy)."""
        return self if offset == (0.0, 0.0) else replace(self, vertices_vd=self.vertices_vd + offset)

    def transformed(self, affine: Affine) -> TissuePolygons:
        """Move the shapes by a 3 x 3 map of (x, y)."""
        return replace(self, vertices_vd=self.vertices_vd @ affine[:2, :2].T + affine[:2, 2])

    def renumbered(self, new_index: npt.NDArray[np.int32]) -> TissuePolygons:
        """Follow new cell numbers: ``new_index[old]``, -1 for a cell left out."""
        cells = np.where(self.cells >= 0, new_index[np.maximum(self.cells, 0)], -1).astype(np.int32)
        return replace(self, cells=cells)


def make_polygons(
    name: str, geometry: npt.NDArray[Any], cells: npt.NDArray[np.integer[Any]]
) -> TissuePolygons:
    """Flatten shapely polygons and multipolygons.

    Parameters
    ----------
    name
        Their name in the file.
    geometry
        One shapely geometry per shape; points and lines, and None, have no area and become empty shapes.
    cells
        Cell of each shape, -1 for none.
    """
    import shapely

    parts, owner = shapely.get_parts(geometry, return_index=True)
    polygons = shapely.get_type_id(parts) == 3
    rings, part_of_ring = shapely.get_rings(parts[polygons], return_index=True)
    vertices_vd, ring_of_vertex = shapely.get_coordinates(rings, return_index=True)
    shape_of_ring = owner[polygons][part_of_ring]
    return TissuePolygons(
        name,
        np.ascontiguousarray(vertices_vd, np.float64),
        np.searchsorted(ring_of_vertex, np.arange(len(rings) + 1)).astype(np.int64),
        np.searchsorted(shape_of_ring, np.arange(len(geometry) + 1)).astype(np.int64),
        np.asarray(cells, np.int32),
    )
