"""Folders as instruments write them, told apart by what lies in them, read by spatialdata-io."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glasscell.data.guard_hdf5 import check_hdf5
from glasscell.data.guard_zarr import check_zarr_zip
from glasscell.data.read_anndata import short_reason
from glasscell.errors import DataError, GlasscellError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

VISIUM, VISIUM_HD, XENIUM, COSMX, MERSCOPE = "Visium", "Visium HD", "Xenium", "CosMx", "MERSCOPE"
MATRIX = "filtered_feature_bc_matrix.h5"
_USUAL_BIN = "square_008um"
_BIN = re.compile(r"^square_\d{3}um$")
_MOSAIC = re.compile(r"^mosaic_.+_z(\d+)\.tif$")


@dataclass(frozen=True)
class Vendor:
    """Whose folder it is.

    Parameters
    ----------
    name
        ``"Visium"``, ``"Visium HD"``, ``"Xenium"``, ``"CosMx"`` or ``"MERSCOPE"``.
    folder
        The folder that holds the files: the one given, or its ``outs``.
    lacking
        Files without which it cannot be read.
    """

    name: str
    folder: Path
    lacking: tuple[str, ...] = ()


def find_vendor(folder: Path) -> Vendor | None:
    """Say by the files in it whose folder this is; None for any other folder.

    A folder that is recognisably a vendor's but lacks a file is returned too, with what it lacks.
    """
    for place in (folder, folder / "outs"):
        if not place.is_dir():
            continue
        names = {item.name for item in place.iterdir()}
        for recognise in (_xenium, _visium_hd, _visium, _cosmx, _merscope):
            found = recognise(place, names)
            if found is not None:
                return found
    return None


def _lacking(folder: Path, *wanted: str) -> tuple[str, ...]:
    return tuple(name for name in wanted if not (folder / name).exists())


def _xenium(folder: Path, names: set[str]) -> Vendor | None:
    if "experiment.xenium" not in names:
        return None
    wanted = ("cell_feature_matrix.h5", "cells.parquet", "cells.zarr.zip")
    return Vendor(XENIUM, folder, _lacking(folder, *wanted))


def _visium_hd(folder: Path, names: set[str]) -> Vendor | None:
    if "binned_outputs" not in names and not any(_BIN.match(name) for name in names):
        return None
    sliced = any(name.endswith("feature_slice.h5") for name in names)
    bins = folder / "binned_outputs" if "binned_outputs" in names else folder
    lacking = () if sliced else ("feature_slice.h5",)
    if not any(_BIN.match(item.name) for item in bins.iterdir()):
        lacking = (*lacking, f"binned_outputs/{_USUAL_BIN}")
    return Vendor(VISIUM_HD, folder, lacking)


def _visium(folder: Path, names: set[str]) -> Vendor | None:
    spatial = folder / "spatial"
    if not (spatial / "scalefactors_json.json").is_file():
        return None
    lists = ("tissue_positions.csv", "tissue_positions_list.csv")
    lacking = () if any((spatial / name).is_file() for name in lists) else (f"spatial/{lists[0]}",)
    if not any(name.endswith(MATRIX) for name in names):
        lacking = (*lacking, MATRIX)
    return Vendor(VISIUM, folder, lacking)


def _cosmx(folder: Path, names: set[str]) -> Vendor | None:
    tables = [name for name in names if name.endswith("_exprMat_file.csv")]
    if not tables:
        return None
    start = tables[0].removesuffix("exprMat_file.csv")
    wanted = (f"{start}metadata_file.csv", f"{start}fov_positions_file.csv", "CellComposite", "CellLabels")
    return Vendor(COSMX, folder, _lacking(folder, *wanted))


def _merscope(folder: Path, names: set[str]) -> Vendor | None:
    if "cell_by_gene.csv" not in names:
        return None
    wanted = ("cell_metadata.csv", "images/micron_to_mosaic_pixel_transform.csv")
    return Vendor(MERSCOPE, folder, _lacking(folder, *wanted))


def open_vendor(vendor: Vendor, table: str | None = None) -> tuple[Any, list[str]]:
    """Read a vendor's folder through spatialdata-io.

    Parameters
    ----------
    vendor
        From `find_vendor`.
    table
        Of Visium HD which bins to read, such as ``"square_016um"``; by default those of 8 micrometres.

    Returns
    -------
    The SpatialData and what is worth telling of it, one sentence each.

    Raises
    ------
    DataError
        A file is lacking, damaged or unsafe, or spatialdata-io is not installed.
    """
    title = f"the {vendor.name} folder {vendor.folder.name!r}"
    if vendor.lacking:
        raise DataError(
            f"{title[0].upper()}{title[1:]} lacks {', '.join(vendor.lacking)}: copy it there as the vendor "
            "wrote it, and open the folder again."
        )
    _check(vendor)
    told: list[str] = []
    try:
        with _quiet():
            sdata = _READERS[vendor.name](vendor.folder, table, told)
    except GlasscellError:
        raise
    except MemoryError as error:
        raise DataError(f"{title} does not fit into memory; read fewer cells of it.") from error
    except ImportError as error:
        raise DataError(
            f'{vendor.name} folders need more packages ({error}): pip install "glasscell[spatial]".'
        ) from error
    except Exception as error:
        raise DataError(
            f"{title[0].upper()}{title[1:]} cannot be read: {short_reason(error)}. "
            "Check that its files are complete and as the vendor wrote them."
        ) from error
    return sdata, told


def _check(vendor: Vendor) -> None:
    """Look through the files that could hold more than they say."""
    bins = "binned_outputs/square_*/*matrix.h5" if vendor.name == VISIUM_HD else "*matrix.h5"
    for file in sorted(vendor.folder.glob(bins)):
        check_hdf5(file)
    if vendor.name == XENIUM:
        check_zarr_zip(vendor.folder / "cells.zarr.zip")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the readers print and warn of away from the answer on stdout."""
    logger = logging.getLogger("spatialdata._logging")
    level = logger.level
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)


