"""What the tissue looks like, worked out once per dataset: sections, outlines, sizes, order of drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.views.raster import CellRaster, Viewport, draw_order, stamp_discs, stamp_mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset


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
        Where discs are drawn; NaN for a cell that a mask draws.
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

    @property
    def n_cells(self) -> int:
        """How many cells there are."""
        return len(self.positions_cd)

    def overview(self, longest: int = 1024) -> Viewport:
        """Lay a viewport over the whole tissue, its longer side ``longest`` pixels."""
        return fit_viewport(self.bounds, longest)

    def raster(self, viewport: Viewport) -> CellRaster:
        """Draw the cells of a viewport: from masks where there are any, as discs elsewhere."""
        raster: CellRaster | None = None
        if np.isfinite(self.discs_cd).any():
            raster = stamp_discs(self.discs_cd, self.radius_c, viewport, self.order)
        for mask in self.masks:
            raster = stamp_mask(mask.labels_yx, mask.cells, mask.scale, mask.translate, viewport, over=raster)
        if raster is None:
            raster = CellRaster(np.zeros((viewport.height, viewport.width), np.int32), viewport)
        return raster


def resolve_tissue(dataset: Dataset) -> TissuePicture | None:
    """Work out the tissue picture of a dataset; None when its cells have no place."""
    positions = dataset.positions_cd
    if positions is None or not np.isfinite(positions).all(axis=1).any():
        return None
    positions_cd = np.ascontiguousarray(positions, np.float64)
    sections = tuple(dataset.tissue.sections) if dataset.tissue is not None else ()
    masks = tuple(section.mask for section in sections if section.mask is not None)
    radius_c = _radii(dataset, positions_cd, sections)
    discs_cd = positions_cd.copy()
    for mask in masks:
        cells = np.asarray(mask.cells)
        discs_cd[cells[cells >= 0]] = np.nan
    finite = np.isfinite(positions_cd).all(axis=1)
    margin_c = radius_c[finite, None]
    low, high = (positions_cd[finite] - margin_c).min(axis=0), (positions_cd[finite] + margin_c).max(axis=0)
    return TissuePicture(
        sections=sections,
        masks=masks,
        positions_cd=positions_cd,
        discs_cd=discs_cd,
        radius_c=radius_c,
        unit=dataset.position_unit,
        order=draw_order(len(positions_cd)),
        bounds=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
        microns_per_unit=None if dataset.tissue is None else dataset.tissue.microns_per_unit,
    )


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
