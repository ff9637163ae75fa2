"""Read a SpatialData folder: the table, and the images, masks and shapes its cells are linked to by key.

The world of each section is the coordinate system of the element its cells belong to, which is also that of
``obsm["spatial"]``; images are brought into it. Links go by region and instance key, never by order.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.element import n_planes
from glasscell.data.height import choose_heights, element_heights
from glasscell.data.observation import find_positions
from glasscell.data.outline import with_outlines
from glasscell.data.points import TissuePoints, gene_names, read_points
from glasscell.data.read_anndata import check_matrices, short_reason
from glasscell.data.region import Region, read_image, read_region, share, transforms_of
from glasscell.data.report import count
from glasscell.data.tissue import Tissue, TissueSection
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from anndata import AnnData


@dataclass(frozen=True, eq=False)
class Loaded:
    """What a SpatialData folder gives a dataset.

    Parameters
    ----------
    adata
        The table, with ``obsm["spatial"]`` filled from shapes or masks when it had none.
    tissue
        Images, masks and radii in the coordinates of the table.
    region_key
        Obs column with the region of each cell, None when the table names none.
    problems
        What is odd, one sentence each.
    """

    adata: AnnData
    tissue: Tissue
    region_key: str | None
    problems: tuple[str, ...]


def read_spatialdata(path: Path, table: str | None = None) -> Loaded:
    """Read a folder that has been sniffed and found safe.

    Parameters
    ----------
    path
        The ``.zarr`` folder.
    table
        Name of the table to show; by default the one with the most cells.

    Raises
    ------
    DataError
        spatialdata is not installed, the folder cannot be read, or it holds neither a table nor points.
    """
    sdata, problems = _open(path)
    return link_spatialdata(sdata, path.name, table, problems)


def link_spatialdata(sdata: Any, title: str, table: str | None, problems: list[str]) -> Loaded:
    """Link the cells of a SpatialData in memory to what is drawn of them; see `read_spatialdata`.

    Parameters
    ----------
    sdata, title
        The SpatialData and what to call it in messages.
    table
        Name of the table to show; by default the one with the most cells.
    problems
        Sentences told so far; more are added.
    """
    if not sdata.tables and len(sdata.points):
        return _points_only(sdata, problems)
    name = _choose_table(sdata, table, title, problems)
    adata = sdata.tables[name]
    check_matrices(adata, title)
    attrs = adata.uns.get("spatialdata_attrs")
    region_key = attrs.get("region_key") if isinstance(attrs, dict) else None
    instance_key = attrs.get("instance_key") if isinstance(attrs, dict) else None
    if region_key not in adata.obs.columns or instance_key not in adata.obs.columns:
        problems.append(
            f"The table {name!r} names no region and instance key: no image or mask is linked to it."
        )
        return Loaded(adata, Tissue(), None, tuple(problems))
    regions = _read_regions(sdata, adata, str(region_key), str(instance_key), problems)
    _fill_positions(adata, regions, problems)
    images = _read_images(sdata, regions, problems)
    points = _read_points(sdata, regions, problems)
    sections = tuple(
        TissueSection(
            region.name,
            images.get(region.name, ()),
            region.mask,
            region.radius,
            polygons=region.polygons,
            points=points.get(region.name, ()),
        )
        for region in regions
    )
    radii_c, z_c = np.full(adata.n_obs, np.nan, dtype=np.float32), np.full(adata.n_obs, np.nan)
    for region in regions:
        radii_c[region.cells] = region.radii
        if region.z is not None:
            z_c[region.cells] = region.z
    heights_c = z_c if np.isfinite(z_c).any() else None
    rasters = [
        element_heights(element, sdata[region.name])
        for name, region, _ in share({**sdata.images, **sdata.labels}, regions)
        for element in (sdata[name],)
        if name in sdata.images or name == region.name
    ]
    tissue = Tissue(sections, radii_c=radii_c, z_c=heights_c, heights=choose_heights(heights_c, rasters))
    return Loaded(adata, tissue, str(region_key), tuple(problems))


def _points_only(sdata: Any, problems: list[str]) -> Loaded:
    """Make a dataset of no cells from a file that holds points alone; its genes are those of the points."""
    import pandas as pd
    import scipy.sparse as sp
    from anndata import AnnData

    names = sorted(sdata.points, key=str)
    first = transforms_of(sdata.points[names[0]])
    anchor = Region("points", np.empty(0, np.int64), np.empty((0, 2)), np.empty(0, np.float32), None, first)
    points = _read_points(sdata, [anchor], problems).get("points", ())
    images = _read_images(sdata, [anchor], problems).get("points", ())
    genes = list(dict.fromkeys(gene for name in names for gene in gene_names(sdata.points[name])))
    adata = AnnData(sp.csr_matrix((0, len(genes)), dtype=np.float32), var=pd.DataFrame(index=genes))
    return Loaded(adata, Tissue((TissueSection("points", images, points=points),)), None, tuple(problems))


def _read_points(
    sdata: Any, regions: list[Region], problems: list[str]
) -> dict[str, tuple[TissuePoints, ...]]:
    """Read the points that are not themselves cells, those of genes first."""
    found: dict[str, list[TissuePoints]] = {}
    centres = {region.name for region in regions}
    others = {name: sdata.points[name] for name in sorted(map(str, sdata.points)) if name not in centres}
    for name, region, affine in share(others, regions):
        try:
            points = read_points(others[name], name).transformed(affine)
        except Exception as error:
            problems.append(f"The points {name!r} cannot be shown: {short_reason(error)}.")
            continue
        if len(points):
            found.setdefault(region.name, []).append(points)
    return {name: tuple(sorted(each, key=lambda points: not points.genes)) for name, each in found.items()}


def _open(path: Path) -> tuple[Any, list[str]]:
    logger = logging.getLogger("ome_zarr")
    level = logger.level
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("ignore")
            try:
                import spatialdata
            except ImportError as error:
                raise DataError(
                    'SpatialData files need one more package: pip install "glasscell[spatial]".'
                ) from error
            logger.setLevel(logging.ERROR)
            warnings.simplefilter("always")
            sdata = spatialdata.read_zarr(path, on_bad_files="warn")
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{path.name} cannot be read as SpatialData: {short_reason(error)}.") from error
    finally:
        logger.setLevel(level)
    texts = [" ".join(str(warning.message).split()) for warning in caught]
    broken = [text for text in texts if text.startswith(("images", "labels", "shapes", "points", "tables"))]
    return sdata, [f"A part cannot be read and is left out: {text[:160]}." for text in broken]


def _choose_table(sdata: Any, wanted: str | None, title: str, problems: list[str]) -> str:
    sizes = {str(name): int(table.n_obs) for name, table in sdata.tables.items()}
    if not sizes:
        groups: Mapping[str, Any] = {
            kind: getattr(sdata, kind) for kind in ("images", "labels", "shapes", "points")
        }
        held = ", ".join(
            f"{kind} {', '.join(map(repr, list(group)[:3]))}" for kind, group in groups.items() if group
        )
        raise DataError(
            f"{title} holds no table of cells by genes (only {held or 'nothing'}); "
            "add one, for instance by counting points in segmented cells, and open it again."
        )
    if wanted is not None:
        if wanted not in sizes:
            raise DataError(f"There is no table {wanted!r} in {title}; it has {', '.join(sizes)}.")
        return wanted
    chosen = max(sizes, key=lambda name: sizes[name])
    others = [f"{name} ({count(sizes[name], 'cell')})" for name in sizes if name != chosen]
    if others:
        problems.append(f"The table {chosen!r} is shown; the file also has {', '.join(others)}.")
    return chosen


def _read_regions(
    sdata: Any, adata: AnnData, region_key: str, instance_key: str, problems: list[str]
) -> list[Region]:
    values = adata.obs[region_key].astype(str).to_numpy()
    keys = adata.obs[instance_key].to_numpy()
    regions = []
    for name in dict.fromkeys(values.tolist()):
        cells = np.flatnonzero(values == name)
        if name not in sdata:
            problems.append(f"{count(len(cells), 'cell')} belong to {name!r}, which is not in the file.")
            continue
        try:
            region = read_region(sdata, name, cells, keys[cells], instance_key, problems)
            regions.append(with_outlines(region, sdata, keys[cells]))
        except DataError as error:
            problems.append(str(error))
    return regions


def _fill_positions(adata: AnnData, regions: list[Region], problems: list[str]) -> None:
    """Give cells the centres of their shapes or masks where the table has no coordinates of its own."""
    stored_cd, _ = find_positions(adata)
    if stored_cd is not None:
        for region in regions:
            away = np.linalg.norm(stored_cd[region.cells] - region.centres_cd, axis=1)
            away = away[np.isfinite(away)]
            if len(away) and np.median(away) > max(4 * region.radius, 2.0):
                problems.append(
                    f"The table's coordinates lie {np.median(away):,.0f} units off {region.name!r} (median); "
                    "they are drawn as stored, check their scale."
                )
        return
    filled_cd = np.full((adata.n_obs, 3), np.nan)
    for region in regions:
        filled_cd[region.cells, :2] = region.centres_cd
        if region.z is not None:
            filled_cd[region.cells, 2] = region.z
    if not np.isfinite(filled_cd[:, 2]).any():
        filled_cd = filled_cd[:, :2].copy()
    if np.isfinite(filled_cd).any():
        adata.obsm["spatial"] = filled_cd


def _read_images(sdata: Any, regions: list[Region], problems: list[str]) -> dict[str, tuple[Any, ...]]:
    images: dict[str, list[Any]] = {}
    for name, region, affine in share(sdata.images, regions):
        try:
            image, note = read_image(sdata.images[name], str(name), affine)
        except Exception as error:
            problems.append(f"The image {name!r} cannot be shown: {short_reason(error)}.")
            continue
        images.setdefault(region.name, []).append(image)
        if note:
            problems.append(note)
        _tell_of_planes(sdata.images[name], name, problems)
    for region in regions:
        if region.mask is not None:
            _tell_of_planes(sdata[region.name], region.name, problems)
    return {name: tuple(found) for name, found in images.items()}


def _tell_of_planes(element: Any, name: str, problems: list[str]) -> None:
    planes = n_planes(element)
    if planes > 1:
        problems.append(
            f"{name!r} is three-dimensional ({planes} planes): the middle one is shown first, "
            "choose another by z in the tissue tools."
        )
