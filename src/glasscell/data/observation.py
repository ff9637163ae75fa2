"""What one row of the table is: a cell, a spot or a bin, and how to say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glasscell.errors import DataError

if TYPE_CHECKING:
    from anndata import AnnData

KINDS = ("cell", "spot", "bin")
UNITS = ("um", "px")
# Coordinates of cells are looked for under these names, in this order.
POSITION_KEYS = ("spatial", "X_spatial", "spatial_coords", "coordinates", "centroids")
POSITION_COLUMNS = (
    ("x", "y"), ("x_position", "y_position"), ("x_centroid", "y_centroid"), ("center_x", "center_y"),
    ("centerx_global_px", "centery_global_px"), ("pxl_col_in_fullres", "pxl_row_in_fullres"),
    ("centroid_x", "centroid_y"), ("x_location", "y_location"), ("global_x", "global_y"),
)  # fmt: skip
VISIUM_SPOT_MICRONS = 65.0  # Space Ranger's spot_diameter_fullres spans a theoretical 65 um spot
_BIN_NAME = re.compile(r"^s_\d{3}um_\d+_\d+")


def hints(adata: AnnData) -> dict[str, Any]:
    """Read what the file itself says about its layout: ``uns["glasscell"]``, empty when absent."""
    found = adata.uns.get("glasscell", {})
    return dict(found) if isinstance(found, Mapping) else {}


def checked(value: str, allowed: tuple[str, ...], what: str) -> str:
    """Return the value when it is one of those allowed.

    Raises
    ------
    DataError
        It is not; the message lists the choices.
    """
    if value not in allowed:
        raise DataError(f"{what} cannot be {value!r}; choose {', '.join(allowed)}.")
    return value


def visium_libraries(adata: AnnData) -> dict[str, Mapping[str, Any]]:
    """Return the entries of ``uns["spatial"]`` that look like a library with images or scale factors."""
    spatial = adata.uns.get("spatial")
    if not isinstance(spatial, Mapping):
        return {}
    return {
        str(name): library
        for name, library in spatial.items()
        if isinstance(library, Mapping) and ("images" in library or "scalefactors" in library)
    }


def find_observation(adata: AnnData) -> str:
    """Say what one row is: ``"cell"``, ``"spot"`` or ``"bin"``."""
    said = hints(adata).get("observation")
    if isinstance(said, str) and said in KINDS:
        return said
    if adata.n_obs and _BIN_NAME.match(str(adata.obs_names[0])):
        return "bin"
    libraries = visium_libraries(adata)
    factors = [library.get("scalefactors", {}) for library in libraries.values()]
    if any("bin_size_um" in each for each in factors):
        return "bin"
    columns = {str(column).casefold() for column in adata.obs.columns}
    if {"array_row", "array_col"} <= columns:
        return "spot"
    has_mask = any("segmentation" in library.get("images", {}) for library in libraries.values())
    looks_cellular = has_mask or columns & {"cell_id", "cell_type", "cell_area", "cell_size", "area"}
    if any("spot_diameter_fullres" in each for each in factors) and not looks_cellular:
        return "spot"
    return "cell"


def find_platform(adata: AnnData, observation: str) -> str:
    """Name the platform where it is certain (``"Visium"``), else empty text."""
    said = hints(adata).get("platform")
    if isinstance(said, str) and said:
        return said
    columns = {str(column).casefold() for column in adata.obs.columns}
    visium = {"array_row", "array_col"} <= columns and bool(visium_libraries(adata))
    return "Visium" if visium and observation in ("spot", "bin") else ""


def find_positions(adata: AnnData) -> tuple[npt.NDArray[np.float64] | None, str]:
    """Find the coordinates of cells as stored.

    Returns
    -------
    float64 of shape ``(n_cells, 2)`` as (x, y), NaN for a cell without coordinates, and where they were
    found; (None, "") when the file has none.
    """
    for key in POSITION_KEYS:
        if key in adata.obsm:
            values = np.asarray(adata.obsm[key])
            if values.ndim == 2 and values.shape[1] >= 2 and values.dtype.kind in "biuf":
                found = _usable(values[:, :2])
                if found is not None:
                    return found, f"obsm[{key!r}]"
    by_name = {str(column).casefold(): column for column in adata.obs.columns}
    for x, y in POSITION_COLUMNS:
        if x in by_name and y in by_name:
            pair = adata.obs[[by_name[x], by_name[y]]]
            if all(dtype.kind in "iuf" for dtype in pair.dtypes):
                found = _usable(pair.to_numpy())
                if found is not None:
                    return found, f"obs[{by_name[x]!r}], obs[{by_name[y]!r}]"
    return None, ""


def _usable(values: npt.NDArray[Any]) -> npt.NDArray[np.float64] | None:
    positions_cd = np.array(values, dtype=np.float64)
    known = np.isfinite(positions_cd).all(axis=1)
    positions_cd[~known] = np.nan
    if not known.any() or (known.sum() > 1 and np.ptp(positions_cd[known], axis=0).max() == 0):
        return None
    return positions_cd


def find_unit(adata: AnnData) -> tuple[str, float | None]:
    """Say the unit of the coordinates and, where it is known, how many micrometres one of them is."""
    said = hints(adata)
    if said.get("unit") == "um":
        return "um", 1.0
    microns = said.get("microns_per_unit")
    if isinstance(microns, float | int) and microns > 0:
        return "px", float(microns)
    for library in visium_libraries(adata).values():
        factors = library.get("scalefactors", {})
        if "microns_per_pixel" in factors:
            return "px", float(factors["microns_per_pixel"])
        if "spot_diameter_fullres" in factors and find_platform(adata, find_observation(adata)):
            return "px", VISIUM_SPOT_MICRONS / float(factors["spot_diameter_fullres"])
    return "px", None


def find_embeddings(adata: AnnData) -> dict[str, npt.NDArray[np.floating[Any]]]:
    """Find the low-dimensional coordinates: obsm entries of numbers with at least two columns, not positions.

    UMAP and t-SNE come first, so the first entry is the one to show.
    """
    found = {}
    for key in adata.obsm:
        if key in POSITION_KEYS or str(key).startswith("glasscell."):
            continue
        value = adata.obsm[key]
        values = np.asarray(value.to_numpy() if hasattr(value, "to_numpy") else value)
        if values.ndim == 2 and values.shape[1] >= 2 and values.dtype.kind in "iuf":
            found[str(key)] = values
    return dict(sorted(found.items(), key=lambda item: (_drawing_rank(item[0]), item[0])))


def _drawing_rank(key: str) -> int:
    words = ("umap", "tsne", "phate", "draw", "pca")
    return next((rank for rank, word in enumerate(words) if word in key.casefold()), len(words))
