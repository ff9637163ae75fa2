"""Read a vendor's folder: its table linked to its pictures, in one world with a known unit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.read_spatialdata import Loaded, link_spatialdata
from glasscell.data.vendor import (
    COSMX,
    MERSCOPE,
    VISIUM,
    VISIUM_HD,
    XENIUM,
    find_vendor,
    open_vendor,
    pixel_microns,
)
from glasscell.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from glasscell.data.vendor import Vendor

#: What one row of a vendor's table is; cells where not named.
OBSERVATIONS = {VISIUM: "spot", VISIUM_HD: "bin"}
_STITCHED = 0.05  # a field of view counts as moved, not turned, when its axes are off by no more


def read_vendor_folder(folder: Path, table: str | None = None) -> Loaded:
    """Recognise a folder and read it; see `read_vendor`."""
    vendor = find_vendor(folder)
    if vendor is None:
        raise DataError(f"The folder {folder.name!r} is none that a vendor wrote; check what is in it.")
    return read_vendor(vendor, table)


def read_vendor(vendor: Vendor, table: str | None = None) -> Loaded:
    """Read a folder that has been recognised.

    Parameters
    ----------
    vendor
        From `find_vendor`.
    table
        Of Visium HD which bins (``"square_016um"``) or ``"cell_segmentations"``.

    Raises
    ------
    DataError
        A file is lacking, damaged or unsafe.
    """
    sdata, told = open_vendor(vendor, table)
    microns = pixel_microns(vendor, sdata)
    if vendor.name == XENIUM and microns:
        _into_pixels(sdata, microns)
    loaded = link_spatialdata(sdata, vendor.folder.name, table, told)
    kind = OBSERVATIONS.get(vendor.name, "cell")
    if vendor.name == VISIUM_HD and "location_id" not in loaded.adata.obs:
        kind = "cell"  # segmented cells of an HD slide
    unit = "um" if vendor.name == MERSCOPE else "px"
    tissue = replace(loaded.tissue, unit=unit, microns_per_unit=microns)
    hint: dict[str, object] = {"platform": vendor.name, "observation": kind, "unit": unit}
    if microns:
        hint["microns_per_unit"] = microns
    loaded.adata.uns["glasscell"] = hint  # so that a saved copy knows it too
    if kind == "bin":
        tissue = replace(
            tissue, sections=tuple(replace(section, shape="square") for section in tissue.sections)
        )
    loaded = replace(loaded, tissue=tissue)
    if vendor.name == COSMX:
        loaded = _stitched(loaded)
    for key in ("global", "blank"):  # read already, or no gene: neither is an embedding
        if key in loaded.adata.obsm:
            del loaded.adata.obsm[key]
    return loaded


def _into_pixels(sdata: Any, microns: float) -> None:
    """Bring coordinates that are in micrometres onto the mask, whose pixels are the world of a Xenium run."""
    for adata in sdata.tables.values():
        attrs = adata.uns.get("spatialdata_attrs", {})
        if attrs.get("region") in sdata.labels and "spatial" in adata.obsm:
            adata.obsm["spatial"] = np.asarray(adata.obsm["spatial"], dtype=np.float64) / microns


def _stitched(loaded: Loaded) -> Loaded:
    """Put the fields of view of a CosMx slide where they lay on it, when they are moved and not turned."""
    adata = loaded.adata
    if loaded.region_key is None or "global" not in adata.obsm:
        return loaded
    local_cd, global_cd = (np.asarray(adata.obsm[key], dtype=np.float64) for key in ("spatial", "global"))
    fields = adata.obs[loaded.region_key].astype(str).to_numpy()
    offsets: dict[str, tuple[float, float]] = {}
    for name in dict.fromkeys(fields.tolist()):
        own = fields == name
        moved_cd = global_cd[own] - local_cd[own]
        reach = max(float(np.ptp(local_cd[own], axis=0).max()), 1.0)
        if np.ptp(moved_cd, axis=0).max() > _STITCHED * reach:
            told = "The fields of view are turned against the slide, so they are shown side by side."
            return replace(loaded, problems=(*loaded.problems, told))
        x, y = np.median(moved_cd, axis=0)
        offsets[name] = (float(x), float(y))
    placed_cd = local_cd + np.array([offsets[name] for name in fields.tolist()])
    adata.obsm["spatial"] = placed_cd
    return replace(loaded, tissue=loaded.tissue.shifted(offsets))
