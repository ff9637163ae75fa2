"""What a file or folder is, by what is in it."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from glasscell.data.cell_table import is_text_table
from glasscell.data.foreign import ACCEPTED, HDF5, foreign, worded
from glasscell.data.guard_hdf5 import check_hdf5
from glasscell.data.guard_zarr import check_zarr, is_zarr, root_attributes
from glasscell.data.tenx import is_mtx_folder
from glasscell.data.vendor import find_vendor
from glasscell.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

H5AD, ANNDATA_ZARR, SPATIALDATA = "h5ad", "anndata zarr", "spatialdata zarr"
VENDOR, TENX, TEXT, PARQUET = "vendor folder", "10x matrix", "text table", "parquet table"
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def sniff(path: Path) -> str:
    """Say by its content what a file is, having checked that it is safe to read.

    Returns
    -------
    One of the names of kinds in this module.

    Raises
    ------
    DataError
        It is none of these, or not safe; for formats of others the sentence says how to convert them.
    """
    if not path.exists():
        raise DataError(f"There is no file {str(path)!r}; check the name and the folder.")
    try:
        return _sniff_folder(path) if path.is_dir() else _sniff_file(path)
    except PermissionError as error:
        raise DataError(f"{path.name} may not be read by this user; change its permissions.") from error


def _sniff_folder(path: Path) -> str:
    if not is_zarr(path):
        if find_vendor(path) is not None:
            return VENDOR
        if is_mtx_folder(path):
            return TENX
        inside = sorted(item.name for item in path.iterdir())
        candidates = [name for name in inside if name.endswith((".h5ad", ".zarr"))]
        if not inside:
            raise DataError(f"The folder {path.name!r} is empty. {ACCEPTED}.")
        hint = f"; it contains {', '.join(candidates[:3])}: open that" if candidates else ""
        raise DataError(
            f"The folder {path.name!r} is not a zarr store nor a vendor's folder that is known{hint}. "
            f"{ACCEPTED}."
        )
    check_zarr(path)
    attributes = root_attributes(path)
    if "spatialdata_attrs" in attributes:
        return SPATIALDATA
    if attributes.get("encoding-type") == "anndata" or all((path / name).is_dir() for name in ("obs", "var")):
        return ANNDATA_ZARR
    if any((path / name).is_dir() for name in ("tables", "table", "shapes", "labels", "points")):
        return SPATIALDATA
    raise DataError(f"The zarr folder {path.name!r} holds neither an AnnData nor a SpatialData. {ACCEPTED}.")


def _sniff_file(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise DataError(f"{path.name} is empty (0 bytes): copy or download it again.")
    if start == _HDF5_SIGNATURE:
        return _sniff_hdf5(path)
    if start.startswith(b"PAR1"):
        return PARQUET
    advice = foreign(path)
    if advice:
        raise DataError(f"{path.name} is {advice}.")
    if is_text_table(path):
        return TEXT
    if start.startswith(b"\x1f\x8b"):
        raise DataError(f"{path.name} is gzipped: unpack it first (gunzip).")
    if zipfile.is_zipfile(path):
        raise DataError(f"{path.name} is a zip archive: unpack it and open the folder or file inside.")
    if start[: len(_HDF5_SIGNATURE) - 2] == _HDF5_SIGNATURE[:-2] or len(start) < 8:
        raise DataError(f"{path.name} is damaged or cut short. Copy or download it again.")
    raise DataError(f"{path.name} is not a file of cells that Glasscell knows. {ACCEPTED}.")


def _sniff_hdf5(path: Path) -> str:
    names = set(check_hdf5(path))
    if {"obs", "var"} <= names:
        return H5AD
    if "matrix" in names and "assays" not in names:
        # loom keeps its expression in an array called matrix, 10x a group
        return _sniff_matrix(path, names)
    for name, explanation in HDF5.items():
        if name in names:
            raise DataError(f"{path.name} is {worded(explanation, path)}.")
    if names and _is_old_tenx(path, names):
        return TENX
    raise DataError(f"{path.name} is an HDF5 file without a table of cells (obs, var). {ACCEPTED}.")


def _sniff_matrix(path: Path, names: set[str]) -> str:
    import h5py

    with h5py.File(path, "r") as file:
        if isinstance(file["matrix"], h5py.Group) and "barcodes" in file["matrix"]:
            return TENX
    if "row_attrs" in names:
        raise DataError(f"{path.name} is {worded(HDF5['row_attrs'], path)}.")
    raise DataError(f"{path.name} is an HDF5 file whose 10x matrix names no barcodes. {ACCEPTED}.")


def _is_old_tenx(path: Path, names: set[str]) -> bool:
    """Whether a file is a 10x matrix of version 2: one group a genome."""
    import h5py

    with h5py.File(path, "r") as file:
        groups = [file[name] for name in names]
        return all(
            isinstance(group, h5py.Group) and {"barcodes", "genes", "indptr"} <= set(group)
            for group in groups
        )
