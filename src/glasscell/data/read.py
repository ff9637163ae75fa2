"""Open a file of cells, whatever its name says: the content decides."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from glasscell.data.guard_hdf5 import check_hdf5
from glasscell.data.guard_zarr import check_zarr, is_zarr, root_attributes
from glasscell.errors import DataError

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset

H5AD, ANNDATA_ZARR, SPATIALDATA = "h5ad", "anndata zarr", "spatialdata zarr"
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ACCEPTED = "Glasscell opens .h5ad files and .zarr folders (AnnData or SpatialData)"
_ELSEWHERE = {
    "matrix": "a 10x HDF5 matrix: read it with scanpy.read_10x_h5 and save it as .h5ad",
    "row_attrs": "a loom file: read it with anndata.io.read_loom and save it as .h5ad",
    "mod": "a MuData file: save the modality you want as .h5ad",
}


def read(
    path: str | Path,
    *,
    section: str | None = None,
    donor: str | None = None,
    counts: str | None = None,
    table: str | None = None,
) -> Dataset:
    """Open a file of cells.

    The content decides how it is read, not the file's name. Nothing is written, and nothing in it is run.

    Parameters
    ----------
    path
        An ``.h5ad`` file, or a ``.zarr`` folder holding an AnnData or a SpatialData (format 2 or 3).
    section, donor
        Obs column with the section or the donor of each cell, when detection picks the wrong one.
    counts
        ``"X"``, ``"raw"`` or ``"layers/<key>"``: which matrix holds counts.
    table
        Which table of a SpatialData to show; by default the one with the most cells.

    Returns
    -------
    The dataset; its ``report()`` says in one sentence what was found, its ``problems`` what was odd.

    Raises
    ------
    DataError
        The file is absent, empty, damaged, unsafe or of another kind; the sentence says which.
    """
    from glasscell.data.dataset import Dataset

    place = Path(path).expanduser()
    kind = sniff(place)
    if kind == SPATIALDATA:
        from glasscell.data.read_spatialdata import read_spatialdata

        loaded = read_spatialdata(place, table)
        return Dataset(
            loaded.adata,
            path=place,
            tissue=loaded.tissue,
            section=section if section is not None else loaded.region_key,
            donor=donor,
            counts=counts,
            problems=loaded.problems,
        )
    if table is not None:
        raise DataError(f"{place.name} holds one table only; leave table= out.")
    from glasscell.data.read_anndata import read_anndata

    return Dataset(read_anndata(place, kind), path=place, section=section, donor=donor, counts=counts)


def sniff(path: Path) -> str:
    """Say by its content what a file is, having checked that it is safe to read.

    Returns
    -------
    ``"h5ad"``, ``"anndata zarr"`` or ``"spatialdata zarr"``.

    Raises
    ------
    DataError
        It is none of these, or not safe.
    """
    if not path.exists():
        raise DataError(f"There is no file {str(path)!r}; check the name and the folder.")
    try:
        return _sniff_folder(path) if path.is_dir() else _sniff_file(path)
    except PermissionError as error:
        raise DataError(f"{path.name} may not be read by this user; change its permissions.") from error


def _sniff_folder(path: Path) -> str:
    if not is_zarr(path):
        inside = sorted(item.name for item in path.iterdir())
        candidates = [name for name in inside if name.endswith((".h5ad", ".zarr"))]
        if not inside:
            raise DataError(f"The folder {path.name!r} is empty. {_ACCEPTED}.")
        hint = f"; it contains {', '.join(candidates[:3])}: open that" if candidates else ""
        raise DataError(f"The folder {path.name!r} is not a zarr store{hint}. {_ACCEPTED}.")
    check_zarr(path)
    attributes = root_attributes(path)
    if "spatialdata_attrs" in attributes:
        return SPATIALDATA
    if attributes.get("encoding-type") == "anndata" or all((path / name).is_dir() for name in ("obs", "var")):
        return ANNDATA_ZARR
    if any((path / name).is_dir() for name in ("tables", "table", "shapes", "labels", "points")):
        return SPATIALDATA
    raise DataError(f"The zarr folder {path.name!r} holds neither an AnnData nor a SpatialData. {_ACCEPTED}.")


def _sniff_file(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise DataError(f"{path.name} is empty (0 bytes): copy or download it again.")
    if start != _HDF5_SIGNATURE:
        if start.startswith(b"\x1f\x8b"):
            raise DataError(f"{path.name} is gzipped: unpack it first (gunzip).")
        if zipfile.is_zipfile(path):
            raise DataError(f"{path.name} is a zip archive: unpack it and open the folder or file inside.")
        if start[: len(_HDF5_SIGNATURE) - 2] == _HDF5_SIGNATURE[:-2] or len(start) < 8:
            raise DataError(f"{path.name} is damaged or cut short. Copy or download it again.")
        raise DataError(f"{path.name} is not a file of cells that Glasscell knows. {_ACCEPTED}.")
    names = check_hdf5(path)
    if {"obs", "var"} <= set(names):
        return H5AD
    for name, explanation in _ELSEWHERE.items():
        if name in names:
            raise DataError(f"{path.name} is {explanation}.")
    raise DataError(f"{path.name} is an HDF5 file without a table of cells (obs, var). {_ACCEPTED}.")