def _read_visium(folder: Path, table: str | None, told: list[str]) -> Any:
    from spatialdata_io.readers.visium import visium

    matrix = next(file.name for file in sorted(folder.iterdir()) if file.name.endswith(MATRIX))
    own = matrix.removesuffix(MATRIX).rstrip("_")
    title = own or (folder.parent.name if folder.name == "outs" else folder.name)
    return visium(folder, dataset_id=title)


def _read_visium_hd(folder: Path, table: str | None, told: list[str]) -> Any:
    from spatialdata_io.readers.visium_hd import visium_hd

    bins = folder / "binned_outputs" if (folder / "binned_outputs").is_dir() else folder
    sizes = sorted(item.name for item in bins.iterdir() if _BIN.match(item.name))
    usual = _USUAL_BIN if _USUAL_BIN in sizes else sizes[-1]
    chosen = table if table in sizes else usual
    others = [name for name in sizes if name != chosen]
    if others:
        told.append(
            f'Bins of {int(chosen[7:10])} µm are shown; open others with table="{others[-1]}" '
            f"({', '.join(others)})."
        )
    title = folder.parent.name if folder.name == "outs" else folder.name
    prefix = next(file.name for file in folder.iterdir() if file.name.endswith("feature_slice.h5"))
    title = prefix.removesuffix("feature_slice.h5").rstrip("_") or title
    return visium_hd(
        folder, dataset_id=title, bin_size=int(chosen[7:10]), load_segmentations_only=False, gex_only=True
    )


def _read_xenium(folder: Path, table: str | None, told: list[str]) -> Any:
    from spatialdata_io.readers.xenium import xenium

    there: Callable[[str], bool] = lambda name: (folder / name).exists()  # noqa: E731 - said six times below
    lacking = [name for name in ("transcripts.parquet", "cell_boundaries.parquet") if not there(name)]
    if lacking:
        told.append(f"Without {' and '.join(lacking)} these are not shown.")
    return xenium(
        folder,
        cells_boundaries=there("cell_boundaries.parquet"),
        nucleus_boundaries=False,  # of a cell its outline is shown
        nucleus_labels=False,
        transcripts=there("transcripts.parquet"),
        morphology_mip=there("morphology_mip.ome.tif"),
        morphology_focus=there("morphology_focus.ome.tif") or there("morphology_focus"),
    )


def _read_cosmx(folder: Path, table: str | None, told: list[str]) -> Any:
    from spatialdata_io.readers.cosmx import cosmx

    has_points = any(folder.glob("*_tx_file.csv"))
    if not has_points:
        told.append("Without its tx_file.csv no transcripts are shown.")
    return cosmx(folder, transcripts=has_points)


def _read_merscope(folder: Path, table: str | None, told: list[str]) -> Any:
    from spatialdata_io.readers.merscope import merscope

    found = (_MOSAIC.match(item.name) for item in (folder / "images").iterdir())
    planes = sorted({int(match.group(1)) for match in found if match})
    plane = planes[len(planes) // 2] if planes else None
    if len(planes) > 1:
        told.append(f"Of {len(planes)} planes of the mosaic the middle one, z{plane}, is shown.")
    return merscope(folder, z_layers=plane, backend="dask_image")


_READERS: dict[str, Callable[[Path, str | None, list[str]], Any]] = {
    VISIUM: _read_visium,
    VISIUM_HD: _read_visium_hd,
    XENIUM: _read_xenium,
    COSMX: _read_cosmx,
    MERSCOPE: _read_merscope,
}


def pixel_microns(vendor: Vendor, sdata: Any) -> float | None:
    """Micrometres of one unit of the world of a vendor's folder; None where its files do not say."""
    if vendor.name == MERSCOPE:
        return 1.0
    if vendor.name == XENIUM:
        return _number(vendor.folder / "experiment.xenium", "pixel_size")
    if vendor.name == VISIUM:
        diameter = _number(vendor.folder / "spatial" / "scalefactors_json.json", "spot_diameter_fullres")
        return 65.0 / diameter if diameter else None
    if vendor.name == VISIUM_HD:
        for file in sorted(vendor.folder.rglob("scalefactors_json.json")):
            microns = _number(file, "microns_per_pixel")
            if microns:
                return microns
    if vendor.name == COSMX:
        return _cosmx_pixel(next(iter(sdata.tables.values())).obs)
    return None


def _number(file: Path, key: str) -> float | None:
    try:
        value = json.loads(file.read_bytes()).get(key)
    except (OSError, ValueError, AttributeError):
        return None
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _cosmx_pixel(obs: Any) -> float | None:
    """Read the pixel off two columns that give each cell's area in pixels and in square micrometres."""
    if not {"Area", "Area.um2"} <= set(obs.columns):
        return None
    share = (obs["Area.um2"] / obs["Area"]).median()
    return float(share**0.5) if share > 0 else None
