"""What the tissue looks like, worked out once per dataset: sections, outlines, sizes, order of drawing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.height import plane_of
from glasscell.data.tissue import Extent
from glasscell.views.polygon_raster import stamp_polygons
from glasscell.views.raster import CellRaster, Viewport, draw_order, stamp_discs, stamp_mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.data.points import TissuePoints
    from glasscell.data.polygon import TissuePolygons

#: All planes of a three-dimensional tissue together.
ALL_PLANES = "all z"


@dataclass(frozen=True, eq=False)
class TissuePicture:
    """All that is needed to draw the cells of a dataset at any zoom.

    Parameters
    ----------
    sections
        The dataset's tissue sections with their images; empty when there are only positions.
    masks
        Segmentation masks (``labels_yx``, ``scale``, ``translate``, ``cells``: cell index of each label).
    positions_cd
        Where each cell lies, x and y, ``(n_cells, 2)``.
    discs_cd
        Where discs are drawn; NaN for a cell that a mask or a polygon draws.
    radius_c
        Radius of each disc in world units, ``(n_cells,)``.
    unit
        Of the coordinates: "um" or "px".
    order
        Fixed shuffled order of drawing, ``(n_cells,)``.
    bounds
        ``(x0, y0, x1, y1)`` round all cells.
    microns_per_unit
        Length of one unit in micrometres, None when unknown.
    polygons
        Outlines of cells.
    points
        Transcripts and other points, drawn over the cells.
    heights, z_c
        Height of each plane and of each cell in a three-dimensional tissue; empty and None in a flat one.
    plane
        Number of the plane shown; None for all of them together.
    shown_c
        Cells of the plane shown, ``(n_cells,)``; None for all.
    """

    sections: tuple[Any, ...]
    masks: tuple[Any, ...]
    positions_cd: NDArray[np.float64]
    discs_cd: NDArray[np.float64]
    radius_c: NDArray[np.float64]
    unit: str
    order: NDArray[np.int32]
    bounds: tuple[float, float, float, float]
    microns_per_unit: float | None = None
    polygons: tuple[TissuePolygons, ...] = ()
    points: tuple[TissuePoints, ...] = ()
    heights: tuple[float, ...] = ()
    z_c: NDArray[np.float64] | None = None
    plane: int | None = None
    shown_c: NDArray[np.bool_] | None = None

    @property
    def n_cells(self) -> int:
        """How many cells there are."""
        return len(self.positions_cd)

    def overview(self, longest: int = 1024) -> Viewport:
        """Lay a viewport over the whole tissue, its longer side ``longest`` pixels."""
        return fit_viewport(self.bounds, longest)

    def raster(self, viewport: Viewport) -> CellRaster:
        """Draw the cells of a viewport: from masks and outlines where there are any, as discs elsewhere."""
        raster: CellRaster | None = None
        if np.isfinite(self.discs_cd).any():
            raster = stamp_discs(self.discs_cd, self.radius_c, viewport, self.order)
        for polygons in self.polygons:
            raster = stamp_polygons(polygons, viewport, raster, self.shown_c)
        for mask in self.masks:
            raster = stamp_mask(mask.labels_yx, mask.cells, mask.scale, mask.translate, viewport, over=raster)
        if raster is None:
            raster = CellRaster(np.zeros((viewport.height, viewport.width), np.int32), viewport)
        return raster

    def at_plane(self, plane: int | None) -> TissuePicture:
        """Show one plane of a three-dimensional tissue: its pictures, and the cells nearest to it.

        Parameters
        ----------
        plane
            Number of one of ``heights``; None for all cells, with the middle plane of each picture. Call it
            on the picture of all planes.
        """
        if plane is None or not 0 <= plane < len(self.heights):
            return self
        place = (plane + 0.5) / len(self.heights)
        sections = tuple(
            replace(section, images=tuple(image.at_plane(place) for image in section.images))
            for section in self.sections
        )
        near_c = np.ones(self.n_cells, np.bool_)
        if self.z_c is not None:
            near_c = plane_of(self.z_c, self.heights) == plane
        masks, shown_c = [], near_c.copy()
        for mask in self.masks:
            if mask.planes:  # a mask knows itself which cells reach into a plane
                mask = mask.at_plane(place)
                shown_c[mask.matched] = False
                seen = mask.cells[np.flatnonzero(np.bincount(mask.labels_yx.ravel(), minlength=1))]
                shown_c[seen[seen >= 0]] = True
            else:
                kept = (
                    (mask.cells >= 0) & near_c[np.maximum(mask.cells, 0)] if self.n_cells else mask.cells > 0
                )
                mask = replace(mask, cells=np.where(kept, mask.cells, -1).astype(np.int32))
            masks.append(mask)
        discs_cd = np.where(shown_c[:, None], self.discs_cd, np.nan)
        return replace(
            self, sections=sections, masks=tuple(masks), discs_cd=discs_cd, plane=plane, shown_c=shown_c
        )

    def plane_words(self) -> tuple[str, ...]:
        """Say what can be shown: all planes, or the height of each; nothing for a flat tissue."""
        if len(self.heights) < 2:
            return ()
        unit = " µm" if self.unit == "um" else ""
        return (ALL_PLANES, *(f"z = {height:,.4g}{unit}" for height in self.heights))

    def shown_points(self, gene: str | None = None) -> tuple[NDArray[np.bool_], ...]:
        """Tell which of the points are drawn: those of the plane shown and, if one is named, of a gene."""
        masks = []
        for points in self.points:
            shown = np.ones(len(points), np.bool_)
            if self.plane is not None and points.z_p is not None:
                shown &= plane_of(points.z_p, self.heights) == self.plane
            if gene is not None and points.genes:
                shown &= points.of_gene(gene)
            masks.append(shown)
        return tuple(masks)


def resolve_tissue(dataset: Dataset) -> TissuePicture | None:
    """Work out the tissue picture of a dataset; None when its cells have no place."""
    positions = dataset.positions_cd
    if positions is None:
        return None
    sections = tuple(dataset.tissue.sections)
    points = tuple(each for section in sections for each in section.points)
    if not np.isfinite(positions).all(axis=1).any() and not points:
        return None
    positions_cd = np.ascontiguousarray(positions, np.float64)
    masks = tuple(section.mask for section in sections if section.mask is not None)
    polygons = tuple(section.polygons for section in sections if section.polygons is not None)
    radius_c = _radii(dataset, positions_cd, sections)
    discs_cd = positions_cd.copy()
    for cells in (*(mask.matched for mask in masks), *(each.matched for each in polygons)):
        discs_cd[cells] = np.nan
    return TissuePicture(
        sections=sections,
        masks=masks,
        positions_cd=positions_cd,
        discs_cd=discs_cd,
        radius_c=radius_c,
        unit=dataset.position_unit,
        order=draw_order(len(positions_cd)),
        bounds=_bounds(positions_cd, radius_c, polygons, points),
        microns_per_unit=dataset.tissue.microns_per_unit,
        polygons=polygons,
        points=points,
        heights=dataset.tissue.heights,
        z_c=dataset.tissue.z_c,
    )


def _bounds(
    positions_cd: NDArray[np.float64],
    radius_c: NDArray[np.float64],
    polygons: Sequence[Any],
    points: Sequence[Any],
) -> tuple[float, float, float, float]:
    """Rectangle round all discs and outlines; round the points where there are no cells."""
    known = np.isfinite(positions_cd).all(axis=1)
    drawn: Sequence[Any] = polygons if known.any() else points
    corners = [(positions_cd + sign * radius_c[:, None])[known] for sign in (-1, 1)]
    parts = [Extent.of_points(np.concatenate(corners)), *(each.extent for each in drawn)]
    whole = Extent.union([part for part in parts if part is not None]) or Extent(0.0, 0.0, 1.0, 1.0)
    return whole.x0, whole.y0, whole.x1, whole.y1


def fit_viewport(bounds: tuple[float, float, float, float], longest: int) -> Viewport:
    """Lay square pixels over a rectangle, ``longest`` of them along its longer side."""
    x0, y0, x1, y1 = bounds
    pixel = max(x1 - x0, y1 - y0) / longest or 1.0
    width, height = (max(int(np.ceil((b - a) / pixel - 1e-9)), 1) for a, b in ((x0, x1), (y0, y1)))
    return Viewport(x0 + pixel / 2, y0 + pixel / 2, pixel, height, width)


def typical_spacing(positions_cd: NDArray[np.floating[Any]]) -> float:
    """Median distance of up to 2,000 cells to their nearest neighbour; 1 when there is no such thing."""
    from scipy.spatial import cKDTree

    places = np.unique(positions_cd[np.isfinite(positions_cd).all(axis=1)], axis=0)
    if len(places) < 2:
        return 1.0
    asked = places[np.linspace(0, len(places) - 1, min(len(places), 2000)).astype(np.intp)]
    distance, _ = cKDTree(places).query(asked, k=2)
    return float(np.median(distance[:, 1])) or 1.0


def _radii(
    dataset: Dataset, positions_cd: NDArray[np.float64], sections: Sequence[Any]
) -> NDArray[np.float64]:
    """Known radius of each cell's section, else nearly half of the distance to the next cell in it."""
    radius_c = np.full(len(positions_cd), np.nan)
    known = {section.name: section.radius for section in sections if section.radius}
    codes = np.asarray(dataset.sections.codes)
    for code, name in enumerate(dataset.sections.names):
        members = codes == code
        if members.any():
            radius_c[members] = known.get(name) or 0.45 * typical_spacing(positions_cd[members])
    rest = ~np.isfinite(radius_c)
    if rest.any():
        radius_c[rest] = 0.45 * typical_spacing(positions_cd[rest])
    return radius_c
